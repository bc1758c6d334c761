//! The trial itself: devices in one cell, called in the order of a virtual clock. Knows
//! nothing of what becomes of what they say.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use super::super::Failure;
use super::super::console::Printed;
use super::asked::{Asked, Until};
use super::cost::Costs;
use super::happening::Happening;
use super::listener::Listener;
use super::subject::Subject;
use crate::cli::print::tell;
use mockfleet_plugin::{CallError, Cell, Console, Crash, DeviceHandle, Limits, Tick, Turn};

/// The time between two ticks where a schedule says "as fast as it goes", and the shortest
/// one that a device can ask for. Microseconds.
const SHORTEST: u64 = 1_000;

/// A device while it is tried.
struct Trying {
    /// `None` once it has retired.
    seat: Option<DeviceHandle>,
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
pub(super) struct Trial<'a> {
    subject: &'a Subject,
    printed: &'a Printed,
    cell: Cell,
    devices: Vec<Trying>,
    pub(super) costs: Costs,
}

/// A new cell for the plugin that is tried: an interpreter has room in it, and nothing is
/// stopped for being slow on a busy machine.
pub(super) fn cell(subject: &Subject, console: &Console) -> Result<Cell, Crash> {
    let limits = Limits {
        memory: 512 << 20,
        deadline: Duration::from_secs(5),
        ..Limits::default()
    };
    Cell::new(&subject.plugin, &limits, &subject.surroundings, console)
}

impl<'a> Trial<'a> {
    /// Makes the devices.
    pub(super) fn new(subject: &'a Subject, printed: &'a Printed) -> Result<Self, Failure> {
        let made = cell(subject, &printed.console())
            .map_err(CallError::Crash)
            .and_then(|mut cell| {
                let seats = subject.specs.iter().map(|spec| cell.create(spec));
                let seats = seats.collect::<Result<Vec<DeviceHandle>, CallError>>()?;
                Ok((cell, seats))
            });
        printed.take().iter().for_each(|line| tell!("{line}"));
        let (cell, seats) = made.map_err(|error| match error {
            CallError::InvalidConfig(why) => subject.refused(&why),
            other => {
                let plugin = subject.plugin.name();
                Failure::Other(anyhow::anyhow!("plugin {plugin}: {other}"))
            }
        })?;
        let devices = seats.into_iter().map(|seat| Trying {
            seat: Some(seat),
            due: 0,
            ticks: 0,
            before: None,
            happened: 0,
        });
        Ok(Self {
            subject,
            printed,
            cell,
            devices: devices.collect(),
            costs: Costs::default(),
        })
    }

    /// Lets them live until they had what was asked for; an error is the end of their cell.
    pub(super) fn run(&mut self, asked: &Asked, listener: &mut Listener<'_>) -> Result<(), String> {
        let count = self.devices.len();
        let first = (0..count).filter_map(|number| self.next(number, asked));
        let mut queue: BinaryHeap<Reverse<Next>> = first.map(Reverse).collect();
        while let Some(Reverse((at, rank, number))) = queue.pop() {
            match rank {
                Rank::Tick => self.tick(number, at, listener)?,
                Rank::First | Rank::Later => self.happen(number, asked, listener)?,
            }
            queue.extend(self.next(number, asked).map(Reverse));
        }
        self.tell_what_did_not_happen(asked);
        Ok(())
    }

    /// What comes next for a device.
    fn next(&self, number: usize, asked: &Asked) -> Option<Next> {
        let device = self.devices.get(number)?;
        device.seat?;
        let happening = asked.happenings.get(device.happened);
        let happening = happening.map(|next| match next.first {
            true => (next.at, Rank::First, number),
            false => (next.at, Rank::Later, number),
        });
        let tick = Some((device.due, Rank::Tick, number));
        match asked.until {
            // What comes after its last tick has nothing to wait for.
            Until::Ticks(most) if device.ticks >= most => None,
            Until::Ticks(_) => happening.into_iter().chain(tick).min(),
            Until::Time(end) => {
                let both = happening.into_iter().chain(tick);
                both.filter(|(at, ..)| *at < end).min()
            }
        }
    }

    fn tick(&mut self, number: usize, at: u64, listener: &mut Listener<'_>) -> Result<(), String> {
        let Some((device, spec)) = self
            .devices
            .get_mut(number)
            .zip(self.subject.specs.get(number))
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
        if !matches!(turn, Err(CallError::Crash(_))) {
            self.costs.tick(took);
        }
        self.costs.gap(device.before.replace(at), at);
        device.ticks += 1;
        device.due = at.saturating_add(self.subject.every().unwrap_or(SHORTEST));
        let called = Called {
            number,
            at,
            call: "tick",
            which: format!(" (its tick {sequence})"),
        };
        self.take(&called, turn, listener)
    }

    fn happen(
        &mut self,
        number: usize,
        asked: &Asked,
        listener: &mut Listener<'_>,
    ) -> Result<(), String> {
        let Some((device, spec)) = self
            .devices
            .get_mut(number)
            .zip(self.subject.specs.get(number))
        else {
            return Ok(());
        };
        let happening = asked.happenings.get(device.happened);
        let Some((
            Happening {
                at, event, said, ..
            },
            seat,
        )) = happening.zip(device.seat)
        else {
            return Ok(());
        };
        device.happened += 1;
        listener.tell(number, *at, said);
        let now = spec.born.saturating_add(*at);
        let turn = self.cell.handle(seat, now, event);
        let called = Called {
            number,
            at: *at,
            call: "handle",
            which: String::new(),
        };
        self.take(&called, turn, listener)
    }

    /// What came of a call.
    fn take(
        &mut self,
        called: &Called,
        turn: Result<Turn, CallError>,
        listener: &mut Listener<'_>,
    ) -> Result<(), String> {
        let Called {
            number,
            at,
            call,
            which,
        } = called;
        self.printed.take().iter().for_each(|line| tell!("{line}"));
        let Some(device) = self.devices.get_mut(*number) else {
            return Ok(());
        };
        match turn {
            Ok(turn) => {
                if let Some(length) = turn.next_tick {
                    device.due = at.saturating_add(length.max(SHORTEST));
                }
                self.costs.messages(&turn.messages);
                listener.turn(*number, *at, turn);
            }
            Err(CallError::Retired(why)) => {
                device.seat = None;
                listener.tell(*number, *at, &format!("the device retired: {why}"));
            }
            Err(CallError::Crash(fault)) => {
                let id = listener.id(*number);
                let plugin = self.subject.plugin.name();
                let moment = super::listener::moment(*at);
                return Err(format!(
                    "{moment}: device {id} (plugin {plugin}): {fault}{which}"
                ));
            }
            Err(error) => {
                listener.tell(*number, *at, &format!("{call} failed: {error}{which}"));
            }
        }
        Ok(())
    }

    /// What was to happen later than everything that was asked for.
    fn tell_what_did_not_happen(&self, asked: &Asked) {
        let alive = self.devices.iter().filter(|device| device.seat.is_some());
        let Some(happened) = alive.map(|device| device.happened).max() else {
            return;
        };
        for happening in asked.happenings.iter().skip(happened) {
            tell!(
                "{}: {}: did not happen, since the trial was over; --for makes it longer",
                super::listener::moment(happening.at),
                happening.said
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
