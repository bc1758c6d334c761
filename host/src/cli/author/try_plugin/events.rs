//! Parses the events of devices from the command line.

use crate::cli::author::try_plugin::arguments::Arguments;
use crate::cli::author::try_plugin::option_parsing::micros;
use crate::cli::author::try_plugin::option_parsing::value_or_problem;
use mockfleet_config::Problems;
use mockfleet_plugin::{Event, Message};

/// An event at a time.
pub(crate) struct TimedEvent {
    /// Microseconds since the creation of the device.
    pub(crate) at: u64,
    /// Whether the event precedes a tick at the same time.
    pub(crate) first: bool,
    pub(crate) event: Event,
    /// The text for people.
    pub(crate) said: String,
}

/// Parses all events, in order of time.
pub(crate) fn timed_events(arguments: &Arguments, problems: &mut Problems) -> Vec<TimedEvent> {
    let mut timed_events = Vec::new();
    for text in &arguments.send {
        timed_events.extend(value_or_problem(problems, "--send", sent(text)));
    }
    for text in &arguments.receive {
        timed_events.extend(value_or_problem(problems, "--receive", received(text)));
    }
    for text in &arguments.link {
        timed_events.extend(value_or_problem(problems, "--link", link(text)));
    }
    timed_events.sort_by_key(|timed_event| (timed_event.at, !timed_event.first));
    timed_events
}

fn sent(text: &str) -> Result<TimedEvent, String> {
    match text
        .split_once('=')
        .filter(|(channel, _)| !channel.is_empty())
    {
        Some((channel, payload)) => Ok(message(0, true, channel, payload)),
        None => Err(format!(
            "{text:?} is not understood; wanted is CHANNEL=PAYLOAD, such as 'command={{\"on\": true}}'"
        )),
    }
}

fn received(text: &str) -> Result<TimedEvent, String> {
    let parts = text
        .split_once(':')
        .and_then(|(time, rest)| Some((time, rest.split_once('=')?)));
    let Some((time, (channel, payload))) = parts else {
        return Err(format!(
            "{text:?} is not understood; wanted is TIME:CHANNEL=PAYLOAD, such as '25s:command={{\"power\": \"on\"}}'"
        ));
    };
    Ok(message(micros(time)?, false, channel, payload))
}

fn message(at: u64, first: bool, channel: &str, payload: &str) -> TimedEvent {
    TimedEvent {
        at,
        first,
        said: format!("receives on {channel}: {payload}"),
        event: Event::Received(Message {
            channel: channel.to_owned(),
            payload: payload.as_bytes().to_vec(),
            content_type: None,
            properties: Vec::new(),
        }),
    }
}

fn link(text: &str) -> Result<TimedEvent, String> {
    let (time, what) = text.split_once(':').unwrap_or((text, ""));
    let (event, said) = match what {
        "lost" => (Event::Disconnected("as asked".into()), "connection lost"),
        "up" => (Event::Connected, "connection up"),
        _ => {
            return Err(format!(
                "{text:?} is not understood; wanted is TIME:lost or TIME:up"
            ));
        }
    };
    Ok(TimedEvent {
        at: micros(time)?,
        first: false,
        said: said.to_owned(),
        event,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_may_contain_any_character() {
        let timed_event = received("1m:command={\"a\": \"b=c:d\"}").unwrap();
        assert_eq!(timed_event.at, 60_000_000);
        assert_eq!(timed_event.said, "receives on command: {\"a\": \"b=c:d\"}");
        assert!(sent("command=").unwrap().first);
        for wrong in ["command", "=x", ""] {
            assert!(sent(wrong).is_err(), "{wrong}");
        }
        assert!(link("5s").is_err() && link("5:up").is_err() && link("5s:up").is_ok());
    }
}
