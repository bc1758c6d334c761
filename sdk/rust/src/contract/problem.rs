//! One thing that is wrong with a device's settings, and where. Owns the way in which
//! several of them fit the contract's one text; must not know who finds them.

use std::fmt;

/// One thing that is wrong with the settings.
///
/// [`Error::problems`](crate::Error::problems) makes an error of all of them; the host
/// shows each at its line of the fleet file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// Where, from the settings' root: keys with dots between them, entries of lists
    /// counted from zero, for example `statuses.off.transitions.0.to`. Empty for the
    /// settings as a whole.
    pub path: String,
    /// What is wrong there and what would be right: lowercase, without a full stop.
    pub text: String,
}

impl Problem {
    /// A problem at this place.
    pub fn new(path: impl Into<String>, text: impl fmt::Display) -> Self {
        Self {
            path: path.into(),
            text: text.to_string(),
        }
    }

    /// The same problem of a part of something larger: `path` comes before its own.
    #[must_use]
    pub fn within(self, path: &str) -> Self {
        let path = match (path, self.path.as_str()) {
            ("", inner) => inner.to_owned(),
            (outer, "") => outer.to_owned(),
            (outer, inner) => format!("{outer}.{inner}"),
        };
        Self { path, ..self }
    }
}

impl fmt::Display for Problem {
    /// As a line of the contract's `invalid-config`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.path.is_empty() { "" } else { "." };
        // A line is a problem: what it says stays on it.
        let text = self.text.replace('\n', ", ");
        write!(f, "config{dot}{}: {text}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn each_problem_is_a_line_that_begins_with_its_path() {
        let problems = [
            Problem::new("to", "there is no status \"x\"").within("statuses.off"),
            Problem::new("", "nothing is sent"),
        ];
        assert_eq!(
            Error::problems(problems).to_string(),
            "config.statuses.off.to: there is no status \"x\"\nconfig: nothing is sent"
        );
    }
}
