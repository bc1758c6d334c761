//! Prints the cases of a benchmark, and writes them to a file.
//!
//! At the end, `target/bench/NAME.json` has the machine, the commit and the figures of every
//! round.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::case::Case;
use super::machine;
use crate::measure::short;

/// A benchmark in progress.
pub(crate) struct Bench {
    name: &'static str,
    cases: Vec<Value>,
}

impl Bench {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            cases: Vec::new(),
        }
    }

    /// Prints a case and stores it.
    pub(crate) fn add(&mut self, case: &Case) {
        println!("{}", case.line());
        self.cases.push(case.json());
    }

    /// Writes the results.
    pub(crate) fn finish(self) {
        let file = folder().join(format!("{}.json", self.name));
        let report = json!({
            "bench": self.name,
            "command": command(self.name),
            "short": short(),
            "date": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "commit": machine::commit(),
            "machine": machine::machine(),
            "cases": self.cases,
        });
        let text = serde_json::to_string_pretty(&report).expect("numbers and text");
        let written = file.parent().map(std::fs::create_dir_all);
        written.expect("a folder").expect("target can be written");
        std::fs::write(&file, text + "\n").expect("target can be written");
        println!("written to {}", file.display());
    }
}

/// Returns `target/bench`, for any location of the build's folder.
fn folder() -> PathBuf {
    // target/release/deps/NAME-HASH
    let exe = std::env::current_exe().expect("this program");
    let target = exe.ancestors().nth(3).expect("a build's folder");
    target.join("bench")
}

fn command(name: &str) -> String {
    // The arguments after `alone NAME`.
    let options: Vec<String> = std::env::args().skip(3).collect();
    let words = ["cargo bench --", name].into_iter();
    let words: Vec<&str> = words.chain(options.iter().map(String::as_str)).collect();
    words.join(" ")
}
