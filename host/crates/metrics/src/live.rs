//! The block on the terminal while a run goes: one look answers whether it works.
//! Elsewhere the same becomes a plain line every few seconds, or JSON.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::counters::Counters;
use super::figures::{bytes, count, micros, rate};
use super::passage::ClockNow;
use super::stages::StageNow;

/// What there is to show at one moment.
#[derive(Debug, Clone)]
pub struct Moment {
    /// Since the start.
    pub elapsed: Duration,
    /// How long the run will take, if it has an end.
    pub duration: Option<Duration>,
    /// How far the run's own clock is, if that is not the machine's.
    pub clock: Option<ClockNow>,
    /// Devices of the fleet.
    pub devices: u64,
    /// What was counted so far.
    pub counters: Counters,
    /// How many times faster than in the fleet file schedules go.
    pub factor: f64,
    /// Messages a second over the last moments.
    pub reached: f64,
    /// The stages that groups are in.
    pub stages: Vec<StageNow>,
    /// Rows in the log.
    pub rows: u64,
    /// Bytes of finished Parquet files.
    pub bytes: u64,
    /// What holds up the log.
    pub trouble: Option<String>,
}

impl Moment {
    /// Six lines for the terminal, and one for each group with stages.
    #[must_use]
    pub fn block(&self) -> String {
        let c = &self.counters;
        let mut lines = vec![
            format!("time      {}", self.time()),
            format!(
                "devices   {} of {} on{}",
                count(c.born - c.retired),
                count(self.devices),
                self.connected()
            ),
            format!("rate      {}", self.rate()),
        ];
        lines.extend(
            self.stages
                .iter()
                .map(|stage| format!("stage     {}", stage.line())),
        );
        lines.extend([
            format!(
                "messages  {}{} · acked {} · sent {} · failed {} · dropped {} · open {}",
                count(c.messages),
                self.written(" · "),
                count(c.acked),
                count(c.sent),
                count(c.failed),
                count(c.dropped),
                count(c.open)
            ),
            format!("lag       {}{}", self.lag(), self.missed()),
            format!(
                "log       {} rows, {} in finished files",
                count(self.rows),
                bytes(self.bytes)
            ),
        ]);
        lines.extend(
            self.trouble
                .as_ref()
                .map(|trouble| format!("          {trouble}")),
        );
        lines.join("\n")
    }

    /// One line for a log.
    #[must_use]
    pub fn line(&self) -> String {
        let c = &self.counters;
        let stages = self
            .stages
            .iter()
            .map(|stage| format!("; {}", stage.line()));
        let stages: String = stages.collect();
        format!(
            "{}: {} of {} devices on{}, {}{}, acked {}, sent {}, failed {}, dropped {}, lag {}, {} rows",
            self.time(),
            count(c.born - c.retired),
            count(self.devices),
            self.connected(),
            self.rate(),
            self.written(", "),
            count(c.acked),
            count(c.sent),
            count(c.failed),
            count(c.dropped),
            self.lag(),
            count(self.rows)
        ) + &stages
    }

    /// One JSON object.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let c = &self.counters;
        serde_json::json!({
            "event": "progress",
            "seconds": self.elapsed.as_secs_f64(),
            "clock": self.clock.map(|clock| clock.json(self.elapsed)),
            "devices": self.devices,
            "on": c.born - c.retired,
            "up": c.up,
            "asked_per_second": self.asked(),
            "stages": self.stages.iter().map(StageNow::json).collect::<Vec<_>>(),
            "reached_per_second": self.reached,
            "messages": c.messages,
            "acked": c.acked,
            "sent": c.sent,
            "failed": c.failed,
            "dropped": c.dropped,
            "written": c.written,
            "open": c.open,
            "injected_lost": c.injected.lost(),
            "lag_us": { "p99": c.lag.quantile(0.99) },
            "guest_memory": c.guest_memory,
            "rows": self.rows,
            "bytes": self.bytes,
        })
    }

    /// Ticks a second that are asked of the whole fleet right now.
    fn asked(&self) -> f64 {
        let staged: f64 = self.stages.iter().map(|stage| stage.asked).sum();
        self.counters.asked * self.factor + staged
    }

    fn time(&self) -> String {
        let so_far = self.elapsed.as_secs();
        if let Some(clock) = &self.clock {
            return format!("{so_far} s: {}", clock.words(self.elapsed));
        }
        match self.duration {
            Some(duration) => format!("{so_far} s of {} s", duration.as_secs_f64()),
            None => format!("{so_far} s, until stopped (Ctrl-C)"),
        }
    }

    /// Messages that go nowhere but into the log, where there are some.
    fn written(&self, before: &str) -> String {
        match self.counters.written {
            0 => String::new(),
            written => format!("{before}written {}", count(written)),
        }
    }

    fn lag(&self) -> String {
        if self.clock.is_some_and(|clock| clock.max) {
            return "none: the clock waits".into();
        }
        format!(
            "p99 {} from due to sent",
            micros(self.counters.lag.quantile(0.99))
        )
    }

    /// HTTP devices have no connection of their own: nothing is said of it then.
    fn connected(&self) -> String {
        match self.counters.up {
            0 => String::new(),
            up => format!(", {} connected", count(up)),
        }
    }

    fn rate(&self) -> String {
        let reached = rate(self.reached);
        if self.asked() > 0.0 {
            format!(
                "{} ticks asked, {reached} messages reached",
                rate(self.asked())
            )
        } else {
            format!("{reached} messages reached")
        }
    }

    fn missed(&self) -> String {
        let c = &self.counters;
        let mut more = String::new();
        for (n, what) in [
            (c.missed_ticks, "ticks missed"),
            (c.failed_calls, "calls failed"),
            (c.cell_restarts, "cells restarted"),
        ] {
            if n > 0 {
                more.push_str(&format!(" · {} {what}", count(n)));
            }
        }
        more
    }
}

/// Where the block is drawn, and what is said beside it.
pub struct Live {
    bar: ProgressBar,
}

impl Live {
    /// Draws on standard error if that is a terminal.
    #[must_use]
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Whether anybody sees it.
    #[must_use]
    pub fn is_seen(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Shows a moment.
    pub fn show(&self, moment: &Moment) {
        self.bar.set_message(moment.block());
        self.bar.tick();
    }

    /// Says a line above the block, or alone.
    pub fn say(&self, line: &str) {
        if self.is_seen() {
            self.bar.println(line);
        } else {
            eprintln!("{line}");
        }
    }

    /// Takes the block away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}
