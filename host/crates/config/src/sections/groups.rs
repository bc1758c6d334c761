//! The keys of `[[groups]]`.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::time::Duration;

use crate::document::file_source::File;
use crate::document::node::{Node, Origin, Value};
use crate::document::suggest::did_you_mean;
use crate::document::table_reader::{ReadContext, TableReader, integer, text};
use crate::document::template::{ID_PLACEHOLDERS, Placeholder, PlaceholderValues, Template};
use crate::document::units;
use crate::document::units::{ByteSize, Rate};
use crate::plan::group::{Group, Limits, PluginSource, Schedule, Start, TickRate};
use crate::plan::stage::{AfterStages, Stage, Transition};
use crate::plan::target::Target;
use crate::sections::faults::read;
use crate::sections::faults::read::FaultContext;
use crate::sections::stages;

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
    "log-lines",
];

/// The most devices of a fleet: ten times what one process is meant for. The rest is
/// a slip of the finger.
const MAX_DEVICES: u32 = 10_000_000;

/// The targets in the order of the file; `None` where one could not be read.
pub(crate) type Targets = [(String, Option<Target>)];

/// Reads all groups; those that cannot be read are left out.
pub(crate) fn read(
    context: &ReadContext<'_>,
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
    let groups: Vec<(Group, Origin)> = entries
        .iter()
        .filter_map(|entry| Some((group(context, entry, targets, duration)?, entry.at.clone())))
        .collect();
    check_names(context, entries);
    check_devices(context, fleet, &groups);
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
    let schedule = schedule(context, &keys);
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

/// A name that becomes part of ids and topics.
pub(crate) fn name(node: &Node) -> Result<String, String> {
    let name = text(node)?;
    let unfit = |c: char| c.is_control() || matches!(c, '/' | '+' | '#');
    if name.is_empty() || name.contains(unfit) {
        return Err(format!(
            "{name:?} is no name; it becomes part of topics, so it holds no / + # and is not empty"
        ));
    }
    Ok(name)
}

fn plugin(context: &ReadContext<'_>, node: &Node) -> Result<PluginSource, String> {
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
        // That there is no target at all is said once, for the whole file.
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
                format!(
                    "there is no target {wanted:?}{}",
                    did_you_mean(&wanted, names())
                )
            })
        }),
    }
}

fn schedule(context: &ReadContext<'_>, keys: &TableReader<'_>) -> Option<Schedule> {
    let tick_rate = match (keys.node("every"), keys.node("rate")) {
        (Some(_), Some(_)) => {
            keys.report(
                "rate",
                "every says the same in another way; keep one of them",
            );
            None
        }
        (Some(_), None) => keys
            .duration("every", MIN_INTERVAL..=MAX_DURATION)
            .map(TickRate::Every),
        (None, Some(_)) => keys.read("rate", rate),
        (None, None) => {
            keys.report_missing("every", "\"1s\" (or rate = \"60/min\", or rate = \"max\")");
            None
        }
    };
    let start = match keys.node("start") {
        None => Some(Start::Spread),
        Some(_) => keys.read("start", |node| {
            let text = text(node)?;
            match text.as_str() {
                "spread" => Ok(Start::Spread),
                "together" => Ok(Start::Together),
                other => Err(format!("{other:?} is neither \"spread\" nor \"together\"")),
            }
        }),
    };
    let jitter = match keys.node("jitter") {
        None => Some(0.0),
        Some(_) => keys.read("jitter", |node| {
            let share = units::parse_share(&text(node)?)?;
            if share > 0.5 {
                return Err(
                    "above \"50%\" a tick could come before the one it follows; it lies between \"0%\" and \"50%\"".into(),
                );
            }
            Ok(share)
        }),
    };
    let ramp = keys.duration("ramp", Duration::ZERO..=MAX_DURATION);
    let stages = read_stages(context, keys, tick_rate, ramp.is_some());
    let after_stages = match keys.node("after-stages") {
        None => Some(AfterStages::Return),
        Some(_) => keys.read("after-stages", stages::after_stages),
    };
    if keys.node("stages").is_none() && keys.node("after-stages").is_some() {
        keys.report(
            "after-stages",
            "the group has no stages; add [[groups.stages]], or drop it",
        );
    }
    Some(Schedule {
        tick_rate: tick_rate?,
        start: start?,
        jitter: jitter?,
        ramp,
        stages: stages?,
        after_stages: after_stages?,
    })
}

/// The stages, and what does not go with them.
fn read_stages(
    context: &ReadContext<'_>,
    keys: &TableReader<'_>,
    tick_rate: Option<TickRate>,
    ramp: bool,
) -> Option<Vec<Stage>> {
    let Some(node) = keys.node("stages") else {
        return Some(Vec::new());
    };
    let own = match tick_rate {
        Some(TickRate::Every(interval)) => interval.as_secs_f64().recip(),
        // What else is wrong with them is said all the same.
        Some(TickRate::FlatOut) | None => 1.0,
    };
    let stages = stages::read(context, node, own);
    if tick_rate == Some(TickRate::FlatOut) {
        keys.report(
            "stages",
            "rate = \"max\" has no schedule that stages could change; give the group its own rate, such as rate = \"1/s\"",
        );
        return None;
    }
    let gated = |stages: &Vec<Stage>| {
        stages
            .iter()
            .any(|stage| stage.devices != Transition::constant(1.0))
    };
    if ramp && stages.as_ref().is_some_and(gated) {
        keys.report(
            "ramp",
            "the stages say when devices are switched on; keep devices in the stages, or ramp",
        );
        return None;
    }
    stages
}

/// A thousand ticks a second and device; more is `rate = "max"`.
const MIN_INTERVAL: Duration = Duration::from_millis(1);
const MAX_DURATION: Duration = Duration::from_secs(366 * 86_400);

fn rate(node: &Node) -> Result<TickRate, String> {
    let text = text(node)?;
    if text == "max" {
        return Ok(TickRate::FlatOut);
    }
    let rate = Rate::parse(&text)
        .map_err(|wanted| format!("{text:?} is not understood; {wanted}, or \"max\""))?;
    if rate.interval() < MIN_INTERVAL {
        return Err(format!(
            "{text:?} is more than 1000/s for each device; use more devices, or \"max\" for as fast as it goes"
        ));
    }
    Ok(TickRate::Every(rate.interval()))
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
    keys.read("config", json)
}

/// The settings as JSON in the order of the file; a JSON object of serde has none.
fn config_text(node: &Node) -> String {
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
        // What JSON cannot say was refused already.
        _ => into.push_str(&json(node).unwrap_or_default().to_string()),
    }
}

/// Files that can be read, by name.
fn data(context: &ReadContext<'_>, node: Option<&Node>) -> Option<BTreeMap<String, File>> {
    let Some(node) = node else {
        return Some(BTreeMap::new());
    };
    let keys = TableReader::open_any(context, node, "data of [[groups]]")?;
    let files = keys
        .entries()
        .map(|(name, _)| Some((name.to_owned(), keys.file(name)?)));
    // Each is tried, so that all that is wrong is said.
    let files: Vec<_> = files.collect();
    files.into_iter().collect()
}

fn json(node: &Node) -> Result<serde_json::Value, String> {
    Ok(match &node.value {
        Value::String(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => serde_json::Number::from_f64(*number)
            .ok_or("JSON has no infinite numbers")?
            .into(),
        Value::Boolean(value) => (*value).into(),
        Value::Other(text) => text.as_str().into(),
        Value::Array(entries) => entries
            .iter()
            .map(json)
            .collect::<Result<Vec<_>, _>>()?
            .into(),
        Value::Table(table) => {
            let entries = table.0.iter();
            let object: Result<serde_json::Map<_, _>, String> = entries
                .map(|(key, node)| Ok((key.clone(), json(node)?)))
                .collect();
            object?.into()
        }
    })
}

fn limits(context: &ReadContext<'_>, node: Option<&Node>) -> Limits {
    let mut limits = Limits {
        memory: None,
        deadline: Duration::from_millis(100),
        messages: 100,
        message_size: ByteSize::new(1 << 20),
        log_lines: 10,
    };
    let keys =
        node.and_then(|node| TableReader::open(context, node, "limits of [[groups]]", LIMIT_KEYS));
    let Some(keys) = keys else {
        return limits;
    };
    // A cell's memory is addressed with 32 bits; a message's length with 28 (MQTT
    // 3.1.1, section 2.2.3).
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
    if let Some(lines) = keys.integer("log-lines", 0..=1_000_000) {
        limits.log_lines = lines;
    }
    limits
}

/// No two groups of one name, also among those that have other faults.
fn check_names(context: &ReadContext<'_>, entries: &[Node]) {
    let mut names: Vec<(&str, &Origin)> = Vec::new();
    for entry in entries {
        let Some(name) = entry.name() else {
            continue;
        };
        match names.iter().find(|(other, _)| *other == name) {
            Some((_, at)) => {
                let first = at.place(context.shown);
                let text = format!(
                    "there is a group {name:?} already ({first}); each has a name of its own"
                );
                context.report(&entry.at, text);
            }
            None => names.push((name, &entry.at)),
        }
    }
}

/// No more devices than fit, and no two of one id.
fn check_devices(context: &ReadContext<'_>, fleet: &str, groups: &[(Group, Origin)]) {
    let all: u64 = groups.iter().map(|(group, _)| u64::from(group.count)).sum();
    if let Some((_, at)) = groups.last().filter(|_| all > u64::from(MAX_DEVICES)) {
        let text =
            format!("the fleet has {all} devices in all, and at most {MAX_DEVICES} fit one run");
        context.report(at, text);
        return;
    }
    check_ids(context, fleet, groups);
}

/// Two devices of one id would be one in the log. The ids that are made by default
/// end in the index, so only others can meet.
fn check_ids(context: &ReadContext<'_>, fleet: &str, groups: &[(Group, Origin)]) {
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
            context.report(at, text);
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
                context.report(at, text);
                break;
            }
            taken.insert(id, &group.name);
        }
    }
}
