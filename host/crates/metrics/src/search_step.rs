//! Describes the steps and the result of a breakpoint search.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bottleneck::Bottleneck;
use crate::counters::histogram::LatencyHistogram;
use crate::format::{micros, rate};

/// The text in place of a time that was never measured.
const NOT_MEASURED: &str = "not measured";

/// The measurement of one rate.
#[derive(Debug, Clone)]
pub struct SearchStep {
    /// The number of the step, from 1.
    pub number: u32,
    /// The rate as a multiple of the fleet file's rate.
    pub factor: f64,
    /// Duration of the measurement.
    pub lasted: Duration,
    /// Target rate, in ticks a second.
    pub asked: f64,
    /// Actual rate, in ticks a second.
    pub ticks: f64,
    /// Messages a second that devices returned.
    pub messages: f64,
    /// Messages a second that were confirmed or, with QoS 0, sent.
    pub through: f64,
    /// The share of settled messages that failed or never left.
    pub failed: f64,
    /// The share of ticks that were missed.
    pub missed: f64,
    /// Open messages at the end of the step.
    pub open: u64,
    /// The share of time that workers were busy.
    pub busy: f64,
    /// Time from sent to confirmed.
    pub ack: LatencyHistogram,
    /// Time from due to called.
    pub lag: LatencyHistogram,
    /// The part that broke the step; `None` if it held.
    pub bottleneck: Bottleneck,
    /// The stop conditions that broke.
    pub why: Vec<String>,
    /// Whether the search repeats the step to confirm it.
    pub again: bool,
}

impl Default for SearchStep {
    fn default() -> Self {
        Self {
            number: 0,
            factor: 1.0,
            lasted: Duration::ZERO,
            asked: 0.0,
            ticks: 0.0,
            messages: 0.0,
            through: 0.0,
            failed: 0.0,
            missed: 0.0,
            open: 0,
            busy: 0.0,
            ack: LatencyHistogram::default(),
            lag: LatencyHistogram::default(),
            bottleneck: Bottleneck::None,
            why: Vec::new(),
            again: false,
        }
    }
}

impl SearchStep {
    /// Returns whether no stop condition broke.
    #[must_use]
    pub fn held(&self) -> bool {
        self.bottleneck == Bottleneck::None
    }

    /// Returns the step as one line.
    #[must_use]
    pub fn line(&self) -> String {
        let end = if self.held() {
            "held".into()
        } else {
            let again = if self.again {
                "; once more, to be sure"
            } else {
                ""
            };
            format!(
                "broke ({}): {}{again}",
                self.bottleneck.word(),
                self.why.join(", ")
            )
        };
        let ack = match (self.ack.measured(0.5), self.ack.measured(0.99)) {
            (Some(p50), Some(p99)) => format!("p50 {} p99 {}", micros(p50), micros(p99)),
            _ => NOT_MEASURED.into(),
        };
        let lag = match self.lag.measured(0.99) {
            Some(p99) => format!("p99 {}", micros(p99)),
            None => NOT_MEASURED.into(),
        };
        format!(
            "step {}: {} ticks asked ({}), {} messages, {} through, ack {ack}, failed {:.2} %, lag {lag}, busy {:.0} %: {end}",
            self.number,
            rate(self.asked),
            self.times(),
            rate(self.messages),
            rate(self.through),
            self.failed * 100.0,
            self.busy * 100.0,
        )
    }

    fn times(&self) -> String {
        format!("{:.2} times the fleet file's rate", self.factor)
    }

    /// Returns the step as one JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        let quantiles = |histogram: &LatencyHistogram| {
            json!({
                "p50": histogram.measured(0.5),
                "p95": histogram.measured(0.95),
                "p99": histogram.measured(0.99),
            })
        };
        json!({
            "event": "step",
            "step": self.number,
            "factor": self.factor,
            "seconds": self.lasted.as_secs_f64(),
            "asked_per_second": self.asked,
            "ticks_per_second": self.ticks,
            "messages_per_second": self.messages,
            "through_per_second": self.through,
            "ack_us": quantiles(&self.ack),
            "lag_us": quantiles(&self.lag),
            "failed": self.failed,
            "missed": self.missed,
            "open": self.open,
            "busy": self.busy,
            "held": self.held(),
            "who": self.bottleneck.word(),
            "why": self.why,
            "again": self.again,
        })
    }
}

/// The result of a breakpoint search.
#[derive(Debug, Clone, Default)]
pub struct BreakpointResult {
    /// The highest rate that held.
    pub held: Option<SearchStep>,
    /// The lowest rate that broke.
    pub broke: Option<SearchStep>,
    /// Whether the search was stopped before its end.
    pub interrupted: bool,
}

impl BreakpointResult {
    /// Returns the part whose limit was found; `None` if no rate broke, or if the search was
    /// stopped.
    #[must_use]
    pub fn bottleneck(&self) -> Bottleneck {
        match &self.broke {
            Some(broke) if !self.interrupted => broke.bottleneck,
            _ => Bottleneck::None,
        }
    }

    /// Returns the result as a few lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let held = self.held.as_ref().map(|held| {
            let ack = match held.ack.measured(0.99) {
                Some(p99) => format!("p99 {}", micros(p99)),
                None => NOT_MEASURED.into(),
            };
            format!(
                "{} ({}; {} messages through, ack {ack})",
                rate(held.asked),
                held.times(),
                rate(held.through)
            )
        });
        let broke = self.broke.as_ref().map(|broke| {
            format!(
                "{} ({}): {}",
                rate(broke.asked),
                broke.times(),
                broke.why.join(", ")
            )
        });
        let first = match (&held, self.interrupted, self.bottleneck()) {
            (Some(held), true, _) => {
                format!("not found: the search was stopped; {held} had held until then")
            }
            (None, true, _) => "not found: the search was stopped before any rate had held".into(),
            (Some(held), _, Bottleneck::Host) => {
                format!("the host was reached first: the backend holds at least {held}")
            }
            (None, _, Bottleneck::Host) => {
                "the host was reached first: it did not hold the slowest rate that was tried".into()
            }
            (Some(held), _, Bottleneck::None) => {
                format!(
                    "nothing broke: the backend holds {held}, with each device at the maximum rate; repeat the search with more devices"
                )
            }
            (Some(held), ..) => format!("the backend holds {held}"),
            (None, ..) => "the backend held none of the rates that were tried".into(),
        };
        let mut lines = vec![first];
        if let Some(broke) = broke {
            let subject = match self.broke.as_ref().map(|broke| broke.bottleneck) {
                Some(Bottleneck::Host) => "the host",
                _ => "it",
            };
            lines.push(format!("{subject} breaks at {broke}"));
        }
        if self.bottleneck() == Bottleneck::Host {
            lines.push(
                "fewer devices with a higher rate each, more cores, or a second machine bring the host further".into(),
            );
        }
        lines
    }

    /// Returns the result as one JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "who": self.bottleneck().word(),
            "found": self.bottleneck() == Bottleneck::Backend,
            "interrupted": self.interrupted,
            "held": self.held.as_ref().map(SearchStep::json),
            "broke": self.broke.as_ref().map(SearchStep::json),
            "words": self.lines().join("; "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_without_confirmations_has_no_time_of_them() {
        let step = SearchStep {
            number: 1,
            asked: 100.0,
            through: 100.0,
            messages: 100.0,
            ..SearchStep::default()
        };
        let line = step.line();
        assert!(
            line.contains("ack not measured, failed 0.00 %, lag not measured, busy"),
            "{line}"
        );
        assert!(step.json()["ack_us"]["p99"].is_null());
        let result = BreakpointResult {
            held: Some(step),
            ..BreakpointResult::default()
        };
        let lines = result.lines();
        assert!(
            lines[0].contains("messages through, ack not measured)"),
            "{lines:?}"
        );
    }
}
