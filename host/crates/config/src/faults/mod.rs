//! The keys of `[[groups.faults]]`: what breaks on purpose in a group. Each kind has
//! keys of its own beside those that say when, where and how often.

mod meet;
mod model;
mod when;

use std::time::Duration;

pub use model::{CutTo, Family, Fault, FaultKind, Moments, When};

use super::keys::{Context, Keys, text};
use super::plan::{Connections, Protocol, Target};
use super::suggest;
use super::template::{Name, Template};
use super::tree::{At, Node, Value};
use super::units::{self, ByteSize};

pub(super) const KEYS: &[&str] = &[
    "kind",
    "probability",
    "channel",
    "devices",
    "from",
    "until",
    "at",
    "every",
    "rate",
    "length",
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

const LABEL: &str = "[[groups.faults]]";

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
    ("storm", &[]),
];

/// Keys of faults of messages only.
const OF_MESSAGES: [&str; 2] = ["probability", "channel"];

/// The words of all kinds.
pub(super) fn words() -> [&'static str; 14] {
    KINDS.map(|(word, _)| word)
}

/// Far more than a person writes; each is looked at for each message.
const MOST: usize = 100;

/// As for the group's schedule.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

/// What a wrong topic can be made of: the run has no part in it, so that the same seed
/// breaks the same way.
const OF_TOPIC: &[Name] = &[Name::Device, Name::Group, Name::Index, Name::Fleet];

/// What of the rest of the file faults have to fit.
pub(super) struct Scope<'a> {
    /// How long the run takes.
    pub(super) duration: Option<Duration>,
    /// Where the group sends, if that could be read.
    pub(super) target: Option<&'a Target>,
}

/// Reads the faults of a group.
pub(super) fn read(context: &Context<'_>, node: &Node, scope: &Scope<'_>) -> Option<Vec<Fault>> {
    let Value::Array(entries) = &node.value else {
        let text = format!(
            "faults is a list of tables, not {}; begin each fault with {LABEL}",
            node.kind()
        );
        context.problem(&node.at, text);
        return None;
    };
    if entries.len() > MOST {
        let text = format!(
            "a group has {MOST} faults at most, and here are {}",
            entries.len()
        );
        context.problem(&node.at, text);
        return None;
    }
    let read: Vec<Option<(Fault, At)>> = entries
        .iter()
        .map(|entry| Some((fault(context, entry, scope)?, entry.at.clone())))
        .collect();
    let all: Option<Vec<(Fault, At)>> = read.iter().cloned().collect();
    let good: Vec<(Fault, At)> = read.into_iter().flatten().collect();
    let sound = meet::check(context, &good, scope.duration);
    let faults = all?.into_iter().map(|(fault, _)| fault);
    sound.then(|| faults.collect())
}

fn fault(context: &Context<'_>, node: &Node, scope: &Scope<'_>) -> Option<Fault> {
    let keys = Keys::open(context, node, LABEL, KEYS)?;
    let (word, own) = keys.need("kind", "\"drop\"", kind)?;
    let label = format!("{LABEL} ({word})");
    let keys = Keys::any(context, node, label)?;
    let mut sound = strangers(&keys, word, own);
    let kind = particular(&keys, word, scope);
    sound &= fits(&keys, word, scope);
    let of_messages = is_of_messages(word);
    let when = when::read(&keys, word, kind.as_ref(), scope.duration);
    let devices = share(&keys, "devices");
    let scheduled = ["at", "every", "rate"]
        .iter()
        .any(|key| keys.node(key).is_some());
    if of_messages && keys.node("probability").is_none() && !scheduled {
        keys.missing("probability", "\"1%\" (a share of the messages)");
        sound = false;
    }
    let probability = share(&keys, "probability");
    let channel = channel(&keys, scope);
    let fault = Fault {
        kind: kind?,
        when: when?,
        devices: devices?,
        probability: probability?,
        channel: channel?,
    };
    sound.then_some(fault)
}

fn kind(node: &Node) -> Result<(&'static str, &'static [&'static str]), String> {
    let text = text(node)?;
    let found = KINDS.iter().find(|(word, _)| *word == text).copied();
    found.ok_or_else(|| {
        let hint = suggest::among(&text, words().into_iter());
        format!(
            "{text:?} is no fault{hint}; there are {}",
            words().join(", ")
        )
    })
}

fn is_of_messages(word: &str) -> bool {
    let place = KINDS.iter().position(|(other, _)| *other == word);
    // In the order of the table, faults of messages come first.
    place.is_some_and(|place| place < 8)
}

/// Keys that another kind has, and this one not.
fn strangers(keys: &Keys<'_>, word: &str, own: &[&str]) -> bool {
    let mut sound = true;
    for (key, _) in keys.entries() {
        let owners: Vec<&str> = KINDS
            .iter()
            .filter(|(_, theirs)| theirs.contains(&key))
            .map(|(owner, _)| *owner)
            .collect();
        if !owners.is_empty() && !own.contains(&key) {
            let text = format!("it belongs to {}; drop it", owners.join(" and "));
            keys.wrong(key, text);
            sound = false;
        }
        if OF_MESSAGES.contains(&key) && !is_of_messages(word) {
            let text = format!("{word} touches a device, not single messages; drop it");
            keys.wrong(key, text);
            sound = false;
        }
    }
    sound
}

/// What only this kind has.
fn particular(keys: &Keys<'_>, word: &str, scope: &Scope<'_>) -> Option<FaultKind> {
    let or = |key: &str, unsaid: u32, most: u32| match keys.node(key) {
        None => Some(unsaid),
        Some(_) => keys.whole(key, 1..=most),
    };
    Some(match word {
        "drop" => FaultKind::Drop,
        "duplicate" => FaultKind::Duplicate {
            copies: u8::try_from(or("copies", 1, 100)?).unwrap_or(1),
        },
        "delay" => {
            let (least, most) = keys.need("delay", "\"5s\" (or \"1s..10s\")", delay)?;
            FaultKind::Delay { least, most }
        }
        "reorder" => FaultKind::Reorder {
            messages: or("messages", 1, 1_000)?,
        },
        "corrupt" => FaultKind::Corrupt {
            bytes: or("bytes", 1, 1_000_000)?,
        },
        "truncate" => FaultKind::Truncate(keys.need("size", "\"50%\" (or \"16B\")", cut_to)?),
        "oversize" => {
            keys.need("size", "\"1MiB\"", |_| Ok(()))?;
            // What an MQTT packet can hold (MQTT 3.1.1, section 2.2.3).
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
                Some(_) => keys.duration(key, Duration::from_millis(1)..=LONGEST),
            };
            let (times, down, up) = (or("times", 3, 1_000), length("down"), length("up"));
            FaultKind::Flapping {
                times: times?,
                down: down?,
                up: up?,
            }
        }
        "slow-link" => slow_link(keys)?,
        _ => FaultKind::Storm,
    })
}

/// `5s`, or `1s..10s`.
fn delay(node: &Node) -> Result<(Duration, Duration), String> {
    let text = text(node)?;
    let read = |text: &str| {
        units::duration(text).map_err(|wanted| {
            format!("{text:?} is not understood; {wanted}, and \"1s..10s\" draws one in between")
        })
    };
    let (least, most) = match text.split_once("..") {
        None => (read(&text)?, read(&text)?),
        Some((least, most)) => (read(least.trim())?, read(most.trim())?),
    };
    if least > most {
        return Err(format!("{text:?} ends before it begins"));
    }
    if most == Duration::ZERO || most > LONGEST {
        return Err(format!("{text:?} is out of range; a delay is above 0s"));
    }
    Ok((least, most))
}

fn cut_to(node: &Node) -> Result<CutTo, String> {
    let text = text(node)?;
    if text.trim_end().ends_with('%') {
        let share = units::share(&text)?;
        if share >= 1.0 {
            return Err(format!(
                "{text:?} cuts nothing; it lies between 0% and 100%"
            ));
        }
        return Ok(CutTo::Share(share));
    }
    match ByteSize::parse(&text) {
        Ok(size) => Ok(CutTo::Size(size.bytes())),
        Err(wanted) => Err(format!(
            "{text:?} is not understood; it is a share such as \"50%\", or a size: {wanted}"
        )),
    }
}

fn topic(keys: &Keys<'_>, scope: &Scope<'_>) -> Option<Template> {
    let http = matches!(
        scope.target.map(|target| &target.protocol),
        Some(Protocol::Http(_))
    );
    let example = if http {
        "\"/nowhere/{device}\""
    } else {
        "\"nowhere/{device}\""
    };
    keys.need("topic", example, |node| {
        let template = Template::parse(&text(node)?, OF_TOPIC)?;
        if template.is_empty() {
            return Err("it is empty; name where the message goes instead".into());
        }
        if http && !template.head().starts_with('/') {
            return Err("the target speaks HTTP, and a path begins with /".into());
        }
        // To be wrong it need not be what no broker lets in: that ends the connection.
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

fn clock_skew(keys: &Keys<'_>) -> Option<FaultKind> {
    if keys.node("offset").is_none() && keys.node("drift").is_none() {
        keys.missing("offset", "\"5s\" (or \"-5s\"; or drift = \"2s/h\")");
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
        keys.wrong(
            "offset",
            "the clock would be right; say by how much it is wrong",
        );
        return None;
    }
    Some(FaultKind::ClockSkew { offset, drift })
}

/// A duration that may go backwards, in microseconds.
fn signed(text: &str) -> Result<i64, String> {
    let (sign, length) = match text.trim().strip_prefix('-') {
        Some(length) => (-1, length),
        None => (1, text.trim().trim_start_matches('+')),
    };
    let length = units::duration(length)
        .map_err(|wanted| format!("{text:?} is not understood; {wanted}, and \"-5s\" is behind"))?;
    if length > LONGEST {
        return Err(format!("{text:?} is out of range; it is 10 years at most"));
    }
    let micros = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
    Ok(sign * micros)
}

/// `2s/h`: what a clock gains, or loses, in a time.
fn drift(node: &Node) -> Result<f64, String> {
    let text = text(node)?;
    let wanted = || {
        format!(
            "{text:?} is not understood; a drift is what the clock gains in a time, such as \"2s/h\" or \"-500ms/d\" (s, min, h, d)"
        )
    };
    let (gain, period) = text.split_once('/').ok_or_else(wanted)?;
    let gain = signed(gain).map_err(|_| wanted())?;
    let period = units::period(period).ok_or_else(wanted)?;
    let gain = std::time::Duration::from_micros(gain.unsigned_abs()).as_secs_f64()
        * if gain < 0 { -1.0 } else { 1.0 };
    let drift = gain / period;
    if drift.abs() > 1.0 {
        return Err(format!(
            "{text:?} is more than the time itself; no clock is so wrong"
        ));
    }
    Ok(drift)
}

fn slow_link(keys: &Keys<'_>) -> Option<FaultKind> {
    if keys.node("bandwidth").is_none() && keys.node("latency").is_none() {
        keys.missing("bandwidth", "\"2KiB/s\" (or latency = \"500ms\")");
        return None;
    }
    let bandwidth = match keys.node("bandwidth") {
        None => Some(None),
        Some(_) => keys.read("bandwidth", bandwidth).map(Some),
    };
    let latency = match keys.node("latency") {
        None => Some(Duration::ZERO),
        Some(_) => keys.duration("latency", Duration::from_millis(1)..=LONGEST),
    };
    Some(FaultKind::SlowLink {
        bandwidth: bandwidth?,
        latency: latency?,
    })
}

/// `2KiB/s`.
fn bandwidth(node: &Node) -> Result<u64, String> {
    let text = text(node)?;
    let size = text.trim().strip_suffix("/s").map(str::trim_end);
    let bytes = size.and_then(|size| ByteSize::parse(size).ok());
    match bytes.map(ByteSize::bytes) {
        Some(0) => Err("nothing would ever leave; half-open and disconnect do that".into()),
        Some(bytes) => Ok(bytes),
        None => Err(format!(
            "{text:?} is not understood; a bandwidth is a size a second, such as \"2KiB/s\""
        )),
    }
}

/// A share of something, above none; all of it where nothing is said.
fn share(keys: &Keys<'_>, key: &str) -> Option<f64> {
    if keys.node(key).is_none() {
        return Some(1.0);
    }
    keys.read(key, |node| {
        let text = text(node)?;
        let share = units::share(&text)?;
        if share > 1.0 {
            return Err(format!(
                "{text:?} is more than all; it lies above 0% and up to 100%"
            ));
        }
        if share == 0.0 {
            return Err(
                "none means that the fault never happens; give it a share, or drop the fault"
                    .into(),
            );
        }
        Ok(share)
    })
}

fn channel(keys: &Keys<'_>, scope: &Scope<'_>) -> Option<Option<String>> {
    if keys.node("channel").is_none() {
        return Some(None);
    }
    keys.read("channel", |node| {
        let wanted = text(node)?;
        let Some(target) = scope.target else {
            return Ok(Some(wanted));
        };
        let names: Vec<&str> = match &target.protocol {
            Protocol::Mqtt(mqtt) => mqtt.channels.keys().map(String::as_str).collect(),
            Protocol::Http(http) => http.channels.keys().map(String::as_str).collect(),
        };
        if names.contains(&wanted.as_str()) {
            return Ok(Some(wanted));
        }
        let hint = suggest::among(&wanted, names.iter().copied());
        Err(format!(
            "targets.{} has no channel {wanted:?}{hint}",
            target.name
        ))
    })
}

/// Whether the way to the target can break like this.
fn fits(keys: &Keys<'_>, word: &str, scope: &Scope<'_>) -> bool {
    let Some(target) = scope.target else {
        return true;
    };
    let narrow = word == "slow-link" && keys.node("bandwidth").is_some();
    let cuts = matches!(word, "disconnect" | "half-open" | "flapping" | "storm");
    match &target.protocol {
        Protocol::Mqtt(mqtt) if mqtt.connections != Connections::PerDevice && (cuts || narrow) => {
            let key = if narrow { "bandwidth" } else { "kind" };
            let text = format!(
                "devices of targets.{} share their connections, and one cannot break that of others; set connections = \"per-device\" there",
                target.name
            );
            keys.wrong(key, text);
            false
        }
        Protocol::Http(_) if word == "half-open" => {
            keys.wrong("kind", "an HTTP device has no connection that could stay half open; disconnect keeps its requests back");
            false
        }
        Protocol::Http(_) if narrow => {
            keys.wrong("bandwidth", "the requests of HTTP devices share their connections, which cannot be slowed down for one; use latency");
            false
        }
        _ => true,
    }
}

#[cfg(test)]
pub(super) mod tests;
