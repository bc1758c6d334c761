//! The end of a run in words: did everything arrive, was the schedule kept, who was
//! the bottleneck, where is the log; and the same in figures, for machines.

use std::time::Duration;

use serde_json::{Value, json};

use super::check::{self, Check};
use super::counters::{Counters, Spread};
use super::figures::{bytes, count, float, micros, percent, rate};
use super::passage::Passed;
use super::stages::StageDone;
use super::step::Limit;
use super::verdict::{Evidence, ON_TIME, Who};

/// What is known when a run is over.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The fleet's name.
    pub fleet: String,
    /// The run's id.
    pub run: String,
    /// Devices of the fleet.
    pub devices: u64,
    /// Threads that called them.
    pub workers: u32,
    /// From start to the last row.
    pub took: Duration,
    /// From start to the end of the last worker; what comes then is the log's.
    pub ran: Duration,
    /// What time of the fleet passed, where that is not the machine's.
    pub passed: Option<Passed>,
    /// Whether no device has a schedule.
    pub flat_out: bool,
    /// What came of the stages of groups.
    pub stages: Vec<StageDone>,
    /// What a search for the backend's limit has found, if there was one.
    pub limit: Option<Limit>,
    /// What was to hold, and whether it did.
    pub checks: Vec<Check>,
    /// What was counted.
    pub counters: Counters,
    /// What the log holds.
    pub log: Log,
}

/// What the log holds.
#[derive(Debug, Clone)]
pub struct Log {
    /// Where it is; `None` when none was written.
    pub location: Option<String>,
    /// Rows of the table `sends`.
    pub rows: u64,
    /// Rows of the table `events`.
    pub events: u64,
    /// Parquet files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows that were lost because the spool was over its limit.
    pub lost: u64,
    /// Requests to a bucket.
    pub requests: u64,
    /// Files that were older than `keep`, and are gone.
    pub pruned: u64,
    /// Why it is not whole.
    pub error: Option<String>,
    /// What to ask it first.
    pub query: Option<String>,
}

/// What a run says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What was to be.
    pub question: &'static str,
    /// How it was, in words.
    pub answer: String,
    /// Whether the run failed by it.
    pub failed: bool,
    /// Whether it was not so, which alone fails no run.
    pub doubtful: bool,
}

impl Log {
    fn json(&self) -> Value {
        json!({
            "rows": self.rows,
            "events": self.events,
            "files": self.files,
            "bytes": self.bytes,
            "lost_rows": self.lost,
            "requests": self.requests,
            "pruned_files": self.pruned,
            "log": self.location,
            "log_error": self.error,
            "query": self.query,
        })
    }
}

/// Causes, and warnings, that are shown.
const CAUSES: usize = 5;

/// Stages that are shown.
const STAGES: usize = 24;

impl Summary {
    /// Whether nothing of the run itself failed: its log is whole, something arrived if
    /// something was sent, every check held, and the limit was found if one was looked for.
    #[must_use]
    pub fn is_success(&self) -> bool {
        let found = |limit: &Limit| limit.who() == Who::Backend;
        self.log.error.is_none()
            && self.something_arrived()
            && self.checks.iter().all(|check| check.held)
            && self.limit.as_ref().is_none_or(found)
    }

    /// Whether something arrived, if something was sent.
    fn something_arrived(&self) -> bool {
        let c = &self.counters;
        c.messages == c.injected.lost() || c.acked + c.sent + c.written > 0
    }

    /// What the run says of itself, whatever its checks are: a question, its answer, and
    /// whether the run failed by it.
    #[must_use]
    pub fn own_verdicts(&self) -> [Verdict; 3] {
        let c = &self.counters;
        let kept = c.missed_ticks == 0 && c.delay.quantile(0.99) <= ON_TIME;
        let verdict = |question, answer, failed, doubtful| Verdict {
            question,
            answer,
            failed,
            doubtful,
        };
        let arrived = self.something_arrived();
        [
            verdict("something arrived", self.arrived(), !arrived, false),
            verdict("the schedule was kept", self.kept(), false, !kept),
            verdict(
                "the log is whole",
                self.where_is_the_log(),
                self.log.error.is_some(),
                false,
            ),
        ]
    }

    /// The words, for people.
    #[must_use]
    pub fn text(&self) -> String {
        let c = &self.counters;
        let seconds = self.took.as_secs_f64();
        let mut lines = vec![
            format!(
                "{}: {} devices, {} messages in {seconds:.1} s ({}), run {}",
                self.fleet,
                count(self.devices),
                count(c.messages),
                rate(float(c.messages) / seconds.max(0.001)),
                self.run
            ),
            String::new(),
            format!("Did everything arrive?   {}", self.arrived()),
        ];
        let causes = listed(&c.causes, "causes; the column `error` has them");
        lines.extend(
            causes
                .into_iter()
                .map(|line| format!("                         {line}")),
        );
        if let Some(passed) = &self.passed {
            let words = passed.words(self.ran);
            lines.push(format!("What time passed?        {words}"));
        }
        if !c.injected.is_none() {
            let words = c.injected.words();
            lines.push(format!("What broke on purpose?   {words}"));
            let causes = listed(&c.injected.causes, "causes; the column `error` has them");
            lines.extend(
                causes
                    .into_iter()
                    .map(|line| format!("                         {line}")),
            );
        }
        lines.push(format!("Was the schedule kept?   {}", self.kept()));
        let (_, verdict) = self.evidence().verdict();
        lines.push(format!("Who was the bottleneck?  {verdict}"));
        if let Some(limit) = &self.limit {
            let mut heading = "What is the limit?";
            for line in limit.lines() {
                lines.push(format!("{heading:<25}{line}"));
                heading = "";
            }
        }
        if !self.checks.is_empty() {
            let verdict = check::verdict(&self.checks);
            lines.push(format!("Did the checks hold?     {verdict}"));
            lines.extend(
                self.checks
                    .iter()
                    .map(|check| format!("                         {}", check.line())),
            );
        }
        if !self.stages.is_empty() {
            lines.push("What of the stages?".into());
            lines.extend(self.stage_lines());
        }
        if c.failed_calls + c.cell_restarts + c.retired > 0 {
            lines.push(format!("What of the plugins?     {}", self.plugins()));
        }
        let troubles = listed(&c.notices, "warnings");
        if !troubles.is_empty() {
            lines.push("What else happened?".into());
            lines.extend(
                troubles
                    .into_iter()
                    .map(|line| format!("                         {line}")),
            );
        }
        lines.push(format!(
            "Where is the log?        {}",
            self.where_is_the_log()
        ));
        let readable = self.log.error.is_none() && self.log.rows > 0;
        if let Some(query) = self.log.query.as_ref().filter(|_| readable) {
            lines.push(format!("What to ask it first     duckdb -c \"{query}\""));
        }
        lines.join("\n")
    }

    /// The figures, for machines.
    #[must_use]
    pub fn json(&self) -> Value {
        let c = &self.counters;
        let evidence = self.evidence();
        let (who, verdict) = evidence.verdict();
        let mut all = json!({
            "event": "summary",
            "fleet": self.fleet,
            "run": self.run,
            "devices": self.devices,
            "ticks": c.ticks,
            "messages": c.messages,
            "acked": c.acked,
            "sent": c.sent,
            "failed": c.failed,
            "dropped": c.dropped,
            "unconfirmed": c.unconfirmed,
            "written": c.written,
            "received": c.received,
            "missed_ticks": c.missed_ticks,
            "failed_calls": c.failed_calls,
            "retired": c.retired,
            "cell_restarts": c.cell_restarts,
            "guest_memory": c.guest_memory,
            "delay_us": spread(&c.delay),
            "lag_us": spread(&c.lag),
            "latency_us": spread(&c.latency),
            "words": { "arrived": self.arrived(), "schedule": self.kept() },
            "bottleneck": { "who": who.word(), "words": verdict },
            "busy": evidence.busy(),
            "held_up": evidence.held_up(),
            "open_most": c.open_most,
            "outbox": {
                "most": c.deepest.open,
                "of": c.deepest.of,
                "found_full": c.outbox_full,
            },
            "limit": self.limit.as_ref().map(Limit::json),
            "checks": check::list(&self.checks),
            "stages": self.stages.iter().map(StageDone::json).collect::<Vec<_>>(),
            "injected": c.injected.json(ranked(&c.injected.causes)),
            "causes": ranked(&c.causes),
            "notices": ranked(&c.notices),
            "clock": self.passed.map(|passed| passed.json(self.ran)),
            "seconds": self.took.as_secs_f64(),
        });
        if let (Value::Object(all), Value::Object(log)) = (&mut all, self.log.json()) {
            all.extend(log);
        }
        all
    }

    fn arrived(&self) -> String {
        let c = &self.counters;
        let lost = c.failed + c.dropped + c.unconfirmed;
        if c.messages == 0 {
            return "there was nothing to send: no device returned a message".into();
        }
        if c.written > 0 {
            let rest = match lost {
                0 => String::new(),
                lost => format!(", and {} more would not have arrived", count(lost)),
            };
            return format!(
                "nothing was sent: {} messages were written to the log{rest}",
                count(c.written)
            );
        }
        let all = c.messages - c.injected.lost().min(c.messages);
        if lost == 0 && all < c.messages {
            let unconfirmed = match c.sent {
                0 => String::new(),
                sent => format!(", {} are on the wire (QoS 0)", count(sent)),
            };
            return format!(
                "yes, as far as faults let it: the backend confirmed {} messages{unconfirmed}, and {} were lost to faults on purpose",
                count(c.acked),
                count(c.injected.lost())
            );
        }
        if lost == 0 && c.sent == 0 {
            return format!(
                "yes: the backend confirmed all {} messages",
                count(c.messages)
            );
        }
        if lost == 0 && c.acked == 0 {
            return format!(
                "all {} messages are on the wire; nothing confirms QoS 0",
                count(c.messages)
            );
        }
        if lost == 0 {
            return format!(
                "yes: the backend confirmed {} messages, and {} more are on the wire, which nothing confirms (QoS 0)",
                count(c.acked),
                count(c.sent)
            );
        }
        let parts = [
            (c.failed, "failed"),
            (c.dropped, "dropped"),
            (c.unconfirmed, "unconfirmed"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{} {what}", count(*n)))
            .collect();
        format!(
            "no: {} of {} messages did not ({}); {} did",
            count(lost),
            count(all),
            parts.join(", "),
            percent(all - lost.min(all), all)
        )
    }

    fn kept(&self) -> String {
        let c = &self.counters;
        if self.is_at_full_speed() {
            let missed = match c.missed_ticks {
                0 => String::new(),
                missed => format!(
                    "; {} were missed while cells were down or the run was stopped",
                    count(missed)
                ),
            };
            return format!(
                "there was no time to keep up with: the clock waited for each of the {} ticks that ran{missed}",
                count(c.ticks)
            );
        }
        let called = format!("devices were called p99 {}", micros(c.delay.quantile(0.99)));
        let times = if c.lag.count() == 0 {
            format!("{called} after they were due")
        } else {
            let left = micros(c.lag.quantile(0.99));
            format!("{called} and messages left p99 {left} after they were due")
        };
        if c.missed_ticks > 0 {
            let all = c.ticks + c.missed_ticks;
            return format!(
                "no: {} of {} ticks were missed; {times}",
                count(c.missed_ticks),
                count(all)
            );
        }
        if c.delay.quantile(0.99) > ON_TIME {
            return format!("late: every tick ran, but {times}");
        }
        format!("yes: all {} ticks ran; {times}", count(c.ticks))
    }

    /// Whether the clock went as fast as it could.
    fn is_at_full_speed(&self) -> bool {
        self.passed.is_some_and(|passed| passed.max)
    }

    fn evidence(&self) -> Evidence<'_> {
        Evidence {
            counters: &self.counters,
            workers: self.workers,
            ran: self.ran,
            flat_out: self.flat_out,
            full_speed: self.is_at_full_speed(),
            lost_rows: self.log.lost,
        }
    }

    fn stage_lines(&self) -> Vec<String> {
        let shown = self.stages.iter().take(STAGES);
        let mut lines: Vec<String> = shown
            .map(|stage| format!("                         {}", stage.line()))
            .collect();
        let more = self.stages.len().saturating_sub(STAGES);
        if more > 0 {
            lines.push(format!(
                "                         and {more} more; --json has each"
            ));
        }
        lines
    }

    fn plugins(&self) -> String {
        let c = &self.counters;
        let parts = [
            (c.failed_calls, "calls returned an error"),
            (c.cell_restarts, "cells fell and were made again"),
            (c.retired, "devices retired"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{} {what}", count(*n)))
            .collect();
        format!("{} (the table `events` has each)", parts.join(", "))
    }

    fn where_is_the_log(&self) -> String {
        let log = &self.log;
        let Some(location) = &log.location else {
            return "none was written (store = \"none\")".into();
        };
        let rows = log.rows + log.events;
        let mut text = format!(
            "{location}: {} rows in sends, {} in events, {} in {} files ({:.0} bytes a row)",
            count(log.rows),
            count(log.events),
            bytes(log.bytes),
            count(log.files),
            float(log.bytes) / float(rows.max(1)),
        );
        if log.requests > 0 {
            text.push_str(&format!(", with {} requests", count(log.requests)));
        }
        if log.pruned > 0 {
            text.push_str(&format!(
                "; {} files were older than keep, and are gone",
                count(log.pruned)
            ));
        }
        if log.lost > 0 {
            text.push_str(&format!(
                "; {} rows were lost, since the spool was over its limit (spool-limit, spool-full)",
                count(log.lost)
            ));
        }
        match &log.error {
            // The figures say how far it came.
            Some(error) => format!("not whole: {error}; so far {text}"),
            None => text,
        }
    }
}

/// The most frequent ones with their counts, and how many more there are of `others`.
fn listed(notices: &super::notices::Notices, others: &str) -> Vec<String> {
    let ranked = notices.ranked();
    let mut lines: Vec<String> = ranked
        .iter()
        .take(CAUSES)
        .map(|(why, n)| format!("{} × {why}", count(*n)))
        .collect();
    let rest: u64 = ranked.iter().skip(CAUSES).map(|(_, n)| n).sum::<u64>() + notices.others();
    if rest > 0 {
        lines.push(format!("{} × other {others}", count(rest)));
    }
    lines
}

fn spread(spread: &Spread) -> Value {
    json!({
        "p50": spread.quantile(0.5),
        "p99": spread.quantile(0.99),
        "max": spread.max(),
    })
}

fn ranked(notices: &super::notices::Notices) -> Value {
    notices
        .ranked()
        .into_iter()
        .map(|(text, times)| json!({ "text": text, "times": times }))
        .collect()
}
