//! Counts warnings, with one text for each kind.

use std::collections::BTreeMap;

/// Kinds of warnings that are stored. The limit bounds memory if a backend answers with a
/// new text each time.
const MAX_KINDS: usize = 200;

/// Warnings by kind, each with its first text and its count.
#[derive(Debug, Clone, Default)]
pub struct Warnings {
    /// By the key of the kind.
    kinds: BTreeMap<String, Kind>,
    /// Warnings of kinds beyond `MAX_KINDS`.
    others: u64,
}

/// A kind of warning: its first text, and its count.
#[derive(Debug, Clone)]
struct Kind {
    first: String,
    times: u64,
}

impl Warnings {
    /// Counts a warning whose text is its kind.
    pub fn count(&mut self, text: &str) {
        self.count_as(text, || text.to_owned());
    }

    /// Counts a warning of a kind; `text` is called for the first one only.
    pub fn count_as(&mut self, kind: &str, text: impl FnOnce() -> String) {
        self.count_many(kind, 1, text);
    }

    /// Counts several warnings with the same text.
    pub fn count_times(&mut self, text: &str, times: u64) {
        self.count_many(text, times, || text.to_owned());
    }

    /// Counts several warnings of a kind; `text` is called for the first one only.
    pub fn count_many(&mut self, kind: &str, times: u64, text: impl FnOnce() -> String) {
        if let Some(known) = self.kinds.get_mut(kind) {
            known.times += times;
        } else if self.kinds.len() < MAX_KINDS {
            let first = text();
            self.kinds.insert(kind.to_owned(), Kind { first, times });
        } else {
            self.others += times;
        }
    }

    /// Adds the counts of another worker.
    pub fn add(&mut self, other: &Self) {
        for (key, kind) in &other.kinds {
            self.count_many(key, kind.times, || kind.first.clone());
        }
        self.others += other.others;
    }

    /// Returns each text with its count, the most frequent first.
    #[must_use]
    pub fn ranked(&self) -> Vec<(&str, u64)> {
        let kinds = self.kinds.values();
        let mut ranked: Vec<_> = kinds
            .map(|kind| (kind.first.as_str(), kind.times))
            .collect();
        ranked.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        ranked
    }

    /// Returns each kind with its first text and its count.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        let kinds = self.kinds.iter();
        kinds.map(|(key, kind)| (key.as_str(), kind.first.as_str(), kind.times))
    }

    /// Returns the number of warnings without an entry of their own.
    #[must_use]
    pub fn others(&self) -> u64 {
        self.others
    }

    /// Returns whether there are no warnings.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.others == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_text_is_one_entry() {
        let mut warnings = Warnings::default();
        for _ in 0..10_000 {
            warnings.count("connection refused");
        }
        warnings.count("another");
        assert_eq!(
            warnings.ranked(),
            [("connection refused", 10_000), ("another", 1)]
        );
    }

    #[test]
    fn first_text_of_a_kind_is_kept() {
        let mut warnings = Warnings::default();
        for device in ["d-1", "d-2"] {
            warnings.count_as("trap", || format!("device {device} trapped"));
        }
        assert_eq!(warnings.ranked(), [("device d-1 trapped", 2)]);
    }

    #[test]
    fn number_of_kinds_is_bounded() {
        let mut warnings = Warnings::default();
        (0..1_000).for_each(|n| warnings.count(&format!("warning {n}")));
        assert_eq!(warnings.ranked().len(), MAX_KINDS);
        assert_eq!(warnings.others(), 800);
    }
}
