//! Lists the kinds of faults with their keys.

use crate::document::node::Node;
use crate::document::problem::ValueError;
use crate::document::suggest::did_you_mean;
use crate::document::table_reader::{TableReader, text};

pub(crate) const KEYS: &[&str] = &[
    "kind",
    "probability",
    "channel",
    "devices",
    "from",
    "until",
    "at",
    "every",
    "rate",
    "duration",
    "copies",
    "delay",
    "messages",
    "bytes",
    "size",
    "topic",
    "offset",
    "drift",
    "vanish",
    "times",
    "down",
    "up",
    "bandwidth",
    "latency",
];

pub(crate) const LABEL: &str = "[[groups.faults]]";

/// The kinds, with the keys that only they have.
const KINDS: [(&str, &[&str]); 14] = [
    ("drop", &[]),
    ("duplicate", &["copies"]),
    ("delay", &["delay"]),
    ("reorder", &["messages"]),
    ("corrupt", &["bytes"]),
    ("truncate", &["size"]),
    ("oversize", &["size"]),
    ("wrong-topic", &["topic"]),
    ("clock-skew", &["offset", "drift"]),
    ("disconnect", &["vanish"]),
    ("half-open", &[]),
    ("flapping", &["times", "down", "up"]),
    ("slow-link", &["bandwidth", "latency"]),
    ("reconnect-storm", &[]),
];

/// Keys of message faults only.
const MESSAGE_FAULT_KEYS: [&str; 2] = ["probability", "channel"];

/// Returns the words of all kinds.
pub(crate) fn words() -> [&'static str; 14] {
    KINDS.map(|(word, _)| word)
}

pub(crate) fn kind(node: &Node) -> Result<(&'static str, &'static [&'static str]), ValueError> {
    let text = text(node)?;
    let found = KINDS.iter().find(|(word, _)| *word == text).copied();
    found.ok_or_else(|| {
        let hint = did_you_mean(&text, words().into_iter());
        format!(
            "{text:?} is no fault{hint}; there are {}",
            words().join(", ")
        )
        .into()
    })
}

pub(crate) fn is_message_fault(word: &str) -> bool {
    let place = KINDS.iter().position(|(other, _)| *other == word);
    // The table begins with the message faults.
    place.is_some_and(|place| place < 8)
}

/// Reports keys that belong to other kinds, and returns whether there are none.
pub(crate) fn check_keys(keys: &TableReader<'_>, word: &str, own: &[&str]) -> bool {
    let mut sound = true;
    for (key, _) in keys.entries() {
        let owners: Vec<&str> = KINDS
            .iter()
            .filter(|(_, theirs)| theirs.contains(&key))
            .map(|(owner, _)| *owner)
            .collect();
        if !owners.is_empty() && !own.contains(&key) {
            let text = format!("it belongs to {}; drop it", owners.join(" and "));
            keys.report(key, text);
            sound = false;
        }
        if MESSAGE_FAULT_KEYS.contains(&key) && !is_message_fault(word) {
            let text = format!("{word} touches a device, not single messages; drop it");
            keys.report(key, text);
            sound = false;
        }
    }
    sound
}
