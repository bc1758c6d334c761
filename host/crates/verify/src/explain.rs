//! What explains that a message did not arrive as it was sent: its outcome, a fault that
//! was injected, a second try.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What can be wrong with a message that was received or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// It was sent, and not received.
    Missing,
    /// It was received more than once.
    Doubled,
    /// It was received long after it was sent.
    Late,
    /// It was received with another payload.
    Altered,
    /// It was received after one that was sent later.
    OutOfOrder,
    /// It was received, and is not in the log.
    Unknown,
}

impl FindingKind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::Missing,
        Self::Doubled,
        Self::Late,
        Self::Altered,
        Self::OutOfOrder,
        Self::Unknown,
    ];

    /// As bounds and machines have it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Doubled => "doubled",
            Self::Late => "late",
            Self::Altered => "altered",
            Self::OutOfOrder => "out-of-order",
            Self::Unknown => "unknown",
        }
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Missing => 0,
            Self::Doubled => 1,
            Self::Late => 2,
            Self::Altered => 3,
            Self::OutOfOrder => 4,
            Self::Unknown => 5,
        }
    }

    /// The kinds of faults that explain it, as the column `fault` begins.
    fn faults(self) -> &'static [&'static str] {
        match self {
            Self::Missing => &["drop", "wrong-topic", "corrupt", "truncate", "oversize"],
            Self::Doubled => &["duplicate"],
            Self::Late => &[
                "delay",
                "reorder",
                "slow",
                "half-open",
                "disconnect",
                "vanish",
                "flap",
                "reconnect-storm",
            ],
            Self::Altered => &["corrupt", "truncate", "oversize"],
            Self::OutOfOrder => &["delay", "reorder"],
            Self::Unknown => &[],
        }
    }
}

/// The faults that touched a message, as bits of [`Kinds`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Faults(u32);

impl Faults {
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The kinds of faults that a log has: the first word of each.
#[derive(Debug, Default)]
pub(crate) struct Kinds(Vec<String>);

impl Kinds {
    /// Reads the column `fault`: kinds, perhaps with details, with `+` between them.
    pub(crate) fn read(&mut self, text: &str) -> Faults {
        let mut bits = 0;
        for part in text.split('+') {
            let end = |c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_';
            let word = part.trim().split(end).next().unwrap_or_default();
            if word.is_empty() {
                continue;
            }
            let word = word.replace('_', "-");
            let place = match self.0.iter().position(|kind| *kind == word) {
                Some(place) => place,
                // More kinds than bits would be no kinds of mockfleet's.
                None if self.0.len() < 32 => {
                    self.0.push(word);
                    self.0.len() - 1
                }
                None => continue,
            };
            bits |= 1 << place;
        }
        Faults(bits)
    }

    fn words(&self, faults: Faults) -> impl Iterator<Item = &str> {
        let kinds = self.0.iter().enumerate();
        kinds.filter_map(move |(place, kind)| {
            ((faults.0 >> place) & 1 == 1).then_some(kind.as_str())
        })
    }

    /// The fault that explains this, in words.
    pub(crate) fn explains(&self, cause: FindingKind, faults: Faults) -> Option<String> {
        let kind = self
            .words(faults)
            .find(|kind| cause.faults().iter().any(|known| kind.starts_with(known)))?;
        Some(format!("the injected fault {kind}"))
    }

    /// All faults of a message, for people.
    pub(crate) fn shown(&self, faults: Faults) -> Option<String> {
        let words: Vec<&str> = self.words(faults).collect();
        (!words.is_empty()).then(|| words.join("+"))
    }
}

/// What explains how often something was found.
pub(crate) type Reasons = BTreeMap<String, u64>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_explain_what_they_do_and_nothing_else() {
        let mut kinds = Kinds::default();
        let faults = kinds.read("corrupt 3 bytes+delay (250ms)");
        let said = |cause| kinds.explains(cause, faults);
        assert_eq!(
            said(FindingKind::Altered).as_deref(),
            Some("the injected fault corrupt")
        );
        assert_eq!(
            said(FindingKind::Late).as_deref(),
            Some("the injected fault delay")
        );
        assert_eq!(said(FindingKind::Doubled), None);
        assert_eq!(kinds.shown(faults).as_deref(), Some("corrupt+delay"));
        assert_eq!(kinds.read(""), Faults::default());
    }
}
