//! Collects the problems of a user's input.
//!
//! A problem has a place, a cause and a way out. All problems of an input are reported
//! together.

use std::collections::HashSet;
use std::fmt;

/// One problem of an input.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Problem {
    /// The place: a file and line, or an option of the command line.
    pub place: String,
    /// The cause and the way out, without secrets.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// The reason why a value cannot be used, with the way out. Its reader adds the place and makes
/// a [`Problem`] of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError(String);

impl From<String> for ValueError {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for ValueError {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<ValueError> for String {
    fn from(error: ValueError) -> Self {
        error.0
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ValueError {}

/// The problems of an input in the order of their discovery, displayed one a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    /// The same problems, to find one among many.
    known: HashSet<Problem>,
}

impl Problems {
    /// Creates a list with one problem.
    #[must_use]
    pub fn one(place: impl Into<String>, text: impl Into<String>) -> Self {
        let mut problems = Self::default();
        problems.push(Problem {
            place: place.into(),
            text: text.into(),
        });
        problems
    }

    /// Adds a problem, unless the list has the same one.
    pub fn push(&mut self, problem: Problem) {
        if self.known.insert(problem.clone()) {
            self.list.push(problem);
        }
    }

    /// Returns the problems in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.list.iter()
    }

    /// Returns whether there is no problem.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.list.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
