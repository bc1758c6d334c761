//! Reports recorded topics and paths that no message can be sent to.
//!
//! All of them are found before the first message is sent.

use crate::replay::mapping::problem;
use mockfleet_config::Problems;
use mockfleet_metrics::plural;
use mockfleet_tables::{Location, Table};

/// Largest number of different topics or paths that are reported.
const MAX_NAMED: usize = 10;

/// Largest number of characters of a topic or path in messages.
const MAX_SHOWN: usize = 200;

/// A topic or path that no message can be sent to.
struct UnfitTopic {
    topic: String,
    why: &'static str,
    first: Location,
    rows: u64,
}

/// Topics and paths of a recording that no message can be sent to.
#[derive(Default)]
pub(crate) struct UnfitTopics {
    named: Vec<UnfitTopic>,
    /// Rows with other such topics or paths.
    more: u64,
}

impl UnfitTopics {
    pub(crate) fn add(&mut self, topic: &str, why: &'static str, place: Location) {
        if let Some(known) = self.named.iter_mut().find(|known| known.topic == topic) {
            known.rows += 1;
        } else if self.named.len() < MAX_NAMED {
            self.named.push(UnfitTopic {
                topic: topic.to_owned(),
                why,
                first: place,
                rows: 1,
            });
        } else {
            self.more += 1;
        }
    }

    /// Reports each with its first row and the number of its rows, and the number of all
    /// others.
    pub(crate) fn report(&self, table: &Table, problems: &mut Problems) {
        for UnfitTopic {
            topic,
            why,
            first,
            rows,
        } in &self.named
        {
            let rows = match rows {
                1 => String::new(),
                _ => format!(" ({} have it)", plural(*rows, "row")),
            };
            let text = format!(
                "no message can be sent to {}{rows}: {why}; change it in the recording, select other rows with --device or --channel, or send to the channels of the target with --topics target",
                shown(topic)
            );
            problems.push(problem(&table.location(*first), text));
        }
        if self.more > 0 {
            let text = format!(
                "{} more with other topics or paths that no message can be sent to",
                plural(self.more, "row")
            );
            problems.push(problem(table.shown(), text));
        }
    }
}

/// Returns a topic in quotes, cut if it is long.
fn shown(topic: &str) -> String {
    match topic.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!(
            "{:?}… ({} bytes)",
            topic.get(..end).unwrap_or_default(),
            topic.len()
        ),
        None => format!("{topic:?}"),
    }
}
