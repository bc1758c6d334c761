//! Describes the results of checks.

use serde_json::{Value, json};

use mockfleet_files::counted::count;

/// The result of a check at the end of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckResult {
    /// `fleet`, `group` or `channel`.
    pub kind: &'static str,
    /// The name of the group or channel; empty for the fleet.
    pub name: String,
    /// The check as it was written: `acked >= 99.9%`.
    pub text: String,
    /// The figure as a number, in its own unit: messages, percent, microseconds, a second.
    /// `None` without data.
    pub figure: Option<f64>,
    /// The figure with its unit, or the reason for which there is none.
    pub shown: String,
    /// Whether the check passed.
    pub held: bool,
}

impl CheckResult {
    /// Returns the subject of the check: `fleet`, `group thermometer`.
    #[must_use]
    pub fn scope(&self) -> String {
        match self.name.as_str() {
            "" => self.kind.to_owned(),
            name => format!("{} {name}", self.kind),
        }
    }

    /// Returns `passed` or `failed`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        if self.held { "passed" } else { "failed" }
    }

    /// Returns the result as one line.
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

    /// Returns the result as one JSON object.
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

/// Returns all results as JSON.
pub(crate) fn list(checks: &[CheckResult]) -> Value {
    checks.iter().map(CheckResult::json).collect()
}

/// Counts the checks that passed, or those that failed.
#[must_use]
pub(crate) fn verdict(checks: &[CheckResult]) -> String {
    let number = |n: usize| count(u64::try_from(n).unwrap_or(u64::MAX));
    let failed = checks.iter().filter(|check| !check.held).count();
    match (failed, checks.len()) {
        (0, 1) => "passed".into(),
        (0, all) => format!("all {} passed", number(all)),
        (failed, all) => format!("{} of {} failed", number(failed), number(all)),
    }
}
