//! The fleet file: from TOML text to one checked [`Plan`]. Every problem is collected
//! and named with its line; nothing here runs anything.
//!
//! `tree` is the text with the environment and the command line worked in, `keys`
//! reads tables of it, `top`, `targets` and `groups` know which keys there are, and
//! [`plan`] is what comes out. [`prices`] and [`Project`] are the other files of this form.

mod address;
mod bound;
mod checks;
pub mod faults;
mod file;
mod groups;
mod keys;
pub mod plan;
pub mod prices;
mod problem;
mod project;
mod received;
mod redact;
mod schema;
mod stages;
mod store;
mod suggest;
mod targets;
mod template;
mod top;
mod tree;
mod units;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

pub use bound::{Bound, Comparison, Limit, Metric, WHOLE};
pub use checks::{Check, Checks, Scope, check};
pub use faults::{CutTo, Family, Fault, FaultKind, Moments, When};
pub use file::{File, Files};
pub use plan::*;
pub use prices::Prices;
pub use problem::{Problem, Problems};
pub use project::{Need, Project, component};
pub use received::{Most, ReceivedCheck, WRONGS};
pub use redact::shown_argument;
pub use schema::{Settings, schema};
pub use suggest::among;
pub use template::{Name, Names, Template};
pub use tree::{Override, asked_of_environment};
pub use units::{ByteSize, Rate, duration, moment, shown};

use tree::Node;

/// A fleet file that was read.
pub struct Fleet {
    /// What it asks for.
    pub plan: Plan,
    /// Its text as it was written, without secrets: nothing of the environment is in it.
    pub source: String,
    /// What the command line changed: the option as it was typed, and its value without
    /// secrets.
    pub changes: Vec<(String, String)>,
    /// The file as it is shown.
    shown: String,
    /// What the user named, where that is not the file itself.
    given: Option<String>,
    tree: Node,
}

impl fmt::Debug for Fleet {
    /// The plan only: the tree holds secrets as they were given.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fleet").field(&self.plan).finish()
    }
}

/// A fleet file that cannot be run as it stands.
#[derive(Debug)]
pub struct Refused {
    /// All that is wrong with the file itself.
    pub problems: Problems,
    /// What is good in it, so that the rest of what is wrong (with its plugins,
    /// their settings, its store) can be found out in the same go. `None` where the
    /// text is no TOML.
    pub rest: Option<Box<Fleet>>,
}

impl From<Refused> for Problems {
    fn from(refused: Refused) -> Self {
        refused.problems
    }
}

impl Fleet {
    /// Reads a fleet file, with the changes of the command line.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(file: &Path, overrides: &[Override]) -> Result<Self, Refused> {
        let shown = file.display().to_string();
        let text = std::fs::read(file)
            .map_err(|error| format!("the fleet file cannot be read: {error}"))
            .and_then(|bytes| {
                String::from_utf8(bytes)
                    .map_err(|_| "this is no text in UTF-8, so no fleet file".to_owned())
            })
            .map_err(|text| {
                let mut problems = Problems::default();
                problems.push(Problem {
                    place: shown.clone(),
                    text,
                });
                Refused {
                    problems,
                    rest: None,
                }
            })?;
        let folder = match file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        Self::parse(&text, &shown, folder, overrides)
    }

    /// Reads a fleet file that came without a folder, from an address: it reads no files.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read_alone(bytes: &[u8], shown: &str, overrides: &[Override]) -> Result<Self, Refused> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            let mut problems = Problems::default();
            problems.push(Problem {
                place: shown.to_owned(),
                text: "this is neither a bundle nor a fleet file: no text in UTF-8".into(),
            });
            return Err(Refused {
                problems,
                rest: None,
            });
        };
        let files = Files::Parts {
            shown,
            parts: &BTreeMap::new(),
        };
        Self::parse_in(text, shown, files, overrides)
    }

    /// Reads the text of a fleet file; `shown` is its name in messages, and relative
    /// paths in it start at `folder`.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse(
        text: &str,
        shown: &str,
        folder: &Path,
        overrides: &[Override],
    ) -> Result<Self, Refused> {
        Self::parse_in(text, shown, Files::Folder(folder), overrides)
    }

    /// The same for a text whose relative paths lead to these files.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse_in(
        text: &str,
        shown: &str,
        files: Files<'_>,
        overrides: &[Override],
    ) -> Result<Self, Refused> {
        let mut problems = Problems::default();
        let mut tree = tree::parse(text, shown, &mut problems);
        if !problems.is_empty() {
            // What else seems to be wrong may only be what could not be read.
            return Err(Refused {
                problems,
                rest: None,
            });
        }
        for change in overrides {
            change.apply(&mut tree, &mut problems);
        }
        let (plan, problems) = top::plan(&tree, shown, files, problems);
        let fleet = plan.map(|plan| Self {
            plan,
            source: redact::redacted(text),
            changes: overrides.iter().map(Override::shown_value).collect(),
            shown: shown.to_owned(),
            given: None,
            tree,
        });
        match fleet {
            Some(fleet) if problems.is_empty() => Ok(fleet),
            fleet => Err(Refused {
                problems,
                rest: fleet.map(Box::new),
            }),
        }
    }

    /// The file as it is shown in messages.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The same fleet as part of what the user named: a bundle, an address.
    #[must_use]
    pub fn given_as(mut self, given: &str) -> Self {
        self.given = Some(given.to_owned());
        self
    }

    /// What a user names to run it again.
    #[must_use]
    pub fn given(&self) -> &str {
        self.given.as_deref().unwrap_or(&self.shown)
    }

    /// The place of a key, groups by name: `fleet.toml:14`, or the option that set
    /// it. A key that is not there has the place of the table where it would be.
    #[must_use]
    pub fn place(&self, path: &[&str]) -> String {
        let node = self.tree.nearest(path);
        if std::ptr::eq(node, &raw const self.tree) {
            return self.shown.clone();
        }
        tree::place(&self.shown, &node.at)
    }
}

/// All keys that a fleet file can have, by table; the reference in `docs/` is held
/// against it.
#[cfg(test)]
const TABLES: &[(&str, &[&str])] = &[
    ("Top level", top::KEYS),
    ("clock", top::CLOCK_KEYS),
    ("[log]", top::LOG_KEYS),
    ("roll of [log]", top::ROLL_KEYS),
    ("[checks]", checks::KEYS),
    ("[targets.NAME]", targets::COMMON_KEYS),
    ("tls of [targets.NAME]", targets::TLS_KEYS),
    ("[targets.NAME] with MQTT", targets::MQTT_KEYS),
    ("will of [targets.NAME]", targets::WILL_KEYS),
    (
        "[targets.NAME.channels] with MQTT",
        targets::MQTT_CHANNEL_KEYS,
    ),
    ("[targets.NAME.downlink]", targets::DOWNLINK_KEYS),
    ("[targets.NAME] with HTTP", targets::HTTP_KEYS),
    (
        "[targets.NAME.channels] with HTTP",
        targets::HTTP_CHANNEL_KEYS,
    ),
    ("[[groups]]", groups::KEYS),
    ("[[groups.stages]]", stages::KEYS),
    ("[[groups.faults]]", faults::KEYS),
    ("limits of [[groups]]", groups::LIMIT_KEYS),
];

#[cfg(test)]
mod tests;
