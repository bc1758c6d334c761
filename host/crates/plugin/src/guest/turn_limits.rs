//! Limits the texts, the properties and the messages that a guest returns.
//!
//! The bytes of a whole result are limited before they are copied, by `turn_size`. These limits
//! hold for what was copied.

use std::fmt;

use mockfleet_files::counted::{agree, noun_for};

use crate::guest::bindings::newest as wit;
use crate::guest::limits::Limits;

/// The maximum length of a name that a guest returns, 1 KiB: of a channel, a status or a media
/// type.
pub(crate) const MAX_NAME_BYTES: usize = 1 << 10;

/// The maximum length of the text of an error, 4 KiB. The rest of a longer one is cut off.
pub(crate) const MAX_ERROR_BYTES: usize = 4 << 10;

/// The maximum number of properties of a message.
pub(crate) const MAX_PROPERTIES: usize = 100;

/// The maximum length of all names and values of a message's properties together, 64 KiB.
pub(crate) const MAX_PROPERTY_BYTES: usize = 64 << 10;

/// The maximum number of channels in a description, and of statuses.
pub(crate) const MAX_DESCRIBED_NAMES: usize = 1_000;

/// The maximum length of the schema in a description, 4 MiB.
pub(crate) const MAX_SCHEMA_BYTES: usize = 4 << 20;

/// A part of a result that is larger than its limit.
struct Excess {
    part: &'static str,
    size: usize,
    limit: usize,
    unit: &'static str,
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            part,
            size,
            limit,
            unit,
        } = self;
        write!(
            f,
            "{part} of {size} {}, and {limit} {} allowed",
            noun_for(*size, unit),
            agree(*limit, "is", "are")
        )
    }
}

fn check(part: &'static str, size: usize, limit: usize, unit: &'static str) -> Result<(), Excess> {
    match size > limit {
        true => Err(Excess {
            part,
            size,
            limit,
            unit,
        }),
        false => Ok(()),
    }
}

/// Checks a turn. Returns the reason for which nothing of it is used.
#[inline]
pub(crate) fn check_turn(turn: &wit::Turn, limits: &Limits) -> Result<(), String> {
    if turn.messages.len() > limits.messages {
        return Err(format!(
            "returned {} {} in one turn, and {} {} allowed (limits.messages); none was sent",
            turn.messages.len(),
            noun_for(turn.messages.len(), "message"),
            limits.messages,
            agree(limits.messages, "is", "are")
        ));
    }
    let status = turn.status.as_ref().map_or(0, String::len);
    let checked = check("a status", status, MAX_NAME_BYTES, "byte");
    let checked = checked.map_err(|excess| (excess, ""));
    turn.messages
        .iter()
        .fold(checked, |checked, message| {
            checked.and_then(|()| check_message(message, limits))
        })
        .map_err(|(excess, key)| format!("returned {excess}{key}; nothing of this turn was sent"))
}

/// Checks a message. An error has the key of the limit, in brackets, if there is one.
#[inline]
fn check_message(message: &wit::Message, limits: &Limits) -> Result<(), (Excess, &'static str)> {
    let size = message.payload.len();
    check("a message", size, limits.message_size, "byte")
        .map_err(|excess| (excess, " (limits.message-size)"))?;
    let channel = message.channel.len();
    check("the name of a channel", channel, MAX_NAME_BYTES, "byte")
        .and_then(|()| {
            let size = message.content_type.as_ref().map_or(0, String::len);
            check("a media type", size, MAX_NAME_BYTES, "byte")
        })
        .and_then(|()| match message.properties.is_empty() {
            true => Ok(()),
            false => check_properties(&message.properties),
        })
        .map_err(|excess| (excess, ""))
}

fn check_properties(properties: &[(String, String)]) -> Result<(), Excess> {
    let number = properties.len();
    check("a message", number, MAX_PROPERTIES, "property")?;
    let bytes = properties
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    check("properties", bytes, MAX_PROPERTY_BYTES, "byte")
}

/// Checks a description. Returns the reason for which the plugin is refused.
pub(crate) fn check_description(description: &wit::Description) -> Result<(), String> {
    let texts = [
        ("a name", &description.name, MAX_NAME_BYTES),
        ("a version", &description.version, MAX_NAME_BYTES),
        ("a summary", &description.summary, MAX_ERROR_BYTES),
    ];
    let lists = [
        ("channels", "the name of a channel", &description.channels),
        ("statuses", "the name of a status", &description.statuses),
    ];
    let checked = || {
        for (part, text, limit) in texts {
            check(part, text.len(), limit, "byte")?;
        }
        let schema = description.config_schema.as_ref().map_or(0, String::len);
        check("a schema", schema, MAX_SCHEMA_BYTES, "byte")?;
        for (list, part, names) in lists {
            check(list, names.len(), MAX_DESCRIBED_NAMES, "name")?;
            for name in names {
                check(part, name.len(), MAX_NAME_BYTES, "byte")?;
            }
        }
        Ok(())
    };
    checked().map_err(|excess: Excess| format!("its description has {excess}"))
}

/// Cuts the text of an error that is too long, and says so.
pub(crate) fn cut_error(mut text: String) -> String {
    if text.len() <= MAX_ERROR_BYTES {
        return text;
    }
    let whole = text.len();
    text.truncate(text.floor_char_boundary(MAX_ERROR_BYTES));
    text.push_str(&format!("… (cut, of {whole} bytes)"));
    text.shrink_to_fit();
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::bindings::empty_description;

    fn turn() -> wit::Turn {
        wit::Turn {
            messages: vec![wit::Message {
                channel: "telemetry".into(),
                payload: b"1".to_vec(),
                content_type: None,
                properties: Vec::new(),
            }],
            status: Some("on".into()),
            next_tick: None,
            link: None,
        }
    }

    fn refused(change: impl Fn(&mut wit::Turn)) -> String {
        let mut turn = turn();
        change(&mut turn);
        check_turn(&turn, &Limits::default())
            .err()
            .unwrap_or_default()
    }

    #[test]
    fn each_part_of_a_turn_has_a_limit() {
        let long = "x".repeat(MAX_NAME_BYTES + 1);
        assert_eq!(refused(|_| {}), "");
        assert_eq!(
            refused(|turn| turn.status = Some(long.clone())),
            "returned a status of 1025 bytes, and 1024 are allowed; nothing of this turn was sent"
        );
        let channel = refused(|turn| turn.messages[0].channel.clone_from(&long));
        assert!(
            channel.starts_with("returned the name of a channel of 1025 bytes"),
            "{channel}"
        );
        let kind = refused(|turn| turn.messages[0].content_type = Some(long.clone()));
        assert!(
            kind.starts_with("returned a media type of 1025 bytes"),
            "{kind}"
        );
        let payload = refused(|turn| turn.messages[0].payload = vec![0; (1 << 20) + 1]);
        assert!(
            payload.starts_with("returned a message of 1048577 bytes, and 1048576 are allowed (limits.message-size); "),
            "{payload}"
        );
        let many = refused(|turn| {
            turn.messages[0].properties = vec![Default::default(); MAX_PROPERTIES + 1];
        });
        assert!(
            many.contains("of 101 properties, and 100 are allowed"),
            "{many}"
        );
        let large = refused(|turn| {
            let value = "x".repeat(MAX_PROPERTY_BYTES);
            turn.messages[0].properties = vec![("a".into(), value)];
        });
        assert!(
            large.contains("returned properties of 65537 bytes, and 65536 are allowed"),
            "{large}"
        );
        let messages = refused(|turn| turn.messages = vec![turn.messages[0].clone(); 101]);
        assert!(messages.contains("101 messages in one turn"), "{messages}");
    }

    #[test]
    fn long_error_is_cut_at_a_letter() {
        assert_eq!(cut_error("short".into()), "short");
        let cut = cut_error("ä".repeat(10_000));
        assert!(
            cut.starts_with('ä') && cut.ends_with("… (cut, of 20000 bytes)"),
            "{cut}"
        );
        assert!(cut.len() < MAX_ERROR_BYTES + 40);
    }

    #[test]
    fn description_is_bounded() {
        let described = |change: &dyn Fn(&mut wit::Description)| {
            let mut description = empty_description();
            change(&mut description);
            check_description(&description).err().unwrap_or_default()
        };
        assert_eq!(described(&|_| {}), "");
        assert_eq!(
            described(&|it| it.channels = vec!["a".into(); 1_001]),
            "its description has channels of 1001 names, and 1000 are allowed"
        );
        let schema = described(&|it| it.config_schema = Some(" ".repeat(MAX_SCHEMA_BYTES + 1)));
        assert!(schema.contains("a schema of 4194305 bytes"), "{schema}");
        let status = described(&|it| it.statuses = vec!["x".repeat(1_025)]);
        assert!(
            status.contains("the name of a status of 1025 bytes"),
            "{status}"
        );
    }
}
