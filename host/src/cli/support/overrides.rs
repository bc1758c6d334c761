//! Reads the options that override keys of a fleet file.

use mockfleet_config::{Override, Problems};

/// Options that override keys of a fleet file for a run.
#[derive(Debug, clap::Args)]
pub(crate) struct RunOverrides {
    /// Duration of the run: 30s, 10m, 1h30m.
    #[arg(long, value_name = "TIME")]
    duration: Option<String>,
    #[command(flatten)]
    changes: CommonOverrides,
}

/// Options that override keys for every command that runs a fleet.
#[derive(Debug, clap::Args)]
pub(crate) struct CommonOverrides {
    /// The send log: a folder, s3://bucket/prefix, or none.
    #[arg(long, value_name = "URL")]
    log: Option<String>,
    /// The seed: same seed, same run.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Set a key of the fleet file, with groups and targets by name:
    /// groups.thermometer.every=500ms. Repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl RunOverrides {
    /// Returns the overrides in order of precedence: the last one wins, and own options are
    /// last.
    pub(crate) fn overrides(&self) -> Result<Vec<Override>, Problems> {
        let mut overrides = self.changes.overrides()?;
        overrides.extend(self.duration.as_ref().map(|duration| Override {
            shown: "--duration".into(),
            path: vec!["duration".into()],
            value: duration.clone(),
        }));
        Ok(overrides)
    }
}

impl CommonOverrides {
    /// Returns the overrides in order of precedence: the last one wins, and own options are
    /// last.
    pub(crate) fn overrides(&self) -> Result<Vec<Override>, Problems> {
        let mut problems = Problems::default();
        let mut overrides = Vec::new();
        for text in &self.set {
            match Override::parse(text) {
                Ok(change) => overrides.push(change),
                Err(problem) => problems.push(problem),
            }
        }
        let option = |shown: &str, path: &[&str], value: &str| Override {
            shown: shown.to_owned(),
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            value: value.to_owned(),
        };
        if let Some(log) = &self.log {
            overrides.push(option("--log", &["log", "store"], log));
        }
        if let Some(seed) = self.seed {
            overrides.push(option("--seed", &["seed"], &seed.to_string()));
        }
        if problems.is_empty() {
            Ok(overrides)
        } else {
            Err(problems)
        }
    }
}
