//! Describes the checks of a run.

use std::time::Duration;

use crate::received_checks::ReceivedCheck;
use crate::threshold::Threshold;

/// What must hold at the end of a run.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// What was due before the run was so old does not count.
    pub warm_up: Duration,
    /// The checks: those of the fleet, of groups, of channels, each in the order of the
    /// file.
    pub list: Vec<Check>,
    /// What may be wrong with what the backend received, which `mockfleet verify` looks at.
    pub received: Vec<ReceivedCheck>,
}

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What it is about.
    pub scope: Scope,
    /// What must hold.
    pub threshold: Threshold,
}

/// What a check is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All of it.
    Fleet,
    /// The group of this name.
    Group(String),
    /// The channel of this name, of all targets.
    Channel(String),
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fleet => f.write_str("the fleet"),
            Self::Group(name) => write!(f, "group {name}"),
            Self::Channel(name) => write!(f, "channel {name}"),
        }
    }
}

impl Check {
    /// Reads one check of a scope.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right.
    pub fn parse(scope: &Scope, text: &str) -> Result<Self, String> {
        let wrong = |why: String| format!("check {text:?} of {scope}: {why}");
        let threshold = Threshold::parse_check(text).map_err(wrong)?;
        if matches!(scope, Scope::Channel(_)) && threshold.metric.is_device_metric() {
            return Err(wrong(format!(
                "a channel has messages only; {} is a figure of groups and of the fleet",
                threshold.name
            )));
        }
        Ok(Self {
            scope: scope.clone(),
            threshold,
        })
    }
}
