//! The borders between the modules hold: who may know whom, read from the source.
// Functions beside the tests are tests to people, not to clippy.
#![allow(clippy::unwrap_used)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

/// Modules that must not know these others.
const STRANGERS: &[(&str, &[&str])] = &[
    (
        "fleet",
        &[
            "plugin",
            "transport",
            "sendlog",
            "run",
            "forecast",
            "status",
            "cli",
            "bundle",
            "fetch",
        ],
    ),
    (
        "plugin",
        &[
            "fleet",
            "transport",
            "sendlog",
            "run",
            "forecast",
            "status",
            "cli",
        ],
    ),
    (
        "transport",
        &["plugin", "sendlog", "run", "forecast", "status", "cli"],
    ),
    (
        "sendlog",
        &["plugin", "transport", "run", "forecast", "status", "cli"],
    ),
    (
        "status",
        &[
            "fleet",
            "plugin",
            "transport",
            "sendlog",
            "run",
            "forecast",
            "cli",
        ],
    ),
    (
        "tables",
        &[
            "plugin",
            "transport",
            "run",
            "forecast",
            "status",
            "verify",
            "report",
            "cli",
        ],
    ),
    (
        "verify",
        &[
            "plugin",
            "transport",
            "run",
            "forecast",
            "status",
            "report",
            "cli",
        ],
    ),
    (
        "report",
        &[
            "fleet",
            "plugin",
            "transport",
            "run",
            "forecast",
            "verify",
            "cli",
        ],
    ),
    (
        "run",
        &["forecast", "report", "verify", "cli", "bundle", "fetch"],
    ),
    (
        "bundle",
        &[
            "plugin",
            "transport",
            "sendlog",
            "run",
            "forecast",
            "report",
            "verify",
            "status",
            "fetch",
            "cli",
        ],
    ),
    (
        "fetch",
        &[
            "plugin",
            "transport",
            "fleet",
            "run",
            "forecast",
            "report",
            "verify",
            "status",
            "bundle",
            "cli",
        ],
    ),
    ("forecast", &["plugin", "transport", "status", "cli"]),
];

/// Crates, and the only parts of the source that may use each.
const CRATES: &[(&str, &[&str])] = &[
    ("wasmtime", &["plugin"]),
    ("wasmtime_wasi", &["plugin"]),
    ("rumqttc", &["transport/mqtt"]),
    ("reqwest", &["transport/http.rs", "fetch/https.rs"]),
    ("arrow_array", &["sendlog"]),
    ("arrow_schema", &["sendlog"]),
    ("parquet", &["sendlog"]),
    ("object_store", &["sendlog"]),
    ("csv_core", &["tables/csv.rs"]),
    ("postgres", &["tables"]),
    ("rumqttd", &["cli/demo.rs"]),
    ("anyhow", &["cli"]),
    ("clap", &["cli"]),
    ("toml", &["fleet"]),
    ("quick_xml", &["report"]),
    ("zip", &["bundle"]),
    ("toml_edit", &["bundle"]),
    ("textplots", &["report/plot/canvas.rs"]),
];

/// All source files, by their path below `src`, without comments and tests.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let name = path.strip_prefix(&root).unwrap().display().to_string();
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
                let lines = code
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"));
                sources.push((name, lines.collect::<Vec<_>>().join("\n")));
            }
        }
    }
    assert!(sources.len() > 50, "the source is where the test looks");
    sources
}

/// Whether `path` begins a path in the code: `wasmtime::`, but not `my_wasmtime::`.
fn uses(code: &str, path: &str) -> bool {
    let wanted = format!("{path}::");
    code.match_indices(&wanted).any(|(at, _)| {
        let before = code.get(..at).unwrap().chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':')
    })
}

#[test]
fn modules_know_only_whom_they_may() {
    let mut crossed = Vec::new();
    for (name, code) in sources() {
        for (module, strangers) in STRANGERS {
            let inside = name.starts_with(&format!("{module}/"));
            for stranger in strangers
                .iter()
                .filter(|_| inside && !name.starts_with("sendlog/tests/"))
            {
                if uses(&code, &format!("crate::{stranger}")) {
                    crossed.push(format!("{name} uses {stranger}"));
                }
            }
        }
    }
    assert_eq!(crossed, Vec::<String>::new());
}

#[test]
fn each_large_crate_has_one_home() {
    let mut strayed = Vec::new();
    for (name, code) in sources() {
        for (library, homes) in CRATES {
            let at_home = homes.iter().any(|home| name.starts_with(home));
            if uses(&code, library) && !at_home {
                strayed.push(format!("{name} uses {library}"));
            }
        }
    }
    assert_eq!(strayed, Vec::<String>::new());
}

#[test]
fn the_test_itself_sees_what_it_looks_for() {
    assert!(uses("use crate::plugin::Cell;", "crate::plugin"));
    assert!(uses("let e = wasmtime::Engine::default();", "wasmtime"));
    assert!(!uses("my_wasmtime::x", "wasmtime"));
    assert!(!uses("crate::plugins::x", "crate::plugin"));
    let sources = sources();
    let (_, http) = sources
        .iter()
        .find(|(name, _)| name == "transport/http.rs")
        .unwrap();
    assert!(uses(http, "reqwest"));
}
