//! Everything that can be found out before the first message is sent: plugins load,
//! channels meet, settings are accepted by schema and by every single device, files
//! suffice, the store can be written. All that is wrong is said at once.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;

use super::crew::Refusal;
use super::data::DataFiles;
use super::files;
use super::group::Group;
use super::settings::{self, Finding};
use mockfleet_config::{
    File, Fleet, Plan, PluginSource, Problem, Problems, Protocol, Speed, TickRate, component_path,
};
use mockfleet_plugin::{CallError, Console, DeviceSpec, Engine, Plugin, Surroundings};
use mockfleet_sendlog::{DeviceIds, Directory, GroupEntry, RouteEntry};
use mockfleet_transport::{BrokerTarget, HttpTarget, Routes, RunNames};

/// A target as all workers see it.
#[derive(Clone)]
pub(super) enum Line {
    Broker(BrokerTarget),
    Server(HttpTarget),
    /// Nothing is sent.
    Nowhere,
}

/// Loads each plugin of the plan once and makes the groups that can be made.
pub(super) fn groups(
    fleet: &Fleet,
    engine: &Engine,
    console: &Console,
    problems: &mut Problems,
) -> Vec<Group> {
    let mut loaded: Vec<(&PluginSource, Option<Plugin>)> = Vec::new();
    let mut groups = Vec::new();
    let mut data = DataFiles::default();
    for (number, group) in fleet.plan.groups.iter().enumerate() {
        let known = loaded.iter().find(|(source, _)| *source == &group.plugin);
        let plugin = match known {
            Some((_, plugin)) => plugin.clone(),
            None => {
                let plugin = load(&group.plugin, engine, console)
                    .map_err(|text| {
                        problems.push(problem(fleet, &["groups", &group.name, "plugin"], text))
                    })
                    .ok();
                loaded.push((&group.plugin, plugin.clone()));
                plugin
            }
        };
        let Some(plugin) = plugin else {
            continue;
        };
        let content = data.of(&group.data, |name, why| {
            let path = ["groups", &group.name, "data", name];
            problems.push(problem(fleet, &path, why));
        });
        let reachable = check_channels(fleet, number, &plugin, problems);
        let refused = check_config(fleet, number, &plugin, problems);
        let made = Group::new(&fleet.plan, number, plugin, content);
        if let (Some(mut made), Some(refused), true) = (made, refused, reachable) {
            // Its devices are made all the same, to hear what they have to say.
            made.refused = refused;
            groups.push(made);
        }
    }
    groups
}

fn load(source: &PluginSource, engine: &Engine, console: &Console) -> Result<Plugin, String> {
    match source {
        PluginSource::File(File::Disk(path)) => {
            Plugin::load(engine, &component_path(path)?, console)
        }
        PluginSource::File(File::Part { shown, bytes }) => {
            Plugin::from_bytes(engine, Path::new(shown), bytes, console)
        }
        PluginSource::Builtin(name) => {
            let bytes = engine.builtin(name)?;
            Plugin::from_bytes(
                engine,
                Path::new(&format!("builtin:{name}")),
                bytes,
                console,
            )
        }
    }
    .map_err(|error| error.to_string())
}

/// The plugin of each group, and its component's bytes under the name that it is known by.
///
/// # Errors
/// All that is wrong with the groups, their plugins, settings and data files.
pub fn components(
    fleet: &Fleet,
    engine: &Engine,
    console: &Console,
) -> Result<Vec<(Plugin, String, Bytes)>, Problems> {
    let mut problems = Problems::default();
    let groups = groups(fleet, engine, console, &mut problems);
    let mut components = Vec::new();
    for (group, made) in fleet.plan.groups.iter().zip(groups) {
        match bytes(&group.plugin, engine) {
            Ok((from, bytes)) => components.push((made.plugin, from, bytes)),
            Err(text) => problems.push(problem(fleet, &["groups", &group.name, "plugin"], text)),
        }
    }
    match problems.is_empty() {
        true => Ok(components),
        false => Err(problems),
    }
}

fn bytes(source: &PluginSource, engine: &Engine) -> Result<(String, Bytes), String> {
    let file = match source {
        PluginSource::Builtin(name) => {
            let bytes = engine.builtin(name)?;
            return Ok((name.clone(), Bytes::from_static(bytes)));
        }
        PluginSource::File(File::Disk(path)) => File::Disk(component_path(path)?),
        PluginSource::File(part) => part.clone(),
    };
    match file.read() {
        Ok(bytes) => Ok((file.to_string(), bytes)),
        Err(error) => Err(format!("{file} cannot be read: {error}")),
    }
}

/// Every channel that the behaviour names must lead somewhere.
fn check_channels(fleet: &Fleet, number: usize, plugin: &Plugin, problems: &mut Problems) -> bool {
    let Some(group) = fleet.plan.groups.get(number) else {
        return false;
    };
    let Some(target) = fleet.plan.targets.get(group.target) else {
        return false;
    };
    let routes = Routes::of(target);
    let mut sound = true;
    for channel in &plugin.description().channels {
        if routes.number(channel).is_none() {
            sound = false;
            let example = match target.protocol {
                Protocol::Mqtt(_) => format!("{channel} = {{ topic = \"{{device}}/{channel}\" }}"),
                Protocol::Http(_) => format!("{channel} = {{ path = \"/{{device}}/{channel}\" }}"),
            };
            let text = format!(
                "plugin {} of group {:?} sends on channel {channel:?}, which targets.{} does not have; add {example} under [targets.{}.channels]",
                plugin.name(),
                group.name,
                target.name,
                target.name,
            );
            problems.push(problem(fleet, &["targets", &target.name, "channels"], text));
        }
    }
    sound
}

/// The behaviour's own schema has the first word on its settings.
///
/// `None` where that is no schema; else the keys of what it refuses.
fn check_config(
    fleet: &Fleet,
    number: usize,
    plugin: &Plugin,
    problems: &mut Problems,
) -> Option<Vec<Vec<String>>> {
    let group = fleet.plan.groups.get(number)?;
    let Some(schema) = &plugin.description().config_schema else {
        return Some(Vec::new());
    };
    let found = match settings::findings(schema, &group.config) {
        Ok(found) => found,
        Err(why) => {
            let text = format!(
                "plugin {} has a config-schema that is no JSON Schema: {why}",
                plugin.name()
            );
            problems.push(problem(fleet, &["groups", &group.name, "plugin"], text));
            return None;
        }
    };
    for Finding { path, text } in &found {
        let key = shown(path);
        let text = format!(
            "{key} of group {:?}: {text} (see `mockfleet describe` of its plugin {})",
            group.name,
            plugin.name()
        );
        let place = fleet.place(&config_path(&group.name, path));
        problems.push(Problem { place, text });
    }
    Some(found.into_iter().map(|finding| finding.path).collect())
}

/// Where a setting stands in the fleet file.
fn config_path<'a>(group: &'a str, path: &'a [String]) -> Vec<&'a str> {
    let here = ["groups", group, "config"];
    let inside = path.iter().map(String::as_str);
    here.into_iter().chain(inside).collect()
}

/// Makes each target ready, as far as that needs no connection.
pub(super) fn lines(fleet: &Fleet, names: &RunNames, problems: &mut Problems) -> Vec<Line> {
    let mut lines = Vec::new();
    for target in &fleet.plan.targets {
        let line = match &target.protocol {
            Protocol::Mqtt(mqtt) => {
                BrokerTarget::new(target, mqtt, names.clone()).map(Line::Broker)
            }
            Protocol::Http(http) => HttpTarget::new(target, http, names.clone()).map(Line::Server),
        };
        match line {
            Ok(line) => lines.push(line),
            Err(error) => {
                let path = ["targets", target.name.as_str(), "tls"];
                problems.push(problem(fleet, &path, error.to_string()));
            }
        }
    }
    lines
}

/// Each target where nothing is sent.
pub(super) fn nowhere(fleet: &Fleet) -> Vec<Line> {
    fleet.plan.targets.iter().map(|_| Line::Nowhere).collect()
}

/// What does not go with the run's clock.
pub(super) fn clock(fleet: &Fleet, problems: &mut Problems) {
    let clock = &fleet.plan.clock;
    if clock.speed == Speed::Max {
        for group in &fleet.plan.groups {
            if group.schedule.tick_rate == TickRate::FlatOut {
                let text = format!(
                    "group {:?} is called as fast as it goes and has no time of its own, which speed = \"max\" of the clock would follow; give it a rate, such as rate = \"1/s\"",
                    group.name
                );
                problems.push(problem(fleet, &["groups", &group.name, "rate"], text));
            }
        }
        if fleet.plan.duration.is_none() {
            let text = "with speed = \"max\" a run without end goes through all years there are; say how much time is to pass, such as duration = \"30d\"";
            problems.push(problem(fleet, &["clock", "speed"], text.into()));
        }
    }
    let (Some(start), Some(keep)) = (clock.start, fleet.plan.log.retention) else {
        return;
    };
    let now = i128::from(super::clock::unix_now());
    let age = now - i128::from(start.as_microsecond());
    if age > i128::from(super::clock::micros(keep)) {
        let text = format!(
            "the clock starts at {start}, which is longer ago than retention: what is written would be deleted at once; leave retention out, or make it longer"
        );
        problems.push(problem(fleet, &["log", "retention"], text));
    }
}

/// The open files that the plan needs.
pub(super) fn files(fleet: &Fleet, problems: &mut Problems) {
    if let Err(text) = files::make_room(&fleet.plan) {
        problems.push(problem(fleet, &["groups"], text));
    }
}

/// What has no even rate that could be raised.
pub(super) fn changing(fleet: &Fleet, problems: &mut Problems) {
    if fleet.plan.clock.speed != Speed::Times(1.0) {
        let text = "--until raises the rate by itself, as the machine's time goes by, and the clock has a speed of its own; use one of them";
        problems.push(problem(fleet, &["clock", "speed"], text.into()));
    }
    for group in &fleet.plan.groups {
        let schedule = &group.schedule;
        if schedule.tick_rate == TickRate::FlatOut {
            let text = format!(
                "group {:?} is called as fast as it goes, and --until raises a rate; give it one, such as rate = \"1/s\"",
                group.name
            );
            problems.push(problem(fleet, &["groups", &group.name, "rate"], text));
        }
        if !schedule.stages.is_empty() {
            let text = format!(
                "group {:?} has stages, and --until raises the rate by itself; use one of them",
                group.name
            );
            problems.push(problem(fleet, &["groups", &group.name, "stages"], text));
        }
    }
}

/// What the devices themselves refused; the same words count once a group. Where the
/// schema of a group's settings has spoken already, a device adds what it alone can
/// know: problems at other keys.
pub(super) fn refusals(
    fleet: &Fleet,
    groups: &[Group],
    mut refusals: Vec<Refusal>,
    problems: &mut Problems,
) {
    // Whichever worker was first, the same device is named.
    refusals.sort_by(|a, b| {
        let key = |refusal: &Refusal| (refusal.group, refusal.device.len());
        key(a).cmp(&key(b)).then_with(|| a.device.cmp(&b.device))
    });
    let mut kinds: BTreeMap<(usize, usize, String), (String, usize)> = BTreeMap::new();
    for refusal in refusals {
        for (order, text) in said(&refusal.error).into_iter().enumerate() {
            let kind = kinds
                .entry((refusal.group, order, text))
                .or_insert((refusal.device.clone(), 0));
            kind.1 += 1;
        }
    }
    for ((number, _, text), (device, count)) in kinds {
        let Some(group) = groups.get(number) else {
            continue;
        };
        let found = refused_path(&text);
        let path = found.as_ref().map_or(&[][..], |(path, _)| path.as_slice());
        let said = |refused: &Vec<String>| path.starts_with(refused) || refused.starts_with(path);
        if group.refused.iter().any(said) {
            continue;
        }
        let place = fleet.place(&config_path(&group.name, path));
        let text = match &found {
            Some((path, text)) => format!("{} of group {:?}: {text}", shown(path), group.name),
            None => {
                let others = match count {
                    1 => String::new(),
                    _ => format!(" (and {} more of its group)", count - 1),
                };
                let plugin = group.plugin.name();
                format!("device {device} (plugin {plugin}) {text}{others}")
            }
        };
        problems.push(Problem { place, text });
    }
}

/// A line of what the device of a group refused, at its place in the fleet file.
pub fn refused_line(fleet: &Fleet, group: &str, line: &str) -> Problem {
    let (path, text) = refused_path(line).unwrap_or_else(|| (Vec::new(), line));
    let key = shown(&path);
    Problem {
        place: fleet.place(&config_path(group, &path)),
        text: format!("{key} of group {group:?}: {text}"),
    }
}

/// The first devices of a group, as a run would make them, all switched on at `born`.
///
/// # Errors
/// What is wrong with the group, its plugin and its data files.
pub fn first_devices(
    fleet: &Fleet,
    name: &str,
    engine: &Engine,
    console: &Console,
    (born, count): (u64, u32),
) -> Result<(Plugin, Vec<DeviceSpec>, Surroundings), Problems> {
    let mut problems = Problems::default();
    let groups = groups(fleet, engine, console, &mut problems);
    let group = groups.into_iter().find(|group| &*group.name == name);
    match group {
        Some(group) if problems.is_empty() => {
            let surroundings = Surroundings::clone(&group.surroundings);
            let specs = (0..count).map(|index| group.spec(index, born)).collect();
            Ok((group.plugin.clone(), specs, surroundings))
        }
        _ => Err(problems),
    }
}

/// What an error of `create` says, problem by problem.
fn said(error: &CallError) -> Vec<String> {
    match error {
        // The contract: a problem a line.
        CallError::InvalidConfig(why) => why
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| match refused_path(line) {
                Some(_) => line.to_owned(),
                None => format!("refuses its config: {line}"),
            })
            .collect(),
        CallError::Failed(why) => vec![format!("cannot be made: {why}")],
        CallError::Retired(why) => vec![format!("retires before its first tick: {why}")],
        CallError::Fault(fault) => vec![format!("cannot be made: {fault}")],
    }
}

/// The path of a line `config.statuses.off.every: ...`, and what follows it.
fn refused_path(line: &str) -> Option<(Vec<String>, &str)> {
    let rest = line.strip_prefix("config")?;
    if let Some(text) = rest.strip_prefix(": ") {
        return Some((Vec::new(), text));
    }
    let (path, text) = rest.strip_prefix('.')?.split_once(": ")?;
    if path.is_empty() || path.contains(char::is_whitespace) {
        return None;
    }
    Some((path.split('.').map(str::to_owned).collect(), text))
}

/// A key of the settings as it is shown.
fn shown(path: &[String]) -> String {
    [&["config".to_owned()], path].concat().join(".")
}

/// What rows refer to by number.
pub(super) fn directory(plan: &Plan, groups: &[Group]) -> Directory {
    let entries = plan
        .groups
        .iter()
        .zip(groups)
        .map(|(group, made)| GroupEntry {
            name: group.name.clone(),
            plugin: {
                let description = made.plugin.description();
                format!("{}@{}", description.name, description.version)
            },
            first: made.first,
            count: made.count,
            device_ids: DeviceIds::Made(group.device_id.clone()),
        });
    let mut routes = Vec::new();
    for target in &plan.targets {
        let mut add =
            |channel: &str, method: Option<String>, topic: &mockfleet_config::Template| {
                routes.push(RouteEntry {
                    channel: channel.to_owned(),
                    protocol: match target.protocol {
                        Protocol::Mqtt(_) => "mqtt".into(),
                        Protocol::Http(_) => "http".into(),
                    },
                    destination: target.address.shown.clone(),
                    method,
                    topic: topic.clone(),
                });
            };
        match &target.protocol {
            Protocol::Mqtt(mqtt) => mqtt
                .channels
                .iter()
                .for_each(|(name, channel)| add(name, None, &channel.topic)),
            Protocol::Http(http) => {
                let channels = http.channels.iter();
                channels.for_each(|(name, channel)| {
                    add(name, Some(channel.method.clone()), &channel.path)
                });
            }
        }
    }
    Directory {
        fleet: plan.name.clone(),
        groups: entries.collect(),
        routes,
    }
}

/// A problem at a key of the fleet file.
pub(super) fn problem(fleet: &Fleet, path: &[&str], text: String) -> Problem {
    Problem {
        place: fleet.place(path),
        text,
    }
}
