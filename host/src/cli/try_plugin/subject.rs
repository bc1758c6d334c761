//! Which devices are tried: by the command line, or by a fleet file.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::super::Failure;
use super::super::console::Printed;
use super::super::describe::{load, refused};
use super::super::given;
use super::asked::{keep, micros};
use super::{Arguments, BORN};
use crate::cli::print::tell;
use mockfleet_config::{Fleet, Override, Problem, Problems};
use mockfleet_plugin::{DeviceSpec, Engine, HostContext, Plugin};

/// The devices that are tried.
pub(super) struct Subject {
    pub(super) plugin: Plugin,
    /// At least one.
    pub(super) specs: Vec<DeviceSpec>,
    pub(super) surroundings: Arc<HostContext>,
    /// The fleet file that they come from, and their group there.
    fleet: Option<(Fleet, String)>,
}

impl Subject {
    pub(super) fn of(
        arguments: &Arguments,
        engine: &Engine,
        printed: &Printed,
    ) -> Result<Self, Failure> {
        match is_fleet(&arguments.plugin) {
            true => Self::of_fleet(arguments, engine, printed),
            false => Self::of_plugin(arguments, engine, printed),
        }
    }

    fn of_plugin(
        arguments: &Arguments,
        engine: &Engine,
        printed: &Printed,
    ) -> Result<Self, Failure> {
        let mut problems = Problems::default();
        let every = keep(&mut problems, "--every", interval(arguments));
        let text = arguments.config.as_deref().unwrap_or("{}");
        let config = keep(&mut problems, "--config", settings(text));
        if let Some(group) = &arguments.group {
            let text = format!("{group:?} is a group of a fleet file, and none is given");
            keep::<()>(&mut problems, "--group", Err(text));
        }
        let mut surroundings = HostContext {
            interval: every,
            ..HostContext::default()
        };
        add_data(&arguments.data, &mut surroundings, &mut problems);
        let plugin = match load(engine, &arguments.plugin, printed) {
            Err(Failure::Input(more)) => {
                more.into_iter().for_each(|problem| problems.push(problem));
                return Err(problems.into());
            }
            loaded => loaded?,
        };
        if let Some(config) = config {
            check_config(&plugin, &config, &mut problems);
        }
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let first = DeviceSpec {
            id: "try-00000".into(),
            group: "try".into(),
            index: 0,
            seed: arguments.seed.unwrap_or(0),
            // As it was written: the order of keys may mean something.
            config: text.to_owned(),
            born: BORN,
        };
        let more = (1..arguments.devices).map(|index| another(&first, index));
        Ok(Self {
            plugin,
            specs: [first.clone()].into_iter().chain(more).collect(),
            surroundings: Arc::new(surroundings),
            fleet: None,
        })
    }

    fn of_fleet(
        arguments: &Arguments,
        engine: &Engine,
        printed: &Printed,
    ) -> Result<Self, Failure> {
        let mut overrides = Vec::new();
        let file = &arguments.plugin;
        let fleet = given::read(file, &overrides).map_err(Problems::from)?;
        let name = group_of(&fleet, arguments)?;
        let changes = [("config", &arguments.config), ("every", &arguments.every)];
        for (key, value) in changes {
            if let Some(value) = value {
                overrides.push(Override {
                    shown: format!("--{key}"),
                    path: vec!["groups".into(), name.clone(), key.into()],
                    value: value.clone(),
                });
            }
        }
        let fleet = match overrides.is_empty() {
            true => fleet,
            false => given::read(file, &overrides).map_err(Problems::from)?,
        };
        let start = fleet.plan.clock.start.map(jiff::Timestamp::as_microsecond);
        let born = start.and_then(|start| u64::try_from(start).ok());
        let which = (born.unwrap_or(BORN), arguments.devices);
        let tried =
            mockfleet_engine::first_devices(&fleet, &name, engine, &printed.console(), which);
        printed.take().iter().for_each(|line| tell!("{line}"));
        let (plugin, mut specs, mut surroundings) = tried?;
        if let Some(seed) = arguments.seed {
            for spec in &mut specs {
                spec.seed = seed_of(seed, spec.index);
            }
        }
        let mut problems = Problems::default();
        add_data(&arguments.data, &mut surroundings, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        Ok(Self {
            plugin,
            specs,
            surroundings: Arc::new(surroundings),
            fleet: Some((fleet, name)),
        })
    }

    /// From tick to tick, microseconds; `None` where no time is to pass.
    pub(super) fn every(&self) -> Option<u64> {
        self.surroundings.interval
    }

    /// A device like these, with another place among them.
    pub(super) fn another(&self, index: u32) -> Option<DeviceSpec> {
        self.specs.first().map(|first| another(first, index))
    }

    /// The channels that it has, if they are known; else none.
    pub(super) fn channels(&self) -> Vec<String> {
        let described = &self.plugin.description().channels;
        match (described.as_slice(), &self.surroundings.channels) {
            ([], Some(channels)) => channels.clone(),
            _ => described.clone(),
        }
    }

    /// What a device refused, each at its place.
    pub(super) fn refused(&self, why: &str) -> Failure {
        let mut problems = Problems::default();
        for line in why.lines() {
            problems.push(match &self.fleet {
                Some((fleet, group)) => mockfleet_engine::refused_line(fleet, group, line),
                None => Problem {
                    place: "--config".into(),
                    text: line.to_owned(),
                },
            });
        }
        Failure::Input(problems)
    }
}

/// Whether a fleet file is meant, and no plugin.
pub(super) fn is_fleet(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "toml") || given::is_packed(path)
}

/// A device of the same kind in another place of its group.
fn another(first: &DeviceSpec, index: u32) -> DeviceSpec {
    DeviceSpec {
        id: format!("try-{index:05}"),
        index,
        seed: seed_of(first.seed, index),
        ..first.clone()
    }
}

/// The first device has the seed that was given, however many there are; those of others
/// follow from it as those of a group's devices follow from the group's.
fn seed_of(seed: u64, index: u32) -> u64 {
    match index {
        0 => seed,
        index => mockfleet_engine::device_seed(seed, index),
    }
}

/// The group that is tried, which has as many devices as are asked for.
fn group_of(fleet: &Fleet, arguments: &Arguments) -> Result<String, Failure> {
    let groups = &fleet.plan.groups;
    let group = match &arguments.group {
        None => groups.first(),
        Some(name) => groups.iter().find(|group| group.name == *name),
    };
    let Some(group) = group else {
        let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
        let name = arguments.group.as_deref().unwrap_or_default();
        let text = format!("there is no group {name:?}; there are {}", names.join(", "));
        return Err(refused("--group", text));
    };
    if arguments.devices > group.count {
        let text = format!(
            "the group {:?} has {} devices; give so many, or raise its count",
            group.name, group.count
        );
        return Err(refused("--devices", text));
    }
    Ok(group.name.clone())
}

fn interval(arguments: &Arguments) -> Result<u64, String> {
    match micros(arguments.every.as_deref().unwrap_or("1s"))? {
        0 => Err("0s lies no time apart; give for example 1ms".to_owned()),
        every => Ok(every),
    }
}

fn settings(text: &str) -> Result<Value, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("{error}; a JSON object is wanted, such as '{{\"base\": 4.0}}'"))
}

fn add_data(entries: &[String], surroundings: &mut HostContext, problems: &mut Problems) {
    for entry in entries {
        let read = match entry.split_once('=') {
            Some((name, file)) => std::fs::read(Path::new(file))
                .map(|content| (name.to_owned(), content.into()))
                .map_err(|error| format!("{file} cannot be read: {error}")),
            None => Err(format!(
                "{entry:?} has no =; wanted is NAME=FILE, such as weather=weather.csv"
            )),
        };
        surroundings.data.extend(keep(problems, "--data", read));
    }
}

fn check_config(plugin: &Plugin, config: &Value, problems: &mut Problems) {
    let Some(schema) = plugin.description().config_schema.as_deref() else {
        return;
    };
    // A schema that is none is the plugin's fault, and no reason not to try it.
    for finding in mockfleet_engine::findings(schema, config).unwrap_or_default() {
        let path = finding.path.join(".");
        let text = match path.as_str() {
            "" => finding.text,
            path => format!("{path}: {}", finding.text),
        };
        keep::<()>(problems, "--config", Err(text));
    }
}
