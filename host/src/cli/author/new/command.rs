//! `mockfleet new`: writes the files of a project.
//!
//! The project is complete or not there at all.

use std::path::{Path, PathBuf};

use crate::cli::author::new::template_files::{self, Language};
use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::exit::refused;
use crate::cli::ui::out::err;
use crate::cli::ui::out::out;

/// Creates a project with your own device: its source, a unit test, plugin.toml (the build
/// command), fleet.toml (ten of these devices), a README, and the SDK of the language.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet new sensor --lang python
  cd sensor && mockfleet build && mockfleet try .")]
pub(crate) struct Arguments {
    /// The folder to create. Its last part is the plugin's name: lowercase letters, digits and
    /// hyphens.
    name: PathBuf,
    /// The language of the device.
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    lang: Language,
}

/// Maximum length of a name, which npm and cargo accept too.
const LONGEST: usize = 64;

/// Names that cargo refuses for a package: keywords, and crates that Rust includes.
const TAKEN: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mockfleet",
    "mockfleet-sdk",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

pub(crate) fn new(arguments: &Arguments) -> Result<Ending, Failure> {
    let folder = &arguments.name;
    let name = folder
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    check_name(name).map_err(|text| refused("NAME", text))?;
    if folder.symlink_metadata().is_ok() {
        let text = format!(
            "{} exists already; take another name, or move it away",
            folder.display()
        );
        return Err(refused("NAME", text));
    }
    write(folder, name, arguments.lang).map_err(|error| {
        let text = format!(
            "{} cannot be written: {error}; give a name in a folder that this user can write to",
            folder.display()
        );
        refused("NAME", text)
    })?;
    out!("{}", folder.display());
    err!(
        "a project in {} is there; `mockfleet build {}` builds it, and its README.md has the rest",
        folder.display(),
        folder.display()
    );
    Ok(Ending::Done)
}

/// Checks a name by the rules of cargo, npm and fleet files.
fn check_name(name: &str) -> Result<(), String> {
    let right =
        "a name has lowercase letters, digits and hyphens, and begins with a letter: \"my-sensor\"";
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let sound = name
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !begins || !sound || name.ends_with('-') || name.contains("--") {
        return Err(format!("{name:?} is no name of a package; {right}"));
    }
    if name.len() > LONGEST {
        return Err(format!(
            "{name:?} has {} letters; at most {LONGEST} are right; take a shorter name",
            name.len()
        ));
    }
    if TAKEN.contains(&name) {
        return Err(format!(
            "{name:?} means something else to Rust or mockfleet; take another name, such as \"my-{name}\""
        ));
    }
    Ok(())
}

/// Writes the project to a temporary folder next to its path, and moves it there.
fn write(folder: &Path, name: &str, language: Language) -> std::io::Result<()> {
    let parent = match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // The folder is removed if a step fails.
    let beside = tempfile::Builder::new()
        .prefix(&format!(".{name}-"))
        .tempdir_in(parent)?;
    let made = beside.path().join(name);
    for (path, content) in template_files::project(name, language)? {
        let file = made.join(path);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(file, content)?;
    }
    std::fs::rename(made, folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_every_language_takes() {
        for name in ["sensor", "my-sensor-2", "a"] {
            assert_eq!(check_name(name), Ok(()));
        }
        for name in [
            "",
            "Sensor",
            "2nd",
            "-a",
            "a-",
            "a--b",
            "my_sensor",
            "sensor.py",
            "müll",
            "fn",
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_name(&"a".repeat(65)).is_err());
    }
}
