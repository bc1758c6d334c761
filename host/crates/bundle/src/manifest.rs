//! Describes the parts of a bundle.

use serde::{Deserialize, Serialize};

/// Name of the manifest's entry, the first of the archive.
pub(super) const NAME: &str = "manifest.json";

/// Format of the manifest. A later format is refused, and an earlier one is read.
pub(super) const FORMAT: u32 = 1;

/// The list of parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Format of the bundle.
    pub format: u32,
    /// Version of mockfleet that packed the bundle.
    pub mockfleet: String,
    /// Latest contract of the bundle's plugins: `mockfleet:device@0.1.0`.
    pub contract: String,
    /// The part that is the fleet file.
    pub fleet: String,
    /// Every part, in the order of the archive.
    pub parts: Vec<Part>,
}

/// A file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Path of the part in the archive: `plugins/meter.wasm`.
    pub path: String,
    /// The kind.
    pub kind: Kind,
    /// Size of the unpacked part in bytes.
    pub size: u64,
    /// SHA-256 of the unpacked part, in hex.
    pub sha256: String,
    /// A plugin's name and version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// SHA-256 of everything that a plugin was built from, in hex, if its build wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
}

/// The kind of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Fleet,
    Plugin,
    Data,
    Certificate,
}

impl Kind {
    /// Returns the name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fleet => "fleet",
            Self::Plugin => "plugin",
            Self::Data => "data",
            Self::Certificate => "certificate",
        }
    }
}

/// Returns whether a part may have this path. It must stay below the folder of the bundle on
/// any system, and must not be the manifest.
pub(super) fn is_plain(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let step = |step: &str| !step.is_empty() && !step.starts_with('.') && step.chars().all(plain);
    path.len() <= 200 && path != NAME && path.split('/').all(step)
}

/// Returns the last component of a path as a valid name of a part.
pub(super) fn plain_name(path: &str) -> String {
    let last = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let fit = |c: char| match c {
        c if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') => c,
        _ => '_',
    };
    let name: String = last.chars().take(100).map(fit).collect();
    let name = name.trim_start_matches('.');
    match name {
        "" => "file".into(),
        name if name == NAME => format!("_{name}"),
        name => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parts_lead_nowhere_else() {
        for good in ["fleet.toml", "plugins/meter-0.1.0.wasm", "data/a_b.csv"] {
            assert!(is_plain(good), "{good}");
        }
        let tricks = [
            "",
            "/etc/passwd",
            "../x",
            "a/../x",
            "a/..",
            "a//b",
            "./a",
            "a/./b",
            ".ssh/x",
            "C:x",
            "a\\b",
            "a\0b",
            "\u{fc}",
            "a/",
            NAME,
        ];
        for trick in tricks {
            assert!(!is_plain(trick), "{trick:?}");
        }
        assert!(!is_plain(&"a".repeat(300)));
    }

    #[test]
    fn any_file_gets_a_name_that_a_part_may_have() {
        let names = [
            ("../target/my plugin.wasm", "my_plugin.wasm"),
            ("/srv/data/w\u{e4}rme.csv", "w_rme.csv"),
            ("..", "file"),
            ("manifest.json", "_manifest.json"),
        ];
        for (path, name) in names {
            assert_eq!(plain_name(path), name);
            assert!(is_plain(name));
        }
    }
}
