//! Why a call of a behaviour fails. Owns the three cases of the contract and their
//! wording; must not know what the host makes of them.

use std::fmt::Display;

use crate::contract::problem::Problem;

/// Why a call failed, with a sentence for the person who runs the fleet: what is
/// wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration cannot work. Only [`Behaviour::create`](crate::Behaviour::create)
    /// may return it, and the run does not start.
    #[error("{0}")]
    InvalidConfig(String),
    /// This call failed, and nothing of its turn is sent. The device lives on and is
    /// called again.
    #[error("{0}")]
    Failed(String),
    /// The device is done, for good. Nothing of this call's turn is sent: a last
    /// message belongs to the turn before.
    #[error("{0}")]
    Retired(String),
}

impl Error {
    /// The configuration cannot work, and why.
    pub fn invalid_config(why: impl Display) -> Self {
        Self::InvalidConfig(why.to_string())
    }

    /// The configuration cannot work, for all of these reasons.
    pub fn problems(problems: impl IntoIterator<Item = Problem>) -> Self {
        let lines: Vec<String> = problems
            .into_iter()
            .map(|problem| problem.to_string())
            .collect();
        Self::InvalidConfig(lines.join("\n"))
    }

    /// This call failed, and why.
    pub fn failed(why: impl Display) -> Self {
        Self::Failed(why.to_string())
    }

    /// The device is done, and why.
    pub fn retired(why: impl Display) -> Self {
        Self::Retired(why.to_string())
    }
}
