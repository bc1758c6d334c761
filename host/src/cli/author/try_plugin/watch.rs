//! Repeats `mockfleet try` after each change of its files.

use std::path::{Path, PathBuf};

use crate::cli::author::try_plugin::arguments::Arguments;
use crate::cli::author::try_plugin::devices::is_fleet;
use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::exit::refused;
use crate::cli::support::file_watch;
use crate::cli::support::project_build::build::build;
use crate::cli::support::project_build::build::check_toolchain;
use crate::cli::support::project_build::build::sources;
use crate::cli::ui::out::err;
use mockfleet_config::{File, Fleet, PluginSource, Project};
use mockfleet_plugin::Engine;

/// Runs now and after each change, until the process ends.
pub(crate) fn repeat(
    arguments: &Arguments,
    engine: &Engine,
    once: impl Fn() -> Result<Ending, Failure>,
) -> Result<Ending, Failure> {
    let plugin = &arguments.plugin;
    if plugin.to_string_lossy().starts_with("builtin:") {
        let text = "a builtin plugin never changes; give the file or the folder of your own, or a fleet file".to_owned();
        return Err(refused("--watch", text));
    }
    // The path must exist, since a mistyped name never appears.
    if !plugin.exists() {
        let text = format!(
            "there is no {}; give a component (.wasm), the folder of a project, or a fleet file",
            plugin.display()
        );
        return Err(refused("PLUGIN", text));
    }
    let mut fixed = given(arguments);
    if !plugin.is_dir() {
        fixed.push(plugin.clone());
        return file_watch::repeat_on_change(|| [fixed.clone(), named(plugin)].concat(), &once);
    }
    let project = Project::read(plugin)?;
    check_toolchain(&project)?;
    fixed.extend(sources(&project)?);
    file_watch::repeat_on_change(
        || fixed.clone(),
        || {
            let built = build(engine, &project)?;
            err!("built in {:.1} s", built.took.as_secs_f64());
            once()
        },
    )
}

/// Returns the files that the command line names beside the plugin.
fn given(arguments: &Arguments) -> Vec<PathBuf> {
    let entries = arguments.data.iter().chain(&arguments.schema);
    entries
        .map(|entry| {
            entry
                .split_once('=')
                .map_or(entry.as_str(), |(_, file)| file)
        })
        .map(PathBuf::from)
        .collect()
}

/// Returns the plugins and data files that a fleet file names.
fn named(file: &Path) -> Vec<PathBuf> {
    if !is_fleet(file) {
        return Vec::new();
    }
    let fleet = match Fleet::read(file, &[]) {
        Ok(fleet) => Some(fleet),
        Err(refused) => refused.rest.map(|rest| *rest),
    };
    let mut files: Vec<File> = Vec::new();
    for group in fleet.into_iter().flat_map(|fleet| fleet.plan.groups) {
        if let PluginSource::File(path) = group.plugin {
            files.push(path);
        }
        files.extend(group.data.into_values());
    }
    let on_disk = |file| match file {
        File::Disk(path) => Some(path),
        File::Part { .. } => None,
    };
    files.into_iter().filter_map(on_disk).collect()
}
