//! Describes the checks of a run.

use crate::document::problem::ValueError;
use std::time::Duration;

use crate::received_checks::ReceivedCheck;
use crate::threshold::Threshold;

/// The checks at the end of a run.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// Warm-up of the run, which checks do not count.
    pub warm_up: Duration,
    /// The checks of the fleet, of groups and of channels, each in the order of the file.
    pub list: Vec<Check>,
    /// Limits of findings in the received rows, for `mockfleet verify`.
    pub received: Vec<ReceivedCheck>,
}

/// One check of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The scope of the check.
    pub scope: Scope,
    /// The threshold.
    pub threshold: Threshold,
}

/// The part of a fleet that a check covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The whole fleet.
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
    /// The check cannot be read, always passes, or always fails; the message shows a correct
    /// one.
    pub fn parse(scope: &Scope, text: &str) -> Result<Self, ValueError> {
        let wrong = |why: ValueError| ValueError::from(format!("check {text:?} of {scope}: {why}"));
        let threshold = Threshold::parse_check(text).map_err(wrong)?;
        if matches!(scope, Scope::Channel(_)) && threshold.metric.is_device_metric() {
            let why = format!(
                "a channel has messages only; {} is a figure of groups and of the fleet",
                threshold.name
            );
            return Err(wrong(why.into()));
        }
        if *scope != Scope::Fleet && threshold.metric.is_fleet_metric() {
            let why = format!(
                "{} is a figure of the fleet: a connection can be that of several groups",
                threshold.name
            );
            return Err(wrong(why.into()));
        }
        Ok(Self {
            scope: scope.clone(),
            threshold,
        })
    }
}
