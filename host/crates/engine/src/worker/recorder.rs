//! Writes the rows of a worker, and counts.
//!
//! A message has a row when a device returned it and an outcome when it completed. Events have rows
//! too.

use std::rc::Rc;
use std::sync::Arc;

use crate::group::device_group::Group;
use crate::group::thresholds::ThresholdCollector;
use crate::group::turn_check::unlisted_status;
use crate::time::clock::{Clock, Micros};
use crate::time::late_watch::LateWatch;
use crate::worker::devices::Device;
use mockfleet_metrics::{Counters, QueueDepth};
use mockfleet_sendlog::{Appender, EventKind, EventRow, MessageRow, OutcomeRow};
use mockfleet_transport::{Cause, Completion, Envelope, Outcome};

/// The log and the counters of one worker.
pub(crate) struct Recorder {
    pub(crate) appender: Appender,
    pub(crate) counters: Counters,
    pub(crate) clock: Clock,
    /// The rounds with late calls.
    pub(crate) late: LateWatch,
    /// `None` without checks.
    pub(crate) thresholds: Option<Arc<ThresholdCollector>>,
}

impl Recorder {
    /// Logs a message that a device has returned, before it is sent. `number` is the number of
    /// the device in the log.
    pub(crate) fn log_message(&mut self, number: u32, route_base: u16, envelope: &Envelope) {
        self.counters.messages += 1;
        self.counters.open += 1;
        let row = self.row(number, route_base, envelope);
        self.appender.append_message(&row);
    }

    /// Logs a message that is not sent.
    pub(crate) fn log_only(&mut self, number: u32, route_base: u16, envelope: &Envelope) {
        self.counters.messages += 1;
        self.counters.written += 1;
        let row = self.row(number, route_base, envelope);
        self.appender.append_written(&row);
    }

    fn row<'a>(&self, number: u32, route_base: u16, envelope: &'a Envelope) -> MessageRow<'a> {
        MessageRow {
            device: number,
            seq: envelope.seq,
            copy: envelope.copy,
            route: route_base + envelope.route,
            topic: envelope.topic.as_ref().map(|topic| &*topic.shown),
            fault: envelope.fault.as_deref(),
            status: envelope.status.as_deref(),
            scheduled_at: self.clock.utc(envelope.due),
            payload: &envelope.payload,
        }
    }

    /// Counts the delay of a call, by the machine's clock.
    #[inline]
    pub(crate) fn called_late(&mut self, late: Micros) {
        self.counters.delay.record(late);
        self.late.note_call(late);
    }

    /// Counts a message from the backend.
    pub(crate) fn count_received(&mut self, bytes: usize) {
        self.counters.received += 1;
        self.counters.received_bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    /// Notes the number of open messages, of one device and of all.
    pub(crate) fn measure_outbox(&mut self, open: u32, outbox: u32) {
        let counters = &mut self.counters;
        counters.max_open = counters.max_open.max(counters.open);
        if open > counters.fullest_outbox.open {
            counters.fullest_outbox = QueueDepth {
                open: open.min(outbox),
                of: outbox,
            };
        }
    }

    /// Counts and logs the outcome of a message. `faults` is true if a fault has changed its times:
    /// then they are not measured.
    pub(crate) fn record_outcome(
        &mut self,
        device: &Device,
        group: &Group,
        completion: &Completion,
        faults: bool,
    ) {
        let times = self.count(completion, faults, device.connected_at);
        if let Some(thresholds) = &self.thresholds {
            thresholds.settled(&mut self.counters, device.group, group, completion, times);
        }
        self.outcome(group.first + device.index, completion);
    }

    /// Counts and logs the outcome of a message of a replay, whose devices have no group.
    pub(crate) fn record_replay_outcome(
        &mut self,
        number: u32,
        completion: &Completion,
        connected_at: Option<Micros>,
    ) {
        self.count(completion, false, connected_at);
        self.outcome(number, completion);
    }

    fn outcome(&mut self, device: u32, completion: &Completion) {
        let moment = |at: std::time::Instant| self.clock.machine(at);
        self.appender.append_outcome(&OutcomeRow {
            device,
            seq: completion.envelope.seq,
            copy: completion.envelope.copy,
            attempt: completion.envelope.attempt,
            outcome: outcome(completion.outcome),
            code: completion.code.map(i32::from),
            error: completion.error.as_ref().map(Cause::text).as_deref(),
            sent_at: completion.sent_at.map(moment),
            acked_at: completion.acked_at.map(moment),
        });
    }

    /// Counts an outcome. Returns the lag and the latency of the message, where they are measured.
    /// The connection of its device was up for the first time at `connected_at`.
    fn count(
        &mut self,
        completion: &Completion,
        faults: bool,
        connected_at: Option<Micros>,
    ) -> (Option<Micros>, Option<Micros>) {
        let counters = &mut self.counters;
        counters.open -= 1;
        let why = completion.error.as_ref();
        let injected = why.is_some_and(Cause::is_injected);
        let lost = &mut counters.injected;
        *match completion.outcome {
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
        counters.lost_to_host += u64::from(why.is_some_and(Cause::is_by_host));
        if let Some(why) = why {
            let causes = match injected {
                true => &mut counters.injected.causes,
                false => &mut counters.causes,
            };
            let word = word(completion.outcome);
            causes.count_as(&format!("{word}: {}", why.kind()), || {
                format!("{word}: {why}")
            });
        }
        if matches!(completion.outcome, Outcome::Acked | Outcome::Sent)
            && let Some(through) = completion.acked_at.or(completion.sent_at)
        {
            counters.last_delivered_us = counters.last_delivered_us.max(self.clock.since(through));
        }
        let (mut lag, mut latency) = (None, None);
        if let Some(sent) = completion.sent_at.filter(|_| !faults) {
            // By a virtual clock, nothing is late.
            if let Some(due) = self.clock.instant(completion.envelope.due) {
                let late = crate::time::clock::micros(sent.saturating_duration_since(due));
                counters.lag.record(late);
                if connected_at.is_some_and(|at| completion.envelope.due < at) {
                    counters.connect_lag.record(late);
                }
                lag = Some(late);
            }
            if let Some(acked) = completion.acked_at {
                let took = crate::time::clock::micros(acked.saturating_duration_since(sent));
                counters.latency.record(took);
                latency = Some(took);
            }
        }
        (lag, latency)
    }

    /// Counts a tick for the thresholds.
    pub(crate) fn ticked(&mut self, group: u32, due: Micros) {
        if let Some(thresholds) = &self.thresholds {
            thresholds.ticked(&mut self.counters, due, group);
        }
    }

    /// Records a call that returned an error, or messages that cannot be sent; the device continues.
    pub(crate) fn failed_call(&mut self, device: &Device, group: &Group, call: &str, why: &str) {
        let now = self.clock.now();
        self.counters.failed_calls += 1;
        if let Some(thresholds) = &self.thresholds {
            thresholds.call_failed(&mut self.counters, now, device.group);
        }
        let tick = device.tick_of(call);
        let detail = format!("{call}: {why}{tick}");
        self.event(device, group, now, EventKind::Failed, Some(&detail));
        let (name, plugin) = (&group.name, group.plugin.name());
        let kind = format!("{name}: {call} failed: {why}");
        self.counters.warnings.count_as(&kind, || {
            let id = group.id(device.index);
            format!("device {id} (plugin {plugin}): {call} failed: {why}{tick}")
        });
    }

    /// Warns of a status that the plugin does not list, with the first one of each group.
    pub(crate) fn reported_status(&mut self, device: &Device, group: &Group, status: &str) {
        let Some(what) = unlisted_status(&group.plugin, status) else {
            return;
        };
        let (name, plugin) = (&group.name, group.plugin.name());
        let kind = format!("{name}: a status that is not listed");
        self.counters.warnings.count_as(&kind, || {
            let id = group.id(device.index);
            format!("device {id} (plugin {plugin}) {what}")
        });
    }

    /// Counts a restart of an instance.
    pub(crate) fn cell_restarted(&mut self, group: u32, now: Micros) {
        self.counters.cell_restarts += 1;
        if let Some(thresholds) = &self.thresholds {
            thresholds.restarted(&mut self.counters, now, group);
        }
    }

    /// Counts a connection that is open, for the first time or `again`.
    pub(crate) fn connected(&mut self, group: u32, now: Micros, again: bool) {
        self.counters.reconnects += u64::from(again);
        if let Some(thresholds) = &self.thresholds {
            thresholds.connected(&mut self.counters, now, group, again);
        }
    }

    /// Logs an event of a device.
    pub(crate) fn event(
        &mut self,
        device: &Device,
        group: &Group,
        at: Micros,
        kind: EventKind,
        detail: Option<&str>,
    ) {
        self.log_event(group.first + device.index, at, kind, detail);
    }

    /// Logs an event of the device with this number in the log.
    pub(crate) fn log_event(
        &mut self,
        number: u32,
        at: Micros,
        kind: EventKind,
        detail: Option<&str>,
    ) {
        self.appender.append_event(&EventRow {
            device: number,
            at: self.clock.utc(at),
            kind,
            detail,
        });
    }

    /// Adds a warning.
    pub(crate) fn notice(&mut self, text: &str) {
        self.counters.warnings.count(text);
    }

    /// Adds a warning of a kind, of which the first text is shown.
    pub(crate) fn notice_as(&mut self, kind: &str, text: String) {
        self.counters.warnings.count_as(kind, || text);
    }

    /// Adds warnings of a kind, of which the first text is shown.
    pub(crate) fn notice_times(&mut self, kind: &str, text: String, times: u64) {
        self.counters.warnings.count_many(kind, times, || text);
    }

    /// Counts and logs ticks that were due and are not run.
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

/// Returns a device's status as envelopes share it.
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
