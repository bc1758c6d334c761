//! Explains findings by outcome, injected fault or second attempt.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// Sent and not received.
    Missing,
    /// Received more than once.
    Doubled,
    /// Received long after it was sent.
    Late,
    /// Received with another payload.
    Altered,
    /// Received after a message that was sent later.
    OutOfOrder,
    /// Received and not in the log.
    Unknown,
}

impl FindingKind {
    /// All kinds, in the order of their display.
    pub const ALL: [Self; 6] = [
        Self::Missing,
        Self::Doubled,
        Self::Late,
        Self::Altered,
        Self::OutOfOrder,
        Self::Unknown,
    ];

    /// Returns the name of the kind in checks and in JSON.
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

    /// Returns the kinds of faults that explain this kind, by the beginning of the column
    /// `fault`.
    fn faults(self) -> &'static [&'static str] {
        match self {
            Self::Missing => &["drop", "wrong-topic", "corrupt", "truncate", "oversize"],
            Self::Doubled => &["duplicate"],
            // The other faults hold a message before it is sent, and late counts from there.
            Self::Late => &["half-open"],
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

/// The kinds of faults in a log: the first word of each.
#[derive(Debug, Default)]
pub(crate) struct Kinds(Vec<String>);

impl Kinds {
    /// Reads the column `fault`: kinds, with optional details, joined by `+`.
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
                // More kinds than 32 bits cannot be kinds of mockfleet.
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

    /// Returns the fault that explains a finding, in words.
    pub(crate) fn explains(&self, cause: FindingKind, faults: Faults) -> Option<String> {
        let kind = self
            .words(faults)
            .find(|kind| cause.faults().iter().any(|known| kind.starts_with(known)))?;
        Some(format!("the injected fault {kind}"))
    }

    /// Returns all faults of a message, for people.
    pub(crate) fn shown(&self, faults: Faults) -> Option<String> {
        let words: Vec<&str> = self.words(faults).collect();
        (!words.is_empty()).then(|| words.join("+"))
    }
}

/// The explanations of findings, with counts.
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
            said(FindingKind::OutOfOrder).as_deref(),
            Some("the injected fault delay")
        );
        // It delays the sending, from which lateness counts.
        assert_eq!(said(FindingKind::Late), None);
        assert_eq!(said(FindingKind::Doubled), None);
        assert_eq!(kinds.shown(faults).as_deref(), Some("corrupt+delay"));
        assert_eq!(kinds.read(""), Faults::default());
    }
}
