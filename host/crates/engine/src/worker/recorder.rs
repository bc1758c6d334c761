//! Writes the rows of a worker, and counts.
//!
//! A message has a row when a device returned it and an outcome when it completed. Events have rows
//! too.

use std::rc::Rc;
use std::sync::Arc;

use crate::group::device_group::Group;
use crate::group::thresholds::ThresholdCollector;
use crate::time::clock::{Clock, Micros};
use crate::worker::device_table::Device;
use mockfleet_metrics::{Counters, QueueDepth};
use mockfleet_sendlog::{Appender, EventKind, EventRow, MessageRow, OutcomeRow};
use mockfleet_transport::{Cause, Completion, Envelope, Outcome};

/// One worker's record of its part of the run.
pub(crate) struct Recorder {
    pub(crate) appender: Appender,
    pub(crate) counters: Counters,
    pub(crate) clock: Clock,
    /// What counts for which checks; `None` without checks.
    pub(crate) thresholds: Option<Arc<ThresholdCollector>>,
}

impl Recorder {
    /// A device has returned a message; nothing of it is sent yet.
    pub(crate) fn message(&mut self, device: u32, group: &Group, envelope: &Envelope) {
        self.counters.messages += 1;
        self.counters.open += 1;
        let row = self.row(device, group, envelope);
        self.appender.append_message(&row);
    }

    /// A device has returned a message that goes nowhere but into the log.
    pub(crate) fn written(&mut self, device: u32, group: &Group, envelope: &Envelope) {
        self.counters.messages += 1;
        self.counters.written += 1;
        let row = self.row(device, group, envelope);
        self.appender.append_written(&row);
    }

    fn row<'a>(&self, device: u32, group: &Group, envelope: &'a Envelope) -> MessageRow<'a> {
        MessageRow {
            device: group.first + device,
            seq: envelope.seq,
            copy: envelope.copy,
            route: group.route_base + envelope.route,
            topic: envelope.topic.as_deref(),
            fault: envelope.fault.as_deref(),
            status: envelope.status.as_deref(),
            scheduled_at: self.clock.utc(envelope.due),
            payload: &envelope.payload,
        }
    }

    /// A device has one more message open, which makes so many of its outbox.
    pub(crate) fn opened(&mut self, open: u32, outbox: u32) {
        let counters = &mut self.counters;
        counters.max_open = counters.max_open.max(counters.open);
        if open > counters.fullest_outbox.open {
            counters.fullest_outbox = QueueDepth {
                open: open.min(outbox),
                of: outbox,
            };
        }
    }

    /// A message has come to its end; its times are no measure of the backend where a
    /// fault has `broken` it or its link.
    pub(crate) fn settled(
        &mut self,
        device: &Device,
        group: &Group,
        settled: &Completion,
        faults: bool,
    ) {
        let times = self.count(settled, faults);
        if let Some(thresholds) = &self.thresholds {
            thresholds.settled(&mut self.counters, device.group, group, settled, times);
        }
        self.outcome(group.first + device.index, settled);
    }

    /// The same of a device that has no group, by its number in the log.
    pub(crate) fn record_outcome_of(&mut self, device: u32, settled: &Completion) {
        self.count(settled, false);
        self.outcome(device, settled);
    }

    fn outcome(&mut self, device: u32, settled: &Completion) {
        let moment = |at: std::time::Instant| self.clock.machine(at);
        self.appender.append_outcome(&OutcomeRow {
            device,
            seq: settled.envelope.seq,
            copy: settled.envelope.copy,
            attempt: settled.envelope.attempt,
            outcome: outcome(settled.outcome),
            code: settled.code.map(i32::from),
            error: settled.error.as_ref().map(Cause::text).as_deref(),
            sent_at: settled.sent_at.map(moment),
            acked_at: settled.acked_at.map(moment),
        });
    }

    /// Counts a message at its end; says how late it left and how long its confirmation
    /// took, where that is to be measured.
    fn count(&mut self, settled: &Completion, faults: bool) -> (Option<Micros>, Option<Micros>) {
        let counters = &mut self.counters;
        counters.open -= 1;
        let why = settled.error.as_ref();
        let injected = why.is_some_and(Cause::is_injected);
        let lost = &mut counters.injected;
        *match settled.outcome {
            Outcome::Acked => &mut counters.acked,
            Outcome::Sent => &mut counters.sent,
            Outcome::Failed if injected => &mut lost.failed,
            Outcome::Dropped if injected => &mut lost.dropped,
            Outcome::Unconfirmed if injected => &mut lost.unconfirmed,
            Outcome::Failed => &mut counters.failed,
            Outcome::Dropped => &mut counters.dropped,
            Outcome::Unconfirmed => &mut counters.unconfirmed,
            Outcome::Written => &mut counters.written,
        } += 1;
        if let Some(why) = why {
            let causes = match injected {
                true => &mut counters.injected.causes,
                false => &mut counters.causes,
            };
            causes.count(&format!("{}: {why}", word(settled.outcome)));
        }
        if matches!(settled.outcome, Outcome::Acked | Outcome::Sent)
            && let Some(through) = settled.acked_at.or(settled.sent_at)
        {
            counters.last_delivered_us = counters.last_delivered_us.max(self.clock.since(through));
        }
        let (mut lag, mut latency) = (None, None);
        if let Some(sent) = settled.sent_at.filter(|_| !faults) {
            // By a clock that waits for its worker, nothing is late.
            if let Some(due) = self.clock.instant(settled.envelope.due) {
                let late = crate::time::clock::micros(sent.saturating_duration_since(due));
                counters.lag.record(late);
                lag = Some(late);
            }
            if let Some(acked) = settled.acked_at {
                let took = crate::time::clock::micros(acked.saturating_duration_since(sent));
                counters.latency.record(took);
                latency = Some(took);
            }
        }
        (lag, latency)
    }

    /// A device runs a tick that was due at this moment.
    pub(crate) fn ticked(&mut self, group: u32, due: Micros) {
        if let Some(thresholds) = &self.thresholds {
            thresholds.ticked(&mut self.counters, due, group);
        }
    }

    /// A call of a device of this group has failed.
    pub(crate) fn call_failed(&mut self, group: u32, now: Micros) {
        self.counters.failed_calls += 1;
        if let Some(thresholds) = &self.thresholds {
            thresholds.call_failed(&mut self.counters, now, group);
        }
    }

    /// A cell of this group was made again.
    pub(crate) fn cell_restarted(&mut self, group: u32, now: Micros) {
        self.counters.cell_restarts += 1;
        if let Some(thresholds) = &self.thresholds {
            thresholds.restarted(&mut self.counters, now, group);
        }
    }

    /// Something happened to a device.
    pub(crate) fn event(
        &mut self,
        device: &Device,
        group: &Group,
        at: Micros,
        kind: EventKind,
        detail: Option<&str>,
    ) {
        self.appender.append_event(&EventRow {
            device: group.first + device.index,
            at: self.clock.utc(at),
            kind,
            detail,
        });
    }

    /// Something the user should know.
    pub(crate) fn notice(&mut self, text: &str) {
        self.counters.warnings.count(text);
    }

    /// Ticks of a device that were due and are not run.
    pub(crate) fn missed(&mut self, device: &Device, group: &Group, ticks: u64, why: &str) {
        if ticks == 0 {
            return;
        }
        self.counters.missed_ticks += ticks;
        let at = self.clock.now();
        if let Some(thresholds) = &self.thresholds {
            thresholds.missed(&mut self.counters, at, device.group, ticks);
        }
        let plural = if ticks == 1 { "tick" } else { "ticks" };
        let detail = format!("{ticks} {plural}: {why}");
        self.event(device, group, at, EventKind::Missed, Some(&detail));
    }
}

/// A device's status as envelopes carry it.
pub(crate) fn shared(text: &str) -> Rc<str> {
    text.into()
}

fn outcome(outcome: Outcome) -> mockfleet_sendlog::Outcome {
    match outcome {
        Outcome::Acked => mockfleet_sendlog::Outcome::Acked,
        Outcome::Sent => mockfleet_sendlog::Outcome::Sent,
        Outcome::Failed => mockfleet_sendlog::Outcome::Failed,
        Outcome::Dropped => mockfleet_sendlog::Outcome::Dropped,
        Outcome::Unconfirmed => mockfleet_sendlog::Outcome::Unconfirmed,
        Outcome::Written => mockfleet_sendlog::Outcome::Written,
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Acked => "acked",
        Outcome::Sent => "sent",
        Outcome::Failed => "failed",
        Outcome::Dropped => "dropped",
        Outcome::Unconfirmed => "unconfirmed",
        Outcome::Written => "written",
    }
}
