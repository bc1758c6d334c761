//! Reads tables key by key, each key with its type.
//!
//! It reports a wrong, missing or unknown key as a problem with its place, and continues.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use mockfleet_files::durations::format_duration;

use crate::document::environment::with_references;
use crate::document::file_source::{File, Files, join_folder, open_on_disk};
use crate::document::node::{Node, Origin, Table, Value};
use crate::document::problem::{Problem, Problems, ValueError};
use crate::document::suggest::did_you_mean;
use crate::document::template::{Placeholder, Template};
use crate::document::units;
use crate::document::units::{ByteSize, Rate};

/// The state that all tables of one file share.
pub(crate) struct ReadContext<'a> {
    /// Name of the file in messages.
    pub(crate) shown: &'a str,
    /// The base of relative paths.
    files: Files<'a>,
    problems: RefCell<Problems>,
}

impl<'a> ReadContext<'a> {
    pub(crate) fn new(shown: &'a str, files: Files<'a>, problems: Problems) -> Self {
        Self {
            shown,
            files,
            problems: RefCell::new(problems),
        }
    }

    pub(crate) fn report(&self, at: &Origin, text: impl Into<String>) {
        self.problems.borrow_mut().push(Problem {
            place: at.place(self.shown),
            text: text.into(),
        });
    }

    pub(crate) fn into_problems(self) -> Problems {
        self.problems.into_inner()
    }

    /// Returns a path: one in the file starts at its folder, one on the command line at the
    /// current folder.
    pub(crate) fn path(&self, node: &Node, text: &str) -> PathBuf {
        match node.at {
            Origin::Line(_) => join_folder(self.files.folder(), text),
            Origin::Option(_) => PathBuf::from(text),
        }
    }

    /// Returns a file that can be read, found by the same rule.
    pub(crate) fn file(&self, node: &Node, text: &str) -> Result<File, ValueError> {
        match node.at {
            Origin::Line(_) => self.files.find(text),
            Origin::Option(_) => open_on_disk(PathBuf::from(text)),
        }
    }

    /// Returns whether a path may be written to. A path in a bundle must stay below the
    /// current folder.
    pub(crate) fn may_write(&self, node: &Node, path: &std::path::Path) -> bool {
        use std::path::Component;
        let below = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        match (&node.at, self.files) {
            (Origin::Line(_), Files::Parts { .. }) => path.components().all(below),
            _ => true,
        }
    }
}

/// Reads the keys of one table.
pub(crate) struct TableReader<'a> {
    pub(crate) context: &'a ReadContext<'a>,
    table: &'a Table,
    /// The place of the table's beginning.
    pub(crate) at: Origin,
    /// The table's name in messages: `[log]`.
    label: String,
}

impl<'a> TableReader<'a> {
    /// Opens a table; keys that are not among `known` are problems.
    pub(crate) fn open(
        context: &'a ReadContext<'a>,
        node: &'a Node,
        label: impl Into<String>,
        known: &[&str],
    ) -> Option<Self> {
        let keys = Self::open_any(context, node, label)?;
        for (key, node) in &keys.table.0 {
            if !known.contains(&key.as_str()) {
                let hint = foreign_key_hint(&keys.label, key)
                    .map_or_else(|| did_you_mean(key, known.iter().copied()), str::to_owned);
                let text = format!("unknown key {key:?} in {}{hint}", keys.label);
                context.report(&node.at, text);
            }
        }
        Some(keys)
    }

    /// Opens a table with keys that the user chooses.
    pub(crate) fn open_any(
        context: &'a ReadContext<'a>,
        node: &'a Node,
        label: impl Into<String>,
    ) -> Option<Self> {
        let label = label.into();
        match &node.value {
            Value::Table(table) => Some(Self {
                context,
                table,
                at: node.at.clone(),
                label,
            }),
            _ => {
                let text = format!("{label} wants a table of keys, not {}", node.kind());
                context.report(&node.at, text);
                None
            }
        }
    }

    /// Returns the keys and their values, in the order of the file.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Node)> + use<'a> {
        self.table.0.iter().map(|(key, node)| (key.as_str(), node))
    }

    /// Returns the value of a key.
    pub(crate) fn node(&self, key: &str) -> Option<&'a Node> {
        self.table.get(key)
    }

    /// Reports a problem with a key.
    pub(crate) fn report(&self, key: &str, why: impl std::fmt::Display) {
        let at = self.node(key).map_or(&self.at, |node| &node.at);
        self.context
            .report(at, format!("{key} in {}: {why}", self.label));
    }

    /// Reports a problem with a value at a path below a key.
    pub(crate) fn report_at(&self, at: &Origin, path: &str, why: impl std::fmt::Display) {
        self.context
            .report(at, format!("{path} in {}: {why}", self.label));
    }

    /// Reports a missing key; `example` is a correct value.
    pub(crate) fn report_missing(&self, key: &str, example: &str) {
        let text = format!(
            "{} lacks the key {key:?}; write for example {key} = {example}",
            self.label
        );
        self.context.report(&self.at, text);
    }

    /// Reads a key with `read`. Returns `None` if the key is absent or wrong.
    pub(crate) fn read<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Node) -> Result<T, ValueError>,
    ) -> Option<T> {
        let node = self.node(key)?;
        read(node)
            .map_err(|why| self.report(key, node.without_environment(why.into())))
            .ok()
    }

    /// Reads a key like `read`, and reports it if it is absent.
    pub(crate) fn require<T>(
        &self,
        key: &str,
        example: &str,
        read: impl FnOnce(&Node) -> Result<T, ValueError>,
    ) -> Option<T> {
        if self.node(key).is_none() {
            self.report_missing(key, example);
        }
        self.read(key, read)
    }

    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.read(key, text)
    }

    pub(crate) fn boolean(&self, key: &str) -> Option<bool> {
        self.read(key, |node| match *node.scalar() {
            Value::Boolean(value) => Ok(value),
            _ => Err(node.mismatch("true or false is wanted")),
        })
    }

    pub(crate) fn integer(&self, key: &str, bounds: RangeInclusive<u32>) -> Option<u32> {
        self.read(key, |node| integer(node, bounds))
    }

    pub(crate) fn duration(&self, key: &str, bounds: RangeInclusive<Duration>) -> Option<Duration> {
        self.read(key, |node| {
            let length = with_unit(node, units::parse_duration)?;
            within(node, length, &bounds, format_duration)
        })
    }

    pub(crate) fn size(&self, key: &str, bounds: RangeInclusive<u64>) -> Option<ByteSize> {
        self.read(key, |node| {
            let size = with_unit(node, ByteSize::parse)?;
            within(node, size.bytes(), &bounds, |bytes| format!("{bytes} B"))?;
            Ok(size)
        })
    }

    pub(crate) fn rate(&self, key: &str) -> Option<Rate> {
        self.read(key, |node| with_unit(node, Rate::parse))
    }

    pub(crate) fn template(&self, key: &str, names: &[Placeholder]) -> Option<Template> {
        self.read(key, |node| template(node, names))
    }

    /// Reads the name of a file, and opens the file.
    pub(crate) fn file(&self, key: &str) -> Option<File> {
        self.read(key, |node| self.context.file(node, &text(node)?))
    }
}

/// Returns the way out for a key of `[log]` that other programs have for buckets.
fn foreign_key_hint(label: &str, key: &str) -> Option<&'static str> {
    let key = key.to_lowercase().replace('_', "-");
    let is_of_store = [
        "profile",
        "region",
        "endpoint",
        "access-key",
        "secret",
        "credentials",
        "session-token",
    ]
    .iter()
    .any(|word| key.contains(word));
    (label == "[log]" && is_of_store).then_some(
        "; credentials, region and endpoint of a bucket come from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL; `eval \"$(aws configure export-credentials --format env)\"` exports those of a profile",
    )
}

/// Reads a text. A number of the command line is a text too.
pub(crate) fn text(node: &Node) -> Result<String, ValueError> {
    match (&node.value, &node.at) {
        (Value::String(text), _) => Ok(text.clone()),
        (Value::Integer(number), Origin::Option(_)) => Ok(number.to_string()),
        (Value::Float(number), Origin::Option(_)) => Ok(number.to_string()),
        (Value::Long(number), Origin::Option(_)) => Ok(number.clone()),
        (Value::Boolean(value), Origin::Option(_)) => Ok(value.to_string()),
        _ => Err(format!("a text in quotes is wanted, not {}", node.kind()).into()),
    }
}

/// Reads a template. Rows and messages show `${NAME}` in place of values of the environment.
pub(crate) fn template(node: &Node, names: &[Placeholder]) -> Result<Template, ValueError> {
    let template = Template::parse(&text(node)?, names)?;
    Ok(match &node.written {
        Some(written) => template.with_references(&with_references(written), names),
        None => template,
    })
}

/// Reads a whole number within bounds.
pub(crate) fn integer(node: &Node, bounds: RangeInclusive<u32>) -> Result<u32, ValueError> {
    let Value::Integer(number) = *node.scalar() else {
        return Err(node.mismatch("a whole number is wanted"));
    };
    let within = u32::try_from(number).ok().filter(|n| bounds.contains(n));
    within.ok_or_else(|| {
        format!(
            "{} is out of range; it lies between {} and {}",
            node.shown(number),
            bounds.start(),
            bounds.end()
        )
        .into()
    })
}

/// Reads a value with a unit. The message quotes the text as it is written.
fn with_unit<T>(
    node: &Node,
    read: impl Fn(&str) -> Result<T, ValueError>,
) -> Result<T, ValueError> {
    let text = match &node.value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Long(number) => number.clone(),
        _ => return Err(read("").err().unwrap_or_else(|| "".into())),
    };
    read(text.trim()).map_err(|wanted| {
        let shown = node.shown(&text);
        format!("{shown:?} is not understood; {wanted}").into()
    })
}

fn within<T: PartialOrd + Copy>(
    node: &Node,
    value: T,
    bounds: &RangeInclusive<T>,
    shown: impl Fn(T) -> String,
) -> Result<T, ValueError> {
    if bounds.contains(&value) {
        return Ok(value);
    }
    Err(format!(
        "{} is out of range; it lies between {} and {}",
        node.shown(shown(value)),
        shown(*bounds.start()),
        shown(*bounds.end())
    )
    .into())
}
