//! Reads a fleet file into a checked plan.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;

use crate::document::file_source::Files;
use crate::document::node::{Node, Value};
use crate::document::overrides::Override;
use crate::document::parser;
use crate::document::problem::{Problem, Problems};
use crate::document::redact::redact;
use crate::plan::fleet::Plan;
use crate::sections::{groups, top_level};
use mockfleet_files::bounded_read::{self, MAX_TEXT};

/// A fleet file with its checked plan.
pub struct Fleet {
    /// The checked plan.
    pub plan: Plan,
    /// Text of the file as it was written, without secrets and without values of the
    /// environment.
    pub source: String,
    /// Changes from the command line: the option as typed, and its value without secrets.
    pub changes: Vec<(String, String)>,
    /// Name of the file in messages.
    shown: String,
    /// The bundle or address that the user named, if it is not the file itself.
    rerun_argument: Option<String>,
    tree: Node,
    /// The places of groups in their list.
    groups: HashMap<String, usize>,
}

impl fmt::Debug for Fleet {
    /// Formats the plan only, since the tree contains secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fleet").field(&self.plan).finish()
    }
}

/// A fleet file with problems.
#[derive(Debug)]
pub struct InvalidConfig {
    /// All problems of the file itself.
    pub problems: Problems,
    /// The part of the plan that could be read, so that problems of plugins, their settings and
    /// the store can be reported together with these. `None` if the text is not TOML.
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
    /// Returns all problems of the file.
    pub fn read(file: &Path, overrides: &[Override]) -> Result<Self, InvalidConfig> {
        let shown = file.display().to_string();
        let text = bounded_read::read(file, MAX_TEXT)
            .map_err(|error| format!("the fleet file cannot be read: {error}; give the path of a fleet file, such as fleet.toml"))
            .and_then(|bytes| {
                String::from_utf8(bytes)
                    .map_err(|_| "this is no text in UTF-8, so no fleet file; save it in UTF-8".to_owned())
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

    /// Reads a fleet file from an address. It has no folder, and can name no files.
    ///
    /// # Errors
    /// Returns all problems of the file.
    pub fn from_bytes(
        bytes: &[u8],
        shown: &str,
        overrides: &[Override],
    ) -> Result<Self, InvalidConfig> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            let mut problems = Problems::default();
            problems.push(Problem {
                place: shown.to_owned(),
                text: "this is neither a bundle nor a fleet file: no text in UTF-8; give the address of one of the two".into(),
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

    /// Reads the text of a fleet file. `shown` is its name in messages, and its relative paths
    /// start at `folder`.
    ///
    /// # Errors
    /// Returns all problems of the text.
    pub fn parse(
        text: &str,
        shown: &str,
        folder: &Path,
        overrides: &[Override],
    ) -> Result<Self, InvalidConfig> {
        Self::parse_with_files(text, shown, Files::Folder(folder), overrides)
    }

    /// Reads the text of a fleet file with its relative paths in `files`.
    ///
    /// # Errors
    /// All problems of the file.
    pub fn parse_with_files(
        text: &str,
        shown: &str,
        files: Files<'_>,
        overrides: &[Override],
    ) -> Result<Self, InvalidConfig> {
        let mut problems = Problems::default();
        let mut tree = parser::parse(text, shown, &mut problems);
        if !problems.is_empty() {
            // Problems of the readable part may follow from the unreadable part, so they are
            // not reported.
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
            groups: groups_by_name(&tree),
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

    /// Returns the name of the file in messages.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns the fleet as a part of the bundle or address that the user named.
    #[must_use]
    pub fn with_rerun_argument(mut self, argument: &str) -> Self {
        self.rerun_argument = Some(argument.to_owned());
        self
    }

    /// Returns the argument with which a user can run the fleet again.
    #[must_use]
    pub fn rerun_argument(&self) -> &str {
        self.rerun_argument.as_deref().unwrap_or(&self.shown)
    }

    /// Returns a message about a key with `${NAME}` in place of values of the environment, for
    /// the key and all keys below it.
    #[must_use]
    pub fn without_environment(&self, path: &[&str], message: String) -> String {
        self.nearest(path).without_environment(message)
    }

    /// Returns the settings of a group as JSON and as a text in the order of the file, with
    /// numbers, `true` and `false` in place of texts that are one `${NAME}`, at the paths that
    /// `is_wanted` selects. `None` if there are none.
    #[must_use]
    pub fn settings_from_environment(
        &self,
        group: &str,
        is_wanted: impl Fn(&[String]) -> bool,
    ) -> Option<(serde_json::Value, String)> {
        let config = self.group(group)?.key("config")?;
        let typed = config.with_scalars(&mut Vec::new(), &is_wanted)?;
        let value = groups::json(&typed, "config").ok()?;
        Some((value, groups::config_text(&typed)))
    }

    /// Returns the entry of a group.
    fn group(&self, name: &str) -> Option<&Node> {
        match &self.tree.key("groups")?.value {
            Value::Array(entries) => entries.get(*self.groups.get(name)?),
            _ => None,
        }
    }

    /// Returns the deepest existing node on a path, with groups by name.
    fn nearest(&self, path: &[&str]) -> &Node {
        match path {
            ["groups", name, keys @ ..] => match self.group(name) {
                Some(group) => group.nearest(keys),
                None => self.tree.nearest(path),
            },
            _ => self.tree.nearest(path),
        }
    }

    /// Returns the place of a key, with groups by name: `fleet.toml:14`, or the option that
    /// set it. A missing key has the place of its table.
    #[must_use]
    pub fn place(&self, path: &[&str]) -> String {
        let node = self.nearest(path);
        if std::ptr::eq(node, &raw const self.tree) {
            return self.shown.clone();
        }
        node.at.place(&self.shown)
    }
}

/// Returns the place of each name's first group.
fn groups_by_name(tree: &Node) -> HashMap<String, usize> {
    let mut places = HashMap::new();
    if let Some(Value::Array(entries)) = tree.key("groups").map(|node| &node.value) {
        for (place, entry) in entries.iter().enumerate() {
            if let Some(name) = entry.name() {
                places.entry(name.to_owned()).or_insert(place);
            }
        }
    }
    places
}
