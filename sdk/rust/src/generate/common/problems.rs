//! Lists the problems of a specification, each with its path.

use std::fmt;

use crate::contract::error::Error;
use crate::contract::problem::Problem;

/// The problems of a specification; never empty when returned as an error. Paths begin at
/// the specification: `points.2.value`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a problem of a key; `key` is empty for the specification as a whole.
    pub(crate) fn report(&mut self, key: &str, text: impl fmt::Display) {
        self.0.push(Problem::new(key, text));
    }

    /// Adds a problem unless `right`. Returns `right`.
    pub(crate) fn require(&mut self, right: bool, key: &str, text: impl fmt::Display) -> bool {
        if !right {
            self.report(key, text);
        }
        right
    }

    /// Adds these problems.
    pub(crate) fn extend(&mut self, problems: Self) {
        self.0.extend(problems.0);
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems, in the order of the specification.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.0
    }

    /// The same problems below `path`, which is put before each of their paths.
    #[must_use]
    pub fn within(self, path: &str) -> Self {
        let within = |problem: Problem| problem.within(path);
        Self(self.0.into_iter().map(within).collect())
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Problems {
    /// Writes a line for each problem, its path first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            if !problem.path.is_empty() {
                write!(f, "{}: ", problem.path)?;
            }
            f.write_str(&problem.text)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::problems(problems)
    }
}
