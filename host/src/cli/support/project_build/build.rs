//! Runs a project's build command and checks the component.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mockfleet_config::{Problem, Problems, Project};
use mockfleet_plugin::{Engine, Plugin};

use crate::cli::support::exit::{Failure, refused};
use crate::cli::support::project_build::{core_module, toolchain};
use crate::cli::ui::guest_output::GuestOutput;
use crate::cli::ui::out::err;

/// Returns the source files of a project.
///
/// # Errors
/// If its plugin.toml names none.
pub(crate) fn sources(project: &Project) -> Result<Vec<PathBuf>, Failure> {
    if project.watch.is_empty() {
        let place = project.file().display().to_string();
        let text = "watch names no files; write for example watch = [\"src\"]".to_owned();
        return Err(refused(&place, text));
    }
    Ok(project.watch.clone())
}

/// The result of a build.
pub(crate) struct Built {
    pub(crate) plugin: Plugin,
    /// Size of the component in bytes.
    pub(crate) size: u64,
    /// Duration of the build.
    pub(crate) took: Duration,
}

/// Checks that the toolchain of a project is installed.
///
/// # Errors
/// Returns all missing parts.
pub(crate) fn check_toolchain(project: &Project) -> Result<(), Failure> {
    Ok(toolchain::check(project)?)
}

/// Builds the plugin, and checks it.
pub(crate) fn build(engine: &Engine, project: &Project) -> Result<Built, Failure> {
    let place = project.file().display().to_string();
    err!("{} {}: {}", project.name, project.version, project.build);
    let began = Instant::now();
    core_module::prepare(engine, project)
        .and_then(|()| command(project))
        .and_then(|()| core_module::componentize(engine, project))
        .map_err(|text| refused(&place, text))?;
    let took = began.elapsed();
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
    let printed = GuestOutput::new();
    let loaded = Plugin::load(engine, &project.output, &printed.console());
    printed.take().iter().for_each(|line| err!("{line}"));
    let plugin = loaded.map_err(|error| refused(&place, error.to_string()))?;
    check(project, &plugin, &place)?;
    Ok(Built { plugin, size, took })
}

/// Runs the build command, and passes its output on.
fn command(project: &Project) -> Result<(), String> {
    let status = Command::new("sh")
        .args(["-c", &project.build])
        .current_dir(&project.folder)
        .env("MOCKFLEET_NAME", &project.name)
        .env("MOCKFLEET_VERSION", &project.version)
        .stdin(Stdio::null())
        // Standard output is for results; the output of a compiler is not one.
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
        "build: `{}` {how}; its output is above",
        project.build
    ))
}

/// Checks that the component and the project have the same name and version, and the schema of
/// its settings.
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
    if let Some(text) = mockfleet_engine::broken_schema(plugin) {
        problems.push(Problem {
            place: place.to_owned(),
            text,
        });
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Failure::Input(problems))
    }
}
