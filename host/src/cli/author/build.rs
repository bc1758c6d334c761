//! `mockfleet build`: builds a project's plugin.
//!
//! `plugin.toml` has the build command and the toolchain, for any language.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use crate::cli::support::engine::engine;
use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::file_watch;
use crate::cli::support::plugin_input::interests;
use crate::cli::support::plugin_input::settings_names;
use crate::cli::support::project_build::build::{self, Built, check_toolchain, sources};
use crate::cli::ui::out::out;
use crate::cli::ui::out::out_json;
use mockfleet_config::Project;
use mockfleet_metrics::bytes;
use mockfleet_plugin::Engine;

/// Builds the plugin of a project by the command in its plugin.toml, and checks it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet build
  mockfleet build sensor --watch")]
pub(crate) struct Arguments {
    /// The project's folder, with its plugin.toml.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Build again whenever a file of `watch` in plugin.toml changes.
    #[arg(long)]
    watch: bool,
    /// Print one JSON object for each build instead.
    #[arg(long)]
    json: bool,
}

pub(crate) fn build(arguments: &Arguments) -> Result<Ending, Failure> {
    let project = Project::read(&arguments.dir)?;
    check_toolchain(&project)?;
    let engine = engine()?;
    if arguments.watch {
        let sources = sources(&project)?;
        return file_watch::repeat_on_change(
            || sources.clone(),
            || once(&engine, &project, arguments.json),
        );
    }
    once(&engine, &project, arguments.json)
}

/// Builds and checks the plugin, and prints the result.
fn once(engine: &Engine, project: &Project, as_json: bool) -> Result<Ending, Failure> {
    let built = build::build(engine, project)?;
    if as_json {
        out_json!("{}", object(project, &built));
    } else {
        out!("{}", text(project, &built));
    }
    Ok(Ending::Done)
}

fn text(project: &Project, built: &Built) -> String {
    let about = built.plugin.description();
    let list = |items: &[String]| match items {
        [] => "none".to_owned(),
        items => items.join(", "),
    };
    let compiled = match built.plugin.compile_time() {
        Some(time) => format!("compiled for this machine in {}", seconds(time)),
        None => "compiled before".to_owned(),
    };
    let events: Vec<String> = interests(about.interests)
        .into_iter()
        .map(str::to_owned)
        .collect();
    let mut lines = vec![
        format!(
            "{} {}: {}, {}",
            about.name,
            about.version,
            shown(&project.output),
            bytes(built.size)
        ),
        format!("built in {}, {compiled}", seconds(built.took)),
    ];
    if let Some(inputs) = built.plugin.inputs() {
        lines.push(format!("inputs   {inputs}"));
    }
    lines.extend([
        format!("contract {}", built.plugin.contract()),
        format!("channels {}", list(&about.channels)),
        format!("statuses {}", list(&about.statuses)),
        format!("events   {}", list(&events)),
        format!("settings {}", list(&settings_names(&built.plugin))),
    ]);
    lines.join("\n")
}

fn object(project: &Project, built: &Built) -> serde_json::Value {
    let plugin = &built.plugin;
    let about = plugin.description();
    json!({
        "name": about.name,
        "version": about.version,
        "file": project.output.display().to_string(),
        "contract": plugin.contract().to_string(),
        "inputs": plugin.inputs(),
        "size": built.size,
        "build_seconds": built.took.as_secs_f64(),
        "compile_seconds": plugin.compile_time().map(|time| time.as_secs_f64()),
        "channels": about.channels,
        "statuses": about.statuses,
        "events": interests(about.interests),
        "settings": settings_names(plugin),
    })
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Returns a path without a leading `./`.
fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}
