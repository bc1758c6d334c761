//! `mockfleet describe`: what a plugin says about itself.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::console::Printed;
use super::run::engine;
use super::{Ending, Failure};
use crate::cli::print::{say, tell};
use mockfleet_config::{Problems, component_path};
use mockfleet_metrics::bytes;
use mockfleet_plugin::{Engine, Interests, Plugin};

/// Shows what a plugin is: its channels, statuses, events and settings.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A plugin's file, the folder of a project, or builtin:NAME: thermometer, vehicle, meter,
    /// scenario.
    plugin: PathBuf,
    /// Print one JSON object instead.
    #[arg(long)]
    json: bool,
}

pub(super) fn describe(arguments: &Arguments) -> Result<Ending, Failure> {
    let engine = engine()?;
    let printed = Printed::new();
    let plugin = load(&engine, &arguments.plugin, &printed)?;
    if arguments.json {
        say!("{}", object(&plugin));
    } else {
        say!("{}", text(&plugin));
    }
    Ok(Ending::Done)
}

/// Loads a plugin that is named on the command line.
pub(super) fn load(engine: &Engine, file: &Path, printed: &Printed) -> Result<Plugin, Failure> {
    let shown = file.display().to_string();
    let loaded = match shown.strip_prefix("builtin:") {
        Some(name) => engine.builtin(name).and_then(|bytes| {
            Plugin::from_bytes(engine, file, bytes, &printed.console())
                .map_err(|error| error.to_string())
        }),
        None => component_path(file).and_then(|file| {
            Plugin::load(engine, &file, &printed.console()).map_err(|error| error.to_string())
        }),
    };
    printed.take().iter().for_each(|line| tell!("{line}"));
    loaded.map_err(|text| refused("PLUGIN", text))
}

/// A problem of one argument.
pub(super) fn refused(place: &str, text: String) -> Failure {
    Failure::Input(Problems::one(place, text))
}

pub(super) fn interests(interests: Interests) -> Vec<&'static str> {
    let all = [
        (Interests::LINK, "link"),
        (Interests::DOWNLINK, "downlink"),
        (Interests::RECEIPTS, "receipts"),
    ];
    all.iter()
        .filter(|(flag, _)| interests.contains(*flag))
        .map(|(_, name)| *name)
        .collect()
}

fn object(plugin: &Plugin) -> Value {
    let about = plugin.description();
    let schema: Option<Value> = about
        .config_schema
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok());
    json!({
        "name": about.name,
        "version": about.version,
        "summary": about.summary,
        "channels": about.channels,
        "statuses": about.statuses,
        "interests": interests(about.interests),
        "memory": plugin.memory(),
        "config_schema": schema,
    })
}

fn text(plugin: &Plugin) -> String {
    let about = plugin.description();
    // A behaviour that names none has them from its settings; without a channel it
    // could not send.
    let list = |items: &[String]| match items {
        [] if about.channels.is_empty() => "those of its settings".to_owned(),
        [] => "none".to_owned(),
        items => items.join(", "),
    };
    let events = interests(about.interests);
    let mut lines = vec![
        format!("{} {}: {}", about.name, about.version, about.summary),
        format!("channels   {}", list(&about.channels)),
        format!("statuses   {}", list(&about.statuses)),
        format!(
            "events     {}",
            if events.is_empty() {
                "none".to_owned()
            } else {
                events.join(", ")
            }
        ),
    ];
    let memory = u64::try_from(plugin.memory()).unwrap_or(u64::MAX);
    lines.push(format!(
        "memory     {} a cell without devices",
        bytes(memory)
    ));
    lines.push(match &about.config_schema {
        None => "config     anything (the plugin gives no schema)".into(),
        Some(schema) => settings(schema),
    });
    lines.join("\n")
}

/// The names of the settings that the schema has.
pub(super) fn settings_names(plugin: &Plugin) -> Vec<String> {
    let schema = plugin.description().config_schema.as_deref();
    let schema: Option<Value> = schema.and_then(|text| serde_json::from_str(text).ok());
    let properties = schema.as_ref().and_then(|schema| schema.get("properties"));
    properties
        .and_then(Value::as_object)
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default()
}

/// The settings of a schema, one a line.
fn settings(schema: &str) -> String {
    let Ok(schema) = serde_json::from_str::<Value>(schema) else {
        return "config     its schema is no JSON".into();
    };
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return format!("config     {schema}");
    };
    let mut lines = vec!["config".to_owned()];
    let width = properties.keys().map(String::len).max().unwrap_or(0);
    for (name, property) in properties {
        let text = |key: &str| {
            property
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let default = property
            .get("default")
            .map(|value| format!(" (default {value})"))
            .unwrap_or_default();
        let kind = match property.get("type") {
            Some(Value::String(kind)) => kind.clone(),
            Some(Value::Array(kinds)) => kinds
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" or "),
            _ => String::new(),
        };
        let about = text("description").replace('\n', " ");
        lines.push(format!("  {name:width$}  {kind}{default}  {about}"));
    }
    lines.join("\n")
}
