//! A check that has been judged: its figure, whether it held, in words and for machines.

use serde_json::{Value, json};

use super::figures::count;

/// A check at the end of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// `fleet`, `group` or `channel`.
    pub kind: &'static str,
    /// Which group or channel; empty for the fleet.
    pub name: String,
    /// What was to hold: `acked >= 99.9%`.
    pub text: String,
    /// The figure as a number, in its own unit: messages, percent, microseconds, a second.
    /// `None` where nothing was measured.
    pub figure: Option<f64>,
    /// The figure in words, or why there is none.
    pub shown: String,
    /// Whether it held.
    pub held: bool,
}

impl Check {
    /// What it is about: `fleet`, `group thermometer`.
    #[must_use]
    pub fn scope(&self) -> String {
        match self.name.as_str() {
            "" => self.kind.to_owned(),
            name => format!("{} {name}", self.kind),
        }
    }

    /// In a word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        if self.held { "held" } else { "BROKEN" }
    }

    /// One line.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "{:<6}  {}: {}: {}",
            self.word(),
            self.scope(),
            self.text,
            self.shown
        )
    }

    /// One JSON object.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "scope": self.kind,
            "name": (!self.name.is_empty()).then_some(&self.name),
            "check": self.text,
            "figure": self.figure,
            "words": self.shown,
            "held": self.held,
        })
    }
}

/// All of them, for machines.
pub(super) fn list(checks: &[Check]) -> Value {
    checks.iter().map(Check::json).collect()
}

/// How many checks held, in a sentence.
#[must_use]
pub(super) fn verdict(checks: &[Check]) -> String {
    let number = |n: usize| count(u64::try_from(n).unwrap_or(u64::MAX));
    let broken = checks.iter().filter(|check| !check.held).count();
    match (broken, checks.len()) {
        (0, 1) => "yes".into(),
        (0, all) => format!("yes: all {}", number(all)),
        (1, 1) => "no".into(),
        (1, all) => format!("no: 1 of {} is broken", number(all)),
        (broken, all) => format!("no: {} of {} are broken", number(broken), number(all)),
    }
}
