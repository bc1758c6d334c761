//! Describes a running fleet at one time.

use std::time::Duration;

use crate::counters::worker_counters::Counters;
use crate::format::{bytes, micros, rate};
use crate::progress::clock_progress::ClockPosition;
use crate::progress::connect_progress::ConnectProgress;
use crate::progress::stages::StageProgress;
use mockfleet_files::counted::{count, plural};
use mockfleet_files::durations::format_duration;
use mockfleet_files::foreign_text::for_line;

/// The progress of a run at one time.
#[derive(Debug, Clone)]
pub struct ProgressSnapshot {
    /// Time since the start.
    pub elapsed: Duration,
    /// Duration of the run, if it has an end.
    pub duration: Option<Duration>,
    /// The position of the run's clock, if that is not the machine's.
    pub clock: Option<ClockPosition>,
    /// The connections of the start, until the clock starts.
    pub connecting: Option<ConnectProgress>,
    /// Devices of the fleet.
    pub devices: u64,
    /// The sum of the workers' counters.
    pub counters: Counters,
    /// The factor by which schedules are faster than in the fleet file.
    pub factor: f64,
    /// Messages a second that got through over the last two seconds.
    pub reached: f64,
    /// The current stages of groups.
    pub stages: Vec<StageProgress>,
    /// Rows in the log.
    pub rows: u64,
    /// Bytes of finished Parquet files.
    pub bytes: u64,
    /// The current problem of the log.
    pub warning: Option<String>,
}

impl ProgressSnapshot {
    /// Returns six lines for the terminal, and one for each group with stages.
    #[must_use]
    pub fn block(&self) -> String {
        if let Some(connecting) = &self.connecting {
            return format!("time      {}", connecting.line());
        }
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
                "log       {}, {} in finished files",
                plural(self.rows, "row"),
                bytes(self.bytes)
            ),
        ]);
        lines.extend(
            self.warning
                .as_ref()
                .map(|warning| format!("          {}", for_line(warning))),
        );
        lines.join("\n")
    }

    /// Returns one line, for output that is no terminal.
    #[must_use]
    pub fn line(&self) -> String {
        if let Some(connecting) = &self.connecting {
            return connecting.line();
        }
        let c = &self.counters;
        let stages = self
            .stages
            .iter()
            .map(|stage| format!("; {}", stage.line()));
        let stages: String = stages.collect();
        format!(
            "{}: {} of {} on{}, {}{}, acked {}, sent {}, failed {}, dropped {}, lag {}, {}",
            self.time(),
            count(c.born - c.retired),
            plural(self.devices, "device"),
            self.connected(),
            self.rate(),
            self.written(", "),
            count(c.acked),
            count(c.sent),
            count(c.failed),
            count(c.dropped),
            self.lag(),
            plural(self.rows, "row")
        ) + &stages
    }

    /// Returns one JSON object.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let c = &self.counters;
        serde_json::json!({
            "event": "progress",
            "seconds": self.elapsed.as_secs_f64(),
            "clock": self.clock.map(|clock| clock.json(self.elapsed)),
            "connecting": self.connecting.map(|connecting| connecting.json()),
            "devices": self.devices,
            "on": c.born - c.retired,
            "up": c.up,
            "never_connected": c.never_connected(),
            "asked_per_second": self.asked(),
            "stages": self.stages.iter().map(StageProgress::json).collect::<Vec<_>>(),
            "reached_per_second": self.reached,
            "messages": c.messages,
            "acked": c.acked,
            "sent": c.sent,
            "failed": c.failed,
            "dropped": c.dropped,
            "written": c.written,
            "open": c.open,
            "injected_lost": c.injected.lost(),
            "lag_us": { "p99": c.lag.measured(0.99) },
            "guest_memory": c.guest_memory,
            "rows": self.rows,
            "bytes": self.bytes,
        })
    }

    /// Returns the target rate of the whole fleet, in ticks a second.
    fn asked(&self) -> f64 {
        let staged: f64 = self.stages.iter().map(|stage| stage.asked).sum();
        self.counters.asked * self.factor + staged
    }

    fn time(&self) -> String {
        let so_far = format_duration(Duration::from_secs(self.elapsed.as_secs()));
        if let Some(clock) = &self.clock {
            return format!("{so_far}: {}", clock.text(self.elapsed));
        }
        match self.duration {
            Some(duration) => format!("{so_far} of {}", format_duration(duration)),
            None => format!("{so_far}, until stopped (Ctrl-C)"),
        }
    }

    /// Returns the messages that are written to the log only, if there are some.
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
        match self.counters.lag.measured(0.99) {
            Some(lag) => format!("p99 {} from due to sent", micros(lag)),
            None => "not measured, since nothing was sent".into(),
        }
    }

    /// Returns the number of connected devices, or an empty text for HTTP, whose devices have
    /// no connections.
    fn connected(&self) -> String {
        match self.counters.to_connect {
            0 => String::new(),
            _ => format!(", {} connected", count(self.counters.up)),
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
        for (n, noun, event) in [
            (c.missed_ticks, "tick", "missed"),
            (c.failed_calls, "call", "failed"),
            (c.cell_restarts, "cell", "restarted"),
        ] {
            if n > 0 {
                more.push_str(&format!(" · {} {event}", plural(n, noun)));
            }
        }
        more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the progress of ten devices of MQTT that have returned messages, and whose
    /// broker cannot be reached.
    fn without_broker() -> ProgressSnapshot {
        ProgressSnapshot {
            elapsed: Duration::from_secs(5),
            duration: Some(Duration::from_secs(10)),
            clock: None,
            connecting: None,
            devices: 10,
            counters: Counters {
                born: 10,
                to_connect: 10,
                asked: 240.0,
                messages: 1_200,
                open: 1_200,
                ..Counters::default()
            },
            factor: 1.0,
            reached: 0.0,
            stages: Vec::new(),
            rows: 1_200,
            bytes: 0,
            warning: None,
        }
    }

    #[test]
    fn connections_are_the_progress_until_the_clock_starts() {
        let mut snapshot = without_broker();
        assert!(snapshot.json()["connecting"].is_null());
        snapshot.connecting = Some(ConnectProgress {
            connections: 10_000,
            up: 3_400,
            took: Duration::from_secs(2),
            is_over: false,
            starts_at: None,
        });
        assert_eq!(snapshot.line(), "connecting 3,400 of 10,000, for 2.00 s");
        assert_eq!(
            snapshot.block(),
            "time      connecting 3,400 of 10,000, for 2.00 s"
        );
        assert_eq!(snapshot.json()["connecting"]["up"], 3_400);
    }

    #[test]
    fn line_without_a_broker_has_no_connection_and_no_lag() {
        let mut snapshot = without_broker();
        assert_eq!(
            snapshot.line(),
            "5s of 10s: 10 of 10 devices on, 0 connected, 240/s ticks asked, 0.0/s messages reached, acked 0, sent 0, failed 0, dropped 0, lag not measured, since nothing was sent, 1,200 rows"
        );
        assert!(
            snapshot
                .block()
                .contains("devices   10 of 10 on, 0 connected\n")
        );
        let json = snapshot.json();
        assert_eq!(json["never_connected"], 10);
        assert!(json["lag_us"]["p99"].is_null(), "{json}");
        snapshot.counters.to_connect = 0;
        assert!(!snapshot.line().contains("connected"), "HTTP");
        assert!(snapshot.json()["never_connected"].is_null());
    }
}
