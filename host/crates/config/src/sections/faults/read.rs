//! Reads `[[groups.faults]]`.
//!
//! Each kind has its own keys, and all share the keys for time, devices and frequency.

use crate::document::node::{Node, Origin, Value};
use crate::document::suggest::did_you_mean;
use crate::document::table_reader::{ReadContext, TableReader, text};
use crate::document::units;
use crate::plan::fault::Fault;
use crate::plan::target::{Connections, Protocol};
use crate::sections::faults::context::FaultContext;
use crate::sections::faults::{fault_conflicts, kinds, parameters, schedule};

/// Most faults of a group, far more than a person writes. Each message is checked against
/// every fault.
const MAX_FAULTS: usize = 100;

/// Reads the faults of a group.
pub(crate) fn read(
    context: &ReadContext<'_>,
    node: &Node,
    scope: &FaultContext<'_>,
) -> Option<Vec<Fault>> {
    let Value::Array(entries) = &node.value else {
        let label = kinds::LABEL;
        let text = format!(
            "faults is a list of tables, not {}; begin each fault with {label}",
            node.kind()
        );
        context.report(&node.at, text);
        return None;
    };
    if entries.len() > MAX_FAULTS {
        let text = format!(
            "a group has {MAX_FAULTS} faults at most, and here are {}",
            entries.len()
        );
        context.report(&node.at, text);
        return None;
    }
    let read: Vec<Option<(Fault, Origin)>> = entries
        .iter()
        .map(|entry| Some((fault(context, entry, scope)?, entry.at.clone())))
        .collect();
    let all: Option<Vec<(Fault, Origin)>> = read.iter().cloned().collect();
    let good: Vec<(Fault, Origin)> = read.into_iter().flatten().collect();
    let sound = fault_conflicts::check(context, &good, scope.duration);
    let faults = all?.into_iter().map(|(fault, _)| fault);
    sound.then(|| faults.collect())
}

fn fault(context: &ReadContext<'_>, node: &Node, scope: &FaultContext<'_>) -> Option<Fault> {
    let keys = TableReader::open(context, node, kinds::LABEL, kinds::KEYS)?;
    let (word, own) = keys.require("kind", "\"drop\"", kinds::kind)?;
    let label = format!("{} ({word})", kinds::LABEL);
    let keys = TableReader::open_any(context, node, label)?;
    let mut sound = kinds::check_keys(&keys, word, own);
    let kind = parameters::read(&keys, word, scope);
    sound &= fits(&keys, word, scope);
    let of_messages = kinds::is_message_fault(word);
    let schedule = schedule::read(&keys, word, kind.as_ref(), scope.duration);
    let devices = share(&keys, "devices");
    let scheduled = ["at", "every", "rate"]
        .iter()
        .any(|key| keys.node(key).is_some());
    if of_messages && keys.node("probability").is_none() && !scheduled {
        keys.report_missing("probability", "\"1%\" (a share of the messages)");
        sound = false;
    }
    let probability = share(&keys, "probability");
    let channel = channel(&keys, scope);
    let fault = Fault {
        kind: kind?,
        schedule: schedule?,
        devices: devices?,
        probability: probability?,
        channel: channel?,
    };
    sound.then_some(fault)
}

/// Reads a share above 0; 1 if the key is absent.
fn share(keys: &TableReader<'_>, key: &str) -> Option<f64> {
    if keys.node(key).is_none() {
        return Some(1.0);
    }
    keys.read(key, |node| {
        let text = text(node)?;
        let share = units::parse_share(&text)?;
        if share > 1.0 {
            return Err(
                format!("{text:?} is more than all; it lies above 0% and up to 100%").into(),
            );
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

fn channel(keys: &TableReader<'_>, scope: &FaultContext<'_>) -> Option<Option<String>> {
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
        let hint = did_you_mean(&wanted, names.iter().copied());
        Err(format!("targets.{} has no channel {wanted:?}{hint}", target.name).into())
    })
}

/// Returns whether the connections to the target can have this fault.
fn fits(keys: &TableReader<'_>, word: &str, scope: &FaultContext<'_>) -> bool {
    let Some(target) = scope.target else {
        return true;
    };
    let narrow = word == "slow-link" && keys.node("bandwidth").is_some();
    let cuts = matches!(
        word,
        "disconnect" | "half-open" | "flapping" | "reconnect-storm"
    );
    match &target.protocol {
        Protocol::Mqtt(mqtt) if mqtt.connections != Connections::PerDevice && (cuts || narrow) => {
            let key = if narrow { "bandwidth" } else { "kind" };
            let text = format!(
                "devices of targets.{} share their connections, and one cannot break that of others; set connections = \"per-device\" there",
                target.name
            );
            keys.report(key, text);
            false
        }
        Protocol::Http(_) if word == "half-open" => {
            keys.report("kind", "an HTTP device has no connection that could stay half open; disconnect keeps its requests back");
            false
        }
        Protocol::Http(_) if narrow => {
            keys.report("bandwidth", "the requests of HTTP devices share their connections, which cannot be slowed down for one; use latency");
            false
        }
        _ => true,
    }
}
