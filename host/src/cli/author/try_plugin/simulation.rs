//! The trial itself: devices in one cell, called in the order of a virtual clock. Knows
//! nothing of what becomes of what they say.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::cli::author::try_plugin::costs::CostMeter;
use crate::cli::author::try_plugin::devices::TriedDevices;
use crate::cli::author::try_plugin::events::TimedEvent;
use crate::cli::author::try_plugin::options::TryLimit;
use crate::cli::author::try_plugin::options::TryOptions;
use crate::cli::author::try_plugin::output::messages::MessageOutput;
use crate::cli::support::exit::Failure;
use crate::cli::ui::guest_output::GuestOutput;
use crate::cli::ui::out::err;
use mockfleet_plugin::{CallError, Cell, Seat, Tick, Turn};

/// The time between two ticks where a schedule says "as fast as it goes", and the shortest
/// one that a device can ask for. Microseconds.
const SHORTEST: u64 = 1_000;

/// A device while it is tried.
struct SimulatedDevice {
    /// `None` once it has retired.
    seat: Option<Seat>,
    /// When its next tick is due, microseconds since it was made.
    due: u64,
    /// Ticks that it has had, and when the last one was.
    ticks: u64,
    before: Option<u64>,
    /// What has happened to it so far.
    happened: usize,
}

/// What comes next for a device: when, what comes first at the same moment, and which one.
type Next = (u64, Rank, usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    First,
    Tick,
    Later,
}

/// Devices that are tried.
pub(crate) struct Simulation<'a> {
    tried: &'a TriedDevices,
    printed: &'a GuestOutput,
    cell: Cell,
    devices: Vec<SimulatedDevice>,
    pub(crate) costs: CostMeter,
}

impl<'a> Simulation<'a> {
    /// Makes the devices.
    pub(crate) fn new(tried: &'a TriedDevices, printed: &'a GuestOutput) -> Result<Self, Failure> {
        let made = tried
            .instantiate(&printed.console())
            .map_err(CallError::Fault)
            .and_then(|mut cell| {
                let seats = tried.specs.iter().map(|spec| cell.create(spec));
                let seats = seats.collect::<Result<Vec<Seat>, CallError>>()?;
                Ok((cell, seats))
            });
        printed.take().iter().for_each(|line| err!("{line}"));
        let (cell, seats) = made.map_err(|error| match error {
            CallError::InvalidConfig(why) => tried.refused(&why),
            other => {
                let plugin = tried.plugin.name();
                Failure::Other(anyhow::anyhow!("plugin {plugin}: {other}"))
            }
        })?;
        let devices = seats.into_iter().map(|seat| SimulatedDevice {
            seat: Some(seat),
            due: 0,
            ticks: 0,
            before: None,
            happened: 0,
        });
        Ok(Self {
            tried,
            printed,
            cell,
            devices: devices.collect(),
            costs: CostMeter::default(),
        })
    }

    /// Lets them live until they had what was asked for; an error is the end of their cell.
    pub(crate) fn run(
        &mut self,
        options: &TryOptions,
        output: &mut MessageOutput<'_>,
    ) -> Result<(), String> {
        let count = self.devices.len();
        let first = (0..count).filter_map(|number| self.next(number, options));
        let mut queue: BinaryHeap<Reverse<Next>> = first.map(Reverse).collect();
        while let Some(Reverse((at, rank, number))) = queue.pop() {
            match rank {
                Rank::Tick => self.tick(number, at, output)?,
                Rank::First | Rank::Later => self.happen(number, options, output)?,
            }
            queue.extend(self.next(number, options).map(Reverse));
        }
        self.tell_what_did_not_happen(options);
        Ok(())
    }

    /// What comes next for a device.
    fn next(&self, number: usize, options: &TryOptions) -> Option<Next> {
        let device = self.devices.get(number)?;
        device.seat?;
        let timed_event = options.timed_events.get(device.happened);
        let timed_event = timed_event.map(|next| match next.first {
            true => (next.at, Rank::First, number),
            false => (next.at, Rank::Later, number),
        });
        let tick = Some((device.due, Rank::Tick, number));
        match options.until {
            // What comes after its last tick has nothing to wait for.
            TryLimit::Ticks(most) if device.ticks >= most => None,
            TryLimit::Ticks(_) => timed_event.into_iter().chain(tick).min(),
            TryLimit::Time(end) => {
                let both = timed_event.into_iter().chain(tick);
                both.filter(|(at, ..)| *at < end).min()
            }
        }
    }

    fn tick(
        &mut self,
        number: usize,
        at: u64,
        output: &mut MessageOutput<'_>,
    ) -> Result<(), String> {
        let Some((device, spec)) = self
            .devices
            .get_mut(number)
            .zip(self.tried.specs.get(number))
        else {
            return Ok(());
        };
        let Some(seat) = device.seat else {
            return Ok(());
        };
        let sequence = device.ticks;
        let tick = Tick {
            at: spec.born.saturating_add(at),
            sequence,
        };
        let began = Instant::now();
        let turn = self.cell.tick(seat, tick);
        let took = began.elapsed();
        // A call that ends the cell has the price of that, and not of a tick.
        if !matches!(turn, Err(CallError::Fault(_))) {
            self.costs.tick(took);
        }
        self.costs.gap(device.before.replace(at), at);
        device.ticks += 1;
        device.due = at.saturating_add(self.tried.every().unwrap_or(SHORTEST));
        let called = Called {
            number,
            at,
            call: "tick",
            which: format!(" (its tick {sequence})"),
        };
        self.take(&called, turn, output)
    }

    fn happen(
        &mut self,
        number: usize,
        options: &TryOptions,
        output: &mut MessageOutput<'_>,
    ) -> Result<(), String> {
        let Some((device, spec)) = self
            .devices
            .get_mut(number)
            .zip(self.tried.specs.get(number))
        else {
            return Ok(());
        };
        let timed_event = options.timed_events.get(device.happened);
        let Some((
            TimedEvent {
                at, event, said, ..
            },
            seat,
        )) = timed_event.zip(device.seat)
        else {
            return Ok(());
        };
        device.happened += 1;
        output.tell(number, *at, said);
        let now = spec.born.saturating_add(*at);
        let turn = self.cell.handle(seat, now, event);
        let called = Called {
            number,
            at: *at,
            call: "handle",
            which: String::new(),
        };
        self.take(&called, turn, output)
    }

    /// What came of a call.
    fn take(
        &mut self,
        called: &Called,
        turn: Result<Turn, CallError>,
        output: &mut MessageOutput<'_>,
    ) -> Result<(), String> {
        let Called {
            number,
            at,
            call,
            which,
        } = called;
        self.printed.take().iter().for_each(|line| err!("{line}"));
        let Some(device) = self.devices.get_mut(*number) else {
            return Ok(());
        };
        match turn {
            Ok(turn) => {
                if let Some(length) = turn.next_tick {
                    device.due = at.saturating_add(length.max(SHORTEST));
                }
                self.costs.messages(&turn.messages);
                output.turn(*number, *at, turn);
            }
            Err(CallError::Retired(why)) => {
                device.seat = None;
                output.tell(*number, *at, &format!("the device retired: {why}"));
            }
            Err(CallError::Fault(fault)) => {
                let id = output.id(*number);
                let plugin = self.tried.plugin.name();
                let moment = crate::cli::author::try_plugin::output::messages::moment(*at);
                return Err(format!(
                    "{moment}: device {id} (plugin {plugin}): {fault}{which}"
                ));
            }
            Err(error) => {
                output.tell(*number, *at, &format!("{call} failed: {error}{which}"));
            }
        }
        Ok(())
    }

    /// What was to happen later than everything that was asked for.
    fn tell_what_did_not_happen(&self, options: &TryOptions) {
        let alive = self.devices.iter().filter(|device| device.seat.is_some());
        let Some(happened) = alive.map(|device| device.happened).max() else {
            return;
        };
        for timed_event in options.timed_events.iter().skip(happened) {
            err!(
                "{}: {}: did not happen, since the trial was over; --for makes it longer",
                crate::cli::author::try_plugin::output::messages::moment(timed_event.at),
                timed_event.said
            );
        }
    }
}

/// A call of a device, as messages name it.
struct Called {
    number: usize,
    at: u64,
    call: &'static str,
    which: String,
}
