//! Walks through a specification and collects its problems.

use std::fmt;
use std::rc::Rc;

use crate::generate::common::problems::Problems;
use crate::generate::common::span::Span;
use crate::generate::planning::scope::Scope;

/// One walk through a specification: the present path, the problems found so far, and the
/// names that the specification refers to.
pub(crate) struct Check<'a> {
    pub(crate) scope: &'a Scope,
    path: String,
    problems: Problems,
    reads: Vec<usize>,
    part_reads: Vec<PartRead>,
}

/// A part of another name that a specification reads.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartRead {
    /// The position of the name in the scope.
    pub position: usize,
    /// The name.
    pub name: String,
    /// The way to the part.
    pub parts: Rc<[Rc<str>]>,
    /// The key of the specification that reads it.
    pub path: String,
}

/// A plan, and all that it reads.
pub(crate) struct Checked<T> {
    pub(crate) plan: T,
    pub(crate) reads: Vec<usize>,
    pub(crate) part_reads: Vec<PartRead>,
}

impl<'a> Check<'a> {
    pub(crate) const fn new(scope: &'a Scope) -> Self {
        Self {
            scope,
            path: String::new(),
            problems: Problems::new(),
            reads: Vec::new(),
            part_reads: Vec::new(),
        }
    }

    /// Reports a problem of a key; `key` is empty for all of the present path.
    pub(crate) fn report(&mut self, key: &str, text: impl fmt::Display) {
        self.collect(|_, problems| problems.report(key, text));
    }

    /// Reports a problem unless `right`. Returns `right`.
    pub(crate) fn require(&mut self, right: bool, key: &str, text: impl fmt::Display) -> bool {
        if !right {
            self.report(key, text);
        }
        right
    }

    /// Adds the problems that `find` reports, each below the present path.
    pub(crate) fn collect<T>(&mut self, find: impl FnOnce(&'a Scope, &mut Problems) -> T) -> T {
        let mut found = Problems::new();
        let result = find(self.scope, &mut found);
        self.problems.extend(found.within(&self.path));
        result
    }

    /// Checks the part under a key.
    pub(crate) fn within<T>(&mut self, key: &str, check: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(key);
        let result = check(self);
        self.path.truncate(length);
        result
    }

    /// Checks each entry of a list under a key. `None` when one of them gave none.
    pub(crate) fn each<T, U>(
        &mut self,
        key: &str,
        entries: impl IntoIterator<Item = T>,
        mut check: impl FnMut(&mut Self, T) -> Option<U>,
    ) -> Option<Vec<U>> {
        let mut results = Some(Vec::new());
        for (number, entry) in entries.into_iter().enumerate() {
            let result = self.within(&format!("{key}.{number}"), |this| check(this, entry));
            match (result, &mut results) {
                (Some(result), Some(results)) => results.push(result),
                _ => results = None,
            }
        }
        results
    }

    /// The position of a name, which is noted as read.
    pub(crate) fn reference(&mut self, name: &str) -> Option<usize> {
        let position = self.scope.position(name)?;
        if !self.reads.contains(&position) {
            self.reads.push(position);
        }
        Some(position)
    }

    /// The position of a name of which a part is read, at a key.
    pub(crate) fn part_reference(
        &mut self,
        key: &str,
        name: &str,
        parts: &Rc<[Rc<str>]>,
    ) -> Option<usize> {
        let position = self.reference(name)?;
        if !parts.is_empty() {
            let path = match (self.path.as_str(), key) {
                ("", key) => key.to_owned(),
                (path, key) => format!("{path}.{key}"),
            };
            self.part_reads.push(PartRead {
                position,
                name: name.to_owned(),
                parts: Rc::clone(parts),
                path,
            });
        }
        Some(position)
    }

    /// The names of the scope, as the end of a sentence.
    pub(crate) fn known_names(&self) -> String {
        let names: Vec<&str> = self.scope.all_names().collect();
        if names.is_empty() {
            "there are no fields to refer to".to_owned()
        } else {
            format!("there are {}", names.join(", "))
        }
    }

    /// The plan with the positions that it reads, if there are no problems.
    pub(crate) fn finish<T>(mut self, plan: Option<T>) -> Result<Checked<T>, Problems> {
        if self.problems.is_empty() && plan.is_none() {
            self.report("", "it cannot be planned");
        }
        match plan {
            Some(plan) if self.problems.is_empty() => Ok(Checked {
                plan,
                reads: self.reads,
                part_reads: self.part_reads,
            }),
            _ => Err(self.problems),
        }
    }

    /// Requires a finite number. Returns whether it is.
    pub(crate) fn require_finite(&mut self, key: &str, value: f64) -> bool {
        self.require(
            value.is_finite(),
            key,
            format_args!("{value} is no number to work with; a finite one is"),
        )
    }

    /// Requires a finite number of zero or more.
    pub(crate) fn require_not_negative(&mut self, key: &str, value: f64) -> bool {
        self.require_finite(key, value)
            && self.require(
                value >= 0.0,
                key,
                format_args!("{value} is below zero; 0 and more is right"),
            )
    }

    /// Requires a finite number above zero.
    pub(crate) fn require_positive(&mut self, key: &str, value: f64) -> bool {
        self.require_finite(key, value)
            && self.require(
                value > 0.0,
                key,
                format_args!("{value} is not above zero; any number above it is right"),
            )
    }

    /// Requires a probability from 0 to 1.
    pub(crate) fn require_probability(&mut self, key: &str, value: f64) -> bool {
        self.require(
            (0.0..=1.0).contains(&value),
            key,
            format_args!("{value} is no probability; it lies between 0 and 1"),
        )
    }

    /// Requires a share from 0 to 1.
    pub(crate) fn require_share(&mut self, key: &str, value: f64) -> bool {
        self.require(
            (0.0..=1.0).contains(&value),
            key,
            format_args!("{value} is no share; it lies between 0 and 1"),
        )
    }

    /// Requires finite bounds in order.
    pub(crate) fn require_bounds(&mut self, min: Option<f64>, max: Option<f64>) {
        let sound = min.is_none_or(|min| self.require_finite("min", min))
            & max.is_none_or(|max| self.require_finite("max", max));
        if let (true, Some(min), Some(max)) = (sound, min, max) {
            self.require(
                min <= max,
                "min",
                format_args!("{min} lies above max, {max}; the lower one is min"),
            );
        }
    }

    /// Requires 0 to 15 decimals, which a float can have.
    pub(crate) fn require_decimals(&mut self, decimals: Option<u8>) {
        if let Some(decimals) = decimals {
            self.require(
                decimals <= 15,
                "decimals",
                format_args!("{decimals} decimals are more than a number has; 0 to 15 are right"),
            );
        }
    }

    /// Requires a duration above zero.
    pub(crate) fn require_duration(&mut self, key: &str, span: Span) -> bool {
        self.require(
            span.micros() > 0,
            key,
            "no time at all; it must be above zero, such as \"1s\"",
        )
    }
}
