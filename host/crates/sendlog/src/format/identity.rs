//! Identifies a run and the machine that it ran on.

use serde::{Deserialize, Serialize};

/// Maximum length of a machine's name, 255 bytes: a file name has at most that many.
const MAX_HOST_LENGTH: usize = 255;

/// The run and the machine of a log: part of every row and of every file's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedIdentity")]
pub struct Identity {
    /// The run's id, a ULID. Ids sort by time.
    pub run: String,
    /// The machine's name. Characters other than `A-Z a-z 0-9 . _ -` are replaced by `_`.
    pub host: String,
}

/// An identity that was read from a file. File names are made of it, so it is checked.
#[derive(Deserialize)]
struct UncheckedIdentity {
    run: String,
    host: String,
}

impl TryFrom<UncheckedIdentity> for Identity {
    type Error = String;

    fn try_from(unchecked: UncheckedIdentity) -> Result<Self, String> {
        let UncheckedIdentity { run, host } = unchecked;
        if !is_run_id(&run) {
            return Err(format!("{run:?} is no id of a run (a ULID)"));
        }
        if !is_host_name(&host) {
            let allowed = "A-Z a-z 0-9 . _ -";
            return Err(format!("{host:?} is no name of a machine ({allowed})"));
        }
        Ok(Self { run, host })
    }
}

/// Returns whether a text is the id of a run, in the form that mockfleet writes.
pub(crate) fn is_run_id(text: &str) -> bool {
    ulid::Ulid::from_string(text).is_ok_and(|id| id.to_string() == text)
}

/// Returns whether a text is the name of a machine, in the form that mockfleet writes.
pub(crate) fn is_host_name(text: &str) -> bool {
    (1..=MAX_HOST_LENGTH).contains(&text.len()) && text.chars().all(is_host_char)
}

fn is_host_char(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-')
}

impl Identity {
    /// Returns the identity of a new run on this machine.
    #[must_use]
    pub fn new() -> Self {
        let name = rustix::system::uname();
        let host: String = name
            .nodename()
            .to_string_lossy()
            .chars()
            .map(|c| if is_host_char(c) { c } else { '_' })
            .collect();
        Self {
            run: ulid::Ulid::generate().to_string(),
            host: if host.is_empty() { "host".into() } else { host },
        }
    }
}

impl Default for Identity {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_of_a_file_has_no_path_in_it() {
        let own = Identity::new();
        let read = |run: &str, host: &str| {
            let text = serde_json::json!({ "run": run, "host": host }).to_string();
            serde_json::from_str::<Identity>(&text).map_err(|error| error.to_string())
        };
        assert_eq!(read(&own.run, &own.host), Ok(own.clone()));
        for (run, host) in [
            ("../../x", "h"),
            ("/etc", "h"),
            ("", "h"),
            ("01m87y4e6n4v0jx7cwrz4z7d3z", "h"),
            (own.run.as_str(), "../h"),
            (own.run.as_str(), "a/b"),
            (own.run.as_str(), ""),
            (own.run.as_str(), "a\nb"),
            (own.run.as_str(), &"h".repeat(256)),
        ] {
            assert!(read(run, host).is_err(), "{run:?} {host:?}");
        }
    }
}
