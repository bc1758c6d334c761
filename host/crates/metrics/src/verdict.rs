//! Was it me or my backend? Who held up a run, and what shows it: how late devices were
//! called, how busy the workers were, how full the outboxes were, how long
//! confirmations took, and since when none came.

use std::time::Duration;

use super::counters::Counters;
use super::figures::{count, float, micros};

/// A device that is called within this time of being due has kept its schedule: a
/// few turns of a worker's loop, and far below what anyone schedules.
pub const ON_TIME: u64 = 50_000;

/// Workers that are busy for more of the time than this have nothing to spare.
const BUSY: f64 = 0.85;

/// Workers that are busy for less of it had time for what they did too late.
const IDLE: f64 = 0.5;

/// Nobody waits for a confirmation for longer than this and calls it quick.
const SLOW: u64 = 1_000_000;

/// A backend from which nothing came for so long before the end has stopped, if
/// messages were open.
const SILENT: u64 = 2_000_000;

/// More of the time than this held up by the log is no hiccup.
const HELD_UP: f64 = 0.01;

/// Who held up a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The schedule was kept and everything got through.
    Nobody,
    /// mockfleet itself, or the machine it runs on.
    Host,
    /// What the plugins did.
    Plugin,
    /// The send log: its disk or its store.
    Log,
    /// The backend, or the way to it.
    Backend,
}

impl Who {
    /// As machines read it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Host => "host",
            Self::Plugin => "plugin",
            Self::Log => "log",
            Self::Backend => "backend",
        }
    }
}

/// What a verdict follows from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence<'a> {
    pub(super) counters: &'a Counters,
    pub(super) workers: u32,
    /// From start to the end of the last worker.
    pub(super) ran: Duration,
    /// No device has a schedule.
    pub(super) flat_out: bool,
    /// The clock went as fast as it could.
    pub(super) full_speed: bool,
    /// Rows that the log lost.
    pub(super) lost_rows: u64,
}

impl Evidence<'_> {
    /// The share of time that workers spent on devices, rows and connections.
    pub(super) fn busy(&self) -> f64 {
        self.of_time(self.counters.busy_us + self.counters.io_us)
    }

    /// The share of time that the log held workers up.
    pub(super) fn held_up(&self) -> f64 {
        self.of_time(self.counters.held_us)
    }

    /// Since when nothing got through while messages were open, if that is long.
    fn silence(&self) -> Option<u64> {
        let c = self.counters;
        let end = u64::try_from(self.ran.as_micros()).unwrap_or(u64::MAX);
        let silence = end.saturating_sub(c.last_through_us);
        let through = c.acked + c.sent > 0;
        let stuck = c.unconfirmed + c.dropped + c.open > 0;
        let long = SILENT.max(3 * c.latency.quantile(0.99));
        (through && stuck && silence > long).then_some(silence)
    }

    fn of_time(&self, micros: u64) -> f64 {
        let all = self.ran.as_secs_f64() * f64::from(self.workers.max(1));
        (float(micros) / 1e6 / all.max(0.001)).min(1.0)
    }

    /// Who it was, and what shows it.
    pub(super) fn verdict(&self) -> (Who, String) {
        let c = self.counters;
        let late = c.delay.quantile(0.99) > ON_TIME;
        let missed = share(c.missed_ticks, c.ticks + c.missed_ticks);
        let lost = share(c.failed + c.dropped + c.unconfirmed, c.messages);
        // A hiccup of the machine does not excuse a backend that loses more.
        if self.full_speed {
            return self.at_full_speed();
        }
        let behind = (late || missed > 0.0 && missed >= lost) && !self.flat_out;
        if self.lost_rows > 0 || (behind && self.held_up() > HELD_UP) {
            return (Who::Log, self.log());
        }
        if c.cell_restarts > 0 && c.missed_ticks > 0 {
            return (
                Who::Plugin,
                "the plugin: cells fell, and their devices missed ticks until they were back"
                    .into(),
            );
        }
        if behind || (self.flat_out && self.busy() > BUSY) {
            return (Who::Host, self.host(behind));
        }
        let waited = self.waited();
        if c.messages > 0 && (self.flat_out || waited > 2 * ON_TIME || lost > 0.0) {
            return (Who::Backend, self.backend(waited));
        }
        let (busy, took) = (self.busy_words(), micros(c.latency.quantile(0.99)));
        let words = if c.latency.quantile(0.99) > SLOW {
            format!(
                "nobody, but the backend was slow: confirmations took p99 {took}, and up to {} messages were open at once; {busy}",
                count(c.open_most)
            )
        } else {
            format!("nobody: {busy}, and confirmations took p99 {took}")
        };
        (Who::Nobody, words)
    }

    /// Nothing is late by a clock that waits: whoever it waited for most held it up.
    fn at_full_speed(&self) -> (Who, String) {
        let c = self.counters;
        if self.lost_rows > 0 {
            return (Who::Log, self.log());
        }
        if self.held_up() > self.busy() {
            let held = micros(c.held_us / u64::from(self.workers.max(1)));
            return (
                Who::Log,
                format!(
                    "the send log: the clock stood still for {held} until it took more rows (spool-limit, spool-full); {}",
                    self.busy_words()
                ),
            );
        }
        if c.written > 0 || c.messages == 0 || self.busy() > BUSY {
            return (Who::Host, self.host(false));
        }
        if c.acked + c.sent == 0 {
            return (Who::Backend, self.backend(0));
        }
        (
            Who::Backend,
            format!(
                "the backend or the way to it: the clock waited for it, confirmations took p99 {}{}, and {}",
                micros(c.latency.quantile(0.99)),
                self.outbox(),
                self.busy_words()
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
        let held = micros(c.held_us / u64::from(self.workers.max(1)));
        format!(
            "the send log, not the backend: devices waited {held} for it to take more rows (spool-limit, spool-full), and {} ticks were missed; {}",
            count(c.missed_ticks),
            self.busy_words()
        )
    }

    fn host(&self, behind: bool) -> String {
        let c = self.counters;
        let busy = self.busy_words();
        if !behind {
            return format!("the host: {busy}, {} a tick", self.each());
        }
        let mut late = format!(
            "devices were called p99 {} late",
            micros(c.delay.quantile(0.99))
        );
        if c.missed_ticks > 0 {
            late.push_str(&format!(", {} ticks were missed", count(c.missed_ticks)));
        }
        if self.busy() < IDLE {
            return format!(
                "the host, not the backend: {late}, though {busy}; something else had the machine, or single calls took long ({} a tick)",
                self.each()
            );
        }
        format!(
            "the host, not the backend: {late}, and {busy}, {} a tick; run fewer devices, more seldom, or on more cores",
            self.each()
        )
    }

    fn backend(&self, waited: u64) -> String {
        let c = self.counters;
        let busy = self.busy_words();
        if c.acked + c.sent == 0 {
            return format!(
                "the backend or the way to it: no message arrived{}, and {busy}",
                self.outbox()
            );
        }
        if let Some(silence) = self.silence() {
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

    /// From called to sent.
    fn waited(&self) -> u64 {
        let c = self.counters;
        c.lag.quantile(0.99).saturating_sub(c.delay.quantile(0.99))
    }

    /// How full the outboxes were.
    fn outbox(&self) -> String {
        let c = self.counters;
        let mut words = format!(
            ", up to {} messages were open at once, {} of one device (outbox {})",
            count(c.open_most),
            count(u64::from(c.deepest.open)),
            count(u64::from(c.deepest.of))
        );
        if c.outbox_full > 0 {
            words.push_str(&format!(
                ", and {} messages found it full",
                count(c.outbox_full)
            ));
        }
        words
    }

    fn busy_words(&self) -> String {
        format!(
            "its {} workers were busy {:.0} % of the time",
            self.workers,
            self.busy() * 100.0
        )
    }

    /// What one tick cost a worker, I/O aside.
    fn each(&self) -> String {
        micros(self.counters.busy_us / self.counters.ticks.max(1))
    }
}

fn share(part: u64, whole: u64) -> f64 {
    float(part) / float(whole.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of ten seconds and two workers in which all went well.
    fn well() -> Counters {
        let mut counters = Counters {
            ticks: 10_000,
            messages: 10_000,
            acked: 10_000,
            busy_us: 1_000_000,
            last_through_us: 9_990_000,
            ..Counters::default()
        };
        for _ in 0..10_000 {
            counters.delay.record(500);
            counters.lag.record(1_000);
            counters.latency.record(2_000);
        }
        counters
    }

    fn slow(spread: &mut super::super::counters::Spread, micros: u64) {
        (0..10_000).for_each(|_| spread.record(micros));
    }

    fn said(counters: &Counters) -> (Who, String) {
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
    fn assert_said(counters: &Counters, who: Who, words: &[&str]) {
        let (found, text) = said(counters);
        assert_eq!(found, who, "{text}");
        for word in words {
            assert!(text.contains(word), "{word:?} is not in {text:?}");
        }
    }

    #[test]
    fn a_run_in_which_all_went_well_was_held_up_by_nobody() {
        assert_said(
            &well(),
            Who::Nobody,
            &["busy 5 % of the time", "p99 2.0 ms"],
        );
    }

    #[test]
    fn a_backend_that_is_slow_and_holds_up_nobody_is_called_slow() {
        let mut counters = well();
        slow(&mut counters.latency, 3_000_000);
        counters.open_most = 3_000;
        assert_said(
            &counters,
            Who::Nobody,
            &["was slow", "3.0", "3,000 messages"],
        );
    }

    #[test]
    fn messages_that_wait_with_full_outboxes_show_the_backend() {
        let mut counters = well();
        slow(&mut counters.lag, 900_000);
        counters.outbox_full = 1_234;
        counters.dropped = 1_234;
        counters.deepest = super::super::counters::Depth { open: 100, of: 100 };
        let words = [
            "waited p99",
            "100 of one device (outbox 100)",
            "1,234 messages found it full",
        ];
        assert_said(&counters, Who::Backend, &words);
    }

    #[test]
    fn a_backend_from_which_nothing_comes_any_more_has_stopped() {
        let mut counters = well();
        counters.unconfirmed = 500;
        counters.last_through_us = 4_000_000;
        assert_said(
            &counters,
            Who::Backend,
            &["stopped taking messages", "the last 6.00 s"],
        );
    }

    #[test]
    fn devices_that_are_called_late_by_busy_workers_show_the_host() {
        let mut counters = well();
        slow(&mut counters.delay, 800_000);
        slow(&mut counters.lag, 800_000);
        counters.busy_us = 19_800_000;
        assert_said(
            &counters,
            Who::Host,
            &["the host, not the backend", "busy 99 %", "2.0 ms a tick"],
        );
        counters.busy_us = 1_000_000;
        assert_said(&counters, Who::Host, &["something else had the machine"]);
    }

    #[test]
    fn a_hiccup_of_the_host_does_not_excuse_a_backend_that_loses_more() {
        let mut counters = well();
        counters.missed_ticks = 100;
        assert_said(&counters, Who::Host, &["100 ticks were missed"]);
        (counters.dropped, counters.acked) = (3_000, 7_000);
        assert_said(&counters, Who::Backend, &["the way to it"]);
    }

    #[test]
    fn devices_that_wait_for_the_log_show_the_log() {
        let mut counters = well();
        slow(&mut counters.delay, 800_000);
        counters.held_us = 8_000_000;
        counters.missed_ticks = 40;
        assert_said(
            &counters,
            Who::Log,
            &["the send log", "waited 4.00 s", "40 ticks"],
        );
    }

    #[test]
    fn cells_that_fall_show_the_plugin() {
        let mut counters = well();
        (counters.cell_restarts, counters.missed_ticks) = (2, 10);
        assert_said(&counters, Who::Plugin, &["cells fell"]);
    }
}
