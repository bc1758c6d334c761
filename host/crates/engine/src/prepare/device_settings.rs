//! Checks the settings of devices, by their schema and by creating them.

use std::collections::BTreeMap;

use crate::group::device_group::Group;
use crate::prepare::create_error::CreateError;
use crate::prepare::problem::problem;
use crate::prepare::schema::json_schema::{self, SchemaError, Violation};
use mockfleet_config::{Fleet, Problem, Problems};
use mockfleet_plugin::{CallError, Plugin};

/// The settings of a group as its devices receive them.
pub(crate) struct CheckedConfig {
    /// The settings as JSON, if they differ from those of the plan.
    pub(crate) settings: Option<String>,
    /// The keys that the schema refuses.
    pub(crate) refused: Vec<Vec<String>>,
}

/// Checks a group's settings against the schema of its behaviour, before devices do. A text of
/// the environment is read as a number, true or false where the schema takes no text.
///
/// Returns `None` if nothing can be checked with the schema.
pub(crate) fn check_config(
    fleet: &Fleet,
    number: usize,
    plugin: &Plugin,
    problems: &mut Problems,
) -> Option<CheckedConfig> {
    let group = fleet.plan.groups.get(number)?;
    let mut settings = None;
    let Some(schema) = &plugin.description().config_schema else {
        let refused = Vec::new();
        return Some(CheckedConfig { settings, refused });
    };
    let found = json_schema::violations(schema, &group.config).and_then(|found| {
        let is_refused = |path: &[String]| found.iter().any(|finding| finding.path == path);
        match fleet.settings_from_environment(&group.name, is_refused) {
            Some((config, text)) => {
                settings = Some(text);
                json_schema::violations(schema, &config)
            }
            None => Ok(found),
        }
    });
    let found = match found {
        Ok(found) => found,
        Err(why) => {
            let text = no_schema(plugin, &why);
            problems.push(problem(fleet, &["groups", &group.name, "plugin"], text));
            return None;
        }
    };
    for Violation { path, text } in &found {
        let key = settings_key(path);
        let text = format!(
            "{key} of group {:?}: {text} (see `mockfleet describe` of its plugin {})",
            group.name,
            plugin.name()
        );
        problems.push(problem(fleet, &config_path(&group.name, path), text));
    }
    let refused = found.into_iter().map(|finding| finding.path).collect();
    Some(CheckedConfig { settings, refused })
}

/// Describes the fault of a plugin's schema that is no JSON Schema; `None` if it is one.
pub fn broken_schema(plugin: &Plugin) -> Option<String> {
    let schema = plugin.description().config_schema.as_deref()?;
    let read = serde_json::from_str(schema).map_err(SchemaError::from);
    let why = read.and_then(json_schema::Validator::new).err()?;
    Some(no_schema(plugin, &why))
}

fn no_schema(plugin: &Plugin, why: &SchemaError) -> String {
    format!("plugin {} has a config-schema that {why}", plugin.name())
}

/// Returns the path of a setting in the fleet file.
fn config_path<'a>(group: &'a str, path: &'a [String]) -> Vec<&'a str> {
    let here = ["groups", group, "config"];
    let open_io = path.iter().map(String::as_str);
    here.into_iter().chain(open_io).collect()
}

/// Reports the problems of devices that could not be created, each text once per group. If the
/// schema has already refused a key, problems at this key are left out. A device then adds
/// only problems at other keys.
pub(crate) fn create_errors(
    fleet: &Fleet,
    groups: &[Group],
    mut create_errors: Vec<CreateError>,
    problems: &mut Problems,
) {
    // The same device is named, whichever worker was first.
    create_errors.sort_by(|a, b| {
        let key = |refusal: &CreateError| (refusal.group, refusal.device.len());
        key(a).cmp(&key(b)).then_with(|| a.device.cmp(&b.device))
    });
    let mut kinds: BTreeMap<(usize, usize, String), (String, usize)> = BTreeMap::new();
    for refusal in create_errors {
        for (order, text) in create_error_lines(&refusal.error).into_iter().enumerate() {
            let kind = kinds
                .entry((refusal.group, order, text))
                .or_insert((refusal.device.clone(), 0));
            kind.1 += 1;
        }
    }
    for ((number, _, text), (device, count)) in kinds {
        let Some(group) = groups.get(number) else {
            continue;
        };
        let found = settings_path(&text);
        let path = found.as_ref().map_or(&[][..], |(path, _)| path.as_slice());
        let create_error_lines =
            |refused: &Vec<String>| path.starts_with(refused) || refused.starts_with(path);
        if group.refused.iter().any(create_error_lines) {
            continue;
        }
        let text = match &found {
            Some((path, text)) => {
                format!("{} of group {:?}: {text}", settings_key(path), group.name)
            }
            None => {
                let others = match count {
                    1 => String::new(),
                    _ => format!(" (and {} more of its group)", count - 1),
                };
                let plugin = group.plugin.name();
                format!("device {device} (plugin {plugin}) {text}{others}")
            }
        };
        problems.push(problem(fleet, &config_path(&group.name, path), text));
    }
}

/// Returns a line of a device's error as a problem, with its place in the fleet file.
pub fn refused_line(fleet: &Fleet, group: &str, line: &str) -> Problem {
    let (path, text) = settings_path(line).unwrap_or_else(|| (Vec::new(), line));
    let key = settings_key(&path);
    let text = format!("{key} of group {group:?}: {text}");
    problem(fleet, &config_path(group, &path), text)
}

/// Returns the problems of an error of `create`, one per line.
fn create_error_lines(error: &CallError) -> Vec<String> {
    match error {
        // The contract has one problem per line.
        CallError::InvalidConfig(why) => why
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| match settings_path(line) {
                Some(_) => line.to_owned(),
                None => format!("refuses its config: {line}"),
            })
            .collect(),
        CallError::Failed(why) => vec![format!("cannot be made: {why}")],
        CallError::Retired(why) => vec![format!("retires before its first tick: {why}")],
        CallError::Crash(fault) => vec![format!("cannot be made: {fault}")],
    }
}

/// Splits a line such as `config.statuses.off.every: ...` into its path and the text after it.
fn settings_path(transport: &str) -> Option<(Vec<String>, &str)> {
    let rest = transport.strip_prefix("config")?;
    if let Some(text) = rest.strip_prefix(": ") {
        return Some((Vec::new(), text));
    }
    let (path, text) = rest.strip_prefix('.')?.split_once(": ")?;
    if path.is_empty() || path.contains(char::is_whitespace) {
        return None;
    }
    Some((path.split('.').map(str::to_owned).collect(), text))
}

/// Returns a key of the settings as problems show it.
fn settings_key(path: &[String]) -> String {
    [&["config".to_owned()], path].concat().join(".")
}
