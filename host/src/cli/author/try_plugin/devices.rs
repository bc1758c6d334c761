//! Creates the devices to try.

use mockfleet_files::bounded_read::{self, MAX_DATA_FILE};
use mockfleet_metrics::plural;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::cli::author::try_plugin::arguments::Arguments;
use crate::cli::author::try_plugin::events::TimedEvent;
use crate::cli::author::try_plugin::option_parsing::micros;
use crate::cli::author::try_plugin::option_parsing::value_or_problem;
use crate::cli::support::exit::Failure;
use crate::cli::support::exit::refused;
use crate::cli::support::input;
use crate::cli::support::plugin_input::load;
use crate::cli::ui::guest_output::GuestOutput;
use crate::cli::ui::out::err;
use mockfleet_config::{Fleet, Override, Problem, Problems, did_you_mean};
use mockfleet_engine::FirstDevices;
use mockfleet_plugin::{
    Cell, Console, Crash, DeviceSpec, Engine, Event, HostContext, Interests, Limits, Plugin,
};

/// Start of the virtual clock without a fleet file: 2026-01-01T00:00:00Z in microseconds. A fixed
/// time makes the output reproducible.
const DEFAULT_START_US: u64 = 1_767_225_600_000_000;

/// The shortest deadline of a call. A longer one of the fleet file is kept.
const MIN_DEADLINE: Duration = Duration::from_secs(5);

/// The devices that are tried.
pub(crate) struct TriedDevices {
    pub(crate) plugin: Plugin,
    /// At least one.
    pub(crate) specs: Vec<DeviceSpec>,
    pub(crate) surroundings: Arc<HostContext>,
    /// The limits of a cell in a run, and the most devices that share it there.
    limits: Limits,
    devices_per_cell: u32,
    /// The fleet file and the group of the devices.
    fleet: Option<(Fleet, String)>,
}

impl TriedDevices {
    pub(crate) fn create(
        arguments: &Arguments,
        engine: &Engine,
        printed: &GuestOutput,
    ) -> Result<Self, Failure> {
        match is_fleet(&arguments.plugin) {
            true => Self::of_fleet(arguments, engine, printed),
            false => Self::of_plugin(arguments, engine, printed),
        }
    }

    fn of_plugin(
        arguments: &Arguments,
        engine: &Engine,
        printed: &GuestOutput,
    ) -> Result<Self, Failure> {
        let mut problems = Problems::default();
        let every = value_or_problem(&mut problems, "--every", interval(arguments));
        let text = arguments.config.as_deref().unwrap_or("{}");
        let config = value_or_problem(&mut problems, "--config", settings(text));
        if let Some(group) = &arguments.group {
            let text = format!("{group:?} is a group of a fleet file, and none is given");
            value_or_problem::<()>(&mut problems, "--group", Err(text));
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
            // The text stays as it was written, since the order of keys may matter.
            config: text.to_owned(),
            born: DEFAULT_START_US,
        };
        let more = (1..arguments.devices).map(|index| another(&first, index));
        let (limits, devices_per_cell) = mockfleet_engine::default_limits(&plugin);
        Ok(Self {
            plugin,
            limits,
            devices_per_cell,
            specs: [first.clone()].into_iter().chain(more).collect(),
            surroundings: Arc::new(surroundings),
            fleet: None,
        })
    }

    fn of_fleet(
        arguments: &Arguments,
        engine: &Engine,
        printed: &GuestOutput,
    ) -> Result<Self, Failure> {
        let mut overrides = Vec::new();
        let file = &arguments.plugin;
        let fleet = input::read(file, &overrides).map_err(Problems::from)?;
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
            false => input::read(file, &overrides).map_err(Problems::from)?,
        };
        let start = fleet.plan.clock.start.map(jiff::Timestamp::as_microsecond);
        let born = start.and_then(|start| u64::try_from(start).ok());
        let which = (born.unwrap_or(DEFAULT_START_US), arguments.devices);
        let tried =
            mockfleet_engine::first_devices(&fleet, &name, engine, &printed.console(), which);
        printed.take().iter().for_each(|line| err!("{line}"));
        let FirstDevices {
            plugin,
            mut specs,
            mut surroundings,
            limits,
            devices_per_cell,
            ..
        } = tried?;
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
            limits,
            devices_per_cell,
            fleet: Some((fleet, name)),
        })
    }

    /// Creates a cell for all devices, with the limits of a run. They may need several cells there.
    pub(crate) fn instantiate(&self, console: &Console) -> Result<Cell, Crash> {
        let cells = self.specs.len().div_ceil(
            usize::try_from(self.devices_per_cell)
                .unwrap_or(usize::MAX)
                .max(1),
        );
        self.cell(self.limits.memory.saturating_mul(cells), console)
    }

    /// Creates a cell with room for any number of devices.
    pub(crate) fn instantiate_large(&self, console: &Console) -> Result<Cell, Crash> {
        self.cell(self.limits.memory.max(512 << 20), console)
    }

    /// Creates a cell with a deadline that a busy machine keeps. The time of each call is compared
    /// with the deadline of a run.
    fn cell(&self, memory: usize, console: &Console) -> Result<Cell, Crash> {
        let limits = Limits {
            memory,
            deadline: self.limits.deadline.max(MIN_DEADLINE),
            ..self.limits.clone()
        };
        Cell::new(&self.plugin, &limits, &self.surroundings, console)
    }

    /// Returns the deadline of a call in a run.
    pub(crate) const fn deadline(&self) -> Duration {
        self.limits.deadline
    }

    /// Returns whether the devices receive messages.
    pub(crate) fn listens(&self) -> bool {
        let interests = self.plugin.description().interests;
        interests.contains(Interests::DOWNLINK)
    }

    /// Returns whether a fleet file names the target of the devices.
    pub(crate) const fn has_target(&self) -> bool {
        self.fleet.is_some()
    }

    /// Returns whether a message on this channel is sent in a run.
    pub(crate) fn has_route(&self, channel: &str) -> bool {
        let described = &self.plugin.description().channels;
        match &self.surroundings.channels {
            Some(channels) => channels.iter().any(|known| known == channel),
            // Without channels in its description, the settings name them.
            None => described.is_empty() || described.iter().any(|known| known == channel),
        }
    }

    /// Checks that a run of the fleet file can deliver the messages to the devices.
    pub(crate) fn check_received(&self, events: &[TimedEvent]) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let Some(downlink) = &self.surroundings.downlink else {
            return Ok(());
        };
        for timed in events {
            if let Event::Received(message) = &timed.event
                && !downlink.contains(&message.channel)
            {
                let hint = did_you_mean(&message.channel, downlink.iter().map(String::as_str));
                let text = format!(
                    "the target has no downlink channel {:?}{hint}",
                    message.channel
                );
                let option = if timed.first { "--send" } else { "--receive" };
                value_or_problem::<()>(&mut problems, option, Err(text));
            }
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems),
        }
    }

    /// Returns the interval in microseconds; `None` if devices run flat out.
    pub(crate) fn every(&self) -> Option<u64> {
        self.surroundings.interval
    }

    /// Returns a further device with another index.
    pub(crate) fn another(&self, index: u32) -> Option<DeviceSpec> {
        self.specs.first().map(|first| another(first, index))
    }

    /// Returns the channels of the devices, or none if they are unknown.
    pub(crate) fn channels(&self) -> Vec<String> {
        let described = &self.plugin.description().channels;
        match (described.as_slice(), &self.surroundings.channels) {
            ([], Some(channels)) => channels.clone(),
            _ => described.clone(),
        }
    }

    /// Returns the problems that a device found in its settings.
    pub(crate) fn refused(&self, why: &str) -> Failure {
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

/// Returns whether the path names a fleet file, and not a plugin.
pub(crate) fn is_fleet(path: &Path) -> bool {
    path.extension().is_some_and(|kind| kind == "toml") || input::is_packed(path)
}

/// Returns a device of the same kind with another index.
fn another(first: &DeviceSpec, index: u32) -> DeviceSpec {
    DeviceSpec {
        id: format!("try-{index:05}"),
        index,
        seed: seed_of(first.seed, index),
        ..first.clone()
    }
}

/// Returns the seed of a device. The first device has the given seed, for any number of
/// devices. The seeds of the others are derived from it, as in a group.
fn seed_of(seed: u64, index: u32) -> u64 {
    match index {
        0 => seed,
        index => mockfleet_engine::device_seed(seed, index),
    }
}

/// Returns the name of the group, which has enough devices.
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
            "the group {:?} has {}; give at most this number, or raise its count",
            group.name,
            plural(group.count, "device")
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
            Some((name, file)) => bounded_read::read(Path::new(file), MAX_DATA_FILE)
                .map(|content| (name.to_owned(), content.into()))
                .map_err(|error| format!("{file} cannot be read: {error}")),
            None => Err(format!(
                "{entry:?} has no =; wanted is NAME=FILE, such as weather=weather.csv"
            )),
        };
        surroundings
            .data
            .extend(value_or_problem(problems, "--data", read));
    }
}

fn check_config(plugin: &Plugin, config: &Value, problems: &mut Problems) {
    let Some(schema) = plugin.description().config_schema.as_deref() else {
        return;
    };
    if let Some(text) = mockfleet_engine::broken_schema(plugin) {
        return value_or_problem::<()>(problems, "PLUGIN", Err(text)).unwrap_or_default();
    }
    let found = mockfleet_engine::violations(schema, config).unwrap_or_else(|error| {
        let text = format!("the config-schema of {} {error}", plugin.name());
        value_or_problem::<()>(problems, "--config", Err(text));
        Vec::new()
    });
    for finding in found {
        let path = finding.path.join(".");
        let text = match path.as_str() {
            "" => finding.text,
            path => format!("{path}: {}", finding.text),
        };
        value_or_problem::<()>(problems, "--config", Err(text));
    }
}
