//! What a worker writes down: every message when a device returned it and when it
//! comes to its end, every event, and the counts beside them.

use std::rc::Rc;

use super::clock::{Clock, Micros};
use super::crew::Device;
use super::group::Group;
use crate::sendlog::{self, Appender, EventKind, EventRow, MessageRow, OutcomeRow};
use crate::status::{Counters, Depth};
use crate::transport::{Envelope, Outcome, Settled};

/// One worker's record of its part of the run.
pub(crate) struct Record {
    pub(crate) appender: Appender,
    pub(crate) counters: Counters,
    pub(crate) clock: Clock,
}

impl Record {
    /// A device has returned a message; nothing of it is sent yet.
    pub(crate) fn message(&mut self, device: u32, group: &Group, envelope: &Envelope) {
        self.counters.messages += 1;
        self.counters.open += 1;
        self.appender.message(&MessageRow {
            device: group.first + device,
            seq: envelope.seq,
            copy: envelope.copy,
            route: group.route_base + envelope.route,
            topic: envelope.topic.as_deref(),
            fault: envelope.fault.as_deref(),
            status: envelope.status.as_deref(),
            scheduled_at: self.clock.utc(envelope.due),
            payload: &envelope.payload,
        });
    }

    /// A device has one more message open, which makes so many of its outbox.
    pub(crate) fn opened(&mut self, open: u32, outbox: u32) {
        let counters = &mut self.counters;
        counters.open_most = counters.open_most.max(counters.open);
        if open > counters.deepest.open {
            counters.deepest = Depth {
                open: open.min(outbox),
                of: outbox,
            };
        }
    }

    /// A message has come to its end.
    pub(crate) fn settled(&mut self, device: &Device, group: &Group, settled: &Settled) {
        self.settled_of(group.first + device.index, settled);
    }

    /// The same by the device's number in the log.
    pub(crate) fn settled_of(&mut self, device: u32, settled: &Settled) {
        self.count(settled);
        let moment = |at: std::time::Instant| self.clock.utc(self.clock.at(at));
        self.appender.outcome(&OutcomeRow {
            device,
            seq: settled.envelope.seq,
            copy: settled.envelope.copy,
            attempt: settled.envelope.attempt,
            outcome: outcome(settled.outcome),
            code: settled.code.map(i32::from),
            error: settled.error.as_deref(),
            sent_at: settled.sent_at.map(moment),
            acked_at: settled.acked_at.map(moment),
        });
    }

    fn count(&mut self, settled: &Settled) {
        let counters = &mut self.counters;
        counters.open -= 1;
        *match settled.outcome {
            Outcome::Acked => &mut counters.acked,
            Outcome::Sent => &mut counters.sent,
            Outcome::Failed => &mut counters.failed,
            Outcome::Dropped => &mut counters.dropped,
            Outcome::Unconfirmed => &mut counters.unconfirmed,
        } += 1;
        if let Some(why) = &settled.error {
            counters
                .causes
                .count(&format!("{}: {why}", word(settled.outcome)));
        }
        if matches!(settled.outcome, Outcome::Acked | Outcome::Sent)
            && let Some(through) = settled.acked_at.or(settled.sent_at)
        {
            counters.last_through_us = counters.last_through_us.max(self.clock.at(through));
        }
        if let Some(sent) = settled.sent_at {
            counters
                .lag
                .record(self.clock.at(sent).saturating_sub(settled.envelope.due));
            if let Some(acked) = settled.acked_at {
                let latency = acked.saturating_duration_since(sent);
                counters.latency.record(super::clock::micros(latency));
            }
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
        self.appender.event(&EventRow {
            device: group.first + device.index,
            at: self.clock.utc(at),
            kind,
            detail,
        });
    }

    /// Something the user should know.
    pub(crate) fn notice(&mut self, text: &str) {
        self.counters.notices.count(text);
    }

    /// Ticks of a device that were due and are not run.
    pub(crate) fn missed(&mut self, device: &Device, group: &Group, ticks: u64, why: &str) {
        if ticks == 0 {
            return;
        }
        self.counters.missed_ticks += ticks;
        let at = self.clock.now();
        let plural = if ticks == 1 { "tick" } else { "ticks" };
        let detail = format!("{ticks} {plural}: {why}");
        self.event(device, group, at, EventKind::Missed, Some(&detail));
    }
}

/// A device's status as envelopes carry it.
pub(crate) fn shared(text: &str) -> Rc<str> {
    text.into()
}

fn outcome(outcome: Outcome) -> sendlog::Outcome {
    match outcome {
        Outcome::Acked => sendlog::Outcome::Acked,
        Outcome::Sent => sendlog::Outcome::Sent,
        Outcome::Failed => sendlog::Outcome::Failed,
        Outcome::Dropped => sendlog::Outcome::Dropped,
        Outcome::Unconfirmed => sendlog::Outcome::Unconfirmed,
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Acked => "acked",
        Outcome::Sent => "sent",
        Outcome::Failed => "failed",
        Outcome::Dropped => "dropped",
        Outcome::Unconfirmed => "unconfirmed",
    }
}
