//! Checks that the toolchain of a project is installed.
//!
//! A missing or old part is reported with the command that installs it.

use std::process::{Command, Stdio};

use mockfleet_config::{Problem, Problems, Project, Requirement};

/// Checks every part of the toolchain.
///
/// # Errors
/// Returns all missing parts.
pub(crate) fn check(project: &Project) -> Result<(), Problems> {
    let mut problems = Problems::default();
    for need in &project.needs {
        if let Err(text) = check_one(project, need) {
            problems.push(Problem {
                place: project.file().display().to_string(),
                text,
            });
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

fn check_one(project: &Project, need: &Requirement) -> Result<(), String> {
    let Requirement { what, install, .. } = need;
    let least = need.least.as_deref().unwrap_or_default();
    let wanted = if least.is_empty() {
        String::new()
    } else {
        format!(" {least} or newer")
    };
    let output = Command::new("sh")
        .args(["-c", &need.check])
        .current_dir(&project.folder)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|error| format!("sh cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "{what}{wanted}: missing (`{}` fails); this installs it:\n  {install}",
            need.check
        ));
    }
    need.is_met_by(&String::from_utf8_lossy(&output.stdout))
        .map_err(|found| {
            format!(
                "{what}{wanted}: {found} is there, which is too old; this installs it:\n  {install}"
            )
        })
}
