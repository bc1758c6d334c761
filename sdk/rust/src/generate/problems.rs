//! What is wrong with a specification, all of it at once, each with its place. Owns the
//! list and the path; must not know any generator.

use std::fmt;

use crate::error::Error;
use crate::problem::Problem;

use super::at::Scope;

/// All that is wrong with a specification; never empty when it comes as an error. Paths
/// begin at the specification: `points.2.value`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems, in the order of the specification.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.0
    }

    /// The same problems, seen from further above: `path` goes before each of theirs.
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
    /// A line a problem, its path first.
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

/// One look through a specification: where it is, what it found, what is referred to.
pub(super) struct Check<'a> {
    pub(super) scope: &'a Scope,
    path: String,
    problems: Vec<Problem>,
    reads: Vec<usize>,
}

impl<'a> Check<'a> {
    pub(super) const fn new(scope: &'a Scope) -> Self {
        Self {
            scope,
            path: String::new(),
            problems: Vec::new(),
            reads: Vec::new(),
        }
    }

    /// Notes what is wrong with a key; `key` is empty for all of what is looked at.
    pub(super) fn wrong(&mut self, key: &str, what: impl fmt::Display) {
        let problem = Problem::new(key, what).within(&self.path);
        self.problems.push(problem);
    }

    /// Notes it unless `right`; says whether it was.
    pub(super) fn expect(&mut self, right: bool, key: &str, what: impl fmt::Display) -> bool {
        if !right {
            self.wrong(key, what);
        }
        right
    }

    /// Looks at what is under a key.
    pub(super) fn within<T>(&mut self, key: &str, look: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(key);
        let seen = look(self);
        self.path.truncate(length);
        seen
    }

    /// Looks at each entry of a list under a key. `None` when one of them gave none.
    pub(super) fn each<T, U>(
        &mut self,
        key: &str,
        entries: impl IntoIterator<Item = T>,
        mut look: impl FnMut(&mut Self, T) -> Option<U>,
    ) -> Option<Vec<U>> {
        let mut seen = Some(Vec::new());
        for (place, entry) in entries.into_iter().enumerate() {
            let one = self.within(&format!("{key}.{place}"), |check| look(check, entry));
            match (one, &mut seen) {
                (Some(one), Some(seen)) => seen.push(one),
                _ => seen = None,
            }
        }
        seen
    }

    /// Checks a specification under a key.
    pub(super) fn node(&mut self, key: &str, spec: &super::Spec) -> Option<super::plan::Node> {
        self.within(key, |check| spec.node(check))
    }

    /// The position of a name that is read, noted for the plan.
    pub(super) fn read(&mut self, name: &str) -> Option<usize> {
        let position = self.scope.position(name)?;
        if !self.reads.contains(&position) {
            self.reads.push(position);
        }
        Some(position)
    }

    /// The names that could have been meant, as the end of a sentence.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.scope.names.keys().map(|name| &**name).collect();
        if names.is_empty() {
            "there are no fields to refer to".to_owned()
        } else {
            format!("there are {}", names.join(", "))
        }
    }

    /// What was made, with the positions that it reads, if nothing was wrong.
    pub(super) fn end<T>(mut self, made: Option<T>) -> Result<(T, Vec<usize>), Problems> {
        if self.problems.is_empty() && made.is_none() {
            self.wrong("", "it cannot be planned");
        }
        match made {
            Some(made) if self.problems.is_empty() => Ok((made, self.reads)),
            _ => Err(Problems(self.problems)),
        }
    }
}
