//! Reads the keys that only one kind of fault has.

use crate::document::problem::ValueError;
use std::time::Duration;

use crate::document::node::Node;
use crate::document::table_reader::{TableReader, template, text};
use crate::document::template::{Placeholder, Template};
use crate::document::units;
use crate::document::units::ByteSize;
use crate::plan::fault::{CutTo, FaultKind};
use crate::plan::target::Protocol;
use crate::sections::faults::context::{FaultContext, MAX_DURATION};

/// Placeholders of a wrong topic, without the run, so that the same seed gives the same
/// topics.
const TOPIC_PLACEHOLDERS: &[Placeholder] = &[
    Placeholder::Device,
    Placeholder::Group,
    Placeholder::Index,
    Placeholder::Fleet,
];

/// Reads the keys that only this kind has.
pub(crate) fn read(
    keys: &TableReader<'_>,
    word: &str,
    scope: &FaultContext<'_>,
) -> Option<FaultKind> {
    let or = |key: &str, default: u32, most: u32| match keys.node(key) {
        None => Some(default),
        Some(_) => keys.integer(key, 1..=most),
    };
    Some(match word {
        "drop" => FaultKind::Drop,
        "duplicate" => FaultKind::Duplicate {
            copies: u8::try_from(or("copies", 1, 100)?).unwrap_or(1),
        },
        "delay" => {
            let (least, most) = keys.require("delay", "\"5s\" (or \"1s..10s\")", delay)?;
            FaultKind::Delay { least, most }
        }
        "reorder" => FaultKind::Reorder {
            messages: or("messages", 1, 1_000)?,
        },
        "corrupt" => FaultKind::Corrupt {
            bytes: or("bytes", 1, 1_000_000)?,
        },
        "truncate" => FaultKind::Truncate(keys.require("size", "\"50%\" (or \"16B\")", cut_to)?),
        "oversize" => {
            keys.require("size", "\"1MiB\"", |_| Ok(()))?;
            // The maximum size of an MQTT packet (MQTT 3.1.1, section 2.2.3).
            let size = keys.size("size", 1..=256 << 20)?;
            FaultKind::Oversize { size: size.bytes() }
        }
        "wrong-topic" => FaultKind::WrongTopic {
            topic: topic(keys, scope)?,
        },
        "clock-skew" => clock_skew(keys)?,
        "disconnect" => FaultKind::Disconnect {
            vanish: match keys.node("vanish") {
                None => false,
                Some(_) => keys.boolean("vanish")?,
            },
        },
        "half-open" => FaultKind::HalfOpen,
        "flapping" => {
            let length = |key| match keys.node(key) {
                None => Some(Duration::from_secs(1)),
                Some(_) => keys.duration(key, Duration::from_millis(1)..=MAX_DURATION),
            };
            let (times, down, up) = (or("times", 3, 1_000), length("down"), length("up"));
            FaultKind::Flapping {
                times: times?,
                down: down?,
                up: up?,
            }
        }
        "slow-link" => slow_link(keys)?,
        _ => FaultKind::ReconnectStorm,
    })
}

/// Reads `5s`, or `1s..10s`.
fn delay(node: &Node) -> Result<(Duration, Duration), ValueError> {
    let text = text(node)?;
    let read = |text: &str| {
        units::parse_duration(text).map_err(|wanted| {
            format!("{text:?} is not understood; {wanted}, and \"1s..10s\" draws one in between")
        })
    };
    let (least, most) = match text.split_once("..") {
        None => (read(&text)?, read(&text)?),
        Some((least, most)) => (read(least.trim())?, read(most.trim())?),
    };
    if least > most {
        return Err(
            format!("{text:?} ends before it begins; write the shorter delay first").into(),
        );
    }
    if most == Duration::ZERO || most > MAX_DURATION {
        return Err(
            format!("{text:?} is out of range; a delay is above 0s, and 10 years at most").into(),
        );
    }
    Ok((least, most))
}

fn cut_to(node: &Node) -> Result<CutTo, ValueError> {
    let text = text(node)?;
    if text.trim_end().ends_with('%') {
        let share = units::parse_share(&text)?;
        if share >= 1.0 {
            return Err(format!("{text:?} cuts nothing; it lies between 0% and 100%").into());
        }
        return Ok(CutTo::Share(share));
    }
    match ByteSize::parse(&text) {
        Ok(size) => Ok(CutTo::Size(size.bytes())),
        Err(wanted) => Err(format!(
            "{text:?} is not understood; it is a share such as \"50%\", or a size: {wanted}"
        )
        .into()),
    }
}

fn topic(keys: &TableReader<'_>, scope: &FaultContext<'_>) -> Option<Template> {
    let http = matches!(
        scope.target.map(|target| &target.protocol),
        Some(Protocol::Http(_))
    );
    let example = if http {
        "\"/nowhere/{device}\""
    } else {
        "\"nowhere/{device}\""
    };
    keys.require("topic", example, |node| {
        let template = template(node, TOPIC_PLACEHOLDERS)?;
        if template.is_empty() {
            return Err("it is empty; name where the message goes instead".into());
        }
        if http && !template.head().starts_with('/') {
            return Err("the target speaks HTTP, and a path begins with /".into());
        }
        // A wrong topic must still be valid: a broker closes the connection on an invalid one.
        let wild = |text: &str| text.contains(['+', '#', '\0']);
        if !http && template.texts().any(wild) {
            return Err(
                "a topic to publish to holds no + and no #; the broker would end the connection"
                    .into(),
            );
        }
        let unfit = |text: &str| text.contains(|c: char| c.is_whitespace() || c == '#');
        if http && template.texts().any(unfit) {
            return Err("a path holds no spaces and no #; write %20 and %23".into());
        }
        Ok(template)
    })
}

fn clock_skew(keys: &TableReader<'_>) -> Option<FaultKind> {
    if keys.node("offset").is_none() && keys.node("drift").is_none() {
        keys.report_missing("offset", "\"5s\" (or \"-5s\"; or drift = \"2s/h\")");
        return None;
    }
    let offset = match keys.node("offset") {
        None => Some(0),
        Some(_) => keys.read("offset", |node| signed(&text(node)?)),
    };
    let drift = match keys.node("drift") {
        None => Some(0.0),
        Some(_) => keys.read("drift", drift),
    };
    let (offset, drift) = (offset?, drift?);
    if offset == 0 && drift == 0.0 {
        keys.report(
            "offset",
            "the clock would be right; say by how much it is wrong",
        );
        return None;
    }
    Some(FaultKind::ClockSkew { offset, drift })
}

/// Reads a duration that may be negative, in microseconds.
fn signed(text: &str) -> Result<i64, ValueError> {
    let (sign, length) = match text.trim().strip_prefix('-') {
        Some(length) => (-1, length),
        None => (1, text.trim().trim_start_matches('+')),
    };
    let length = units::parse_duration(length)
        .map_err(|wanted| format!("{text:?} is not understood; {wanted}, and \"-5s\" is behind"))?;
    if length > MAX_DURATION {
        return Err(format!("{text:?} is out of range; it is 10 years at most").into());
    }
    let micros = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
    Ok(sign * micros)
}

/// Reads `2s/h`: the time that a clock gains in a period.
fn drift(node: &Node) -> Result<f64, ValueError> {
    let text = text(node)?;
    let wanted = || {
        ValueError::from(format!(
            "{text:?} is not understood; a drift is what the clock gains in a time, such as \"2s/h\" or \"-500ms/d\" (s, min, h, d)"
        ))
    };
    let (gain, period) = text.split_once('/').ok_or_else(wanted)?;
    let gain = signed(gain).map_err(|_| wanted())?;
    let period = units::parse_period(period).ok_or_else(wanted)?;
    let gain = std::time::Duration::from_micros(gain.unsigned_abs()).as_secs_f64()
        * if gain < 0 { -1.0 } else { 1.0 };
    let drift = gain / period;
    if drift.abs() > 1.0 {
        return Err(format!(
            "{text:?} is more than the time itself; no clock is so wrong: give less, such as \"2s/h\""
        ).into());
    }
    Ok(drift)
}

fn slow_link(keys: &TableReader<'_>) -> Option<FaultKind> {
    if keys.node("bandwidth").is_none() && keys.node("latency").is_none() {
        keys.report_missing("bandwidth", "\"2KiB/s\" (or latency = \"500ms\")");
        return None;
    }
    let bandwidth = match keys.node("bandwidth") {
        None => Some(None),
        Some(_) => keys.read("bandwidth", bandwidth).map(Some),
    };
    let latency = match keys.node("latency") {
        None => Some(Duration::ZERO),
        Some(_) => keys.duration("latency", Duration::from_millis(1)..=MAX_DURATION),
    };
    Some(FaultKind::SlowLink {
        bandwidth: bandwidth?,
        latency: latency?,
    })
}

/// Reads `2KiB/s`.
fn bandwidth(node: &Node) -> Result<u64, ValueError> {
    let text = text(node)?;
    let size = text.trim().strip_suffix("/s").map(str::trim_end);
    let bytes = size.and_then(|size| ByteSize::parse(size).ok());
    match bytes.map(ByteSize::bytes) {
        Some(0) => Err("nothing would ever leave; half-open and disconnect do that".into()),
        Some(bytes) => Ok(bytes),
        None => Err(format!(
            "{text:?} is not understood; a bandwidth is a size a second, such as \"2KiB/s\""
        )
        .into()),
    }
}
