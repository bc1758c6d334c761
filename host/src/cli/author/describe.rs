//! `mockfleet describe`: shows the description of a plugin.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cli::support::engine::engine;
use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::plugin_input::{interests, load};
use crate::cli::ui::guest_output::GuestOutput;
use crate::cli::ui::out::out;
use crate::cli::ui::out::out_json;
use mockfleet_files::foreign_text::for_line;
use mockfleet_metrics::bytes;
use mockfleet_plugin::Plugin;

/// Shows the channels, statuses, events and settings of a plugin.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A plugin's file, the folder of a project, or builtin:NAME: thermometer, vehicle, meter,
    /// scenario.
    plugin: PathBuf,
    /// Print one JSON object instead.
    #[arg(long)]
    json: bool,
}

pub(crate) fn describe(arguments: &Arguments) -> Result<Ending, Failure> {
    let engine = engine()?;
    let printed = GuestOutput::new();
    let plugin = load(&engine, &arguments.plugin, &printed)?;
    if arguments.json {
        out_json!("{}", object(&plugin));
    } else {
        out!("{}", text(&plugin));
    }
    // Commands that use the plugin refuse it.
    if let Some(text) = mockfleet_engine::broken_schema(&plugin) {
        return Err(anyhow::anyhow!(text).into());
    }
    Ok(Ending::Done)
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
        "inputs": plugin.inputs(),
        "config_schema": schema,
    })
}

fn text(plugin: &Plugin) -> String {
    let about = plugin.description();
    // A behaviour without channels in its description gets them from its settings, since it
    // could not send otherwise.
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
    if let Some(inputs) = plugin.inputs() {
        lines.push(format!("inputs     {inputs}"));
    }
    match &about.config_schema {
        None => lines.push("config     anything (the plugin gives no schema)".into()),
        Some(schema) => lines.extend(settings(schema)),
    }
    let lines: Vec<_> = lines.iter().map(|line| for_line(line)).collect();
    lines.join("\n")
}

/// Lists the settings of a schema, one a line.
fn settings(schema: &str) -> Vec<String> {
    let Ok(schema) = serde_json::from_str::<Value>(schema) else {
        return vec!["config     its schema is no JSON".into()];
    };
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return vec![format!("config     {schema}")];
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
    lines
}
