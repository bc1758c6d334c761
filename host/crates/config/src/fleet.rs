//! Reads a fleet file into a checked plan.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::document::file_source::Files;
use crate::document::node::Node;
use crate::document::overrides::Override;
use crate::document::parser;
use crate::document::problem::{Problem, Problems};
use crate::document::redact::redact;
use crate::plan::fleet::Plan;
use crate::sections::top_level;

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
    rerun_argument: Option<String>,
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
pub struct InvalidConfig {
    /// All that is wrong with the file itself.
    pub problems: Problems,
    /// What is good in it, so that the rest of what is wrong (with its plugins,
    /// their settings, its store) can be found out in the same go. `None` where the
    /// text is no TOML.
    pub rest: Option<Box<Fleet>>,
}

impl From<InvalidConfig> for Problems {
    fn from(refused: InvalidConfig) -> Self {
        refused.problems
    }
}

impl Fleet {
    /// Reads a fleet file, with the changes of the command line.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(file: &Path, overrides: &[Override]) -> Result<Self, InvalidConfig> {
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
                InvalidConfig {
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
    pub fn from_bytes(
        bytes: &[u8],
        shown: &str,
        overrides: &[Override],
    ) -> Result<Self, InvalidConfig> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            let mut problems = Problems::default();
            problems.push(Problem {
                place: shown.to_owned(),
                text: "this is neither a bundle nor a fleet file: no text in UTF-8".into(),
            });
            return Err(InvalidConfig {
                problems,
                rest: None,
            });
        };
        let files = Files::Parts {
            shown,
            parts: &BTreeMap::new(),
        };
        Self::parse_with_files(text, shown, files, overrides)
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
    ) -> Result<Self, InvalidConfig> {
        Self::parse_with_files(text, shown, Files::Folder(folder), overrides)
    }

    /// The same for a text whose relative paths lead to these files.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse_with_files(
        text: &str,
        shown: &str,
        files: Files<'_>,
        overrides: &[Override],
    ) -> Result<Self, InvalidConfig> {
        let mut problems = Problems::default();
        let mut tree = parser::parse(text, shown, &mut problems);
        if !problems.is_empty() {
            // What else seems to be wrong may only be what could not be read.
            return Err(InvalidConfig {
                problems,
                rest: None,
            });
        }
        for change in overrides {
            change.apply(&mut tree, &mut problems);
        }
        let (plan, problems) = top_level::plan(&tree, shown, files, problems);
        let fleet = plan.map(|plan| Self {
            plan,
            source: redact(text),
            changes: overrides.iter().map(Override::shown_value).collect(),
            shown: shown.to_owned(),
            rerun_argument: None,
            tree,
        });
        match fleet {
            Some(fleet) if problems.is_empty() => Ok(fleet),
            fleet => Err(InvalidConfig {
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
    pub fn with_rerun_argument(mut self, argument: &str) -> Self {
        self.rerun_argument = Some(argument.to_owned());
        self
    }

    /// What a user names to run it again.
    #[must_use]
    pub fn rerun_argument(&self) -> &str {
        self.rerun_argument.as_deref().unwrap_or(&self.shown)
    }

    /// The place of a key, groups by name: `fleet.toml:14`, or the option that set
    /// it. A key that is not there has the place of the table where it would be.
    #[must_use]
    pub fn place(&self, path: &[&str]) -> String {
        let node = self.tree.nearest(path);
        if std::ptr::eq(node, &raw const self.tree) {
            return self.shown.clone();
        }
        node.at.place(&self.shown)
    }
}
