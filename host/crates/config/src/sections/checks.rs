//! Reads `[checks]`: checks of the fleet, of groups and of channels.

use std::collections::HashSet;
use std::time::Duration;

use crate::document::node::{Node, Value};
use crate::document::suggest::did_you_mean;
use crate::document::table_reader::{ReadContext, TableReader};
use crate::plan::checks::{Check, Checks, Scope};
use crate::received_checks::ReceivedCheck;

pub(crate) const KEYS: &[&str] = &["warm-up", "fleet", "groups", "channels", "received"];

const LABEL: &str = "[checks]";
const MAX_DURATION: Duration = Duration::from_secs(10 * 366 * 86_400);

/// Reads `[checks]`. Group and channel names are looked up in the document, so that an invalid
/// group or target is not also reported as missing here.
pub(crate) fn read(
    context: &ReadContext<'_>,
    tree: &Node,
    node: &Node,
    duration: Option<Duration>,
) -> Checks {
    let mut checks = Checks::default();
    let Some(keys) = TableReader::open(context, node, LABEL, KEYS) else {
        return checks;
    };
    if let Some(warm_up) = keys.duration("warm-up", Duration::ZERO..=MAX_DURATION) {
        if duration.is_some_and(|duration| warm_up >= duration) {
            keys.report(
                "warm-up",
                "it is not shorter than the run's duration, and nothing would be left to check; make it shorter, or the duration longer",
            );
        }
        checks.warm_up = warm_up;
    }
    if let Some(node) = keys.node("fleet") {
        read_list(context, node, &Scope::Fleet, &mut checks.list);
    }
    let known = groups(tree);
    read_scopes(&keys, "groups", &known, Scope::Group, &mut checks.list);
    let known = channels(tree);
    read_scopes(&keys, "channels", &known, Scope::Channel, &mut checks.list);
    if let Some(node) = keys.node("received") {
        checks.received = received(context, node);
    }
    checks
}

/// Reads the checks of received rows.
fn received(context: &ReadContext<'_>, node: &Node) -> Vec<ReceivedCheck> {
    let Value::Array(entries) = &node.value else {
        let text = format!(
            "the checks of what was received are a list of texts, such as [\"missing == 0\"], not {}",
            node.kind()
        );
        context.report(&node.at, text);
        return Vec::new();
    };
    let mut checks = Vec::new();
    for entry in entries {
        let read = match &entry.value {
            Value::String(text) => ReceivedCheck::parse(text),
            _ => Err(format!(
                "a check is a text, such as \"missing == 0\", not {}",
                entry.kind()
            )
            .into()),
        };
        match read {
            Ok(check) => checks.push(check),
            Err(why) => context.report(&entry.at, entry.without_environment(why.to_string())),
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

/// Returns the channels of all targets.
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
fn read_scopes(
    keys: &TableReader<'_>,
    key: &str,
    known: &[&str],
    scope: impl Fn(String) -> Scope,
    checks: &mut Vec<Check>,
) {
    let context = keys.context;
    let label = format!("{key} of {LABEL}");
    let Some(table) = keys
        .node(key)
        .and_then(|node| TableReader::open_any(context, node, label))
    else {
        return;
    };
    let all: HashSet<&str> = known.iter().copied().collect();
    for (name, node) in table.entries() {
        let scope = scope(name.to_owned());
        if !all.contains(name) {
            let hint = did_you_mean(name, known.iter().copied());
            let text = format!("{LABEL} is about {scope}, which the fleet does not have{hint}");
            context.report(&node.at, text);
        }
        read_list(context, node, &scope, checks);
    }
}

fn read_list(context: &ReadContext<'_>, node: &Node, scope: &Scope, checks: &mut Vec<Check>) {
    let Value::Array(entries) = &node.value else {
        let text = format!(
            "the checks of {scope} are a list of texts, such as [\"acked >= 99.9%\", \"failed == 0\"], not {}",
            node.kind()
        );
        return context.report(&node.at, text);
    };
    for entry in entries {
        let read = match &entry.value {
            Value::String(text) => Check::parse(scope, text),
            _ => Err(format!(
                "a check is a text, such as \"acked >= 99.9%\", not {}",
                entry.kind()
            )
            .into()),
        };
        match read {
            Ok(check) => checks.push(check),
            Err(why) => context.report(&entry.at, entry.without_environment(why.to_string())),
        }
    }
}
