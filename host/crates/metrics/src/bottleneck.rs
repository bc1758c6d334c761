//! Finds the part that limited a run, with evidence.
//!
//! The evidence is the delay of calls, the busy time of workers, and the fill of outboxes. It
//! is also the time of acknowledgements, and the time since the last one.

use std::time::Duration;

use crate::counters::worker_counters::Counters;
use crate::format::{count, micros};
use crate::num::as_f64;

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

    /// Returns the time since the last delivery, if it is long and messages were open.
    fn silence_us(&self) -> Option<u64> {
        let c = self.counters;
        let end = u64::try_from(self.ran.as_micros()).unwrap_or(u64::MAX);
        let silence = end.saturating_sub(c.last_delivered_us);
        let through = c.acked + c.sent > 0;
        let stuck = c.unconfirmed + c.dropped + c.open > 0;
        let long = STOPPED_AFTER_US.max(3 * c.latency.quantile(0.99));
        (through && stuck && silence > long).then_some(silence)
    }

    fn share_of_time(&self, micros: u64) -> f64 {
        let all = self.ran.as_secs_f64() * f64::from(self.workers.max(1));
        (as_f64(micros) / 1e6 / all.max(0.001)).min(1.0)
    }

    /// Returns the bottleneck and the evidence.
    pub(crate) fn verdict(&self) -> (Bottleneck, String) {
        let c = self.counters;
        let late = c.delay.quantile(0.99) > MAX_ON_TIME_DELAY_US;
        let missed = share(c.missed_ticks, c.ticks + c.missed_ticks);
        let lost = share(c.failed + c.dropped + c.unconfirmed, c.messages);
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
        let (busy, took) = (self.busy_text(), micros(c.latency.quantile(0.99)));
        let words = if c.latency.quantile(0.99) > SLOW_CONFIRMATION_US {
            format!(
                "none, but the backend was slow: confirmations took p99 {took}, and up to {} messages were open at once; {busy}",
                count(c.max_open)
            )
        } else {
            format!("none: {busy}, and confirmations took p99 {took}")
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
            format!(
                "the backend or the way to it: the clock waited for it, confirmations took p99 {}{}, and {}",
                micros(c.latency.quantile(0.99)),
                self.outbox(),
                self.busy_text()
            ),
        )
    }

    fn log(&self) -> String {
        let c = self.counters;
        if self.lost_rows > 0 {
            return format!(
                "the send log: it took fewer rows than devices sent, and {} were lost (spool-full = \"drop\")",
                count(self.lost_rows)
            );
        }
        let held = micros(c.log_blocked_us / u64::from(self.workers.max(1)));
        format!(
            "the send log, not the backend: devices waited {held} for it to take more rows (spool-limit, spool-full), and {} ticks were missed; {}",
            count(c.missed_ticks),
            self.busy_text()
        )
    }

    fn host(&self, behind: bool) -> String {
        let c = self.counters;
        let busy = self.busy_text();
        if !behind {
            return format!("the host: {busy}, {} a tick", self.tick_time());
        }
        let mut late = format!(
            "devices were called p99 {} late",
            micros(c.delay.quantile(0.99))
        );
        if c.missed_ticks > 0 {
            late.push_str(&format!(", {} ticks were missed", count(c.missed_ticks)));
        }
        if self.busy() < IDLE_SHARE {
            return format!(
                "the host, not the backend: {late}, though {busy}; something else had the machine, or single calls took long ({} a tick)",
                self.tick_time()
            );
        }
        format!(
            "the host, not the backend: {late}, and {busy}, {} a tick; run fewer devices, at a lower rate, or on more cores",
            self.tick_time()
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
        format!(
            "the backend or the way to it: messages waited p99 {} for their turn, confirmations took p99 {}{}, and {busy}",
            micros(waited),
            micros(c.latency.quantile(0.99)),
            self.outbox()
        )
    }

    /// Returns the time from called to sent.
    fn waited(&self) -> u64 {
        let c = self.counters;
        c.lag.quantile(0.99).saturating_sub(c.delay.quantile(0.99))
    }

    /// Describes the fill level of outboxes.
    fn outbox(&self) -> String {
        let c = self.counters;
        let mut words = format!(
            ", up to {} messages were open at once, {} of one device (outbox {})",
            count(c.max_open),
            count(u64::from(c.fullest_outbox.open)),
            count(u64::from(c.fullest_outbox.of))
        );
        if c.outbox_full > 0 {
            words.push_str(&format!(
                ", and {} messages found it full",
                count(c.outbox_full)
            ));
        }
        words
    }

    fn busy_text(&self) -> String {
        format!(
            "its {} workers were busy {:.0} % of the time",
            self.workers,
            self.busy() * 100.0
        )
    }

    /// Returns the time of one tick, without I/O.
    fn tick_time(&self) -> String {
        micros(self.counters.busy_us / self.counters.ticks.max(1))
    }
}

fn share(part: u64, whole: u64) -> f64 {
    as_f64(part) / as_f64(whole.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the counters of a good run: ten seconds, two workers.
    fn good_run() -> Counters {
        let mut counters = Counters {
            ticks: 10_000,
            messages: 10_000,
            acked: 10_000,
            busy_us: 1_000_000,
            last_delivered_us: 9_990_000,
            ..Counters::default()
        };
        for _ in 0..10_000 {
            counters.delay.record(500);
            counters.lag.record(1_000);
            counters.latency.record(2_000);
        }
        counters
    }

    fn slow(spread: &mut crate::counters::histogram::LatencyHistogram, micros: u64) {
        (0..10_000).for_each(|_| spread.record(micros));
    }

    fn verdict_of(counters: &Counters) -> (Bottleneck, String) {
        Evidence {
            counters,
            workers: 2,
            ran: Duration::from_secs(10),
            flat_out: false,
            full_speed: false,
            lost_rows: 0,
        }
        .verdict()
    }

    #[track_caller]
    fn assert_verdict(counters: &Counters, expected: Bottleneck, texts: &[&str]) {
        let (found, text) = verdict_of(counters);
        assert_eq!(found, expected, "{text}");
        for expected in texts {
            assert!(text.contains(expected), "{expected:?} is not in {text:?}");
        }
    }

    #[test]
    fn good_run_has_no_bottleneck() {
        assert_verdict(
            &good_run(),
            Bottleneck::None,
            &["busy 5 % of the time", "p99 2.0 ms"],
        );
    }

    #[test]
    fn slow_backend_without_losses_is_reported() {
        let mut counters = good_run();
        slow(&mut counters.latency, 3_000_000);
        counters.max_open = 3_000;
        assert_verdict(
            &counters,
            Bottleneck::None,
            &["was slow", "3.0", "3,000 messages"],
        );
    }

    #[test]
    fn waiting_messages_show_the_backend() {
        let mut counters = good_run();
        slow(&mut counters.lag, 900_000);
        counters.outbox_full = 1_234;
        counters.dropped = 1_234;
        counters.fullest_outbox = crate::counters::queue_depth::QueueDepth { open: 100, of: 100 };
        let words = [
            "waited p99",
            "100 of one device (outbox 100)",
            "1,234 messages found it full",
        ];
        assert_verdict(&counters, Bottleneck::Backend, &words);
    }

    #[test]
    fn silent_backend_has_stopped() {
        let mut counters = good_run();
        counters.unconfirmed = 500;
        counters.last_delivered_us = 4_000_000;
        assert_verdict(
            &counters,
            Bottleneck::Backend,
            &["stopped taking messages", "the last 6.00 s"],
        );
    }

    #[test]
    fn late_calls_of_busy_workers_show_the_host() {
        let mut counters = good_run();
        slow(&mut counters.delay, 800_000);
        slow(&mut counters.lag, 800_000);
        counters.busy_us = 19_800_000;
        assert_verdict(
            &counters,
            Bottleneck::Host,
            &["the host, not the backend", "busy 99 %", "2.0 ms a tick"],
        );
        counters.busy_us = 1_000_000;
        assert_verdict(
            &counters,
            Bottleneck::Host,
            &["something else had the machine"],
        );
    }

    #[test]
    fn missed_ticks_do_not_excuse_a_lossy_backend() {
        let mut counters = good_run();
        counters.missed_ticks = 100;
        assert_verdict(&counters, Bottleneck::Host, &["100 ticks were missed"]);
        (counters.dropped, counters.acked) = (3_000, 7_000);
        assert_verdict(&counters, Bottleneck::Backend, &["the way to it"]);
    }

    #[test]
    fn waiting_for_the_log_shows_the_log() {
        let mut counters = good_run();
        slow(&mut counters.delay, 800_000);
        counters.log_blocked_us = 8_000_000;
        counters.missed_ticks = 40;
        assert_verdict(
            &counters,
            Bottleneck::Log,
            &["the send log", "waited 4.00 s", "40 ticks"],
        );
    }

    #[test]
    fn crashed_cells_show_the_plugin() {
        let mut counters = good_run();
        (counters.cell_restarts, counters.missed_ticks) = (2, 10);
        assert_verdict(&counters, Bottleneck::Plugin, &["cells crashed"]);
    }
}
