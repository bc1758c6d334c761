//! Collects the files of a new project from the built-in archive.

use std::collections::BTreeMap;

/// A language that devices are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Language {
    Rust,
    Python,
    Js,
    Ts,
    C,
    Zig,
}

impl Language {
    fn template(self) -> &'static str {
        match self {
            Self::Rust => "sdk/templates/rust/",
            Self::Python => "sdk/templates/python/",
            Self::Js => "sdk/templates/js/",
            Self::Ts => "sdk/templates/ts/",
            Self::C => "sdk/templates/c/",
            Self::Zig => "sdk/templates/zig/",
        }
    }

    /// Returns whether the bindings are generated from the contract in the project.
    fn needs_contract(self) -> bool {
        matches!(self, Self::Rust | Self::C | Self::Zig)
    }

    /// The folders of the SDK, with the crates that it needs.
    fn sdk(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["sdk/rust/", "sdk/datafile/"],
            Self::Python => &["sdk/python/"],
            Self::Js | Self::Ts => &["sdk/js/"],
            Self::C => &["sdk/c/"],
            Self::Zig => &["sdk/zig/", "sdk/c/"],
        }
    }
}

/// The files of a new project of this name, by their paths in its folder.
///
/// # Errors
/// The archive inside the program is damaged.
pub(crate) fn project(
    name: &str,
    language: Language,
) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    let mut project = BTreeMap::new();
    for (path, content) in mockfleet_builtin::template_files()? {
        if let Some(path) = path.strip_prefix(language.template()) {
            project.insert(placed(path), filled(&content, name));
        } else if language.sdk().iter().any(|sdk| path.starts_with(sdk)) {
            project.insert(format!(".mockfleet/{path}"), vendored(&path, content));
        } else if path.starts_with("wit/") && language.needs_contract() {
            project.insert(format!(".mockfleet/{path}"), content);
        }
    }
    Ok(project)
}

/// Returns the path of a template's file in the project. Files whose names begin with a dot would
/// affect tools in this repository.
fn placed(path: &str) -> String {
    match path {
        "gitignore" => ".gitignore".into(),
        "cargo-config.toml" => ".cargo/config.toml".into(),
        other => other.to_owned(),
    }
}

fn filled(content: &[u8], name: &str) -> Vec<u8> {
    String::from_utf8_lossy(content)
        .replace("{{name}}", name)
        .replace("{{crate}}", &name.replace('-', "_"))
        .replace("{{version}}", env!("CARGO_PKG_VERSION"))
        .into_bytes()
}

/// Returns a file of an SDK for use outside this repository.
fn vendored(path: &str, content: Vec<u8>) -> Vec<u8> {
    match path {
        "sdk/rust/Cargo.toml" | "sdk/datafile/Cargo.toml" => {
            manifest(&String::from_utf8_lossy(&content)).into_bytes()
        }
        _ => content,
    }
}

/// Returns the manifest of a crate of the Rust SDK without its workspace, tests and examples.
fn manifest(text: &str) -> String {
    let inherited = [
        ("version.workspace = true", env!("CARGO_PKG_VERSION")),
        ("edition.workspace = true", "2024"),
        (
            "rust-version.workspace = true",
            env!("CARGO_PKG_RUST_VERSION"),
        ),
        ("license.workspace = true", env!("CARGO_PKG_LICENSE")),
    ];
    let mut kept = true;
    let mut manifest = String::new();
    for line in text.lines() {
        if line.starts_with('[') {
            kept = !["[dev-dependencies]", "[lints]", "[[example]]", "[[test]]"].contains(&line);
        }
        if !kept {
            continue;
        }
        match inherited.iter().find(|(from, _)| *from == line) {
            Some((from, value)) => {
                let key = from.split('.').next().unwrap_or_default();
                manifest.push_str(&format!("{key} = {value:?}\n"));
            }
            None => {
                manifest.push_str(line);
                manifest.push('\n');
            }
        }
    }
    manifest
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn a_project_has_its_template_and_the_sdk_of_its_language_only() {
        for language in Language::value_variants() {
            let project = project("my-sensor", *language).unwrap();
            let has = |path: &str| project.contains_key(path);
            assert!(has("plugin.toml") && has("fleet.toml") && has("README.md"));
            assert!(has(".gitignore") && !has("gitignore"), "{language:?}");
            let sdks = [
                "rust/Cargo.toml",
                "python/pyproject.toml",
                "js/package.json",
                "c/include/mockfleet.h",
            ];
            let there = sdks.map(|file| has(&format!(".mockfleet/sdk/{file}")));
            assert_eq!(
                there.iter().filter(|there| **there).count(),
                1,
                "{language:?}"
            );
            for (path, content) in &project {
                let text = String::from_utf8_lossy(content);
                let own = !path.starts_with(".mockfleet");
                assert!(!own || !text.contains("{{"), "{path} has a hole");
                assert!(
                    !path.contains("__pycache__") && !path.contains("/test/"),
                    "{path}"
                );
            }
        }
    }

    #[test]
    fn project_in_zig_has_the_sdk_for_c_and_the_contract() {
        for (language, zig) in [(Language::C, false), (Language::Zig, true)] {
            let project = project("my-sensor", language).unwrap();
            let has = |path: &str| project.contains_key(path);
            assert!(has(".mockfleet/sdk/c/src/plugin.c") && has(".mockfleet/wit/device.wit"));
            assert_eq!(has(".mockfleet/sdk/zig/mockfleet.zig"), zig);
        }
    }

    #[test]
    fn the_rust_sdk_stands_alone() {
        let project = project("my-sensor", Language::Rust).unwrap();
        for name in ["rust", "datafile"] {
            let file = format!(".mockfleet/sdk/{name}/Cargo.toml");
            let text = String::from_utf8_lossy(&project[&file]);
            assert!(!text.contains("workspace"), "{text}");
            assert!(!text.contains("example"), "{text}");
        }
        let text = String::from_utf8_lossy(&project[".mockfleet/sdk/rust/Cargo.toml"]);
        assert!(text.contains("name = \"mockfleet-sdk\"") && text.contains("wit-bindgen"));
        assert!(project.contains_key(".mockfleet/wit/device.wit"));
    }
}
