//! Writes the summary for a terminal.

use crate::check;
use crate::counters::warnings::Warnings;
use crate::format::rate;
use crate::num::as_f64;
use crate::progress::stages::StageResult;
use crate::summary::run_summary::Summary;
use mockfleet_files::counted::{count, plural};
use mockfleet_files::foreign_text::{for_line, shell_text};

/// Most causes, and most warnings, that are listed. The others are only counted.
const MAX_CAUSES: usize = 5;

/// Most stages that are listed. The others are only counted.
const MAX_STAGES: usize = 24;

impl Summary {
    /// Returns the summary as lines of a heading and a text.
    #[must_use]
    pub fn text(&self) -> String {
        let c = &self.counters;
        let seconds = self.took.as_secs_f64();
        let mut lines = Lines(vec![
            format!(
                "{}: {}, {} in {seconds:.1} s ({}{}), run {}",
                for_line(&self.fleet),
                plural(self.devices, "device"),
                plural(c.messages, "message"),
                rate(as_f64(c.got_through()) / seconds.max(0.001)),
                if c.got_through() < c.messages {
                    " got through"
                } else {
                    ""
                },
                self.run
            ),
            String::new(),
        ]);
        lines.add("Did everything arrive?", self.arrived());
        lines.list("", top(&c.causes, "causes; the column `error` has them"));
        if let Some(connect) = &self.connect {
            lines.add("Connections", connect.text());
        }
        if let Some(connections) = self.connections() {
            lines.add("Did all connect?", format!("no: {connections}"));
        }
        if let Some(clock) = &self.clock {
            lines.add("Virtual time", clock.text(self.ran));
        }
        if !c.injected.is_none() {
            lines.add("Injected faults", c.injected.text());
            let causes = &c.injected.causes;
            lines.list("", top(causes, "causes; the column `error` has them"));
        }
        lines.add("Was the schedule kept?", self.kept());
        lines.add("Bottleneck", self.evidence().verdict().1);
        if let Some(result) = &self.breakpoint {
            lines.list("Limit", result.lines());
        }
        if !self.checks.is_empty() {
            lines.add("Checks", check::verdict(&self.checks));
            lines.list("", self.checks.iter().map(|check| check.line()).collect());
        }
        if !self.stages.is_empty() {
            lines.add("Stages", String::new());
            lines.list("", stages(&self.stages));
        }
        if c.reconnects > 0 {
            lines.add("Reconnects", self.reconnects());
        }
        if c.failed_calls + c.cell_restarts + c.retired > 0 {
            lines.add("Plugin errors", self.plugin_errors());
        }
        lines.list("Warnings", top(&c.warnings, "warnings"));
        lines.add("Where is the log?", self.log.text());
        let readable = self.log.error.is_none() && self.log.rows > 0;
        if let Some(query) = self.log.query.as_ref().filter(|_| readable) {
            lines.add("First query", format!("duckdb -c {}", shell_text(query)));
        }
        lines.0.join("\n")
    }
}

/// Lines with headings in a column of 25 characters.
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, heading: &str, text: String) {
        let line = format!("{heading:<25}{}", for_line(&text));
        self.0.push(line.trim_end().to_owned());
    }

    /// Adds texts, the first of them with the heading.
    fn list(&mut self, heading: &str, texts: Vec<String>) {
        let mut heading = heading;
        for text in texts {
            self.add(heading, text);
            heading = "";
        }
    }
}

fn stages(stages: &[StageResult]) -> Vec<String> {
    let shown = stages.iter().take(MAX_STAGES);
    let mut lines: Vec<String> = shown.map(StageResult::line).collect();
    let more = stages.len().saturating_sub(MAX_STAGES);
    if more > 0 {
        lines.push(format!("and {more} more; --json has each"));
    }
    lines
}

/// Returns the most frequent texts with their counts, and the count of the `others`.
fn top(warnings: &Warnings, others: &str) -> Vec<String> {
    let ranked = warnings.ranked();
    let mut lines: Vec<String> = ranked
        .iter()
        .take(MAX_CAUSES)
        .map(|(why, n)| format!("{} × {why}", count(*n)))
        .collect();
    let rest: u64 = ranked.iter().skip(MAX_CAUSES).map(|(_, n)| n).sum::<u64>() + warnings.others();
    if rest > 0 {
        lines.push(format!("{} × other {others}", count(rest)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bottleneck::Bottleneck;
    use crate::check::CheckResult;
    use crate::counters::worker_counters::Counters;
    use crate::progress::clock_progress::ClockProgress;
    use crate::search_step::{BreakpointResult, SearchStep};
    use crate::summary::log_totals::LogTotals;

    /// Returns the summary of a run of ten seconds in which all went well.
    fn good_run() -> Summary {
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
        Summary {
            fleet: "demo".into(),
            run: "01M8835DCGFEHSEP2HFFMX1S1Y".into(),
            devices: 1_000,
            workers: 2,
            took: Duration::from_millis(10_100),
            ran: Duration::from_secs(10),
            connect: None,
            clock: None,
            flat_out: false,
            stages: Vec::new(),
            breakpoint: None,
            checks: Vec::new(),
            counters,
            log: LogTotals {
                location: Some("mockfleet-logs".into()),
                rows: 10_000,
                events: 4_000,
                spooled: 0,
                files: 2,
                bytes: 210_000,
                lost: 0,
                requests: 0,
                pruned: 0,
                error: None,
                query: Some("SELECT 1".into()),
            },
        }
    }

    fn check(text: &str, shown: &str, held: bool) -> CheckResult {
        CheckResult {
            kind: "fleet",
            name: String::new(),
            text: text.into(),
            figure: None,
            shown: shown.into(),
            held,
        }
    }

    #[test]
    fn run_without_losses() {
        insta::assert_snapshot!(good_run().text());
    }

    #[test]
    fn run_without_a_broker_has_no_figure_that_was_not_measured() {
        let mut summary = good_run();
        summary.counters = Counters {
            ticks: 2_400,
            messages: 2_400,
            dropped: 2_400,
            busy_us: 1_000_000,
            to_connect: 1_000,
            ..Counters::default()
        };
        for _ in 0..2_400 {
            summary.counters.delay.record(500);
        }
        let text = summary.text();
        for line in [
            "demo: 1,000 devices, 2,400 messages in 10.1 s (0.0/s got through), run ",
            "Did all connect?         no: 1,000 of 1,000 devices never connected\n",
            "Was the schedule kept?   yes: all 2,400 ticks ran; devices were called p99 500 µs after they were due\n",
            "the backend or the way to it: no message arrived, and its 2 workers were busy 5 % of the time\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        let json = summary.json();
        assert_eq!(json["never_connected"], 1_000);
        assert_eq!(
            json["words"]["connections"],
            "1,000 of 1,000 devices never connected"
        );
        assert!(json["latency_us"]["p99"].is_null() && json["lag_us"]["max"].is_null());
        assert_eq!(json["delay_us"]["p99"], 500);
    }

    #[test]
    fn schedule_without_ticks_has_no_times() {
        let mut summary = good_run();
        summary.counters = Counters::default();
        assert_eq!(summary.kept(), "no tick was due");
        summary.counters.missed_ticks = 5;
        assert_eq!(summary.kept(), "no: 5 of 5 ticks were missed");
    }

    #[test]
    fn run_with_losses_faults_checks_and_stages() {
        let mut summary = good_run();
        let c = &mut summary.counters;
        (c.messages, c.acked, c.failed, c.dropped) = (10_012, 9_000, 700, 300);
        (c.missed_ticks, c.failed_calls, c.cell_restarts) = (40, 3, 1);
        c.causes.count_times("failed: HTTP 503", 700);
        c.causes.count_times("dropped: outbox full", 300);
        c.injected.touch(&["drop"], 0);
        c.injected.begin("reconnect-storm");
        c.injected.dropped = 12;
        c.injected
            .causes
            .count_times("dropped: injected fault: drop", 12);
        c.warnings
            .count("group a: the connection is lost again and again");
        summary.checks = vec![
            check("acked >= 99.9%", "90.00 % (9,000 of 10,000)", false),
            check("latency.p99 <= 200ms", "2.0 ms", true),
        ];
        summary.stages = vec![StageResult {
            group: "a".into(),
            number: 1,
            of: 2,
            words: "ramp 0/s..50/s for 30s".into(),
            lasted: Duration::from_secs(10),
            ran: 9_960,
            missed: 40,
        }];
        summary.log.error = Some("the disk is full".into());
        insta::assert_snapshot!(summary.text());
    }

    #[test]
    fn reconnects_have_a_line() {
        let mut summary = good_run();
        assert!(!summary.text().contains("Reconnects"));
        summary.counters.reconnects = 1_200;
        let said = "Reconnects               1,200: connections that were lost were opened again (the table `events` has each)";
        assert!(summary.text().lines().any(|line| line == said));
        assert_eq!(summary.json()["reconnects"], 1_200);
    }

    fn arrived(acked: u64, sent: u64, unproven: u64, failed: u64) -> String {
        let mut summary = good_run();
        let counters = &mut summary.counters;
        counters.messages = acked + sent + failed;
        (counters.acked, counters.sent) = (acked, sent);
        (counters.unproven, counters.failed) = (unproven, failed);
        let text = summary.text();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("Did everything arrive?"));
        line.unwrap().trim().to_owned()
    }

    #[test]
    fn messages_of_qos_0_arrived_if_the_broker_has_read_them() {
        assert_eq!(
            arrived(0, 5_000, 0, 0),
            "yes: the broker has read all 5,000 messages (QoS 0)"
        );
        assert_eq!(
            arrived(100, 5_000, 0, 0),
            "yes: the backend confirmed 100 messages, and the broker has read 5,000 more (QoS 0)"
        );
        assert_eq!(
            arrived(0, 5_000, 1_200, 0),
            "unknown for 1,200 of 5,000 messages: they were sent (QoS 0), and nothing shows that the broker has read them; the broker has read 3,800 messages (QoS 0)"
        );
        assert_eq!(
            arrived(5_000, 10, 10, 0),
            "unknown for 10 of 5,010 messages: they were sent (QoS 0), and nothing shows that the broker has read them; the backend confirmed 5,000 messages"
        );
        assert_eq!(
            arrived(0, 98, 8, 2),
            "no: 2 of 100 messages did not (2 failed); 90.00 % did; unknown for 8 of 100 messages: they were sent (QoS 0), and nothing shows that the broker has read them"
        );
    }

    #[test]
    fn backfill_at_full_speed() {
        let mut summary = good_run();
        summary.clock = Some(ClockProgress {
            from: 1_767_225_600_000_000,
            length: Duration::from_secs(30 * 86_400),
            max: true,
        });
        (summary.counters.acked, summary.counters.written) = (0, 10_000);
        summary.log.pruned = 7;
        insta::assert_snapshot!(summary.text());
    }

    #[test]
    fn breakpoint_search() {
        let step = |factor, asked, bottleneck, why: &[&str]| SearchStep {
            factor,
            asked,
            through: asked,
            bottleneck,
            why: why.iter().map(|text| (*text).to_owned()).collect(),
            ..SearchStep::default()
        };
        let mut summary = good_run();
        summary.breakpoint = Some(BreakpointResult {
            held: Some(step(4.0, 100.0, Bottleneck::None, &[])),
            broke: Some(step(
                4.36,
                109.0,
                Bottleneck::Backend,
                &["failed was 5.66 % (> 5%)"],
            )),
            interrupted: false,
        });
        insta::assert_snapshot!(summary.text());
    }
}
