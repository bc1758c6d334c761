//! Compares a turn with the channels and statuses that its plugin declares.
//!
//! A run, a dry run and `mockfleet try` check turns alike.

use mockfleet_config::did_you_mean;
use mockfleet_plugin::{Message, Plugin};

/// Returns the reason why nothing of a turn is sent: one of its messages has no route.
///
/// `has_target` is false if the device is only tried, without a fleet file.
pub fn stray_channel(
    messages: &[Message],
    has_target: bool,
    has_route: impl Fn(&str) -> bool,
) -> Option<String> {
    let stray = messages
        .iter()
        .find(|message| !has_route(&message.channel))?;
    let target = match has_target {
        true => " and its target does not have",
        false => "",
    };
    Some(format!(
        "returned a message on channel {:?}, which its description does not name{target}; nothing of this turn was sent",
        stray.channel
    ))
}

/// Describes a status that the plugin's description does not list. A description without statuses
/// has those of the settings.
pub fn unlisted_status(plugin: &Plugin, status: &str) -> Option<String> {
    unlisted(&plugin.description().statuses, status)
}

fn unlisted(listed: &[String], status: &str) -> Option<String> {
    if listed.is_empty() || listed.iter().any(|known| known == status) {
        return None;
    }
    let hint = did_you_mean(status, listed.iter().map(String::as_str));
    Some(format!(
        "reported the status {status:?}, which its description does not list{hint}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_without_a_route_stops_its_turn() {
        let messages = ["telemetry", "telemetri"].map(|channel| Message {
            channel: channel.into(),
            payload: Vec::new(),
            content_type: None,
            properties: Vec::new(),
        });
        let known = |channel: &str| channel == "telemetry";
        assert_eq!(stray_channel(&messages[..1], true, known), None);
        let said = |has_target| stray_channel(&messages, has_target, known).unwrap();
        let begin =
            "returned a message on channel \"telemetri\", which its description does not name";
        let end = "; nothing of this turn was sent";
        assert_eq!(
            said(true),
            format!("{begin} and its target does not have{end}")
        );
        assert_eq!(said(false), format!("{begin}{end}"));
    }

    #[test]
    fn status_outside_of_the_list_is_described() {
        let listed = ["ok", "hot"].map(str::to_owned);
        assert_eq!(unlisted(&listed, "hot"), None);
        assert_eq!(unlisted(&[], "cold"), None);
        assert_eq!(
            unlisted(&listed, "hott").as_deref(),
            Some(
                "reported the status \"hott\", which its description does not list; did you mean \"hot\"?"
            )
        );
    }
}
