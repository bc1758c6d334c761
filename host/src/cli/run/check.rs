//! `mockfleet check`: reports the errors of fleet files.

use std::path::PathBuf;

use crate::cli::support::engine::engine_for;
use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::fleet_run::CommandOptions;
use crate::cli::support::fleet_run::prepare_fleet;
use crate::cli::support::input;
use crate::cli::support::overrides::RunOverrides;
use crate::cli::ui::out::out_line;
use mockfleet_config::{Plan, Problems};
use mockfleet_metrics::plural;

/// Checks fleet files as `run` does before it sends: keys, units, plugins, channels,
/// settings of every device, certificates, open files, the log's store.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Fleet files, bundles, or addresses of them.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    over: RunOverrides,
}

pub(crate) fn check(arguments: &Arguments) -> Result<Ending, Failure> {
    let overrides = arguments.over.overrides()?;
    let mut problems = Problems::default();
    for file in &arguments.files {
        let fleet = input::read(file, &overrides);
        let engine = engine_for(&fleet)?;
        match prepare_fleet(fleet, &engine, &CommandOptions::new("check")) {
            Ok((fleet, prepared, _)) => out_line!(
                "{}: good: {} in {}{}",
                file.display(),
                plural(prepared.devices(), "device"),
                plural(fleet.plan.groups.len(), "group"),
                broken(&fleet.plan)
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

/// Counts the faults of the fleet.
fn broken(plan: &Plan) -> String {
    match plan.groups.iter().map(|group| group.faults.len()).sum() {
        0_usize => String::new(),
        faults => format!(", {} on purpose", plural(faults, "fault")),
    }
}
