//! Converts the types of version 0.1.0 of the contract.

use crate::guest::bindings::newest;
use crate::guest::bindings::v0_1_0::mockfleet::device::types as wit;

/// Returns the turn of a device that does nothing.
pub(crate) fn empty_turn() -> newest::Turn {
    newest::Turn {
        messages: Vec::new(),
        status: None,
        next_tick: None,
        link: None,
    }
}

/// Converts the result of a call.
#[inline]
pub(crate) fn converted(
    turn: Result<wit::Turn, wit::Error>,
) -> Result<newest::Turn, newest::Error> {
    match turn {
        Ok(turn) => Ok(turn.into()),
        Err(error) => Err(error.into()),
    }
}

impl From<wit::Turn> for newest::Turn {
    #[inline]
    fn from(turn: wit::Turn) -> Self {
        Self {
            messages: turn.messages.into_iter().map(Into::into).collect(),
            status: turn.status,
            next_tick: turn.next_tick,
            link: turn.link.map(|link| match link {
                wit::Link::Reconnect => newest::Link::Reconnect,
                wit::Link::Vanish(length) => newest::Link::Vanish(length),
            }),
        }
    }
}

impl From<wit::Message> for newest::Message {
    #[inline]
    fn from(message: wit::Message) -> Self {
        Self {
            channel: message.channel,
            payload: message.payload,
            content_type: message.content_type,
            properties: message.properties,
        }
    }
}

impl From<wit::Error> for newest::Error {
    fn from(error: wit::Error) -> Self {
        match error {
            wit::Error::InvalidConfig(why) => Self::InvalidConfig(why),
            wit::Error::Failed(why) => Self::Failed(why),
            wit::Error::Retired(why) => Self::Retired(why),
        }
    }
}

impl From<wit::Description> for newest::Description {
    fn from(description: wit::Description) -> Self {
        let mut interests = newest::Interests::empty();
        for (theirs, ours) in [
            (wit::Interests::LINK, newest::Interests::LINK),
            (wit::Interests::DOWNLINK, newest::Interests::DOWNLINK),
            (wit::Interests::RECEIPTS, newest::Interests::RECEIPTS),
        ] {
            if description.interests.contains(theirs) {
                interests |= ours;
            }
        }
        Self {
            name: description.name,
            version: description.version,
            summary: description.summary,
            config_schema: description.config_schema,
            channels: description.channels,
            statuses: description.statuses,
            interests,
        }
    }
}

impl From<newest::Tick> for wit::Tick {
    #[inline]
    fn from(tick: newest::Tick) -> Self {
        Self {
            at: tick.at,
            sequence: tick.sequence,
        }
    }
}

impl From<&newest::DeviceSpec> for wit::DeviceSpec {
    fn from(spec: &newest::DeviceSpec) -> Self {
        Self {
            id: spec.id.clone(),
            group: spec.group.clone(),
            index: spec.index,
            seed: spec.seed,
            config: spec.config.clone(),
            born: spec.born,
        }
    }
}

impl From<&newest::Event> for wit::Event {
    fn from(event: &newest::Event) -> Self {
        match event {
            newest::Event::Connected => Self::Connected,
            newest::Event::Disconnected(why) => Self::Disconnected(why.clone()),
            newest::Event::Received(message) => Self::Received(message.into()),
            newest::Event::Settled(receipt) => Self::Settled(receipt.into()),
        }
    }
}

impl From<&newest::Message> for wit::Message {
    fn from(message: &newest::Message) -> Self {
        Self {
            channel: message.channel.clone(),
            payload: message.payload.clone(),
            content_type: message.content_type.clone(),
            properties: message.properties.clone(),
        }
    }
}

impl From<&newest::Receipt> for wit::Receipt {
    fn from(receipt: &newest::Receipt) -> Self {
        Self {
            sequence: receipt.sequence,
            channel: receipt.channel.clone(),
            outcome: match receipt.outcome {
                newest::Outcome::Acked => wit::Outcome::Acked,
                newest::Outcome::Sent => wit::Outcome::Sent,
                newest::Outcome::Failed => wit::Outcome::Failed,
                newest::Outcome::Dropped => wit::Outcome::Dropped,
            },
            latency: receipt.latency,
            detail: receipt.detail.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interests_keep_their_meaning() {
        let converted = |interests| {
            newest::Description::from(wit::Description {
                name: "a".into(),
                version: "1".into(),
                summary: String::new(),
                config_schema: None,
                channels: Vec::new(),
                statuses: Vec::new(),
                interests,
            })
            .interests
        };
        let all = newest::Interests::all() ^ newest::Interests::START;
        assert_eq!(converted(wit::Interests::all()), all);
        assert_eq!(
            converted(wit::Interests::DOWNLINK),
            newest::Interests::DOWNLINK
        );
    }
}
