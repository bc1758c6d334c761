//! Finds the part that limited a run, with evidence.
//!
//! The evidence is the delay of calls, the busy time of workers, and the fill of outboxes. It
//! is also the time of acknowledgements, and the time since the last one.

use std::time::Duration;

use crate::counters::worker_counters::Counters;
use crate::format::{bytes, micros};
use crate::num::as_f64;
use mockfleet_files::counted::{agree, count, plural};

/// Delay up to which a device keeps its schedule, in microseconds: a few turns of a worker's
/// loop, and far below usual intervals.
pub const MAX_ON_TIME_DELAY_US: u64 = 50_000;

/// Share of time above which workers count as busy: they have no reserve.
const BUSY_SHARE: f64 = 0.85;

/// Share of time below which workers count as idle: late calls have another cause.
const IDLE_SHARE: f64 = 0.5;

/// Confirmation time above which a backend counts as slow: 1 s, in microseconds.
const SLOW_CONFIRMATION_US: u64 = 1_000_000;

/// Silence at the end of a run after which a backend with open messages counts as stopped:
/// 2 s, in microseconds.
const STOPPED_AFTER_US: u64 = 2_000_000;

/// Share of time above which waiting for the log counts: shorter waits are noise.
const LOG_BLOCKED_SHARE: f64 = 0.01;

/// The part that limited a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bottleneck {
    /// No part: the schedule was kept and everything got through.
    None,
    /// mockfleet itself, or its machine.
    Host,
    /// The plugins.
    Plugin,
    /// The send log: its disk or its store.
    Log,
    /// The backend, or the network to it.
    Backend,
}

impl Bottleneck {
    /// Returns the word for JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Host => "host",
            Self::Plugin => "plugin",
            Self::Log => "log",
            Self::Backend => "backend",
        }
    }
}

/// The figures from which a verdict follows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evidence<'a> {
    pub(crate) counters: &'a Counters,
    pub(crate) workers: u32,
    /// Time from start to the end of the last worker.
    pub(crate) ran: Duration,
    /// Whether no device has a schedule.
    pub(crate) flat_out: bool,
    /// Whether the clock ran at full speed.
    pub(crate) full_speed: bool,
    /// Rows that the log lost.
    pub(crate) lost_rows: u64,
}

impl Evidence<'_> {
    /// Returns the share of time that workers spent on devices, rows and connections.
    pub(crate) fn busy(&self) -> f64 {
        self.share_of_time(self.counters.busy_us + self.counters.io_us)
    }

    /// Returns the share of time that workers waited for the log.
    pub(crate) fn log_blocked(&self) -> f64 {
        self.share_of_time(self.counters.log_blocked_us)
    }

    /// Returns the time until the drain, in microseconds.
    ///
    /// In the drain, devices are not called and send nothing new. It counts neither as silence
    /// of the backend nor as idle time of workers.
    fn active_us(&self) -> u64 {
        let ran = u64::try_from(self.ran.as_micros()).unwrap_or(u64::MAX);
        match self.counters.drained_from_us {
            0 => ran,
            drained_from => drained_from.min(ran),
        }
    }

    /// Returns the time from the last delivery to the drain, if it is long and messages were
    /// open.
    fn silence_us(&self) -> Option<u64> {
        let c = self.counters;
        let end = self.active_us();
        let silence = end.saturating_sub(c.last_delivered_us);
        let through = c.acked + c.sent > 0;
        let stuck = c.unconfirmed + c.dropped + c.open > 0;
        let long = STOPPED_AFTER_US.max(3 * c.latency.quantile(0.99));
        (through && stuck && silence > long).then_some(silence)
    }

    fn share_of_time(&self, micros: u64) -> f64 {
        let all = as_f64(self.active_us()) * f64::from(self.workers.max(1));
        (as_f64(micros) / all.max(1e3)).min(1.0)
    }

    /// Returns the bottleneck and the evidence.
    pub(crate) fn verdict(&self) -> (Bottleneck, String) {
        let c = self.counters;
        let late = c.delay.quantile(0.99) > MAX_ON_TIME_DELAY_US;
        let missed = share(c.missed_ticks, c.ticks + c.missed_ticks);
        let lost_messages = c.failed + c.dropped + c.unconfirmed;
        let lost = share(lost_messages, c.messages);
        // The system reports an address that the host cannot use at all in the same way.
        let has_connected = c.connected_once + c.got_through() > 0;
        if c.lost_to_host > lost_messages / 2 && has_connected {
            return (Bottleneck::Host, self.host_limit());
        }
        // A few missed ticks do not excuse a backend that loses more messages.
        if self.full_speed {
            return self.at_full_speed();
        }
        let behind = (late || missed > 0.0 && missed >= lost) && !self.flat_out;
        if self.lost_rows > 0 || (behind && self.log_blocked() > LOG_BLOCKED_SHARE) {
            return (Bottleneck::Log, self.log());
        }
        if c.cell_restarts > 0 && c.missed_ticks > 0 {
            return (
                Bottleneck::Plugin,
                "the plugin: cells crashed, and their devices missed ticks until the restart"
                    .into(),
            );
        }
        if behind || (self.flat_out && self.busy() > BUSY_SHARE) {
            return (Bottleneck::Host, self.host(behind));
        }
        let waited = self.waited();
        if c.messages > 0 && (self.flat_out || waited > 2 * MAX_ON_TIME_DELAY_US || lost > 0.0) {
            return (Bottleneck::Backend, self.backend(waited));
        }
        let busy = self.busy_text();
        let words = match self.confirmations() {
            Some(took) if c.latency.quantile(0.99) > SLOW_CONFIRMATION_US => format!(
                "none, but the backend was slow: {took}, and up to {} {} open at once; {busy}",
                plural(c.max_open, "message"),
                agree(c.max_open, "was", "were")
            ),
            Some(took) => format!("none: {busy}, and {took}"),
            None => format!("none: {busy}"),
        };
        (Bottleneck::None, words)
    }

    /// Returns the bottleneck at full speed: the part for which the clock waited most.
    fn at_full_speed(&self) -> (Bottleneck, String) {
        let c = self.counters;
        if self.lost_rows > 0 {
            return (Bottleneck::Log, self.log());
        }
        if self.log_blocked() > self.busy() {
            let held = micros(c.log_blocked_us / u64::from(self.workers.max(1)));
            return (
                Bottleneck::Log,
                format!(
                    "the send log: the clock stood still for {held} until it took more rows (spool-limit, spool-full); {}",
                    self.busy_text()
                ),
            );
        }
        if c.written > 0 || c.messages == 0 || self.busy() > BUSY_SHARE {
            return (Bottleneck::Host, self.host(false));
        }
        if c.acked + c.sent == 0 {
            return (Bottleneck::Backend, self.backend(0));
        }
        (
            Bottleneck::Backend,
            self.backend_with(Some("the clock waited for it".into())),
        )
    }

    fn log(&self) -> String {
        let c = self.counters;
        if self.lost_rows > 0 {
            return format!(
                "the send log: it took fewer rows than devices sent, and {} {} lost (spool-full = \"drop\")",
                count(self.lost_rows),
                agree(self.lost_rows, "was", "were")
            );
        }
        let held = micros(c.log_blocked_us / u64::from(self.workers.max(1)));
        format!(
            "the send log, not the backend: devices waited {held} for it to take more rows (spool-limit, spool-full), and {} {} missed; {}",
            plural(c.missed_ticks, "tick"),
            agree(c.missed_ticks, "was", "were"),
            self.busy_text()
        )
    }

    fn host(&self, behind: bool) -> String {
        let c = self.counters;
        let busy = self.busy_text();
        if !behind {
            return format!("the host: {busy}{}", self.call_time(", ", ""));
        }
        let mut late = format!(
            "devices were called p99 {} late",
            micros(c.delay.quantile(0.99))
        );
        if c.missed_ticks > 0 {
            late.push_str(&format!(
                ", {} {} missed",
                plural(c.missed_ticks, "tick"),
                agree(c.missed_ticks, "was", "were")
            ));
        }
        if self.busy() >= IDLE_SHARE {
            return format!(
                "the host, not the backend: {late}, and {busy}{}; run fewer devices, at a lower rate, or on more cores",
                self.call_time(", ", "")
            );
        }
        match c.late.own_share() >= IDLE_SHARE {
            true => format!("the host, not the backend: {late}, {}", self.own_work()),
            false => format!(
                "the host, not the backend: {late}, though {busy}; something else had the machine{}",
                self.call_time(" (", ")")
            ),
        }
    }

    /// Describes the work of workers that delayed their calls.
    fn own_work(&self) -> String {
        let late = &self.counters.late;
        let received = match self.counters.received {
            0 => String::new(),
            n => format!(
                " ({} from the backend, {})",
                plural(n, "message"),
                bytes(self.counters.received_bytes)
            ),
        };
        let way_out = match late.io_us > late.calls_us {
            true => "receive and send less at once, or use more cores",
            false => "make the devices' calls shorter, or use more cores",
        };
        format!(
            "since its workers were busy themselves: for {} with connections{received} and for {} with calls of devices, of the {} in which calls were due; over the whole run, {}; {way_out}",
            micros(late.io_us),
            micros(late.calls_us),
            micros(late.waited_us),
            self.busy_text()
        )
    }

    /// Describes a host without free ports or files for connections.
    fn host_limit(&self) -> String {
        let c = self.counters;
        let never = match c.never_connected() {
            None | Some(0) => String::new(),
            Some(never) => format!(
                ", and {} of {} never connected",
                count(never),
                plural(c.to_connect, "device")
            ),
        };
        format!(
            "the host, not the backend: it had no free port or file for the connections of {}{never}; raise net.ipv4.ip_local_port_range or `ulimit -n`, share connections, or use a second machine; {}",
            plural(c.lost_to_host, "message"),
            self.busy_text()
        )
    }

    fn backend(&self, waited: u64) -> String {
        let c = self.counters;
        let busy = self.busy_text();
        if c.acked + c.sent == 0 {
            return format!(
                "the backend or the way to it: no message arrived{}, and {busy}",
                self.outbox()
            );
        }
        if let Some(silence) = self.silence_us() {
            return format!(
                "the backend or the way to it: it stopped taking messages, and nothing got through in the last {}{}; {busy}",
                micros(silence),
                self.outbox()
            );
        }
        let was_measured = c.lag.count() > 0 && c.delay.count() > 0;
        let waited = format!("messages waited p99 {} for their turn", micros(waited));
        self.backend_with(was_measured.then_some(waited))
    }

    /// Names the backend, with the times that were measured.
    fn backend_with(&self, waited: Option<String>) -> String {
        let times: Vec<String> = waited.into_iter().chain(self.confirmations()).collect();
        let all = format!("{}{}", times.join(", "), self.outbox());
        let evidence = match all.trim_start_matches(", ") {
            "" => String::new(),
            evidence => format!("{evidence}, and "),
        };
        format!(
            "the backend or the way to it: {evidence}{}",
            self.busy_text()
        )
    }

    /// Returns the time of confirmations, if there were some.
    fn confirmations(&self) -> Option<String> {
        let took = self.counters.latency.measured(0.99)?;
        Some(format!("confirmations took p99 {}", micros(took)))
    }

    /// Returns the time from called to sent. A message that waits until the connection of its
    /// device is open for the first time does not wait for the backend to take messages.
    fn waited(&self) -> u64 {
        let c = self.counters;
        let lag = c.lag.since(&c.connect_lag);
        lag.quantile(0.99).saturating_sub(c.delay.quantile(0.99))
    }

    /// Describes the fill level of outboxes.
    fn outbox(&self) -> String {
        let c = self.counters;
        if c.fullest_outbox.of == 0 {
            return String::new();
        }
        let mut words = format!(
            ", up to {} {} open at once, {} of one device (outbox {})",
            plural(c.max_open, "message"),
            agree(c.max_open, "was", "were"),
            count(u64::from(c.fullest_outbox.open)),
            count(u64::from(c.fullest_outbox.of))
        );
        if c.outbox_full > 0 {
            words.push_str(&format!(
                ", and {} found it full",
                plural(c.outbox_full, "message")
            ));
        }
        words
    }

    fn busy_text(&self) -> String {
        format!(
            "its {} {} busy {:.0} % of the time",
            plural(self.workers, "worker"),
            agree(self.workers, "was", "were"),
            self.busy() * 100.0
        )
    }

    /// Returns the time of one call without I/O, between two texts: `1.2 ms a tick`, or `a
    /// call` if devices were called with events too. It is empty if no device was called.
    fn call_time(&self, before: &str, after: &str) -> String {
        let c = self.counters;
        let calls = c.ticks + c.event_calls;
        if calls == 0 {
            return String::new();
        }
        let each = micros(c.busy_us / calls);
        let noun = match c.event_calls {
            0 => "tick",
            _ => "call (ticks and events)",
        };
        format!("{before}{each} a {noun}{after}")
    }
}

fn share(part: u64, whole: u64) -> f64 {
    as_f64(part) / as_f64(whole.max(1))
}

#[cfg(test)]
mod tests;
