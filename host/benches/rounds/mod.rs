//! Rounds of ours and a baseline, one after the other, and what they come to: the
//! machine's mood touches both.

/// One case: how fast ours and the baseline were, round by round.
pub(crate) struct Rounds {
    what: &'static str,
    unit: &'static str,
    ours: Vec<f64>,
    baseline: Vec<f64>,
}

impl Rounds {
    pub(crate) fn new(what: &'static str, unit: &'static str) -> Self {
        Self {
            what,
            unit,
            ours: Vec::new(),
            baseline: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, ours: f64, baseline: f64) {
        self.ours.push(ours);
        self.baseline.push(baseline);
    }

    /// Median, spread and ratio, in a line.
    pub(crate) fn print(&self, baseline: &str) {
        let ratio = median(&self.ours) / median(&self.baseline);
        println!(
            "{}: ours {}, {baseline} {} {}; ratio {ratio:.2} ({} rounds)",
            self.what,
            spread(&self.ours),
            spread(&self.baseline),
            self.unit,
            self.ours.len()
        );
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn spread(values: &[f64]) -> String {
    let sorted = sorted(values);
    let shown = |value: Option<&f64>| match value {
        Some(value) if *value >= 1_000.0 => format!("{value:.0}"),
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

/// The number after an option of the command line.
pub(crate) fn option(name: &str, default: u32) -> u32 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    let value = arguments.nth(1);
    value
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}
