//! Parses small fleet files for tests.

use std::path::Path;

use crate::document::overrides::Override;
use crate::fleet::{Fleet, InvalidConfig};
use crate::plan::fleet::Plan;

pub(crate) const SMALL: &str = r#"
[targets.broker]
url = "mqtt://127.0.0.1:1883"
[targets.broker.channels]
telemetry = { topic = "site/{device}/telemetry" }

[[groups]]
name = "a"
plugin = "builtin:thermometer"
count = 10
every = "1s"
"#;

pub(crate) fn parse(text: &str, changes: &[&str]) -> Result<Fleet, InvalidConfig> {
    let overrides: Vec<_> = changes
        .iter()
        .map(|change| Override::parse(change).unwrap())
        .collect();
    Fleet::parse(text, "fleet.toml", Path::new("."), &overrides)
}

pub(crate) fn plan(changes: &[&str]) -> Plan {
    parse(SMALL, changes).unwrap().plan
}

pub(crate) fn refusal(text: &str, changes: &[&str]) -> String {
    parse(text, changes).unwrap_err().problems.to_string()
}

pub(crate) fn staged(stages: &str) -> String {
    let stages = stages.split(" | ").map(|stage| {
        let keys = stage.replace("; ", "\n");
        format!("\n[[groups.stages]]\n{keys}\n")
    });
    format!("{SMALL}{}", stages.collect::<String>())
}
