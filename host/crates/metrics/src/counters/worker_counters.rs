//! Counts the work of one worker, and sums the counts of all.

use std::collections::BTreeMap;

use crate::counters::check_counters::CheckCounters;
use crate::counters::fault_counters::FaultCounters;
use crate::counters::histogram::LatencyHistogram;
use crate::counters::late_time::LateTime;
use crate::counters::queue_depth::QueueDepth;
use crate::counters::stage_counters::StageCounters;
use crate::counters::warnings::Warnings;

/// Counts of one worker since the start of the run.
///
/// A worker publishes a copy a few times a second.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    /// Devices that have been switched on.
    pub born: u64,
    /// Connections that are opened before the clock starts (MQTT).
    pub first_connections: u64,
    /// Those that were up before the clock started, with their subscriptions.
    pub first_up: u64,
    /// Devices that were switched on and have a connection of their own or a shared one (MQTT).
    pub to_connect: u64,
    /// Devices whose connection was up at least once.
    pub connected_once: u64,
    /// Devices whose connection is up (MQTT).
    pub up: u64,
    /// Connections of devices that were opened again after the broker or the network ended
    /// them (MQTT).
    pub reconnects: u64,
    /// Devices that retired.
    pub retired: u64,
    /// Target rate of the devices that have not retired, in ticks a second, without
    /// groups that have stages.
    pub asked: f64,
    /// Ticks of groups with stages, by group number.
    pub groups: BTreeMap<u32, StageCounters>,
    /// Ticks that were run.
    pub ticks: u64,
    /// Ticks that were due and not run.
    pub missed_ticks: u64,
    /// Calls of devices with an event: a connection change, a downlink message or a receipt.
    pub event_calls: u64,
    /// Ticks and events that returned an error.
    pub failed_calls: u64,
    /// Cells that crashed and were restarted.
    pub cell_restarts: u64,
    /// Bytes of linear memory of the existing cells.
    pub guest_memory: u64,
    /// Messages that devices returned.
    pub messages: u64,
    /// Messages whose outcome is not known yet.
    pub open: u64,
    /// Messages that the backend confirmed.
    pub acked: u64,
    /// Messages on the wire without confirmation (QoS 0).
    pub sent: u64,
    /// Those of the messages without confirmation of which nothing shows that the broker has
    /// read them.
    pub unproven: u64,
    /// Messages refused, timed out or lost.
    pub failed: u64,
    /// Messages that never left the host.
    pub dropped: u64,
    /// Messages on the wire and unanswered when the run ended.
    pub unconfirmed: u64,
    /// Those of the failed, dropped and unconfirmed messages for whose connection the host had
    /// no free port or file.
    pub lost_to_host: u64,
    /// Messages that were written to the log only; their target was not contacted.
    pub written: u64,
    /// Messages from the backend to devices.
    pub received: u64,
    /// Bytes of these messages.
    pub received_bytes: u64,
    /// Maximum of open messages at one time; a sum over workers.
    pub max_open: u64,
    /// The fullest outbox of the run.
    pub fullest_outbox: QueueDepth,
    /// Messages that found their device's outbox full.
    pub outbox_full: u64,
    /// Time of the last delivered message, in microseconds since the start of the run by
    /// the machine's clock.
    pub last_delivered_us: u64,
    /// Time of the last call of a device, in microseconds since the start of the run by the
    /// machine's clock. 0 until the worker drains.
    pub drained_from_us: u64,
    /// Time of these counts, in microseconds since the start of the run; a sum over
    /// workers.
    pub reported_us: u64,
    /// Microseconds spent on calling devices and on their messages, outside of I/O and
    /// before the drain.
    pub busy_us: u64,
    /// Microseconds spent on I/O before the drain, waiting aside.
    pub io_us: u64,
    /// Microseconds before the drain for which the log accepted no rows, and devices waited.
    pub log_blocked_us: u64,
    /// The time before late calls, and the worker's own work in it.
    pub late: LateTime,
    /// Time from due to called: the host's own delay.
    pub delay: LatencyHistogram,
    /// Time from due to sent.
    pub lag: LatencyHistogram,
    /// Time from due to sent of those messages that were due before the connection of their
    /// device was up for the first time.
    pub connect_lag: LatencyHistogram,
    /// Time from sent to confirmed.
    pub latency: LatencyHistogram,
    /// Injected faults. Messages that were lost to them count here, and not as failed,
    /// dropped or unconfirmed.
    pub injected: FaultCounters,
    /// Causes of failed, dropped and unconfirmed messages.
    pub causes: Warnings,
    /// Warnings for the user.
    pub warnings: Warnings,
    /// Counts for checks, one entry for each scope; empty without checks.
    pub checks: Vec<CheckCounters>,
}

impl Counters {
    /// Returns the number of messages that got through: the backend confirmed them, they are on
    /// the wire without confirmation, or the log is their only receiver.
    #[must_use]
    pub fn got_through(&self) -> u64 {
        self.acked + self.sent + self.written
    }

    /// Returns the number of devices whose connection was never up; `None` if no device has
    /// one.
    #[must_use]
    pub fn never_connected(&self) -> Option<u64> {
        (self.to_connect > 0).then(|| self.to_connect.saturating_sub(self.connected_once))
    }

    /// Adds the counts of another worker.
    pub fn add(&mut self, other: &Self) {
        self.born += other.born;
        self.first_connections += other.first_connections;
        self.first_up += other.first_up;
        self.to_connect += other.to_connect;
        self.connected_once += other.connected_once;
        self.up += other.up;
        self.reconnects += other.reconnects;
        self.retired += other.retired;
        self.asked += other.asked;
        for (number, group) in &other.groups {
            self.groups.entry(*number).or_default().add(group);
        }
        self.ticks += other.ticks;
        self.missed_ticks += other.missed_ticks;
        self.event_calls += other.event_calls;
        self.failed_calls += other.failed_calls;
        self.cell_restarts += other.cell_restarts;
        self.guest_memory += other.guest_memory;
        self.messages += other.messages;
        self.open += other.open;
        self.acked += other.acked;
        self.sent += other.sent;
        self.unproven += other.unproven;
        self.failed += other.failed;
        self.dropped += other.dropped;
        self.unconfirmed += other.unconfirmed;
        self.lost_to_host += other.lost_to_host;
        self.written += other.written;
        self.received += other.received;
        self.received_bytes += other.received_bytes;
        self.max_open += other.max_open;
        self.fullest_outbox = self.fullest_outbox.fuller(other.fullest_outbox);
        self.outbox_full += other.outbox_full;
        self.last_delivered_us = self.last_delivered_us.max(other.last_delivered_us);
        self.drained_from_us = self.drained_from_us.max(other.drained_from_us);
        self.reported_us += other.reported_us;
        self.busy_us += other.busy_us;
        self.io_us += other.io_us;
        self.log_blocked_us += other.log_blocked_us;
        self.late.add(other.late);
        self.delay.add(&other.delay);
        self.lag.add(&other.lag);
        self.connect_lag.add(&other.connect_lag);
        self.latency.add(&other.latency);
        self.injected.add(&other.injected);
        self.causes.add(&other.causes);
        self.warnings.add(&other.warnings);
        let most = self.checks.len().max(other.checks.len());
        self.checks.resize_with(most, CheckCounters::default);
        for (mine, other) in self.checks.iter_mut().zip(&other.checks) {
            mine.add(other);
        }
    }
}
