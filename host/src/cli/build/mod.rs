//! `mockfleet build`: runs a project's own build command, and looks at what came out. Knows
//! no language: `plugin.toml` has the command and what it needs.

mod needs;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::console::Printed;
use super::describe::{interests, refused, settings_names};
use super::run::engine;
use super::{Ending, Failure, changes};
use crate::cli::print::{say, tell};
use mockfleet_config::{Problem, Problems, Project};
use mockfleet_metrics::bytes;
use mockfleet_plugin::{Engine, Plugin};

/// Builds the plugin of a project, as its plugin.toml says, and checks it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet build
  mockfleet build sensor --watch")]
pub(super) struct Arguments {
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

pub(super) fn build(arguments: &Arguments) -> Result<Ending, Failure> {
    let project = Project::read(&arguments.dir)?;
    check_needs(&project)?;
    let engine = engine()?;
    if arguments.watch {
        let sources = sources(&project)?;
        return changes::again(
            || sources.clone(),
            || once(&engine, &project, arguments.json),
        );
    }
    once(&engine, &project, arguments.json)
}

/// What the project is made from.
///
/// # Errors
/// That its plugin.toml names none.
pub(super) fn sources(project: &Project) -> Result<Vec<PathBuf>, Failure> {
    if project.watch.is_empty() {
        let place = project.file().display().to_string();
        let text = "watch names no files; write for example watch = [\"src\"]".to_owned();
        return Err(refused(&place, text));
    }
    Ok(project.watch.clone())
}

/// Builds, checks, and says what came out.
fn once(engine: &Engine, project: &Project, as_json: bool) -> Result<Ending, Failure> {
    let made = made(engine, project)?;
    if as_json {
        say!("{}", object(project, &made));
    } else {
        say!("{}", text(project, &made));
    }
    Ok(Ending::Done)
}

/// What a build made.
pub(super) struct Made {
    plugin: Plugin,
    /// Bytes of the component.
    size: u64,
    /// How long the command took.
    pub(super) built: Duration,
}

/// Whether the toolchain of a project is there.
///
/// # Errors
/// All that is missing.
pub(super) fn check_needs(project: &Project) -> Result<(), Failure> {
    Ok(needs::check(project)?)
}

/// Builds and checks.
pub(super) fn made(engine: &Engine, project: &Project) -> Result<Made, Failure> {
    let place = project.file().display().to_string();
    tell!("{} {}: {}", project.name, project.version, project.build);
    let began = Instant::now();
    command(project).map_err(|text| refused(&place, text))?;
    let built = began.elapsed();
    let size = match std::fs::metadata(&project.output) {
        Ok(found) => found.len(),
        Err(error) => {
            let text = format!(
                "the build wrote no {}: {error}; output names the component that it writes",
                project.output.display()
            );
            return Err(refused(&place, text));
        }
    };
    let printed = Printed::new();
    let loaded = Plugin::load(engine, &project.output, &printed.console());
    printed.take().iter().for_each(|line| tell!("{line}"));
    let plugin = loaded.map_err(|error| refused(&place, error.to_string()))?;
    check(project, &plugin, &place)?;
    Ok(Made {
        plugin,
        size,
        built,
    })
}

/// Runs the build command; what it prints is passed on as it comes.
fn command(project: &Project) -> Result<(), String> {
    let status = Command::new("sh")
        .args(["-c", &project.build])
        .current_dir(&project.folder)
        .stdin(Stdio::null())
        // Results go to standard output, and what a compiler says is talk.
        .stdout(std::io::stderr())
        .status()
        .map_err(|error| format!("build: sh cannot be started: {error}"))?;
    if status.success() {
        return Ok(());
    }
    let how = match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => "was ended by a signal".to_owned(),
    };
    Err(format!(
        "build: `{}` {how}; what it said stands above",
        project.build
    ))
}

/// The component must say of itself what the project says of it.
fn check(project: &Project, plugin: &Plugin, place: &str) -> Result<(), Failure> {
    let about = plugin.description();
    let mut problems = Problems::default();
    let pairs = [
        ("name", &project.name, &about.name),
        ("version", &project.version, &about.version),
    ];
    for (key, here, there) in pairs {
        if here != there {
            problems.push(Problem {
                place: place.to_owned(),
                text: format!(
                    "{key}: here it is {here:?}, and the component says {there:?}; make them the same (in Rust, Cargo.toml has it too)"
                ),
            });
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::Input(problems))
    }
}

fn text(project: &Project, made: &Made) -> String {
    let about = made.plugin.description();
    let list = |items: &[String]| match items {
        [] => "none".to_owned(),
        items => items.join(", "),
    };
    let compiled = match made.plugin.compile_time() {
        Some(time) => format!("compiled for this machine in {}", seconds(time)),
        None => "compiled before".to_owned(),
    };
    let events: Vec<String> = interests(about.interests)
        .into_iter()
        .map(str::to_owned)
        .collect();
    [
        format!(
            "{} {}: {}, {}",
            about.name,
            about.version,
            shown(&project.output),
            bytes(made.size)
        ),
        format!("built in {}, {compiled}", seconds(made.built)),
        format!("contract {}", made.plugin.contract()),
        format!("channels {}", list(&about.channels)),
        format!("statuses {}", list(&about.statuses)),
        format!("events   {}", list(&events)),
        format!("settings {}", list(&settings_names(&made.plugin))),
    ]
    .join("\n")
}

fn object(project: &Project, made: &Made) -> serde_json::Value {
    let plugin = &made.plugin;
    let about = plugin.description();
    json!({
        "name": about.name,
        "version": about.version,
        "file": project.output.display().to_string(),
        "contract": plugin.contract().to_string(),
        "size": made.size,
        "build_seconds": made.built.as_secs_f64(),
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

/// A path without the `./` of where one stands.
fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}
