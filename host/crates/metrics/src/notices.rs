//! Sentences for the user that are said once and counted, however often they come.

use std::collections::BTreeMap;

/// Different sentences that are kept; a backend that answers something new every
/// time must not fill the host.
const KINDS: usize = 200;

/// Sentences and how often each came.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    /// By what makes two of them the same trouble.
    kinds: BTreeMap<String, Kind>,
    /// Those that came when there was no room for another kind.
    others: u64,
}

/// One trouble: its first sentence, and how often it came.
#[derive(Debug, Clone)]
struct Kind {
    first: String,
    times: u64,
}

impl Notices {
    /// Counts a sentence.
    pub fn count(&mut self, text: &str) {
        self.count_as(text, || text.to_owned());
    }

    /// Counts a trouble; only the sentence of its first time is kept, and made.
    pub fn count_as(&mut self, trouble: &str, text: impl FnOnce() -> String) {
        self.count_many(trouble, 1, text);
    }

    /// Counts a sentence that came so often.
    pub fn count_times(&mut self, text: &str, times: u64) {
        self.count_many(text, times, || text.to_owned());
    }

    fn count_many(&mut self, trouble: &str, times: u64, text: impl FnOnce() -> String) {
        if let Some(kind) = self.kinds.get_mut(trouble) {
            kind.times += times;
        } else if self.kinds.len() < KINDS {
            let first = text();
            self.kinds.insert(trouble.to_owned(), Kind { first, times });
        } else {
            self.others += times;
        }
    }

    /// Adds another worker's.
    pub fn add(&mut self, other: &Self) {
        for (trouble, kind) in &other.kinds {
            self.count_many(trouble, kind.times, || kind.first.clone());
        }
        self.others += other.others;
    }

    /// Each sentence with its count, the most frequent first.
    #[must_use]
    pub fn ranked(&self) -> Vec<(&str, u64)> {
        let kinds = self.kinds.values();
        let mut ranked: Vec<_> = kinds
            .map(|kind| (kind.first.as_str(), kind.times))
            .collect();
        ranked.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        ranked
    }

    /// Each trouble with its first sentence and its count.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        let kinds = self.kinds.iter();
        kinds.map(|(trouble, kind)| (trouble.as_str(), kind.first.as_str(), kind.times))
    }

    /// How many came that have no entry of their own.
    #[must_use]
    pub fn others(&self) -> u64 {
        self.others
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.others == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_sentence_is_one_entry() {
        let mut notices = Notices::default();
        for _ in 0..10_000 {
            notices.count("connection refused");
        }
        notices.count("another");
        assert_eq!(
            notices.ranked(),
            [("connection refused", 10_000), ("another", 1)]
        );
    }

    #[test]
    fn the_first_sentence_of_a_trouble_stands_for_all() {
        let mut notices = Notices::default();
        for device in ["d-1", "d-2"] {
            notices.count_as("trap", || format!("device {device} trapped"));
        }
        assert_eq!(notices.ranked(), [("device d-1 trapped", 2)]);
    }

    #[test]
    fn ever_new_sentences_do_not_fill_the_host() {
        let mut notices = Notices::default();
        (0..1_000).for_each(|n| notices.count(&format!("trouble {n}")));
        assert_eq!(notices.ranked().len(), KINDS);
        assert_eq!(notices.others(), 800);
    }
}
