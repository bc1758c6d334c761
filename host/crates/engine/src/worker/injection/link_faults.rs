//! Cuts and restores connections as injected faults ask, and logs both.

use std::time::Duration;

use crate::faults::group_faults::GroupFaults;
use crate::faults::windows::Window;
use crate::time::clock::{Micros, micros};
use crate::worker::device_table::DeviceState;
use crate::worker::injection::pending_action::{LinkStep, PendingAction};
use crate::worker::worker_loop::{Stage, Worker};
use mockfleet_config::{FaultKind, format_duration};
use mockfleet_sendlog::EventKind;
use mockfleet_transport::{Cut, DeviceIndex, LinkAction};

impl Worker {
    /// A device is switched on: the faults of its link are noted.
    pub(crate) fn schedule_link_faults(&mut self, slot: DeviceIndex) {
        let end = self.end;
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        let Some(faults) = &group.faults else {
            return;
        };
        let (seed, born) = (group.seed(device.index), device.born);
        for fault in faults.links(seed) {
            if let Some((at, step)) = begin(faults, fault, slot, seed, born, end) {
                self.faults.push(at, PendingAction::Link(step));
            }
        }
    }

    /// Does what faults have to do by now.
    pub(crate) fn run_pending_faults(&mut self) {
        if self.faults.next_due().is_none() {
            return;
        }
        let now = self.record.clock.now();
        while let Some((at, due)) = self.faults.pop(now) {
            match due {
                PendingAction::Message(envelope) => {
                    if let Some(transport) = self
                        .devices
                        .target(envelope.device)
                        .and_then(|n| self.transports.get_mut(n))
                    {
                        self.faults.submit(&mut **transport, envelope);
                    }
                }
                PendingAction::Link(step) => self.step(at, step),
            }
        }
    }

    /// The run is over for devices: what is held back leaves, and links come back, so
    /// that all that waits has the time of the drain.
    pub(crate) fn heal_all(&mut self) {
        for envelope in self.faults.release_all() {
            if let Some(transport) = self
                .devices
                .target(envelope.device)
                .and_then(|n| self.transports.get_mut(n))
            {
                transport.submit(envelope);
            }
        }
        for slot in std::mem::take(&mut self.faults.faults).into_keys() {
            self.apply_link_action(
                slot,
                LinkAction::Restore {
                    bypass_limiter: false,
                },
            );
            self.apply_link_action(slot, LinkAction::LimitBandwidth(None));
        }
    }

    /// A device is gone for good: what is held back of it leaves now.
    pub(crate) fn release_held(&mut self, slot: DeviceIndex) {
        let Some(transport) = self
            .devices
            .target(slot)
            .and_then(|n| self.transports.get_mut(n))
        else {
            return;
        };
        for envelope in self.faults.release(slot) {
            transport.submit(envelope);
        }
    }

    fn step(&mut self, at: Micros, step: LinkStep) {
        match step {
            LinkStep::Begin { slot, fault, span } => self.begin(at, slot, fault, span),
            LinkStep::End { slot, fault } => self.over(slot, fault),
            LinkStep::Up { slot, fault, more } => {
                self.over(slot, fault);
                if let Some(down) = more.checked_sub(1)
                    && let Some(cut_plan) = self.cut_plan(slot, fault)
                {
                    let step = LinkStep::Down {
                        slot,
                        fault,
                        more: down,
                    };
                    let at = at.saturating_add(cut_plan.flap_plan.up);
                    self.faults.push(at, PendingAction::Link(step));
                }
            }
            LinkStep::Down { slot, fault, more } => {
                if let Some(cut_plan) = self.cut_plan(slot, fault) {
                    self.cut_link(slot, fault, cut_plan);
                    let at = at.saturating_add(cut_plan.flap_plan.down);
                    self.faults
                        .push(at, PendingAction::Link(LinkStep::Up { slot, fault, more }));
                }
            }
        }
    }

    fn begin(&mut self, at: Micros, slot: DeviceIndex, fault: usize, span: Window) {
        let Some(cut_plan) = self.cut_plan(slot, fault) else {
            return;
        };
        let end = self.end;
        let Some((device, group)) = self.devices.with_group(slot) else {
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
        self.record.counters.injected.begin(cut_plan.word);
        let seed = group.seed(device.index);
        if let Some((at, step)) = begin(faults, fault, slot, seed, span.end, end) {
            self.faults.push(at, PendingAction::Link(step));
        }
        self.cut_link(slot, fault, cut_plan);
        let (at, step) = match cut_plan.flap_plan.times.checked_sub(1) {
            Some(more) => (
                at.saturating_add(cut_plan.flap_plan.down),
                LinkStep::Up { slot, fault, more },
            ),
            None => (span.end, LinkStep::End { slot, fault }),
        };
        self.faults.push(at, PendingAction::Link(step));
    }

    /// What a fault does to the link of a device that is still there.
    fn cut_plan(&mut self, slot: DeviceIndex, fault: usize) -> Option<CutPlan> {
        let stage = self.stage;
        let (device, group) = self.devices.with_group(slot)?;
        if device.life != DeviceState::Alive || stage != Stage::Running {
            return None;
        }
        group.faults.as_ref()?.kind(fault).map(CutPlan::of)
    }

    fn cut_link(&mut self, slot: DeviceIndex, fault: usize, cut_plan: CutPlan) {
        self.faults.faults.entry(slot).or_default().push(fault);
        self.faults.blame.insert(slot, cut_plan.word.into());
        if let Some(how) = cut_plan.cut {
            let fault = cut_plan.word;
            self.apply_link_action(slot, LinkAction::Cut { how, fault });
        }
        if cut_plan.slow.is_some() {
            self.apply_link_action(slot, LinkAction::LimitBandwidth(cut_plan.slow));
        }
    }

    /// A fault of a link is over; where another goes on, the link stays as that has it.
    fn over(&mut self, slot: DeviceIndex, fault: usize) {
        let Some(faults) = self.faults.faults.get_mut(&slot) else {
            return;
        };
        if let Some(place) = faults.iter().position(|other| *other == fault) {
            faults.remove(place);
        }
        let left = faults.clone();
        if left.is_empty() {
            self.faults.faults.remove(&slot);
        }
        let Some((_, group)) = self.devices.with_group(slot) else {
            return;
        };
        let kind = |number: usize| group.faults.as_ref()?.kind(number).map(CutPlan::of);
        let Some(was) = kind(fault) else {
            return;
        };
        let left: Vec<CutPlan> = left.into_iter().filter_map(kind).collect();
        if was.cut.is_some() && left.iter().all(|other| other.cut.is_none()) {
            self.apply_link_action(
                slot,
                LinkAction::Restore {
                    bypass_limiter: was.rush,
                },
            );
        }
        if was.slow.is_some() {
            let slow = left.iter().filter_map(|other| other.slow).min();
            self.apply_link_action(slot, LinkAction::LimitBandwidth(slow));
        }
    }

    fn apply_link_action(&mut self, slot: DeviceIndex, action: LinkAction) {
        if let Some(transport) = self
            .devices
            .target(slot)
            .and_then(|n| self.transports.get_mut(n))
        {
            transport.apply_link_action(slot, action);
        }
    }
}

/// What a fault does to a link.
#[derive(Debug, Clone, Copy)]
struct CutPlan {
    word: &'static str,
    cut: Option<Cut>,
    /// Bytes a second.
    slow: Option<u64>,
    /// Whether devices come back past the connect rate.
    rush: bool,
    flap_plan: FlapPlan,
}

/// How a link flaps; no times where it does not.
#[derive(Debug, Clone, Copy, Default)]
struct FlapPlan {
    times: u32,
    down: Micros,
    up: Micros,
}

impl CutPlan {
    fn of(kind: &FaultKind) -> Self {
        let mut cut_plan = Self {
            word: kind.word(),
            cut: None,
            slow: None,
            rush: false,
            flap_plan: FlapPlan::default(),
        };
        match kind {
            FaultKind::Disconnect { vanish: false } => cut_plan.cut = Some(Cut::Closed),
            FaultKind::Disconnect { vanish: true } => cut_plan.cut = Some(Cut::Lost),
            FaultKind::HalfOpen => cut_plan.cut = Some(Cut::HalfOpen),
            FaultKind::ReconnectStorm => {
                cut_plan.cut = Some(Cut::Lost);
                cut_plan.rush = true;
            }
            FaultKind::Flapping { times, down, up } => {
                cut_plan.cut = Some(Cut::Lost);
                cut_plan.flap_plan = FlapPlan {
                    times: *times,
                    down: micros(*down),
                    up: micros(*up),
                };
            }
            FaultKind::SlowLink { bandwidth, .. } => cut_plan.slow = *bandwidth,
            _ => {}
        }
        cut_plan
    }
}

/// The next time of a fault that is not over at `from`, as a step; none if it would
/// begin when the run is over.
fn begin(
    faults: &GroupFaults,
    fault: usize,
    slot: DeviceIndex,
    seed: u64,
    from: Micros,
    end: Micros,
) -> Option<(Micros, LinkStep)> {
    let mut span = faults.next(fault, seed, from)?;
    // A device that is switched on while it is there has what is left of it.
    if span.begin < from && matches!(faults.kind(fault), Some(FaultKind::Flapping { .. })) {
        span = faults.next(fault, seed, span.end)?;
    }
    span.begin = span.begin.max(from);
    (span.begin < end).then_some((span.begin, LinkStep::Begin { slot, fault, span }))
}

/// For the event's detail.
fn words(kind: &FaultKind, span: Window) -> String {
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

fn length(span: Window) -> String {
    format_duration(Duration::from_micros(span.end.saturating_sub(span.begin)))
}
