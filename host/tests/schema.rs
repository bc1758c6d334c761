//! Tests `mockfleet schema` with every fleet file of the repository, and with invalid files.
#![allow(clippy::unwrap_used)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn schema() -> jsonschema::Validator {
    let answer = Command::new(env!("CARGO_BIN_EXE_mockfleet"))
        .arg("schema")
        .output()
        .unwrap();
    assert!(answer.status.success());
    jsonschema::validator_for(&serde_json::from_slice(&answer.stdout).unwrap()).unwrap()
}

/// Returns all fleet files of the repository: TOML files with groups.
fn fleet_files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders = vec![
        root.join("plugins"),
        root.join("host/src"),
        root.join("docs"),
    ];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "toml")
                && std::fs::read_to_string(&path)
                    .unwrap()
                    .contains("[[groups]]")
            {
                files.push(path);
            }
        }
    }
    files
}

fn errors(schema: &jsonschema::Validator, text: &str) -> Vec<String> {
    let file: Value = toml::from_str(text).unwrap();
    let errors = schema.iter_errors(&file);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn every_fleet_file_of_the_repository_is_good() {
    let schema = schema();
    let files = fleet_files();
    assert!(files.len() >= 11, "{files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(errors(&schema, &text), Vec::<String>::new(), "{file:?}");
    }
}

#[test]
fn a_slip_in_a_setting_of_a_built_in_plugin_is_found() {
    let schema = schema();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let file = root.join("plugins/scenario/examples/air-conditioner.toml");
    let good = std::fs::read_to_string(file).unwrap();
    for (right, wrong) in [
        ("start = \"off\"", "strat = \"off\""),
        ("kind = \"walk\"", "kind = \"wallk\""),
        ("step = 0.5", "step = \"0.5\""),
        ("period = \"1h\"", "period = 3600"),
        ("on-tick = false", "on-tick = 0"),
        ("after = \"10m\"", "after = \"10 minutes\""),
        ("send = [\"reply\"]", "sned = [\"reply\"]"),
        ("count = 20", "cuont = 20"),
        ("qos = 1\n[", "qos = 3\n["),
    ] {
        assert!(good.contains(right), "{right}");
        let text = good.replace(right, wrong);
        assert_ne!(errors(&schema, &text), Vec::<String>::new(), "{wrong}");
    }
}
