//! Reports recorded HTTP methods that the target's channels do not have.
//!
//! A channel has one method, and all its requests are sent with it.

use crate::replay::mapping::problem;
use crate::replay::recorded_method::RecordedMethod;
use crate::replay::recording::Recording;
use mockfleet_config::{Problems, Protocol, Target};
use mockfleet_metrics::plural;
use mockfleet_tables::Table;

/// Reports rows that would be sent to the recorded path with another method than the recorded
/// one.
pub(crate) fn check_methods(
    recording: &Recording,
    table: &Table,
    target: &Target,
    problems: &mut Problems,
) {
    let Protocol::Http(http) = &target.protocol else {
        return;
    };
    for (channel, methods) in recording.channels.iter().zip(&recording.methods) {
        let Some((name, sent)) = http
            .channels
            .iter()
            .find(|(name, _)| channel.as_ref().is_none_or(|channel| channel == *name))
        else {
            continue;
        };
        for recorded in methods {
            let RecordedMethod {
                method,
                first,
                rows,
            } = recorded;
            if *method == sent.method {
                continue;
            }
            let rows = match rows {
                1 => String::new(),
                _ => format!(" ({} have it)", plural(*rows, "row")),
            };
            let way_out = match methods.len() {
                1 => format!(
                    "give the channel this method in a fleet file, with targets.{}.channels.{name}.method = {method:?}",
                    target.name
                ),
                _ => "give these rows a channel of their own in the recording, or name a column that tells them apart with --columns channel=COLUMN".to_owned(),
            };
            let text = format!(
                "the request was recorded with the method {method}{rows}, and channel {name:?} sends all of its requests with {}: {way_out}; --topics target sends to the channels of the target",
                sent.method
            );
            problems.push(problem(&table.location(*first), text));
        }
    }
}
