//! Everything that can be found out before the first message is sent: plugins load,
//! channels meet, settings are accepted by schema and by every single device, files
//! suffice, the store can be written. All that is wrong is said at once.

use std::collections::BTreeMap;
use std::path::Path;

use super::crew::Refusal;
use super::files;
use super::group::Group;
use crate::builtin;
use crate::fleet::{Fleet, Pace, Plan, PluginSource, Problem, Problems, Protocol};
use crate::plugin::{CallError, Console, Engine, Plugin};
use crate::sendlog::{Directory, GroupEntry, RouteEntry};
use crate::transport::{BrokerTarget, HttpTarget, Routes, RunNames};

/// A target as all workers see it.
#[derive(Clone)]
pub(super) enum Line {
    Broker(BrokerTarget),
    Server(HttpTarget),
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
        let sound = check_channels(fleet, number, &plugin, problems)
            & check_config(fleet, number, &plugin, problems);
        groups.extend(Group::new(&fleet.plan, number, plugin).filter(|_| sound));
    }
    groups
}

fn load(source: &PluginSource, engine: &Engine, console: &Console) -> Result<Plugin, String> {
    match source {
        PluginSource::File(file) => Plugin::load(engine, file, console),
        PluginSource::Builtin(name) => {
            let bytes = builtin::find(name).ok_or_else(|| builtin::unknown(name))?;
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
fn check_config(fleet: &Fleet, number: usize, plugin: &Plugin, problems: &mut Problems) -> bool {
    let Some(group) = fleet.plan.groups.get(number) else {
        return false;
    };
    let here = ["groups", group.name.as_str(), "config"];
    let Some(text) = &plugin.description().config_schema else {
        return true;
    };
    let schema = serde_json::from_str(text)
        .map_err(|error| error.to_string())
        .and_then(|schema| jsonschema::validator_for(&schema).map_err(|error| error.to_string()));
    let schema = match schema {
        Ok(schema) => schema,
        Err(why) => {
            let text = format!(
                "plugin {} has a config-schema that is no JSON Schema: {why}",
                plugin.name()
            );
            problems.push(problem(fleet, &["groups", &group.name, "plugin"], text));
            return false;
        }
    };
    let mut sound = true;
    for error in schema.iter_errors(&group.config) {
        sound = false;
        let inside = error.instance_path().to_string();
        let path: Vec<&str> = here
            .into_iter()
            .chain(inside.split('/').filter(|key| !key.is_empty()))
            .collect();
        let key = path.iter().skip(2).copied().collect::<Vec<_>>().join(".");
        let text = format!(
            "{key} of group {:?}: {error} (see `mockfleet describe` of its plugin {})",
            group.name,
            plugin.name()
        );
        problems.push(problem(fleet, &path, text));
    }
    sound
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

/// The open files that the plan needs.
pub(super) fn files(fleet: &Fleet, problems: &mut Problems) {
    if let Err(text) = files::make_room(&fleet.plan) {
        problems.push(problem(fleet, &["groups"], text));
    }
}

/// What has no even rate that could be raised.
pub(super) fn changing(fleet: &Fleet, problems: &mut Problems) {
    for group in &fleet.plan.groups {
        let schedule = &group.schedule;
        if schedule.pace == Pace::FlatOut {
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

/// What the devices themselves refused; the same words count once a group.
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
    let mut kinds: BTreeMap<(usize, String), (String, usize)> = BTreeMap::new();
    for refusal in refusals {
        let text = match &refusal.error {
            CallError::InvalidConfig(why) => format!("refuses its config: {why}"),
            CallError::Failed(why) => format!("cannot be made: {why}"),
            CallError::Retired(why) => format!("retires before its first tick: {why}"),
            CallError::Fault(fault) => format!("cannot be made: {fault}"),
        };
        let kind = kinds
            .entry((refusal.group, text))
            .or_insert((refusal.device, 0));
        kind.1 += 1;
    }
    for ((number, text), (device, count)) in kinds {
        let Some(group) = groups.get(number) else {
            continue;
        };
        let others = match count {
            1 => String::new(),
            _ => format!(" (and {} more of its group)", count - 1),
        };
        let text = format!(
            "device {device} (plugin {}) {text}{others}",
            group.plugin.name()
        );
        problems.push(problem(fleet, &["groups", &group.name, "config"], text));
    }
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
            device_id: group.device_id.clone(),
        });
    let mut routes = Vec::new();
    for target in &plan.targets {
        let mut add = |channel: &str, method: Option<String>, topic: &crate::fleet::Template| {
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
