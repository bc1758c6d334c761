//! Builds the plugins that the binary carries, with the same toolchain, into the
//! folder that `plugins/build.sh` uses too.

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
