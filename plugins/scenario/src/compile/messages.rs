//! Compiles messages: their channels, payloads and properties.

use mockfleet_sdk::Problem;

use crate::compile::names::Names;
use crate::config::{self, Config};
use crate::group_context::GroupContext;
use crate::payload::{Payload, Template, TemplateContext};
use crate::problems::{extend_within, suggestion};

/// A kind of message.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) channel: String,
    pub(crate) content_type: String,
    pub(crate) payload: Payload,
    pub(crate) properties: Vec<(String, Template)>,
    /// The positions that its properties read, in addition to those of its payload.
    pub(crate) reads: Vec<usize>,
}

/// All messages in the order of their names; `None` where one is wrong.
pub(crate) fn read(
    config: &Config,
    names: &Names,
    group: &GroupContext,
    problems: &mut Vec<Problem>,
) -> Vec<Option<Message>> {
    if config.messages.is_empty() {
        problems.push(Problem::new(
            "messages",
            "there are none; a device sends at least one kind of message",
        ));
    }
    let messages = config.messages.iter();
    messages
        .map(|(name, message)| {
            let path = format!("messages.{name}");
            one(name, message, &path, names, group, problems)
        })
        .collect()
}

fn one(
    name: &str,
    message: &config::Message,
    path: &str,
    names: &Names,
    group: &GroupContext,
    problems: &mut Vec<Problem>,
) -> Option<Message> {
    let channel = message.channel.as_deref().unwrap_or(name);
    check_channel(channel, message, path, group, problems);
    if message.every_nth == 0 {
        problems.push(Problem::new(
            format!("{path}.every-nth"),
            "0 ticks; it is 1 or more",
        ));
    }
    let mut found = Vec::new();
    let payload = Payload::read(message.payload(), names, &mut found);
    let mut reads = Vec::new();
    let mut context = TemplateContext {
        names,
        reads: &mut reads,
        problems: &mut found,
    };
    let properties: Vec<Option<(String, Template)>> = message
        .properties
        .iter()
        .map(|(key, text)| {
            let template = Template::read(text, &format!("properties.{key}"), &mut context)?;
            Some((key.clone(), template))
        })
        .collect();
    extend_within(path, found, problems);
    let payload = payload?;
    Some(Message {
        channel: channel.to_owned(),
        content_type: match &message.content_type {
            Some(media_type) => media_type.clone(),
            None => payload.media_type().to_owned(),
        },
        payload,
        properties: properties.into_iter().collect::<Option<_>>()?,
        reads,
    })
}

fn check_channel(
    channel: &str,
    message: &config::Message,
    path: &str,
    group: &GroupContext,
    problems: &mut Vec<Problem>,
) {
    let Some(channels) = &group.channels else {
        return;
    };
    if channels.iter().any(|known| known == channel) {
        return;
    }
    let path = match message.channel {
        Some(_) => format!("{path}.channel"),
        None => path.to_owned(),
    };
    let hint = suggestion(channel, channels.iter().map(String::as_str));
    problems.push(Problem::new(
        path,
        format_args!(
            "it is sent on channel {channel:?}, which the group's target does not have{hint} (add it under [targets.NAME.channels])"
        ),
    ));
}
