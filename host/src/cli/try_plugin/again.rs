//! `--watch`: which files a trial depends on, and what is built before it.

use std::path::{Path, PathBuf};

use super::super::build::{check_needs, made, sources};
use super::super::describe::refused;
use super::super::{Ending, Failure, changes};
use super::subject::is_fleet;
use super::{Arguments, once};
use crate::cli::print::tell;
use mockfleet_config::PluginSource;
use mockfleet_config::{File, Fleet, Project};
use mockfleet_plugin::Engine;

/// Tries now and after each change, until the process is ended.
pub(super) fn again(arguments: &Arguments, engine: &Engine) -> Result<Ending, Failure> {
    let plugin = &arguments.plugin;
    if plugin.to_string_lossy().starts_with("builtin:") {
        let text = "a builtin plugin never changes; give the file or the folder of your own, or a fleet file".to_owned();
        return Err(refused("--watch", text));
    }
    // What is not there yet may come; a name that is mistyped never does.
    if !plugin.exists() {
        let text = format!("there is no {}", plugin.display());
        return Err(refused("PLUGIN", text));
    }
    let mut fixed = given(arguments);
    if !plugin.is_dir() {
        fixed.push(plugin.clone());
        return changes::again(
            || [fixed.clone(), named(plugin)].concat(),
            || once(arguments, engine),
        );
    }
    let project = Project::read(plugin)?;
    check_needs(&project)?;
    fixed.extend(sources(&project)?);
    changes::again(
        || fixed.clone(),
        || {
            let made = made(engine, &project)?;
            tell!("built in {:.1} s", made.built.as_secs_f64());
            once(arguments, engine)
        },
    )
}

/// Files that stand on the command line beside the plugin.
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

/// The plugins and data files of a fleet file, as it stands now.
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
