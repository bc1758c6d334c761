//! Links that break on purpose: when one goes, when it comes back, and what that
//! leaves in the log. Knows transports only by what it asks of them.

use std::time::Duration;

use super::Faults;
use super::held::Due;
use super::windows::Span;
use crate::clock::{Micros, micros};
use crate::crew::Life;
use crate::worker::{Stage, Worker};
use mockfleet_config::{FaultKind, format_duration};
use mockfleet_sendlog::EventKind;
use mockfleet_transport::{Cut, INJECTED, LinkAction, Slot};

/// What happens to a link at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// Fault number `fault` begins; it lasts for this time.
    Begin {
        slot: Slot,
        fault: usize,
        span: Span,
    },
    /// It is over.
    End { slot: Slot, fault: usize },
    /// A flapping link is lost once more, and then so many times more.
    Down { slot: Slot, fault: usize, more: u32 },
    /// It is back until then.
    Up { slot: Slot, fault: usize, more: u32 },
}

impl Worker {
    /// A device is switched on: the faults of its link are noted.
    pub(crate) fn arm_faults(&mut self, slot: Slot) {
        let end = self.end;
        let Some((device, group)) = self.crew.with_group(slot) else {
            return;
        };
        let Some(faults) = &group.faults else {
            return;
        };
        let (seed, born) = (group.seed(device.index), device.born);
        for fault in faults.links(seed) {
            if let Some((at, step)) = begin(faults, fault, slot, seed, born, end) {
                self.broken.push(at, Due::Link(step));
            }
        }
    }

    /// Does what faults have to do by now.
    pub(crate) fn run_broken(&mut self) {
        if self.broken.next().is_none() {
            return;
        }
        let now = self.record.clock.now();
        while let Some((at, due)) = self.broken.pop(now) {
            match due {
                Due::Message(envelope) => {
                    if let Some(line) = self
                        .crew
                        .target(envelope.slot)
                        .and_then(|n| self.lines.get_mut(n))
                    {
                        self.broken.go(&mut **line, envelope);
                    }
                }
                Due::Link(step) => self.step(at, step),
            }
        }
    }

    /// The run is over for devices: what is held back leaves, and links come back, so
    /// that all that waits has the time of the drain.
    pub(crate) fn mend(&mut self) {
        for envelope in self.broken.release_all() {
            if let Some(line) = self
                .crew
                .target(envelope.slot)
                .and_then(|n| self.lines.get_mut(n))
            {
                line.submit(envelope);
            }
        }
        for slot in std::mem::take(&mut self.broken.broken).into_keys() {
            self.act(slot, LinkAction::Restore { rush: false });
            self.act(slot, LinkAction::Slow(None));
        }
    }

    /// A device is gone for good: what is held back of it leaves now.
    pub(crate) fn let_go(&mut self, slot: Slot) {
        let Some(line) = self.crew.target(slot).and_then(|n| self.lines.get_mut(n)) else {
            return;
        };
        for envelope in self.broken.release(slot) {
            line.submit(envelope);
        }
    }

    fn step(&mut self, at: Micros, step: Step) {
        match step {
            Step::Begin { slot, fault, span } => self.begin(at, slot, fault, span),
            Step::End { slot, fault } => self.over(slot, fault),
            Step::Up { slot, fault, more } => {
                self.over(slot, fault);
                if let Some(down) = more.checked_sub(1)
                    && let Some(breaks) = self.breaks(slot, fault)
                {
                    let step = Step::Down {
                        slot,
                        fault,
                        more: down,
                    };
                    let at = at.saturating_add(breaks.flaps.up);
                    self.broken.push(at, Due::Link(step));
                }
            }
            Step::Down { slot, fault, more } => {
                if let Some(breaks) = self.breaks(slot, fault) {
                    self.break_link(slot, fault, breaks);
                    let at = at.saturating_add(breaks.flaps.down);
                    self.broken
                        .push(at, Due::Link(Step::Up { slot, fault, more }));
                }
            }
        }
    }

    fn begin(&mut self, at: Micros, slot: Slot, fault: usize, span: Span) {
        let Some(breaks) = self.breaks(slot, fault) else {
            return;
        };
        let end = self.end;
        let Some((device, group)) = self.crew.with_group(slot) else {
            return;
        };
        let Some(faults) = &group.faults else {
            return;
        };
        if let Some(kind) = faults.kind(fault) {
            let words = words(kind, span);
            self.record
                .event(device, group, at, EventKind::Fault, Some(&words));
        }
        self.record.counters.injected.begin(breaks.word);
        let seed = group.seed(device.index);
        if let Some((at, step)) = begin(faults, fault, slot, seed, span.end, end) {
            self.broken.push(at, Due::Link(step));
        }
        self.break_link(slot, fault, breaks);
        let (at, step) = match breaks.flaps.times.checked_sub(1) {
            Some(more) => (
                at.saturating_add(breaks.flaps.down),
                Step::Up { slot, fault, more },
            ),
            None => (span.end, Step::End { slot, fault }),
        };
        self.broken.push(at, Due::Link(step));
    }

    /// What a fault does to the link of a device that is still there.
    fn breaks(&mut self, slot: Slot, fault: usize) -> Option<Breaks> {
        let stage = self.stage;
        let (device, group) = self.crew.with_group(slot)?;
        if device.life != Life::Alive || stage != Stage::Running {
            return None;
        }
        group.faults.as_ref()?.kind(fault).map(Breaks::of)
    }

    fn break_link(&mut self, slot: Slot, fault: usize, breaks: Breaks) {
        self.broken.broken.entry(slot).or_default().push(fault);
        let blame = format!("{INJECTED}{}: ", breaks.word);
        self.broken.blame.insert(slot, blame.into());
        if let Some(how) = breaks.cut {
            let fault = breaks.word;
            self.act(slot, LinkAction::Cut { how, fault });
        }
        if breaks.slow.is_some() {
            self.act(slot, LinkAction::Slow(breaks.slow));
        }
    }

    /// A fault of a link is over; where another goes on, the link stays as that has it.
    fn over(&mut self, slot: Slot, fault: usize) {
        let Some(broken) = self.broken.broken.get_mut(&slot) else {
            return;
        };
        if let Some(place) = broken.iter().position(|other| *other == fault) {
            broken.remove(place);
        }
        let left = broken.clone();
        if left.is_empty() {
            self.broken.broken.remove(&slot);
        }
        let Some((_, group)) = self.crew.with_group(slot) else {
            return;
        };
        let kind = |number: usize| group.faults.as_ref()?.kind(number).map(Breaks::of);
        let Some(was) = kind(fault) else {
            return;
        };
        let left: Vec<Breaks> = left.into_iter().filter_map(kind).collect();
        if was.cut.is_some() && left.iter().all(|other| other.cut.is_none()) {
            self.act(slot, LinkAction::Restore { rush: was.rush });
        }
        if was.slow.is_some() {
            let slow = left.iter().filter_map(|other| other.slow).min();
            self.act(slot, LinkAction::Slow(slow));
        }
    }

    fn act(&mut self, slot: Slot, action: LinkAction) {
        if let Some(line) = self.crew.target(slot).and_then(|n| self.lines.get_mut(n)) {
            line.act(slot, action);
        }
    }
}

/// What a fault does to a link.
#[derive(Debug, Clone, Copy)]
struct Breaks {
    word: &'static str,
    cut: Option<Cut>,
    /// Bytes a second.
    slow: Option<u64>,
    /// Whether devices come back past the connect rate.
    rush: bool,
    flaps: Flaps,
}

/// How a link flaps; no times where it does not.
#[derive(Debug, Clone, Copy, Default)]
struct Flaps {
    times: u32,
    down: Micros,
    up: Micros,
}

impl Breaks {
    fn of(kind: &FaultKind) -> Self {
        let mut breaks = Self {
            word: kind.word(),
            cut: None,
            slow: None,
            rush: false,
            flaps: Flaps::default(),
        };
        match kind {
            FaultKind::Disconnect { vanish: false } => breaks.cut = Some(Cut::Closed),
            FaultKind::Disconnect { vanish: true } => breaks.cut = Some(Cut::Lost),
            FaultKind::HalfOpen => breaks.cut = Some(Cut::HalfOpen),
            FaultKind::ReconnectStorm => {
                breaks.cut = Some(Cut::Lost);
                breaks.rush = true;
            }
            FaultKind::Flapping { times, down, up } => {
                breaks.cut = Some(Cut::Lost);
                breaks.flaps = Flaps {
                    times: *times,
                    down: micros(*down),
                    up: micros(*up),
                };
            }
            FaultKind::SlowLink { bandwidth, .. } => breaks.slow = *bandwidth,
            _ => {}
        }
        breaks
    }
}

/// The next time of a fault that is not over at `from`, as a step; none if it would
/// begin when the run is over.
fn begin(
    faults: &Faults,
    fault: usize,
    slot: Slot,
    seed: u64,
    from: Micros,
    end: Micros,
) -> Option<(Micros, Step)> {
    let mut span = faults.next(fault, seed, from)?;
    // A device that is switched on while it is there has what is left of it.
    if span.begin < from && matches!(faults.kind(fault), Some(FaultKind::Flapping { .. })) {
        span = faults.next(fault, seed, span.end)?;
    }
    span.begin = span.begin.max(from);
    (span.begin < end).then_some((span.begin, Step::Begin { slot, fault, span }))
}

/// For the event's detail.
fn words(kind: &FaultKind, span: Span) -> String {
    let word = kind.word();
    match kind {
        FaultKind::Flapping { times, down, up } => format!(
            "{word}: {times} times down for {}, up for {} in between",
            format_duration(*down),
            format_duration(*up)
        ),
        _ if span.end == Micros::MAX => format!("{word} to the end of the run"),
        FaultKind::Disconnect { vanish: true } => {
            format!("{word} without a goodbye for {}", length(span))
        }
        _ => format!("{word} for {}", length(span)),
    }
}

fn length(span: Span) -> String {
    format_duration(Duration::from_micros(span.end.saturating_sub(span.begin)))
}
