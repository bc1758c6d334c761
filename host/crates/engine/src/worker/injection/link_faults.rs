//! Cuts and restores connections as injected faults ask, and logs both.

use mockfleet_metrics::noun_for;
use std::time::Duration;

use crate::faults::group_faults::GroupFaults;
use crate::faults::windows::Window;
use crate::group::device_group::Group;
use crate::time::clock::{Micros, micros};
use crate::worker::devices::Device;
use crate::worker::fleet_source::FleetSource;
use crate::worker::injection::pending_action::{LinkStep, PendingAction};
use crate::worker::injection::pending_faults::PendingFaults;
use crate::worker::worker_loop::WorkerContext;
use mockfleet_config::{FaultKind, format_duration};
use mockfleet_sendlog::EventKind;
use mockfleet_transport::{Cut, DeviceIndex, LinkAction};

impl PendingFaults {
    /// Schedules the first times of the faults of a device's link, when it is switched on.
    pub(crate) fn schedule_link_faults(
        &mut self,
        slot: DeviceIndex,
        device: &Device,
        group: &Group,
        end: Micros,
    ) {
        let Some(faults) = &group.faults else {
            return;
        };
        let seed = group.seed(device.index);
        for fault in faults.links(seed) {
            if let Some((at, step)) = first_step(faults, fault, slot, seed, device.born, end) {
                self.push(at, PendingAction::Link(step));
            }
        }
    }
}

impl FleetSource {
    /// Performs the due actions of faults: sends delayed messages, and changes links.
    pub(crate) fn run_pending_faults(&mut self, cx: &mut WorkerContext) {
        if self.faults.next_due().is_none() {
            return;
        }
        let now = cx.now();
        while let Some((at, due)) = self.faults.pop(now) {
            match due {
                PendingAction::Message(envelope) => {
                    if let Some(transport) = self
                        .devices
                        .target(envelope.device)
                        .and_then(|target| cx.io.transports.get_mut(target))
                    {
                        self.faults.submit(&mut **transport, envelope);
                    }
                }
                PendingAction::Link(step) => self.change_link(cx, at, step),
            }
        }
    }

    /// Ends all faults when devices are not called any more: delayed messages leave, and links are
    /// restored, so that open messages have the whole time of the drain.
    pub(crate) fn heal_all(&mut self, cx: &mut WorkerContext) {
        for envelope in self.faults.release_all() {
            if let Some(transport) = self
                .devices
                .target(envelope.device)
                .and_then(|target| cx.io.transports.get_mut(target))
            {
                transport.submit(envelope);
            }
        }
        for slot in std::mem::take(&mut self.faults.broken_links).into_keys() {
            let restore = LinkAction::Restore {
                bypass_limiter: false,
            };
            self.apply_link_action(cx, slot, restore);
            self.apply_link_action(cx, slot, LinkAction::LimitBandwidth(None));
        }
    }

    fn change_link(&mut self, cx: &mut WorkerContext, at: Micros, step: LinkStep) {
        match step {
            LinkStep::Begin { slot, fault, span } => self.begin_fault(cx, at, slot, fault, span),
            LinkStep::End { slot, fault } => self.end_fault(cx, slot, fault),
            LinkStep::Up { slot, fault, more } => {
                self.end_fault(cx, slot, fault);
                if let Some(more) = more.checked_sub(1)
                    && let Some(plan) = self.cut_plan(cx, slot, fault)
                {
                    let step = LinkStep::Down { slot, fault, more };
                    let at = at.saturating_add(plan.flap_plan.up);
                    self.faults.push(at, PendingAction::Link(step));
                }
            }
            LinkStep::Down { slot, fault, more } => {
                if let Some(plan) = self.cut_plan(cx, slot, fault) {
                    self.cut_link(cx, slot, fault, plan);
                    let step = LinkStep::Up { slot, fault, more };
                    let at = at.saturating_add(plan.flap_plan.down);
                    self.faults.push(at, PendingAction::Link(step));
                }
            }
        }
    }

    fn begin_fault(
        &mut self,
        cx: &mut WorkerContext,
        at: Micros,
        slot: DeviceIndex,
        fault: usize,
        span: Window,
    ) {
        let Some(plan) = self.cut_plan(cx, slot, fault) else {
            return;
        };
        let end = self.schedule.end;
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        let Some(faults) = &group.faults else {
            return;
        };
        tracing::debug!(slot, fault = plan.word, at, "a fault of a link begins");
        if let Some(kind) = faults.kind(fault) {
            let words = words(kind, span);
            cx.record
                .event(device, group, at, EventKind::Fault, Some(&words));
        }
        cx.record.counters.injected.begin(plan.word);
        let seed = group.seed(device.index);
        if let Some((at, step)) = first_step(faults, fault, slot, seed, span.end, end) {
            self.faults.push(at, PendingAction::Link(step));
        }
        self.cut_link(cx, slot, fault, plan);
        let (at, step) = match plan.flap_plan.times.checked_sub(1) {
            Some(more) => (
                at.saturating_add(plan.flap_plan.down),
                LinkStep::Up { slot, fault, more },
            ),
            None => (span.end, LinkStep::End { slot, fault }),
        };
        self.faults.push(at, PendingAction::Link(step));
    }

    /// Returns the plan of a fault for the link of an active device, while the run goes on.
    fn cut_plan(&mut self, cx: &WorkerContext, slot: DeviceIndex, fault: usize) -> Option<CutPlan> {
        let (device, group) = self.devices.with_group(slot)?;
        if !device.state.is_active() || !cx.is_running() {
            return None;
        }
        group.faults.as_ref()?.kind(fault).map(CutPlan::new)
    }

    fn cut_link(&mut self, cx: &mut WorkerContext, slot: DeviceIndex, fault: usize, plan: CutPlan) {
        let broken = self.faults.broken_links.entry(slot).or_default();
        broken.push(fault);
        self.faults.blame.insert(slot, plan.word.into());
        if let Some(how) = plan.cut {
            let fault = plan.word;
            self.apply_link_action(cx, slot, LinkAction::Cut { how, fault });
        }
        if plan.slow.is_some() {
            self.apply_link_action(cx, slot, LinkAction::LimitBandwidth(plan.slow));
        }
    }

    /// Ends a fault of a link. If another fault of the link continues, its effect stays.
    fn end_fault(&mut self, cx: &mut WorkerContext, slot: DeviceIndex, fault: usize) {
        let Some(broken) = self.faults.broken_links.get_mut(&slot) else {
            return;
        };
        if let Some(place) = broken.iter().position(|other| *other == fault) {
            broken.remove(place);
        }
        let left = broken.clone();
        if left.is_empty() {
            self.faults.broken_links.remove(&slot);
        }
        let Some((_, group)) = self.devices.with_group(slot) else {
            return;
        };
        let plan = |number: usize| group.faults.as_ref()?.kind(number).map(CutPlan::new);
        let Some(ended) = plan(fault) else {
            return;
        };
        tracing::debug!(slot, fault = ended.word, "a fault of a link ends");
        let left: Vec<CutPlan> = left.into_iter().filter_map(plan).collect();
        if ended.cut.is_some() && left.iter().all(|other| other.cut.is_none()) {
            let restore = LinkAction::Restore {
                bypass_limiter: ended.bypass_limiter,
            };
            self.apply_link_action(cx, slot, restore);
        }
        if ended.slow.is_some() {
            let slow = left.iter().filter_map(|other| other.slow).min();
            self.apply_link_action(cx, slot, LinkAction::LimitBandwidth(slow));
        }
    }

    fn apply_link_action(&mut self, cx: &mut WorkerContext, slot: DeviceIndex, action: LinkAction) {
        if let Some(target) = self.devices.target(slot) {
            cx.io.apply_link_action(target, slot, action);
        }
    }
}

/// The effect of a fault on a link.
#[derive(Debug, Clone, Copy)]
struct CutPlan {
    word: &'static str,
    cut: Option<Cut>,
    /// Limit of the bandwidth, in bytes per second.
    slow: Option<u64>,
    /// True if devices reconnect without the limit of the connect rate.
    bypass_limiter: bool,
    flap_plan: FlapPlan,
}

/// The intervals of a flapping link; `times` is 0 for other faults.
#[derive(Debug, Clone, Copy, Default)]
struct FlapPlan {
    times: u32,
    down: Micros,
    up: Micros,
}

impl CutPlan {
    fn new(kind: &FaultKind) -> Self {
        let mut cut_plan = Self {
            word: kind.word(),
            cut: None,
            slow: None,
            bypass_limiter: false,
            flap_plan: FlapPlan::default(),
        };
        match kind {
            FaultKind::Disconnect { vanish: false } => cut_plan.cut = Some(Cut::Closed),
            FaultKind::Disconnect { vanish: true } => cut_plan.cut = Some(Cut::Lost),
            FaultKind::HalfOpen => cut_plan.cut = Some(Cut::HalfOpen),
            FaultKind::ReconnectStorm => {
                cut_plan.cut = Some(Cut::Lost);
                cut_plan.bypass_limiter = true;
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

/// Returns the start of the first time of a fault that is not over at `from`. `None` if it is
/// after the end of the run.
fn first_step(
    faults: &GroupFaults,
    fault: usize,
    slot: DeviceIndex,
    seed: u64,
    from: Micros,
    end: Micros,
) -> Option<(Micros, LinkStep)> {
    let mut span = faults.next(fault, seed, from)?;
    // A device that is switched on during the fault has the rest of it.
    if span.begin < from && matches!(faults.kind(fault), Some(FaultKind::Flapping { .. })) {
        span = faults.next(fault, seed, span.end)?;
    }
    span.begin = span.begin.max(from);
    (span.begin < end).then_some((span.begin, LinkStep::Begin { slot, fault, span }))
}

/// Describes a fault, for the detail of its event.
fn words(kind: &FaultKind, span: Window) -> String {
    let word = kind.word();
    match kind {
        FaultKind::Flapping { times, down, up } => format!(
            "{word}: {times} {} down for {}, up for {} in between",
            noun_for(*times, "time"),
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
