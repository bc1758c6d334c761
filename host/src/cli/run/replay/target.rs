//! Finds the target of a replay.
//!
//! A URL gets a generated fleet file with the defaults of a target.

use std::path::Path;

use serde_json::json;

use crate::cli::support::input;
use mockfleet_config::{Connections, Fleet, InvalidConfig, Override, Problems, Protocol};
use mockfleet_engine::replay::{RecordedTopics, Recording};

/// The target of a replay.
pub(crate) enum Target {
    File {
        fleet: Box<Fleet>,
        number: usize,
    },
    Url {
        url: String,
        overrides: Vec<Override>,
        connections: Option<u32>,
    },
}

impl Target {
    /// Finds the target that `--to` names.
    pub(crate) fn find(to: &str, log: Option<&str>, set: &[String]) -> Result<Self, Problems> {
        let overrides = overrides(log, set)?;
        if to.contains("://") {
            // One channel in place of the recording's channels, which are not known yet.
            let channel = [(None, None)];
            let fleet = made_up(to, channel.into_iter(), &overrides)?;
            return Ok(Self::Url {
                url: to.to_owned(),
                connections: fleet.plan.targets.first().and_then(shared),
                overrides,
            });
        }
        let (file, name) = match to.rsplit_once('#') {
            Some((file, name)) => (file, Some(name)),
            None => (to, None),
        };
        let fleet = input::read(Path::new(file), &overrides)
            .map_err(|refused: InvalidConfig| refused.problems)?;
        let names = || {
            let targets = fleet.plan.targets.iter();
            targets
                .map(|target| target.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let number = match name {
            Some(name) => {
                let mut targets = fleet.plan.targets.iter();
                targets
                    .position(|target| target.name == name)
                    .ok_or_else(|| {
                        Problems::one(
                            "--to",
                            format!("{file} has no target {name:?}; it has {}", names()),
                        )
                    })?
            }
            None if fleet.plan.targets.len() == 1 => 0,
            None => {
                return Err(Problems::one(
                    "--to",
                    format!(
                        "{file} has the targets {}; say which: --to {file}#NAME",
                        names()
                    ),
                ));
            }
        };
        Ok(Self::File {
            fleet: Box::new(fleet),
            number,
        })
    }

    /// Returns the number of workers: one a core, and at most one for each shared connection.
    pub(crate) fn workers(&self, asked: Option<u32>) -> u32 {
        let cores =
            std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1));
        let most = match self {
            Self::File { fleet, number } => fleet.plan.targets.get(*number).and_then(shared),
            Self::Url { connections, .. } => *connections,
        };
        asked
            .unwrap_or(cores)
            .clamp(1, most.unwrap_or(u32::MAX).max(1))
    }

    /// Returns the use of recorded topics and paths by the target's protocol.
    pub(crate) fn recorded_topics(&self) -> RecordedTopics {
        let is_http = match self {
            Self::File { fleet, number } => {
                let target = fleet.plan.targets.get(*number);
                target.is_some_and(|target| matches!(target.protocol, Protocol::Http(_)))
            }
            Self::Url { url, .. } => url.starts_with("http"),
        };
        match is_http {
            true => RecordedTopics::Http,
            false => RecordedTopics::Mqtt,
        }
    }

    /// Returns the fleet with the target, and the index of the target.
    pub(crate) fn fleet(self, recording: &Recording) -> Result<(Fleet, usize), Problems> {
        match self {
            Self::File { fleet, number } => Ok((*fleet, number)),
            Self::Url { url, overrides, .. } => {
                Ok((made_up(&url, recording.channels(), &overrides)?, 0))
            }
        }
    }
}

fn shared(target: &mockfleet_config::Target) -> Option<u32> {
    match &target.protocol {
        Protocol::Mqtt(mqtt) => match mqtt.connections {
            Connections::Shared(n) => Some(n.get()),
            Connections::PerDevice => None,
        },
        Protocol::Http(_) => None,
    }
}

fn overrides(log: Option<&str>, set: &[String]) -> Result<Vec<Override>, Problems> {
    let mut problems = Problems::default();
    let mut overrides = Vec::new();
    for text in set {
        match Override::parse(text) {
            Ok(change) => overrides.push(change),
            Err(problem) => problems.push(problem),
        }
    }
    if let Some(log) = log {
        overrides.push(Override {
            shown: "--log".into(),
            path: vec!["log".into(), "store".into()],
            value: log.to_owned(),
        });
    }
    if problems.is_empty() {
        Ok(overrides)
    } else {
        Err(problems)
    }
}

/// Creates the fleet file for a URL. Its group is never run.
fn made_up<'a>(
    url: &str,
    channels: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>,
    overrides: &[Override],
) -> Result<Fleet, Problems> {
    let is_http = url.starts_with("http");
    // A JSON string is a valid TOML string.
    let quoted = |text: &str| json!(text).to_string();
    let mut text = format!(
        "name = \"replay\"\n[[groups]]\nname = \"replay\"\nplugin = \"builtin:thermometer\"\ncount = 1\nevery = \"1s\"\n[targets.replay]\nurl = {}\n{}[targets.replay.channels]\n",
        quoted(url),
        if is_http { "" } else { "qos = 1\n" },
    );
    for (channel, method) in channels {
        let name = channel.unwrap_or("replay");
        let place = name.replace(['{', '}'], "_");
        let channel = if is_http {
            let method = quoted(method.unwrap_or("POST"));
            let path = quoted(&format!("/{{device}}/{place}"));
            format!(
                "{} = {{ method = {method}, path = {path} }}\n",
                quoted(name)
            )
        } else {
            let topic = quoted(&format!("{{device}}/{place}"));
            format!("{} = {{ topic = {topic} }}\n", quoted(name))
        };
        text.push_str(&channel);
    }
    Fleet::parse(&text, "--to", Path::new("."), overrides).map_err(|refused| refused.problems)
}
