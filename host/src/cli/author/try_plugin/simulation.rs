//! Runs devices in one cell on a virtual clock.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use crate::cli::author::try_plugin::costs::CostMeter;
use crate::cli::author::try_plugin::devices::TriedDevices;
use crate::cli::author::try_plugin::events::TimedEvent;
use crate::cli::author::try_plugin::options::TryLimit;
use crate::cli::author::try_plugin::options::TryOptions;
use crate::cli::author::try_plugin::output::findings::{Findings, shown};
use crate::cli::author::try_plugin::output::messages::MessageOutput;
use crate::cli::support::exit::Failure;
use crate::cli::ui::guest_output::GuestOutput;
use crate::cli::ui::out::err;
use mockfleet_config::format_duration;
use mockfleet_engine::{stray_channel, unlisted_status};
use mockfleet_plugin::{
    CallError, Cell, CrashCause, DeviceHandle, Event, Interests, Tick, Turn, thread_cpu_time,
};

/// Shortest interval, also for flat-out schedules: 1 ms, in microseconds.
const MIN_INTERVAL_US: u64 = 1_000;

/// A device in the simulation.
struct SimulatedDevice {
    /// `None` once it has retired.
    seat: Option<DeviceHandle>,
    /// Due time of the next tick, microseconds since the start.
    due: u64,
    /// Ticks so far, and the time of the last one.
    ticks: u64,
    before: Option<u64>,
    /// Number of timed events that have happened.
    happened: usize,
}

/// The next call of a device: its time, its rank at that time, and the device.
type Next = (u64, Rank, usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    First,
    Tick,
    Later,
}

/// The simulation of the devices.
pub(crate) struct Simulation<'a> {
    tried: &'a TriedDevices,
    printed: &'a GuestOutput,
    cell: Cell,
    devices: Vec<SimulatedDevice>,
    pub(crate) costs: CostMeter,
    pub(crate) findings: Findings,
}

impl<'a> Simulation<'a> {
    /// Creates the devices.
    pub(crate) fn new(tried: &'a TriedDevices, printed: &'a GuestOutput) -> Result<Self, Failure> {
        let made = tried
            .instantiate(&printed.console())
            .map_err(CallError::Crash)
            .and_then(|mut cell| {
                let seats = tried.specs.iter().map(|spec| cell.create(spec));
                let seats = seats.collect::<Result<Vec<DeviceHandle>, CallError>>()?;
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
            findings: Findings::default(),
        })
    }

    /// Runs the devices to the limit; an error ends their cell.
    pub(crate) fn run(
        &mut self,
        options: &TryOptions,
        output: &mut MessageOutput<'_>,
    ) -> Result<(), String> {
        let count = self.devices.len();
        let interests = self.tried.plugin.description().interests;
        if interests.contains(Interests::START) {
            for number in 0..count {
                self.start(number, output)?;
            }
        }
        let first = (0..count).filter_map(|number| self.next(number, options));
        let mut queue: BinaryHeap<Reverse<Next>> = first.map(Reverse).collect();
        while let Some(Reverse((at, rank, number))) = queue.pop() {
            match rank {
                Rank::Tick => self.tick(number, at, output)?,
                Rank::First | Rank::Later => self.happen(number, options, output)?,
            }
            queue.extend(self.next(number, options).map(Reverse));
        }
        self.report_late_events(options);
        Ok(())
    }

    /// Returns the next call of a device.
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
            // Events after the last tick do not count.
            TryLimit::Ticks(most) if device.ticks >= most => None,
            TryLimit::Ticks(_) => timed_event.into_iter().chain(tick).min(),
            TryLimit::Time(end) => {
                let both = timed_event.into_iter().chain(tick);
                both.filter(|(at, ..)| *at < end).min()
            }
        }
    }

    /// Calls a device for its start. Its first tick is due at the same time.
    fn start(&mut self, number: usize, output: &mut MessageOutput<'_>) -> Result<(), String> {
        let device = self.devices.get(number).zip(self.tried.specs.get(number));
        let Some((seat, born)) = device.and_then(|(device, spec)| device.seat.zip(Some(spec.born)))
        else {
            return Ok(());
        };
        let began = thread_cpu_time();
        let turn = self.cell.start(seat, born, Some(born));
        let called = Called {
            number,
            at: 0,
            call: "start",
            which: String::new(),
            took: thread_cpu_time().saturating_sub(began),
        };
        self.take(&called, turn, output)
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
        let cpu_began = thread_cpu_time();
        let began = Instant::now();
        let turn = self.cell.tick(seat, tick);
        let took = began.elapsed();
        let cpu_took = thread_cpu_time().saturating_sub(cpu_began);
        // A crash takes longer than a tick, and is not counted as one.
        if !matches!(turn, Err(CallError::Crash(_))) {
            self.costs.tick(took);
        }
        self.costs.gap(device.before.replace(at), at);
        device.ticks += 1;
        device.due = at.saturating_add(self.tried.every().unwrap_or(MIN_INTERVAL_US));
        let called = Called {
            number,
            at,
            call: "tick",
            which: format!(" (its tick {sequence})"),
            took: cpu_took,
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
        let interests = self.tried.plugin.description().interests;
        if let Some(name) = missing_interest(interests, event) {
            let why = format!("{said}; not delivered, since the plugin names no event {name}");
            output.report(number, *at, &why);
            return Ok(());
        }
        output.report(number, *at, said);
        let now = spec.born.saturating_add(*at);
        let began = thread_cpu_time();
        let turn = self.cell.handle(seat, now, event);
        let called = Called {
            number,
            at: *at,
            call: "handle",
            which: String::new(),
            took: thread_cpu_time().saturating_sub(began),
        };
        self.take(&called, turn, output)
    }

    /// Handles the result of a call.
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
            took,
        } = called;
        self.printed.take().iter().for_each(|line| err!("{line}"));
        let deadline = self.tried.deadline();
        let has_crashed = matches!(turn, Err(CallError::Crash(_)));
        if *took > deadline && !has_crashed && self.findings.slow_call(*took) {
            let (took, deadline) = (shown(*took), format_duration(deadline));
            let what = format!(
                "{call} took {took}, and a run stops a call after {deadline} (limits.deadline){which}"
            );
            output.report(*number, *at, &what);
        }
        let next_tick = turn.as_ref().ok().and_then(|turn| turn.next_tick);
        // As in a run, a turn with an unknown channel sends nothing, and its next tick holds.
        let turn = turn.and_then(|turn| {
            let has_route = |channel: &str| self.tried.has_route(channel);
            let stray = stray_channel(&turn.messages, self.tried.has_target(), has_route);
            let Some(why) = stray else {
                return Ok(turn);
            };
            self.findings.stray_turn();
            Err(CallError::Failed(why))
        });
        if *call == "tick" {
            // A device that retires has not failed.
            let has_failed = matches!(
                turn,
                Err(CallError::Failed(_) | CallError::InvalidConfig(_))
            );
            self.findings.tick(has_failed);
        }
        self.note_answer(called, &turn, output);
        let Some(device) = self.devices.get_mut(*number) else {
            return Ok(());
        };
        if let Some(length) = next_tick {
            device.due = at.saturating_add(length.max(MIN_INTERVAL_US));
        }
        match turn {
            Ok(turn) => {
                self.costs.messages(&turn.messages);
                output.turn(*number, *at, turn);
            }
            Err(CallError::Retired(why)) => {
                device.seat = None;
                output.report(*number, *at, &format!("the device retired: {why}"));
            }
            Err(CallError::Crash(fault)) => {
                let id = output.id(*number);
                let plugin = self.tried.plugin.name();
                let moment = crate::cli::author::try_plugin::output::messages::moment(*at);
                let run = match fault.cause {
                    CrashCause::Deadline(_) => format!(
                        "; a run stops a call after {} (limits.deadline)",
                        format_duration(deadline)
                    ),
                    _ => String::new(),
                };
                return Err(format!(
                    "{moment}: device {id} (plugin {plugin}): {fault}{which}{run}"
                ));
            }
            Err(error) => {
                output.report(*number, *at, &format!("{call} failed: {error}{which}"));
            }
        }
        Ok(())
    }

    /// Notes whether a call had an effect, and reports a status that the plugin does not list.
    fn note_answer(
        &mut self,
        called: &Called,
        turn: &Result<Turn, CallError>,
        output: &mut MessageOutput<'_>,
    ) {
        let Ok(turn) = turn else {
            return self.findings.answer();
        };
        let Turn {
            messages,
            status,
            next_tick,
            link,
        } = turn;
        let is_empty =
            messages.is_empty() && status.is_none() && next_tick.is_none() && link.is_none();
        if !is_empty {
            self.findings.answer();
        }
        let Some(status) = status else {
            return;
        };
        if let Some(what) = unlisted_status(&self.tried.plugin, status)
            && self.findings.unlisted_status(status)
        {
            output.report(called.number, called.at, &what);
        }
    }

    /// Reports events that are later than the end.
    fn report_late_events(&self, options: &TryOptions) {
        let alive = self.devices.iter().filter(|device| device.seat.is_some());
        let Some(happened) = alive.map(|device| device.happened).max() else {
            return;
        };
        for timed_event in options.timed_events.iter().skip(happened) {
            err!(
                "{}: {}: did not happen, since the devices had stopped; --for extends the time",
                crate::cli::author::try_plugin::output::messages::moment(timed_event.at),
                timed_event.said
            );
        }
    }
}

/// A call of a device, for messages.
struct Called {
    number: usize,
    at: u64,
    call: &'static str,
    which: String,
    /// Processor time of the call: that of other processes is no fault of the device.
    took: Duration,
}

/// Returns the name of the events that a plugin must request to receive this one, if it does not.
fn missing_interest(interests: Interests, event: &Event) -> Option<&'static str> {
    let (needed, name) = match event {
        Event::Received(_) => (Interests::DOWNLINK, "downlink"),
        Event::Settled(_) => (Interests::RECEIPTS, "receipts"),
        Event::Connected | Event::Disconnected(_) => (Interests::LINK, "link"),
    };
    (!interests.contains(needed)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_without_its_interest_is_not_delivered() {
        let lost = Event::Disconnected("as asked".into());
        assert_eq!(missing_interest(Interests::empty(), &lost), Some("link"));
        assert_eq!(missing_interest(Interests::LINK, &lost), None);
        assert_eq!(
            missing_interest(Interests::DOWNLINK, &Event::Connected),
            Some("link")
        );
    }
}
