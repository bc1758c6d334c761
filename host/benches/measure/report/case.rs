//! Collects the rounds of one case and its baseline, and judges them by a bar.

use serde_json::{Value, json};

/// One figure, measured in several rounds.
pub(crate) struct Case {
    name: String,
    unit: &'static str,
    baseline: Option<&'static str>,
    counted_by: Option<&'static str>,
    bar: Option<Bar>,
    rounds: Vec<Round>,
}

/// The figures of one round, with further observations in `details`.
pub(crate) struct Round {
    pub(crate) ours: f64,
    pub(crate) baseline: Option<f64>,
    pub(crate) details: Value,
}

/// The bar that a case has to reach.
#[derive(Clone, Copy)]
pub(crate) struct Bar {
    of: Of,
    at_least: bool,
    bar: f64,
    stretch: Option<f64>,
}

/// The figure that a bar limits.
#[derive(Clone, Copy)]
enum Of {
    Ours,
    Ratio,
    Beyond,
}

impl Bar {
    const fn new(of: Of, at_least: bool, bar: f64) -> Self {
        let stretch = None;
        Self {
            of,
            at_least,
            bar,
            stretch,
        }
    }

    /// Requires that our figure is at most this.
    pub(crate) const fn at_most(bar: f64) -> Self {
        Self::new(Of::Ours, false, bar)
    }

    /// Requires that our figure is at least this.
    pub(crate) const fn at_least(bar: f64) -> Self {
        Self::new(Of::Ours, true, bar)
    }

    /// Requires that our figure is at least this share of the baseline.
    pub(crate) const fn share(bar: f64) -> Self {
        Self::new(Of::Ratio, true, bar)
    }

    /// Requires that our figure is at most this many times the baseline.
    pub(crate) const fn times(bar: f64) -> Self {
        Self::new(Of::Ratio, false, bar)
    }

    /// Requires that our figure exceeds the baseline by at most this.
    pub(crate) const fn beyond(bar: f64) -> Self {
        Self::new(Of::Beyond, false, bar)
    }

    /// Adds a bar that would be better still.
    pub(crate) const fn stretch(mut self, stretch: f64) -> Self {
        self.stretch = Some(stretch);
        self
    }

    fn judge(&self, case: &Case) -> Value {
        let (figure, values) = match self.of {
            Of::Ours => ("ours", case.ours()),
            Of::Ratio => ("ratio", case.ratios()),
            Of::Beyond => ("beyond the baseline", case.differences()),
        };
        let value = median(&values);
        let held = |bar: f64| {
            if self.at_least {
                value >= bar
            } else {
                value <= bar
            }
        };
        let verdict = match self.stretch {
            Some(stretch) if held(stretch) => "stretch",
            _ if held(self.bar) => "held",
            _ => "missed",
        };
        json!({
            "figure": figure,
            "value": value,
            "at_least": self.at_least,
            "bar": self.bar,
            "stretch": self.stretch,
            "verdict": verdict,
        })
    }
}

impl Case {
    pub(crate) fn new(name: impl Into<String>, unit: &'static str) -> Self {
        Self {
            name: name.into(),
            unit,
            baseline: None,
            counted_by: None,
            bar: None,
            rounds: Vec::new(),
        }
    }

    /// Sets the name of the baseline.
    pub(crate) fn against(mut self, baseline: &'static str) -> Self {
        self.baseline = Some(baseline);
        self
    }

    /// Sets the program that counted. mockfleet counts alone only if no other program can.
    pub(crate) fn counted_by(mut self, who: &'static str) -> Self {
        self.counted_by = Some(who);
        self
    }

    pub(crate) fn bar(mut self, bar: Bar) -> Self {
        self.bar = Some(bar);
        self
    }

    pub(crate) fn add(&mut self, ours: f64, baseline: f64, details: Value) {
        self.rounds.push(Round {
            ours,
            baseline: Some(baseline),
            details,
        });
    }

    /// Adds a round of a case without baseline.
    pub(crate) fn add_alone(&mut self, ours: f64, details: Value) {
        self.rounds.push(Round {
            ours,
            baseline: None,
            details,
        });
    }

    fn ours(&self) -> Vec<f64> {
        self.rounds.iter().map(|round| round.ours).collect()
    }

    fn baselines(&self) -> Vec<f64> {
        let rounds = self.rounds.iter();
        rounds.filter_map(|round| round.baseline).collect()
    }

    fn pairs(&self, join: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        let rounds = self.rounds.iter();
        rounds
            .filter_map(|round| Some(join(round.ours, round.baseline?)))
            .collect()
    }

    /// Returns our figure divided by the baseline of the same round. The machine's state
    /// affects both alike.
    fn ratios(&self) -> Vec<f64> {
        self.pairs(|ours, baseline| ours / baseline)
    }

    fn differences(&self) -> Vec<f64> {
        self.pairs(|ours, baseline| ours - baseline)
    }

    pub(crate) fn json(&self) -> Value {
        let baseline = self.baseline.map(|name| {
            let figures = figures(&self.baselines());
            json!({ "name": name, "figures": figures })
        });
        let details: Vec<&Value> = self.rounds.iter().map(|round| &round.details).collect();
        json!({
            "name": self.name,
            "unit": self.unit,
            "counted_by": self.counted_by,
            "ours": figures(&self.ours()),
            "baseline": baseline,
            "ratio": self.baseline.map(|_| figures(&self.ratios())),
            "judged": self.bar.map(|bar| bar.judge(self)),
            "details": details,
        })
    }

    /// Formats median, spread and ratio as one line.
    pub(crate) fn line(&self) -> String {
        let mut line = format!("{}: ours {} {}", self.name, spread(&self.ours()), self.unit);
        if let Some(name) = self.baseline {
            line.push_str(&format!(
                ", {name} {} {}; ratio {}",
                spread(&self.baselines()),
                self.unit,
                spread(&self.ratios()),
            ));
        }
        if let Some(bar) = self.bar {
            let judged = bar.judge(self);
            let sign = if bar.at_least { "at least" } else { "at most" };
            let verdict = judged.get("verdict").and_then(Value::as_str);
            let verdict = verdict.unwrap_or_default();
            line.push_str(&format!("; {verdict}: {sign} {}", bar.bar));
        }
        line.push_str(&format!(" ({} rounds)", self.rounds.len()));
        line
    }
}

/// Returns median and spread, with the figures of each round.
fn figures(values: &[f64]) -> Value {
    let sorted = sorted(values);
    json!({
        "median": median(values),
        "low": sorted.first(),
        "high": sorted.last(),
        "rounds": values,
    })
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Returns the median: the middle value, or the mean of the middle two.
pub(super) fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    let upper = sorted.get(sorted.len() / 2);
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2);
    match lower.zip(upper) {
        Some((lower, upper)) => (lower + upper) / 2.0,
        None => f64::NAN,
    }
}

fn spread(values: &[f64]) -> String {
    let sorted = sorted(values);
    let shown = |value: Option<&f64>| match value {
        Some(value) if value.abs() >= 1_000.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.2}"),
        None => "nothing".into(),
    };
    format!(
        "{} ({} to {})",
        shown(Some(&median(values))),
        shown(sorted.first()),
        shown(sorted.last())
    )
}
