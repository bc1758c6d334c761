//! Defines one problem of a device's settings, with its path.

use std::fmt;

/// One problem of the settings.
///
/// [`Error::problems`](crate::Error::problems) makes an error of all of them; the host
/// shows each at its line of the fleet file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The path from the settings' root: keys with dots between them, entries of lists
    /// counted from zero, for example `statuses.off.transitions.0.to`. Empty for the
    /// settings as a whole.
    pub path: String,
    /// The cause and the way out: lowercase, without a full stop.
    pub text: String,
}

impl Problem {
    /// A problem at this path.
    pub fn new(path: impl Into<String>, text: impl fmt::Display) -> Self {
        Self {
            path: path.into(),
            text: text.to_string(),
        }
    }

    /// The same problem below `path`, which is put before its own path.
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
    /// Writes a line of the contract's `invalid-config`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.path.is_empty() { "" } else { "." };
        // A line is a problem: its text must not have several.
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
