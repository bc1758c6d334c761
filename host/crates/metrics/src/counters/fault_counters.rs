//! Counts injected faults and the messages lost to them.
//!
//! Losses by the backend are counted elsewhere.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::counters::warnings::Warnings;
use mockfleet_files::counted::{agree, count, plural};

/// Counts of injected faults.
#[derive(Debug, Clone, Default)]
pub struct FaultCounters {
    /// Messages that each kind of fault touched, without copies.
    pub touched: BTreeMap<&'static str, u64>,
    /// Link faults that began, by kind, counted for each device.
    pub begun: BTreeMap<&'static str, u64>,
    /// Copies that were sent.
    pub copies: u64,
    /// Messages that never left.
    pub dropped: u64,
    /// Messages that a server refused or that a connection lost.
    pub failed: u64,
    /// Messages that were unanswered when the run ended.
    pub unconfirmed: u64,
    /// Causes of the losses.
    pub causes: Warnings,
}

impl FaultCounters {
    /// Counts a message that faults of these kinds touched, and its copies.
    pub fn touch(&mut self, kinds: &[&'static str], copies: u64) {
        for kind in kinds {
            *self.touched.entry(kind).or_default() += 1;
        }
        self.copies += copies;
    }

    /// Counts the start of a link fault on one device.
    pub fn begin(&mut self, kind: &'static str) {
        *self.begun.entry(kind).or_default() += 1;
    }

    /// Returns the number of messages lost to faults.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.dropped + self.failed + self.unconfirmed
    }

    /// Returns whether no fault was injected.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.touched.is_empty() && self.begun.is_empty()
    }

    /// Adds the counts of another worker.
    pub(crate) fn add(&mut self, other: &Self) {
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

    /// Returns the counts as one line.
    pub(crate) fn text(&self) -> String {
        let touched = self.touched.iter().map(|(kind, n)| match *kind {
            "duplicate" => format!("{} {kind} ({})", count(*n), plural(self.copies, "copy")),
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
            n => format!(
                "{} {} lost to it",
                plural(n, "message"),
                agree(n, "was", "were")
            ),
        });
        parts.join("; ")
    }

    /// Returns the counts as one JSON object.
    pub(crate) fn json(&self, causes: Value) -> Value {
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
    fn text_has_faults_and_losses() {
        let mut injected = FaultCounters::default();
        injected.touch(&["drop"], 0);
        injected.touch(&["corrupt", "duplicate"], 2);
        injected.begin("reconnect-storm");
        injected.dropped = 1;
        let mut sum = FaultCounters::default();
        sum.add(&injected);
        sum.add(&injected);
        assert_eq!(
            sum.text(),
            "messages: 2 corrupt, 2 drop, 2 duplicate (4 copies); links: 2 × reconnect-storm; 2 messages were lost to it"
        );
        assert_eq!(sum.json(Value::Null)["touched"]["corrupt"], 2);
    }
}
