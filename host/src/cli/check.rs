//! `mockfleet check`: everything that `run` would refuse, without sending anything.

use std::path::PathBuf;

use super::console::Printed;
use super::run::Over;
use super::{Ending, Failure};
use crate::fleet::{Fleet, Problems};
use crate::plugin::Engine;
use crate::run::{Settings, prepare};
use crate::status::count;

/// Checks fleet files as `run` does before it sends: keys, units, plugins, channels,
/// settings of every device, certificates, open files, the log's store.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Fleet files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    over: Over,
}

pub(super) fn check(arguments: &Arguments) -> Result<Ending, Failure> {
    let overrides = arguments.over.overrides()?;
    let engine =
        Engine::new().map_err(|error| anyhow::anyhow!("WebAssembly cannot run here: {error:#}"))?;
    let mut problems = Problems::default();
    for file in &arguments.files {
        let printed = Printed::new();
        let settings = Settings {
            workers: None,
            console: printed.console(),
        };
        let checked = Fleet::read(file, &overrides).and_then(|fleet| {
            let prepared = prepare(&fleet, &engine, &settings)?;
            Ok((fleet, prepared.devices()))
        });
        printed.take().iter().for_each(|line| eprintln!("{line}"));
        match checked {
            Ok((fleet, devices)) => println!(
                "{}: good: {} devices in {} groups",
                file.display(),
                count(devices),
                fleet.plan.groups.len()
            ),
            Err(found) => found.into_iter().for_each(|problem| problems.push(problem)),
        }
    }
    if problems.is_empty() {
        Ok(Ending::Done)
    } else {
        Err(Failure::Input(problems))
    }
}
