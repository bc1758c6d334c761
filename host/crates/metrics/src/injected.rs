//! What was broken on purpose: how often each kind of fault struck, and what was lost to
//! it. Kept apart from what the backend did, so that neither is mistaken for the other.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::figures::count;
use super::notices::Notices;

/// Counts of injected faults.
#[derive(Debug, Clone, Default)]
pub struct Injected {
    /// Messages that each kind touched, copies not counted.
    pub touched: BTreeMap<&'static str, u64>,
    /// How often each kind of a fault of links began, on one device.
    pub begun: BTreeMap<&'static str, u64>,
    /// Messages that were sent once more.
    pub copies: u64,
    /// Messages that never left.
    pub dropped: u64,
    /// Messages that a server refused or a connection took along.
    pub failed: u64,
    /// Messages that were unanswered when the run ended.
    pub unconfirmed: u64,
    /// What of these happened, in words.
    pub causes: Notices,
}

impl Injected {
    /// A message is touched by these kinds, and sent so often again.
    pub fn touch(&mut self, kinds: &[&'static str], copies: u64) {
        for kind in kinds {
            *self.touched.entry(kind).or_default() += 1;
        }
        self.copies += copies;
    }

    /// A fault of the link of a device begins.
    pub fn begin(&mut self, kind: &'static str) {
        *self.begun.entry(kind).or_default() += 1;
    }

    /// Messages that were lost to faults.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.dropped + self.failed + self.unconfirmed
    }

    /// Whether nothing was broken.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.touched.is_empty() && self.begun.is_empty()
    }

    /// Adds another worker's.
    pub(super) fn add(&mut self, other: &Self) {
        for (kind, n) in &other.touched {
            *self.touched.entry(kind).or_default() += n;
        }
        for (kind, n) in &other.begun {
            *self.begun.entry(kind).or_default() += n;
        }
        self.copies += other.copies;
        self.dropped += other.dropped;
        self.failed += other.failed;
        self.unconfirmed += other.unconfirmed;
        self.causes.add(&other.causes);
    }

    /// For people.
    pub(super) fn words(&self) -> String {
        let touched = self.touched.iter().map(|(kind, n)| match *kind {
            "duplicate" => format!("{} {kind} ({} copies)", count(*n), count(self.copies)),
            _ => format!("{} {kind}", count(*n)),
        });
        let begun = self
            .begun
            .iter()
            .map(|(kind, n)| format!("{} × {kind}", count(*n)));
        let mut parts = Vec::new();
        if !self.touched.is_empty() {
            let kinds: Vec<String> = touched.collect();
            parts.push(format!("messages: {}", kinds.join(", ")));
        }
        if !self.begun.is_empty() {
            let kinds: Vec<String> = begun.collect();
            parts.push(format!("links: {}", kinds.join(", ")));
        }
        parts.push(match self.lost() {
            0 => "no message was lost to it".into(),
            1 => "1 message was lost to it".into(),
            n => format!("{} messages were lost to it", count(n)),
        });
        parts.join("; ")
    }

    /// For machines.
    pub(super) fn json(&self, causes: Value) -> Value {
        json!({
            "touched": self.touched,
            "begun": self.begun,
            "copies": self.copies,
            "dropped": self.dropped,
            "failed": self.failed,
            "unconfirmed": self.unconfirmed,
            "lost": self.lost(),
            "causes": causes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_broken_is_said_with_what_it_cost() {
        let mut injected = Injected::default();
        injected.touch(&["drop"], 0);
        injected.touch(&["corrupt", "duplicate"], 2);
        injected.begin("reconnect-storm");
        injected.dropped = 1;
        let mut sum = Injected::default();
        sum.add(&injected);
        sum.add(&injected);
        assert_eq!(
            sum.words(),
            "messages: 2 corrupt, 2 drop, 2 duplicate (4 copies); links: 2 × reconnect-storm; 2 messages were lost to it"
        );
        assert_eq!(sum.json(Value::Null)["touched"]["corrupt"], 2);
    }
}
