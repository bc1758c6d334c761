//! Which device is tried, and what happens to it: from the command line, or from a fleet
//! file.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::super::Failure;
use super::super::console::Printed;
use super::super::describe::{load, refused};
use super::super::given;
use super::{Arguments, BORN};
use crate::cli::print::tell;
use crate::fleet::{Fleet, Override, Problem, Problems};
use crate::plugin::{DeviceSpec, Engine, Event, Message, Plugin, Surroundings};
use crate::run;

/// The device that is tried.
pub(super) struct Subject {
    pub(super) plugin: Plugin,
    pub(super) spec: DeviceSpec,
    pub(super) surroundings: Arc<Surroundings>,
    /// From tick to tick, microseconds.
    pub(super) every: u64,
    /// The fleet file that it comes from, and its group there.
    fleet: Option<(Fleet, String)>,
}

/// Something that happens to it between ticks.
pub(super) struct Happening {
    pub(super) at: u64,
    pub(super) event: Event,
    /// In words.
    pub(super) said: String,
}

impl Subject {
    pub(super) fn of(
        arguments: &Arguments,
        engine: &Engine,
        printed: &Printed,
    ) -> Result<Self, Failure> {
        let is_fleet = arguments
            .plugin
            .extension()
            .is_some_and(|kind| kind == "toml")
            || given::is_packed(&arguments.plugin);
        if is_fleet {
            Self::of_fleet(arguments, engine, printed)
        } else {
            Self::of_plugin(arguments, engine, printed)
        }
    }

    fn of_plugin(
        arguments: &Arguments,
        engine: &Engine,
        printed: &Printed,
    ) -> Result<Self, Failure> {
        let every = arguments.every.as_deref().unwrap_or("1s");
        let every = micros(every, "--every")?;
        let text = arguments.config.as_deref().unwrap_or("{}");
        let config: Value = serde_json::from_str(text).map_err(|error| {
            refused(
                "--config",
                format!("{error}; a JSON object is wanted, such as '{{\"base\": 4.0}}'"),
            )
        })?;
        let plugin = load(engine, &arguments.plugin, printed)?;
        check_config(&plugin, &config)?;
        let mut surroundings = Surroundings {
            interval: Some(every),
            ..Surroundings::default()
        };
        add_data(&arguments.data, &mut surroundings)?;
        Ok(Self {
            plugin,
            spec: DeviceSpec {
                id: "try-00000".into(),
                group: "try".into(),
                index: 0,
                seed: arguments.seed.unwrap_or(0),
                // As it was written: the order of keys may mean something.
                config: text.to_owned(),
                born: BORN,
            },
            surroundings: Arc::new(surroundings),
            every,
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
        let names: Vec<&str> = fleet
            .plan
            .groups
            .iter()
            .map(|group| group.name.as_str())
            .collect();
        let name = match &arguments.group {
            None => names.first().copied().unwrap_or_default().to_owned(),
            Some(name) if names.contains(&name.as_str()) => name.clone(),
            Some(name) => {
                let text = format!("there is no group {name:?}; there are {}", names.join(", "));
                return Err(refused("--group", text));
            }
        };
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
        let fleet = given::read(file, &overrides).map_err(Problems::from)?;
        let start = fleet.plan.clock.start.map(jiff::Timestamp::as_microsecond);
        let born = start.and_then(|start| u64::try_from(start).ok());
        let born = born.unwrap_or(BORN);
        let tried = run::first_device(&fleet, &name, engine, &printed.console(), born);
        printed.take().iter().for_each(|line| tell!("{line}"));
        let (plugin, mut spec, mut surroundings) = tried?;
        if let Some(seed) = arguments.seed {
            spec.seed = seed;
        }
        add_data(&arguments.data, &mut surroundings)?;
        Ok(Self {
            plugin,
            spec,
            every: surroundings.interval.unwrap_or(1_000),
            surroundings: Arc::new(surroundings),
            fleet: Some((fleet, name)),
        })
    }

    /// What the device refused, each at its place.
    pub(super) fn refused(&self, why: &str) -> Failure {
        let mut problems = Problems::default();
        for line in why.lines() {
            problems.push(match &self.fleet {
                Some((fleet, group)) => run::refused_line(fleet, group, line),
                None => Problem {
                    place: "--config".into(),
                    text: line.to_owned(),
                },
            });
        }
        Failure::Input(problems)
    }
}

fn add_data(entries: &[String], surroundings: &mut Surroundings) -> Result<(), Failure> {
    for entry in entries {
        let Some((name, file)) = entry.split_once('=') else {
            let text =
                format!("{entry:?} has no =; wanted is NAME=FILE, such as weather=weather.csv");
            return Err(refused("--data", text));
        };
        let content = std::fs::read(Path::new(file))
            .map_err(|error| refused("--data", format!("{file} cannot be read: {error}")))?;
        surroundings.data.insert(name.to_owned(), content.into());
    }
    Ok(())
}

fn check_config(plugin: &Plugin, config: &Value) -> Result<(), Failure> {
    let Some(schema) = plugin.description().config_schema.as_deref() else {
        return Ok(());
    };
    let mut problems = Problems::default();
    // A schema that is none is the plugin's fault, and no reason not to try it.
    for finding in run::findings(schema, config).unwrap_or_default() {
        let path = finding.path.join(".");
        problems.push(Problem {
            place: "--config".into(),
            text: if path.is_empty() {
                finding.text
            } else {
                format!("{path}: {}", finding.text)
            },
        });
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::Input(problems))
    }
}

/// What happens to the device, in the order of time.
pub(super) fn happenings(arguments: &Arguments, born: u64) -> Result<Vec<Happening>, Failure> {
    let mut happenings = Vec::new();
    for text in &arguments.receive {
        let parts = text
            .split_once(':')
            .and_then(|(time, rest)| Some((time, rest.split_once('=')?)));
        let Some((time, (channel, payload))) = parts else {
            let text = format!(
                "{text:?} is not understood; wanted is TIME:CHANNEL=PAYLOAD, such as '25s:command={{\"power\": \"on\"}}'"
            );
            return Err(refused("--receive", text));
        };
        happenings.push(Happening {
            at: born + micros(time, "--receive")?,
            said: format!("receives on {channel}: {payload}"),
            event: Event::Received(Message {
                channel: channel.to_owned(),
                payload: payload.as_bytes().to_vec(),
                content_type: None,
                properties: Vec::new(),
            }),
        });
    }
    for text in &arguments.link {
        let (event, said) = match text.split_once(':').map(|(_, what)| what) {
            Some("lost") => (Event::Disconnected("as asked".into()), "connection lost"),
            Some("up") => (Event::Connected, "connection up"),
            _ => {
                let text = format!("{text:?} is not understood; wanted is TIME:lost or TIME:up");
                return Err(refused("--link", text));
            }
        };
        let time = text.split(':').next().unwrap_or_default();
        happenings.push(Happening {
            at: born + micros(time, "--link")?,
            said: said.to_owned(),
            event,
        });
    }
    happenings.sort_by_key(|happening| happening.at);
    Ok(happenings)
}

fn micros(text: &str, option: &str) -> Result<u64, Failure> {
    let length = crate::fleet::duration(text).map_err(|why| refused(option, why))?;
    Ok(u64::try_from(length.as_micros()).unwrap_or(u64::MAX / 2))
}
