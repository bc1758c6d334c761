//! Reads `[[groups]]`.

use crate::document::problem::ValueError;
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::time::Duration;

use crate::document::file_source::File;
use crate::document::node::{Node, Origin, Value};
use crate::document::suggest::did_you_mean;
use crate::document::table_reader::{ReadContext, TableReader, integer, text};
use crate::document::template::{ID_PLACEHOLDERS, Placeholder, PlaceholderValues, Template};
use crate::document::units::ByteSize;
use crate::plan::group::{Group, Limits, PluginSource};
use crate::plan::target::Target;
use crate::sections::brought_in::client_ids::check_client_ids;
use crate::sections::brought_in::places::GroupPlaces;
use crate::sections::brought_in::values::check_values;
use crate::sections::faults::context::FaultContext;
use crate::sections::faults::read;
use crate::sections::schedule;

pub(crate) const KEYS: &[&str] = &[
    "name",
    "plugin",
    "count",
    "target",
    "every",
    "rate",
    "start",
    "jitter",
    "ramp",
    "stages",
    "after-stages",
    "faults",
    "devices-per-cell",
    "device-id",
    "config",
    "data",
    "limits",
];
pub(crate) const LIMIT_KEYS: &[&str] = &[
    "memory",
    "deadline",
    "messages",
    "message-size",
    "turn-size",
    "log-lines",
];

/// Most messages of a turn, by default.
const DEFAULT_MESSAGES: u32 = 100;

/// Most bytes of a message, by default 1 MiB.
const DEFAULT_MESSAGE_SIZE: u64 = 1 << 20;

/// Most bytes that one call of a device returns, by default 16 MiB.
const DEFAULT_TURN_SIZE: u64 = 16 << 20;

/// Most devices of a fleet, ten times the scale that one process is made for. A larger number
/// is a typing error.
const MAX_DEVICES: u32 = 10_000_000;

/// Targets in the order of the file; `None` for a target that could not be read.
pub(crate) type Targets = [(String, Option<Target>)];

/// Reads all groups, and omits those that cannot be read.
pub(crate) fn read(
    context: &ReadContext<'_>,
    tree: &Node,
    node: &Node,
    fleet: &str,
    targets: &Targets,
    duration: Option<Duration>,
) -> Vec<Group> {
    let Value::Array(entries) = &node.value else {
        let text = format!(
            "groups is a list of tables, not {}; begin each group with [[groups]]",
            node.kind()
        );
        context.report(&node.at, text);
        return Vec::new();
    };
    if entries.is_empty() {
        context.report(&node.at, "groups is empty; a fleet has at least one group");
    }
    let groups: Vec<(Group, GroupPlaces)> = entries
        .iter()
        .filter_map(|entry| {
            let group = group(context, entry, targets, duration)?;
            Some((group, GroupPlaces::new(tree, entry)))
        })
        .collect();
    check_names(context, entries);
    check_devices(context, fleet, &groups);
    check_values(context, fleet, targets, &groups);
    check_client_ids(context, tree, fleet, targets, &groups);
    groups.into_iter().map(|(group, _)| group).collect()
}

fn group(
    context: &ReadContext<'_>,
    node: &Node,
    targets: &Targets,
    duration: Option<Duration>,
) -> Option<Group> {
    let keys = TableReader::open(context, node, "[[groups]]", KEYS)?;
    let name = keys.require("name", "\"thermometer\"", name);
    let plugin = keys.require("plugin", "\"thermometer.wasm\"", |node| {
        plugin(context, node)
    });
    let count = keys.require("count", "1000", |node| integer(node, 1..=MAX_DEVICES));
    let target = target(&keys, targets);
    let schedule = schedule::read(context, &keys);
    let faults = match keys.node("faults") {
        None => Some(Vec::new()),
        Some(node) => {
            let target = target.and_then(|place| targets.get(place)?.1.as_ref());
            read::read(context, node, &FaultContext { duration, target })
        }
    };
    let device_id = match keys.node("device-id") {
        Some(_) => keys.template("device-id", ID_PLACEHOLDERS),
        None => Template::parse("{group}-{index:05}", ID_PLACEHOLDERS).ok(),
    };
    let devices_per_cell = keys
        .integer("devices-per-cell", 1..=1_000_000)
        .and_then(NonZeroU32::new);
    let config = config(&keys);
    let settings = keys
        .node("config")
        .map_or_else(|| "{}".to_owned(), config_text);
    let data = data(context, keys.node("data"));
    let limits = limits(context, keys.node("limits"));
    let line = match keys.at {
        Origin::Line(line) => Some(line),
        Origin::Option(_) => None,
    };
    Some(Group {
        name: name?,
        line,
        plugin: plugin?,
        count: count?,
        target: target?,
        schedule: schedule?,
        device_id: device_id?,
        devices_per_cell,
        limits,
        faults: faults?,
        config: config?,
        settings,
        data: data?,
    })
}

/// Reads a name that is used in ids and topics.
pub(crate) fn name(node: &Node) -> Result<String, ValueError> {
    let name = text(node)?;
    let unfit = |c: char| c.is_control() || matches!(c, '/' | '+' | '#');
    if name.is_empty() || name.contains(unfit) {
        return Err(format!(
            "{name:?} is no name; it becomes part of topics, so it holds no / + # and is not empty"
        )
        .into());
    }
    Ok(name)
}

fn plugin(context: &ReadContext<'_>, node: &Node) -> Result<PluginSource, ValueError> {
    let text = text(node)?;
    match text.strip_prefix("builtin:") {
        Some(name) => Ok(PluginSource::Builtin(name.to_owned())),
        None if text.is_empty() => {
            Err("it is empty; name a file, such as \"thermometer.wasm\"".into())
        }
        None => context.file(node, &text).map(PluginSource::File),
    }
}

fn target(keys: &TableReader<'_>, targets: &Targets) -> Option<usize> {
    let names = || targets.iter().map(|(name, _)| name.as_str());
    match (keys.node("target"), targets.len()) {
        // A file without targets is already reported at its top level.
        (_, 0) => None,
        (None, 1) => Some(0),
        (None, _) => {
            let first = names().next().unwrap_or("broker");
            keys.report_missing("target", &format!("{first:?}"));
            None
        }
        (Some(_), _) => keys.read("target", |node| {
            let wanted = text(node)?;
            names().position(|name| name == wanted).ok_or_else(|| {
                let hint = did_you_mean(&wanted, names());
                format!("there is no target {wanted:?}{hint}").into()
            })
        }),
    }
}

fn config(keys: &TableReader<'_>) -> Option<serde_json::Value> {
    let Some(node) = keys.node("config") else {
        return Some(serde_json::json!({}));
    };
    if !matches!(node.value, Value::Table(_)) {
        keys.report(
            "config",
            format!(
                "a table is wanted, not {}; write config = {{ base = 21.5 }}",
                node.kind()
            ),
        );
        return None;
    }
    json(node, "config")
        .map_err(|problem| keys.report_at(problem.at, &problem.path, problem.text))
        .ok()
}

/// Formats the settings as JSON in the order of the file, which a JSON object of serde loses.
pub(crate) fn config_text(node: &Node) -> String {
    let mut text = String::new();
    write_json(node, &mut text);
    text
}

fn write_json(node: &Node, into: &mut String) {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match &node.value {
        Value::Array(entries) => {
            into.push('[');
            for (place, entry) in entries.iter().enumerate() {
                if place > 0 {
                    into.push(',');
                }
                write_json(entry, into);
            }
            into.push(']');
        }
        Value::Table(table) => {
            into.push('{');
            for (place, (key, node)) in table.0.iter().enumerate() {
                if place > 0 {
                    into.push(',');
                }
                into.push_str(&quoted(key));
                into.push(':');
                write_json(node, into);
            }
            into.push('}');
        }
        // `json` has already refused values that JSON does not have.
        _ => into.push_str(&json(node, "").unwrap_or_default().to_string()),
    }
}

/// Returns the data files that can be read, by name.
fn data(context: &ReadContext<'_>, node: Option<&Node>) -> Option<BTreeMap<String, File>> {
    let Some(node) = node else {
        return Some(BTreeMap::new());
    };
    let keys = TableReader::open_any(context, node, "data of [[groups]]")?;
    let files = keys
        .entries()
        .map(|(name, _)| Some((name.to_owned(), keys.file(name)?)));
    // Every file is opened, so that all problems are reported.
    let files: Vec<_> = files.collect();
    files.into_iter().collect()
}

/// A setting that JSON does not have.
#[derive(Debug)]
pub(crate) struct JsonProblem<'a> {
    at: &'a Origin,
    path: String,
    text: String,
}

pub(crate) fn json<'a>(node: &'a Node, path: &str) -> Result<serde_json::Value, JsonProblem<'a>> {
    let problem = |text: String| JsonProblem {
        at: &node.at,
        path: path.to_owned(),
        text,
    };
    Ok(match &node.value {
        Value::String(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => serde_json::Number::from_f64(*number)
            .ok_or_else(|| problem("JSON has no infinite numbers".to_owned()))?
            .into(),
        Value::Long(number) => match number.parse::<u64>() {
            Ok(number) => number.into(),
            Err(_) => return Err(problem(too_long(number))),
        },
        Value::Boolean(value) => (*value).into(),
        Value::Other(text) => text.as_str().into(),
        Value::Array(entries) => entries
            .iter()
            .enumerate()
            .map(|(place, entry)| json(entry, &format!("{path}.{place}")))
            .collect::<Result<Vec<_>, _>>()?
            .into(),
        Value::Table(table) => {
            let entries = table.0.iter();
            let object: Result<serde_json::Map<_, _>, _> = entries
                .map(|(key, node)| Ok((key.clone(), json(node, &format!("{path}.{key}"))?)))
                .collect();
            object?.into()
        }
    })
}

/// Explains why a number cannot be a setting.
fn too_long(number: &str) -> String {
    let kept = number.parse::<f64>().unwrap_or(f64::INFINITY);
    if number.contains(['.', 'e', 'E']) {
        format!(
            "{number} has more digits than a float of 64 bits, which would make it {kept}; write fewer, or a text in quotes"
        )
    } else {
        format!(
            "{number} does not fit a whole number of 64 bits (-9223372036854775808 to 18446744073709551615); write a text in quotes"
        )
    }
}

fn limits(context: &ReadContext<'_>, node: Option<&Node>) -> Limits {
    let mut limits = Limits {
        memory: None,
        deadline: Duration::from_millis(100),
        messages: DEFAULT_MESSAGES,
        message_size: ByteSize::new(DEFAULT_MESSAGE_SIZE),
        turn_size: ByteSize::new(DEFAULT_TURN_SIZE),
        log_lines: 10,
    };
    let keys =
        node.and_then(|node| TableReader::open(context, node, "limits of [[groups]]", LIMIT_KEYS));
    let Some(keys) = keys else {
        return limits;
    };
    // A cell addresses its memory with 32 bits. MQTT has 28 bits for the length of a message
    // (MQTT 3.1.1, section 2.2.3).
    if let Some(memory) = keys.size("memory", 64 << 10..=4 << 30) {
        limits.memory = Some(memory);
    }
    if let Some(deadline) = keys.duration(
        "deadline",
        Duration::from_millis(1)..=Duration::from_secs(3600),
    ) {
        limits.deadline = deadline;
    }
    if let Some(messages) = keys.integer("messages", 1..=1_000_000) {
        limits.messages = messages;
    }
    if let Some(size) = keys.size("message-size", 1..=256 << 20) {
        limits.message_size = size;
    }
    match keys.size("turn-size", 64 << 10..=512 << 20) {
        Some(size) => limits.turn_size = size,
        // A message of the largest size fits, with its texts.
        None => {
            let needed = limits.message_size.bytes().saturating_add(1 << 20);
            limits.turn_size = ByteSize::new(DEFAULT_TURN_SIZE.max(needed));
        }
    }
    if limits.turn_size < limits.message_size {
        keys.report(
            "turn-size",
            "it is less than message-size, so that no message of that size would fit; make it larger",
        );
    }
    if let Some(lines) = keys.integer("log-lines", 0..=1_000_000) {
        limits.log_lines = lines;
    }
    limits
}

/// Reports groups with the same name, including groups with other problems.
fn check_names(context: &ReadContext<'_>, entries: &[Node]) {
    let mut names: HashMap<&str, &Origin> = HashMap::new();
    for entry in entries {
        let Some(name) = entry.name() else {
            continue;
        };
        match names.get(name) {
            Some(at) => {
                let first = at.place(context.shown);
                let text = format!(
                    "there is a group {name:?} already ({first}); each has a name of its own"
                );
                context.report(&entry.at, text);
            }
            None => {
                names.insert(name, &entry.at);
            }
        }
    }
}

/// Reports more devices than a fleet may have, and devices with the same id.
fn check_devices(context: &ReadContext<'_>, fleet: &str, groups: &[(Group, GroupPlaces)]) {
    let all: u64 = groups.iter().map(|(group, _)| u64::from(group.count)).sum();
    if let Some((_, at)) = groups.last().filter(|_| all > u64::from(MAX_DEVICES)) {
        let text =
            format!("the fleet has {all} devices in all, and at most {MAX_DEVICES} fit one run");
        context.report(&at.group, text);
        return;
    }
    check_ids(context, fleet, groups);
}

/// Reports device ids that occur twice, since the log could not separate such devices. Default
/// ids end in the index, so only other ids can be equal.
fn check_ids(context: &ReadContext<'_>, fleet: &str, groups: &[(Group, GroupPlaces)]) {
    let default = Template::parse("{group}-{index:05}", ID_PLACEHOLDERS).ok();
    if groups
        .iter()
        .all(|(group, _)| Some(&group.device_id) == default.as_ref())
    {
        return;
    }
    let mut taken: HashMap<String, &str> = HashMap::new();
    for (group, at) in groups {
        if group.count > 1 && !group.device_id.has(Placeholder::Index) {
            let text = format!(
                "device-id gives all {} devices of group {:?} the same id; add {{index}}",
                group.count, group.name
            );
            context.report(at.device_id(), text);
            continue;
        }
        for index in 0..group.count {
            let mut id = String::new();
            let names = PlaceholderValues {
                fleet,
                run: "",
                group: &group.name,
                device: "",
                index,
                connection: 0,
            };
            group.device_id.render(&names, &mut id);
            if let Some(other) = taken.get(id.as_str()) {
                let text = format!(
                    "device-id makes two devices {id:?}, here and in group {other:?}; add {{group}}"
                );
                context.report(at.device_id(), text);
                break;
            }
            taken.insert(id, &group.name);
        }
    }
}
