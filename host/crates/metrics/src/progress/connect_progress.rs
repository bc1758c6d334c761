//! Describes the opening of connections before a run's clock starts.

use std::time::Duration;

use serde_json::{Value, json};

use crate::format::micros;
use crate::progress::clock_progress::second;
use mockfleet_files::counted::{agree, count, plural};

/// The connections of the devices that are on at the start of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectProgress {
    /// Connections to open.
    pub connections: u64,
    /// Those that were up, with their subscriptions.
    pub up: u64,
    /// Time that opening them took so far.
    pub took: Duration,
    /// Whether the clock has started.
    pub is_over: bool,
    /// Start of the clock, in microseconds since 1970, if the run waits for it.
    pub starts_at: Option<i64>,
}

impl ConnectProgress {
    /// Returns the number of connections that are not open.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.connections.saturating_sub(self.up)
    }

    /// Returns the line of the terminal, such as `connecting 3,400 of 10,000, for 1.52 s`.
    #[must_use]
    pub fn line(&self) -> String {
        let (up, connections) = (count(self.up), count(self.connections));
        let took = self.took();
        match self.starts_at {
            None => format!("connecting {up} of {connections}, for {took}"),
            Some(at) => {
                let connected = match self.connections {
                    0 => String::new(),
                    _ => format!("{up} of {connections} connected; "),
                };
                format!("{connected}the clock starts at {} UTC", second(at))
            }
        }
    }

    fn took(&self) -> String {
        micros(u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX))
    }

    /// Returns the line for a clock that starts without some of the connections.
    #[must_use]
    pub fn start_line(&self) -> String {
        format!(
            "the clock has started: {} of {} {} open after {}, and the others are tried on",
            count(self.up),
            plural(self.connections, "connection"),
            agree(self.connections, "is", "are"),
            self.took()
        )
    }

    /// Returns the sentence of the summary.
    pub(crate) fn text(&self) -> String {
        let (up, connections) = (count(self.up), count(self.connections));
        let took = self.took();
        let noun = match self.connections {
            1 => "connection",
            _ => "connections",
        };
        if !self.is_over && self.connections == 0 {
            return "the run was stopped before its clock started".into();
        }
        if !self.is_over {
            return format!(
                "{up} of {connections} {noun} were open when the run was stopped, after {took}; the clock had not started"
            );
        }
        if self.failed() == 0 {
            return format!("{connections} {noun} opened in {took}, before the clock started");
        }
        format!(
            "{up} of {connections} {noun} opened in {took}, before the clock started; {} failed by then",
            count(self.failed())
        )
    }

    /// Returns the JSON object.
    pub(crate) fn json(&self) -> Value {
        json!({
            "connections": self.connections,
            "up": self.up,
            "failed": self.failed(),
            "seconds": self.took.as_secs_f64(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(connections: u64, up: u64) -> ConnectProgress {
        ConnectProgress {
            connections,
            up,
            took: Duration::from_millis(1_520),
            is_over: true,
            starts_at: None,
        }
    }

    #[test]
    fn line_has_the_connections_that_are_up() {
        let mut now = progress(10_000, 3_400);
        assert_eq!(now.line(), "connecting 3,400 of 10,000, for 1.52 s");
        now.starts_at = Some(1_767_225_600_000_000);
        let line = "3,400 of 10,000 connected; the clock starts at 2026-01-01 00:00:00 UTC";
        assert_eq!(now.line(), line);
        let http = ConnectProgress {
            connections: 0,
            up: 0,
            is_over: false,
            ..now
        };
        assert_eq!(http.line(), "the clock starts at 2026-01-01 00:00:00 UTC");
        assert_eq!(http.text(), "the run was stopped before its clock started");
    }

    #[test]
    fn summary_says_how_many_failed() {
        let text = "10,000 connections opened in 1.52 s, before the clock started";
        assert_eq!(progress(10_000, 10_000).text(), text);
        let some = progress(300, 7);
        assert_eq!(
            some.text(),
            "7 of 300 connections opened in 1.52 s, before the clock started; 293 failed by then"
        );
        assert_eq!(some.json()["failed"], 293);
        let stopped = ConnectProgress {
            is_over: false,
            ..some
        };
        assert_eq!(
            stopped.text(),
            "7 of 300 connections were open when the run was stopped, after 1.52 s; the clock had not started"
        );
        let one = progress(1, 1).text();
        assert!(one.starts_with("1 connection opened"), "{one}");
    }
}
