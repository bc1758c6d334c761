//! The keys of `[checks]`: what must hold at the end of a run, for the whole fleet, for
//! a group, for a channel.

use std::time::Duration;

use super::bound::Bound;
use super::keys::{Context, Keys};
use super::received::ReceivedCheck;
use super::suggest;
use super::tree::{Node, Value};

pub(super) const KEYS: &[&str] = &["warm-up", "fleet", "groups", "channels", "received"];

/// What must hold at the end of a run.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// What was due before the run was so old does not count.
    pub warm_up: Duration,
    /// The checks: those of the fleet, of groups, of channels, each in the order of the
    /// file.
    pub list: Vec<Check>,
    /// What may be wrong with what the backend received, which `mockfleet verify` looks at.
    pub received: Vec<ReceivedCheck>,
}

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What it is about.
    pub scope: Scope,
    /// What must hold.
    pub bound: Bound,
}

/// What a check is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All of it.
    Fleet,
    /// The group of this name.
    Group(String),
    /// The channel of this name, of all targets.
    Channel(String),
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fleet => f.write_str("the fleet"),
            Self::Group(name) => write!(f, "group {name}"),
            Self::Channel(name) => write!(f, "channel {name}"),
        }
    }
}

const LABEL: &str = "[checks]";
const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

/// Reads `[checks]`. What they can be about is looked up in the tree, so that a group or a
/// target that is wrong elsewhere is not said to be missing here.
pub(super) fn read(
    context: &Context<'_>,
    tree: &Node,
    node: &Node,
    duration: Option<Duration>,
) -> Checks {
    let mut checks = Checks::default();
    let Some(keys) = Keys::open(context, node, LABEL, KEYS) else {
        return checks;
    };
    if let Some(warm_up) = keys.duration("warm-up", Duration::ZERO..=LONGEST) {
        if duration.is_some_and(|duration| warm_up >= duration) {
            keys.wrong(
                "warm-up",
                "it is not shorter than the run's duration, and nothing would be left to check; make it shorter, or the duration longer",
            );
        }
        checks.warm_up = warm_up;
    }
    if let Some(node) = keys.node("fleet") {
        list(context, node, &Scope::Fleet, &mut checks.list);
    }
    let known = groups(tree);
    of(&keys, "groups", &known, Scope::Group, &mut checks.list);
    let known = channels(tree);
    of(&keys, "channels", &known, Scope::Channel, &mut checks.list);
    if let Some(node) = keys.node("received") {
        checks.received = received(context, node);
    }
    checks
}

/// Reads the checks of what was received.
fn received(context: &Context<'_>, node: &Node) -> Vec<ReceivedCheck> {
    let Value::Array(entries) = &node.value else {
        let text = format!(
            "the checks of what was received are a list of texts, such as [\"missing == 0\"], not {}",
            node.kind()
        );
        context.problem(&node.at, text);
        return Vec::new();
    };
    let mut checks = Vec::new();
    for entry in entries {
        let read = match &entry.value {
            Value::String(text) => ReceivedCheck::parse(text),
            _ => Err(format!(
                "a check is a text, such as \"missing == 0\", not {}",
                entry.kind()
            )),
        };
        match read {
            Ok(check) => checks.push(check),
            Err(why) => context.problem(&entry.at, why),
        }
    }
    checks
}

fn groups(tree: &Node) -> Vec<&str> {
    match tree.key("groups").map(|node| &node.value) {
        Some(Value::Array(entries)) => entries.iter().filter_map(Node::name).collect(),
        _ => Vec::new(),
    }
}

/// The channels of all targets.
fn channels(tree: &Node) -> Vec<&str> {
    fn keys_of(node: &Node) -> &[(String, Node)] {
        match &node.value {
            Value::Table(table) => &table.0,
            _ => &[],
        }
    }
    let targets = tree.key("targets").map(keys_of).unwrap_or_default();
    let mut names: Vec<&str> = targets
        .iter()
        .filter_map(|(_, target)| target.key("channels"))
        .flat_map(keys_of)
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Reads a table of lists, by the names of groups or channels.
fn of(
    keys: &Keys<'_>,
    key: &str,
    known: &[&str],
    scope: impl Fn(String) -> Scope,
    checks: &mut Vec<Check>,
) {
    let context = keys.context;
    let label = format!("{key} of {LABEL}");
    let Some(table) = keys
        .node(key)
        .and_then(|node| Keys::any(context, node, label))
    else {
        return;
    };
    for (name, node) in table.entries() {
        let scope = scope(name.to_owned());
        if !known.contains(&name) {
            let hint = suggest::among(name, known.iter().copied());
            let text = format!("{LABEL} is about {scope}, which the fleet does not have{hint}");
            context.problem(&node.at, text);
        }
        list(context, node, &scope, checks);
    }
}

fn list(context: &Context<'_>, node: &Node, scope: &Scope, checks: &mut Vec<Check>) {
    let Value::Array(entries) = &node.value else {
        let text = format!(
            "the checks of {scope} are a list of texts, such as [\"acked >= 99.9%\", \"failed == 0\"], not {}",
            node.kind()
        );
        return context.problem(&node.at, text);
    };
    for entry in entries {
        let read = match &entry.value {
            Value::String(text) => check(scope, text),
            _ => Err(format!(
                "a check is a text, such as \"acked >= 99.9%\", not {}",
                entry.kind()
            )),
        };
        match read {
            Ok(check) => checks.push(check),
            Err(why) => context.problem(&entry.at, why),
        }
    }
}

/// Reads one check of a scope.
///
/// # Errors
/// What is wrong with it, and what would be right.
pub fn check(scope: &Scope, text: &str) -> Result<Check, String> {
    let wrong = |why: String| format!("check {text:?} of {scope}: {why}");
    let bound = Bound::check(text).map_err(wrong)?;
    if matches!(scope, Scope::Channel(_)) && bound.metric.is_of_devices() {
        return Err(wrong(format!(
            "a channel has messages only; {} is a figure of groups and of the fleet",
            bound.name
        )));
    }
    Ok(Check {
        scope: scope.clone(),
        bound,
    })
}
