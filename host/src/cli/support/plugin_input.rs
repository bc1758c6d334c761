//! Loads the plugin that the command line names.

use std::path::Path;

use mockfleet_config::component_path;
use mockfleet_plugin::{Engine, Interests, Plugin};
use serde_json::Value;

use crate::cli::support::exit::{Failure, refused};
use crate::cli::ui::guest_output::GuestOutput;
use crate::cli::ui::out::err;

/// Loads a plugin that is named on the command line.
pub(crate) fn load(engine: &Engine, file: &Path, printed: &GuestOutput) -> Result<Plugin, Failure> {
    let shown = file.display().to_string();
    let loaded = match shown.strip_prefix("builtin:") {
        Some(name) => engine.builtin(name).and_then(|bytes| {
            Plugin::from_bytes(engine, file, bytes, &printed.console())
                .map_err(|error| error.to_string())
        }),
        None => component_path(file).map_err(String::from).and_then(|file| {
            Plugin::load(engine, &file, &printed.console()).map_err(|error| error.to_string())
        }),
    };
    printed.take().iter().for_each(|line| err!("{line}"));
    loaded.map_err(|text| refused("PLUGIN", text))
}

pub(crate) fn interests(interests: Interests) -> Vec<&'static str> {
    let all = [
        (Interests::LINK, "link"),
        (Interests::DOWNLINK, "downlink"),
        (Interests::RECEIPTS, "receipts"),
        (Interests::START, "start"),
    ];
    all.iter()
        .filter(|(flag, _)| interests.contains(*flag))
        .map(|(_, name)| *name)
        .collect()
}

/// Returns the names of the settings in the plugin's schema.
pub(crate) fn settings_names(plugin: &Plugin) -> Vec<String> {
    let schema = plugin.description().config_schema.as_deref();
    let schema: Option<Value> = schema.and_then(|text| serde_json::from_str(text).ok());
    let properties = schema.as_ref().and_then(|schema| schema.get("properties"));
    properties
        .and_then(Value::as_object)
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default()
}
