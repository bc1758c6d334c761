//! Loads plugins and makes the groups of a run.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;

use crate::group::device_group::{FirstNumbers, Group};
use crate::prepare::data_files::DataFiles;
use crate::prepare::device_settings::check_config;
use crate::prepare::problem::problem;
use mockfleet_config::{
    File, Fleet, PluginSource, Problem, Problems, Protocol, ValueError, component_path,
};
use mockfleet_files::bounded_read::MAX_COMPONENT;
use mockfleet_plugin::{Console, DeviceSpec, Engine, HostContext, Limits, LoadError, Plugin};
use mockfleet_transport::Routes;

/// Loads each plugin of the plan once, and creates all groups without problems.
pub(crate) fn groups(
    fleet: &Fleet,
    engine: &Engine,
    console: &Console,
    problems: &mut Problems,
) -> Vec<Group> {
    let mut loaded: HashMap<PluginKey<'_>, Option<Plugin>> = HashMap::new();
    let numbers = FirstNumbers::new(&fleet.plan);
    if numbers.all_routes > MAX_ROUTES {
        let text = format!(
            "the targets have {} channels in all, and at most {MAX_ROUTES} fit one run",
            numbers.all_routes
        );
        problems.push(problem(fleet, &["targets"], text));
    }
    let mut groups = Vec::new();
    let mut data = DataFiles::default();
    for (number, group) in fleet.plan.groups.iter().enumerate() {
        let key = plugin_key(&group.plugin);
        let plugin = match loaded.get(&key) {
            Some(plugin) => plugin.clone(),
            None => {
                let plugin = load(&group.plugin, engine, console)
                    .map_err(|error| problems.push(plugin_problem(fleet, &group.name, &error)))
                    .ok();
                loaded.insert(key, plugin.clone());
                plugin
            }
        };
        let Some(plugin) = plugin else {
            continue;
        };
        let content = data.read_all(&group.data, |name, why| {
            let path = ["groups", &group.name, "data", name];
            problems.push(problem(fleet, &path, why));
        });
        let reachable = check_channels(fleet, number, &plugin, problems);
        let checked = check_config(fleet, number, &plugin, problems);
        let made = Group::new(&fleet.plan, &numbers, number, plugin, content);
        if let (Some(mut made), Some(checked), true) = (made, checked, reachable) {
            // Its devices are created despite refused keys, to collect their problems too.
            made.refused = checked.refused;
            if let Some(settings) = checked.settings {
                made.config = settings;
            }
            groups.push(made);
        }
    }
    groups
}

/// The maximum number of channels of all targets: rows have their number in two bytes.
const MAX_ROUTES: usize = u16::MAX as usize;

/// Identifies a plugin within a fleet: the kind of its source, and its name there.
type PluginKey<'a> = (&'static str, &'a std::ffi::OsStr);

fn plugin_key(source: &PluginSource) -> PluginKey<'_> {
    match source {
        PluginSource::File(File::Disk(path)) => ("disk", path.as_os_str()),
        PluginSource::File(File::Part { shown, .. }) => ("part", shown.as_ref()),
        PluginSource::Builtin(name) => ("builtin", name.as_ref()),
    }
}

/// The reason why the plugin of a group cannot be used.
#[derive(Debug, thiserror::Error)]
enum PluginError {
    /// The project in this folder has no component.
    #[error("{0}")]
    NoComponent(ValueError),
    #[error("{0}")]
    UnknownBuiltin(String),
    #[error("{file} cannot be read: {source}")]
    Unreadable { file: File, source: std::io::Error },
    #[error(transparent)]
    Load(#[from] LoadError),
}

fn plugin_problem(fleet: &Fleet, group: &str, error: &PluginError) -> Problem {
    problem(fleet, &["groups", group, "plugin"], error.to_string())
}

fn load(source: &PluginSource, engine: &Engine, console: &Console) -> Result<Plugin, PluginError> {
    let loaded = match source {
        PluginSource::File(File::Disk(path)) => {
            let path = component_path(path).map_err(PluginError::NoComponent)?;
            Plugin::load(engine, &path, console)
        }
        PluginSource::File(File::Part { shown, bytes }) => {
            Plugin::from_bytes(engine, Path::new(shown), bytes, console)
        }
        PluginSource::Builtin(name) => {
            let bytes = engine.builtin(name).map_err(PluginError::UnknownBuiltin)?;
            Plugin::from_bytes(
                engine,
                Path::new(&format!("builtin:{name}")),
                bytes,
                console,
            )
        }
    };
    Ok(loaded?)
}

/// Returns the plugin of each group, the name of its component, and the component's bytes.
///
/// # Errors
/// All problems of the groups, their plugins, settings and data files.
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
            Err(error) => problems.push(plugin_problem(fleet, &group.name, &error)),
        }
    }
    match problems.is_empty() {
        true => Ok(components),
        false => Err(problems),
    }
}

fn bytes(source: &PluginSource, engine: &Engine) -> Result<(String, Bytes), PluginError> {
    let file = match source {
        PluginSource::Builtin(name) => {
            let bytes = engine.builtin(name).map_err(PluginError::UnknownBuiltin)?;
            return Ok((name.clone(), Bytes::from_static(bytes)));
        }
        PluginSource::File(File::Disk(path)) => {
            File::Disk(component_path(path).map_err(PluginError::NoComponent)?)
        }
        PluginSource::File(part) => part.clone(),
    };
    match file.read(MAX_COMPONENT) {
        Ok(bytes) => Ok((file.to_string(), bytes)),
        Err(source) => Err(PluginError::Unreadable { file, source }),
    }
}

/// Reports channels of the behaviour that the target lacks. Returns whether there are none.
fn check_channels(fleet: &Fleet, number: usize, plugin: &Plugin, problems: &mut Problems) -> bool {
    let Some(group) = fleet.plan.groups.get(number) else {
        return false;
    };
    let Some(target) = fleet.plan.targets.get(group.target) else {
        return false;
    };
    let routes = Routes::new(target);
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

/// The first devices of a group, as a run creates them.
#[non_exhaustive]
pub struct FirstDevices {
    /// The plugin of the group.
    pub plugin: Plugin,
    /// The devices.
    pub specs: Vec<DeviceSpec>,
    /// Data files, channels and interval of the group.
    pub surroundings: HostContext,
    /// The limits of a cell.
    pub limits: Limits,
    /// Most devices of a cell.
    pub devices_per_cell: u32,
}

/// Returns the first devices of a group, as a run creates them. All devices are switched on at
/// `born`.
///
/// # Errors
/// All problems of the groups, their plugins, settings and data files.
pub fn first_devices(
    fleet: &Fleet,
    name: &str,
    engine: &Engine,
    console: &Console,
    (born, count): (u64, u32),
) -> Result<FirstDevices, Problems> {
    let mut problems = Problems::default();
    let groups = groups(fleet, engine, console, &mut problems);
    let group = groups.into_iter().find(|group| &*group.name == name);
    match group {
        Some(group) if problems.is_empty() => {
            let specs = (0..count).map(|index| group.spec(index, born)).collect();
            Ok(FirstDevices {
                specs,
                surroundings: HostContext::clone(&group.surroundings),
                limits: group.limits,
                devices_per_cell: group.devices_per_cell,
                plugin: group.plugin,
            })
        }
        _ => Err(problems),
    }
}
