//! Builds the plugins that the binary carries, with the same toolchain, into the
//! folder that `plugins/build.sh` uses too; and lists the files of the SDKs and templates
//! that `mockfleet new` writes.

// A build script's only way to say that it failed is to panic.
#![expect(clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

const PLUGINS: [&str; 4] = ["thermometer", "vehicle", "meter", "scenario"];

fn main() {
    let host = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(variable("OUT_DIR"));
    let root = host.parent().expect("host/ lies in the repository");
    let plugins = root.join("plugins");
    for watched in [
        "plugins/Cargo.toml",
        "plugins/Cargo.lock",
        "plugins/.cargo",
        "sdk/rust/src",
        "sdk/rust/Cargo.toml",
        "wit",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    for name in PLUGINS {
        println!(
            "cargo::rerun-if-changed={}",
            plugins.join(name).join("src").display()
        );
        println!(
            "cargo::rerun-if-changed={}",
            plugins.join(name).join("Cargo.toml").display()
        );
    }
    let target = plugins.join("target");
    build(&plugins, &target);
    for name in PLUGINS {
        let built = target
            .join("wasm32-wasip2/release")
            .join(format!("{name}.wasm"));
        let copy = out.join(format!("{name}.wasm"));
        std::fs::copy(&built, &copy).unwrap_or_else(|error| panic!("{}: {error}", built.display()));
    }
    list_kit(root, &out);
}

/// What `mockfleet new` writes, below the repository's root: folders and files.
const KIT: [&str; 13] = [
    "sdk/templates",
    "sdk/rust/Cargo.toml",
    "sdk/rust/README.md",
    "sdk/rust/src",
    "sdk/python/README.md",
    "sdk/python/pyproject.toml",
    "sdk/python/src",
    "sdk/js/README.md",
    "sdk/js/package.json",
    "sdk/js/src",
    "sdk/js/types",
    "sdk/js/wit",
    "wit",
];

/// Writes the list of these files with their contents, which `kit.rs` includes.
fn list_kit(root: &Path, out: &Path) {
    let mut files = Vec::new();
    for place in KIT {
        println!("cargo::rerun-if-changed={}", root.join(place).display());
        walk(&root.join(place), &mut files);
    }
    files.sort();
    let mut text = String::from("&[\n");
    for file in files {
        let below = file.strip_prefix(root).expect("it lies below the root");
        let (below, whole) = (below.display().to_string(), file.display().to_string());
        text.push_str(&format!("    ({below:?}, include_bytes!({whole:?})),\n"));
    }
    text.push(']');
    let list = out.join("kit.rs");
    std::fs::write(&list, text).unwrap_or_else(|error| panic!("{}: {error}", list.display()));
}

fn walk(place: &Path, files: &mut Vec<PathBuf>) {
    if !place.is_dir() {
        files.push(place.to_owned());
        return;
    }
    let entries =
        std::fs::read_dir(place).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    for entry in entries {
        let path = entry.expect("an entry of a folder").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // What tools leave beside the sources.
        if !(name.starts_with("__pycache__") || name.ends_with(".egg-info") || name == "build") {
            walk(&path, files);
        }
    }
}

/// A build of its own: what cargo says to this script's build (flags, target, lints)
/// must not reach it, or it would build anew each time, and for the wrong machine.
fn build(plugins: &Path, target: &Path) {
    let mut cargo = Command::new(variable("CARGO"));
    let kept = ["CARGO_HOME", "CARGO_NET_OFFLINE"];
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let foreign =
            name.starts_with("CARGO") || name.starts_with("RUSTC") || name.starts_with("RUSTFLAGS");
        if foreign && !kept.contains(&name.as_str()) {
            cargo.env_remove(&name);
        }
    }
    let status = cargo
        .args([
            "build",
            "--locked",
            "--release",
            "--target",
            "wasm32-wasip2",
        ])
        .current_dir(plugins)
        .env("CARGO_TARGET_DIR", target)
        .status();
    let done = status.is_ok_and(|status| status.success());
    assert!(
        done,
        "the built-in plugins could not be built; is the target there? `rustup target add wasm32-wasip2` installs it"
    );
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}
