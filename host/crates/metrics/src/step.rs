//! The steps of a search for the backend's limit, and the limit, in words and figures.

use std::time::Duration;

use serde_json::{Value, json};

use super::counters::Spread;
use super::figures::{micros, rate};
use super::verdict::Who;

/// What was measured at one rate.
#[derive(Debug, Clone)]
pub struct Step {
    /// From 1.
    pub number: u32,
    /// How many times the rate of the fleet file.
    pub factor: f64,
    /// How long it was measured.
    pub lasted: Duration,
    /// Ticks a second that were asked.
    pub asked: f64,
    /// Ticks a second that were run.
    pub ticks: f64,
    /// Messages a second that devices returned.
    pub messages: f64,
    /// Messages a second that were confirmed or, where nothing confirms, sent.
    pub through: f64,
    /// The share of settled messages that failed or never left.
    pub failed: f64,
    /// The share of ticks that were missed.
    pub missed: f64,
    /// Open messages at the end.
    pub open: u64,
    /// The share of time that workers were busy.
    pub busy: f64,
    /// From sent to confirmed.
    pub ack: Spread,
    /// From due to called.
    pub lag: Spread,
    /// Who broke it; nobody where it held.
    pub who: Who,
    /// What shows that.
    pub why: Vec<String>,
    /// Whether it is tried once more before it is believed.
    pub again: bool,
}

impl Default for Step {
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
            ack: Spread::default(),
            lag: Spread::default(),
            who: Who::Nobody,
            why: Vec::new(),
            again: false,
        }
    }
}

impl Step {
    /// Whether no bound broke.
    #[must_use]
    pub fn held(&self) -> bool {
        self.who == Who::Nobody
    }

    /// One line.
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
                self.who.word(),
                self.why.join(", ")
            )
        };
        format!(
            "step {}: {} ticks asked ({}), {} messages, {} through, ack p50 {} p99 {}, failed {:.2} %, lag p99 {}, busy {:.0} %: {end}",
            self.number,
            rate(self.asked),
            self.times(),
            rate(self.messages),
            rate(self.through),
            micros(self.ack.quantile(0.5)),
            micros(self.ack.quantile(0.99)),
            self.failed * 100.0,
            micros(self.lag.quantile(0.99)),
            self.busy * 100.0,
        )
    }

    fn times(&self) -> String {
        format!("{:.2} times the fleet file's rate", self.factor)
    }

    /// One JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        let quantiles = |spread: &Spread| {
            json!({
                "p50": spread.quantile(0.5),
                "p95": spread.quantile(0.95),
                "p99": spread.quantile(0.99),
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
            "who": self.who.word(),
            "why": self.why,
            "again": self.again,
        })
    }
}

/// What a search has found.
#[derive(Debug, Clone, Default)]
pub struct Limit {
    /// The highest rate that held.
    pub held: Option<Step>,
    /// The lowest that broke.
    pub broke: Option<Step>,
    /// The search was stopped before it was over.
    pub interrupted: bool,
}

impl Limit {
    /// Whose limit it is; nobody's where nothing broke, or not enough is known.
    #[must_use]
    pub fn who(&self) -> Who {
        match &self.broke {
            Some(broke) if !self.interrupted => broke.who,
            _ => Who::Nobody,
        }
    }

    /// A few lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let held = self.held.as_ref().map(|held| {
            format!(
                "{} ({}; {} messages through, ack p99 {})",
                rate(held.asked),
                held.times(),
                rate(held.through),
                micros(held.ack.quantile(0.99))
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
        let first = match (&held, self.interrupted, self.who()) {
            (Some(held), true, _) => {
                format!("not found: the search was stopped; {held} had held until then")
            }
            (None, true, _) => "not found: the search was stopped before any rate had held".into(),
            (Some(held), _, Who::Host) => {
                format!("the host was reached first: the backend holds at least {held}")
            }
            (None, _, Who::Host) => {
                "the host was reached first: it did not hold the slowest rate that was tried".into()
            }
            (Some(held), _, Who::Nobody) => {
                format!(
                    "nothing broke: the backend holds {held}, with each device as fast as devices can be; ask with more devices"
                )
            }
            (Some(held), ..) => format!("the backend holds {held}"),
            (None, ..) => "the backend held none of the rates that were tried".into(),
        };
        let mut lines = vec![first];
        if let Some(broke) = broke {
            let who = match self.broke.as_ref().map(|broke| broke.who) {
                Some(Who::Host) => "the host",
                _ => "it",
            };
            lines.push(format!("{who} breaks at {broke}"));
        }
        if self.who() == Who::Host {
            lines.push(
                "fewer devices with a higher rate each, more cores, or a second machine bring the host further".into(),
            );
        }
        lines
    }

    /// The figures.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "who": self.who().word(),
            "found": self.who() == Who::Backend,
            "interrupted": self.interrupted,
            "held": self.held.as_ref().map(Step::json),
            "broke": self.broke.as_ref().map(Step::json),
            "words": self.lines().join("; "),
        })
    }
}
