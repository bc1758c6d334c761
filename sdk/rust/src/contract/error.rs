//! Defines the errors that a call of a behaviour returns.

use std::fmt::Display;

use crate::contract::problem::Problem;

/// The error of a call, with a sentence for the person who runs the fleet: the cause and
/// the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings cannot work. Only [`Behaviour::create`](crate::Behaviour::create) may
    /// return it, and the run does not start.
    #[error("{0}")]
    InvalidConfig(String),
    /// This call failed, and nothing of its turn is sent. The device stays on and is called
    /// again.
    #[error("{0}")]
    Failed(String),
    /// The device is done, for good. Nothing of this call's turn is sent: a last
    /// message belongs to the turn before.
    #[error("{0}")]
    Retired(String),
}

impl Error {
    /// An error for settings that cannot work.
    pub fn invalid_config(why: impl Display) -> Self {
        Self::InvalidConfig(why.to_string())
    }

    /// An error for settings with these problems.
    pub fn problems(problems: impl IntoIterator<Item = Problem>) -> Self {
        let lines: Vec<String> = problems
            .into_iter()
            .map(|problem| problem.to_string())
            .collect();
        Self::InvalidConfig(lines.join("\n"))
    }

    /// An error for a call that failed.
    pub fn failed(why: impl Display) -> Self {
        Self::Failed(why.to_string())
    }

    /// An error for a device that is done.
    pub fn retired(why: impl Display) -> Self {
        Self::Retired(why.to_string())
    }
}
