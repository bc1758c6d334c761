//! Identifies a run and the machine that it ran on.

use serde::{Deserialize, Serialize};

/// The run and the machine of a log: part of every row and of every file's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The run's id, a ULID. Ids sort by time.
    pub run: String,
    /// The machine's name. Characters other than `A-Z a-z 0-9 . _ -` are replaced by `_`.
    pub host: String,
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
            .map(|c| match c {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => c,
                _ => '_',
            })
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
