//! Reads the keys outside of targets and groups.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::document::file_source::Files;
use crate::document::node::{Node, Origin, Value};
use crate::document::problem::{Problems, ValueError};
use crate::document::table_reader::{ReadContext, TableReader, text};
use crate::document::units;
use crate::plan::clock::{Clock, Speed};
use crate::plan::fleet::Plan;
use crate::plan::group::Group;
use crate::plan::target::Target;
use crate::sections::{checks, groups, log, targets};

pub(crate) const KEYS: &[&str] = &[
    "name", "seed", "duration", "clock", "limits", "targets", "groups", "log", "checks",
];
pub(crate) const LIMIT_KEYS: &[&str] = &["in-flight"];
pub(crate) const CLOCK_KEYS: &[&str] = &["start", "speed"];
/// Range of `speed`: from 1 s in 1,000 s to 11 days in a second.
const SPEED_RANGE: std::ops::RangeInclusive<f64> = 0.001..=1_000_000.0;

/// Reads a plan from a tree as far as possible, and reports all problems.
pub(crate) fn plan(
    tree: &Node,
    shown: &str,
    files: Files<'_>,
    problems: Problems,
) -> (Option<Plan>, Problems) {
    let context = ReadContext::new(shown, files, problems);
    let plan = read(&context, tree);
    let mut secrets = BTreeMap::new();
    tree.collect_environment(&mut secrets);
    let mut secrets: Vec<(String, String)> = secrets.into_iter().collect();
    // The longest first: one can be a part of another.
    secrets.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
    let mut problems = Problems::default();
    for mut problem in context.into_problems() {
        for (secret, reference) in &secrets {
            problem.text = problem.text.replace(secret, reference);
        }
        problems.push(problem);
    }
    (plan, problems)
}

fn read(context: &ReadContext<'_>, tree: &Node) -> Option<Plan> {
    let keys = TableReader::open(context, tree, "the fleet file", KEYS)?;
    let stem = Path::new(context.shown).file_stem().map_or_else(
        || "fleet".into(),
        |stem| stem.to_string_lossy().into_owned(),
    );
    let name = keys.read("name", groups::name).unwrap_or(stem);
    let seed = keys.read("seed", seed).unwrap_or(0);
    let duration = keys.duration(
        "duration",
        Duration::from_millis(1)..=Duration::from_secs(10 * 366 * 86_400),
    );
    let clock = clock(context, keys.node("clock"), duration);
    let in_flight = keys
        .node("limits")
        .and_then(|node| TableReader::open(context, node, "[limits]", LIMIT_KEYS))
        .and_then(|limits| limits.size("in-flight", 16 << 20..=1 << 40));
    let targets = match keys.node("targets") {
        Some(node) => targets::read(context, node),
        None => Vec::new(),
    };
    if keys.node("targets").is_none() {
        context.report(
            &Origin::Line(1),
            "the fleet file has no target; add [targets.broker] with url = \"mqtt://127.0.0.1:1883\"",
        );
    }
    let groups = match keys.node("groups") {
        Some(node) => {
            // An option that shortens the run may exclude some faults, so it does not count
            // here.
            let own = |node: &Node| matches!(node.at, Origin::Line(_));
            let whole = duration.filter(|_| keys.node("duration").is_some_and(own));
            groups::read(context, tree, node, &name, &targets, whole)
        }
        None => Vec::new(),
    };
    if keys.node("groups").is_none() {
        context.report(
            &Origin::Line(1),
            "the fleet file has no group; add [[groups]] with name, plugin, count and every",
        );
    }
    let log = log::read(context, keys.node("log"));
    let checks = keys
        .node("checks")
        .map(|node| checks::read(context, tree, node, duration));
    let (targets, groups) = readable(targets, groups);
    Some(Plan {
        name,
        seed,
        duration,
        clock,
        in_flight,
        targets,
        groups,
        log,
        checks: checks.unwrap_or_default(),
    })
}

/// Removes the targets that could not be read, and the groups that send to them.
fn readable(
    targets: Vec<(String, Option<Target>)>,
    mut groups: Vec<Group>,
) -> (Vec<Target>, Vec<Group>) {
    groups.retain(|group| matches!(targets.get(group.target), Some((_, Some(_)))));
    for group in &mut groups {
        let before = targets.iter().take(group.target);
        group.target = before.filter(|(_, target)| target.is_some()).count();
    }
    let targets = targets.into_iter().filter_map(|(_, target)| target);
    (targets.collect(), groups)
}

/// Reads a seed. TOML's numbers have a sign, so a seed above 2^63 is written as a text.
fn seed(node: &Node) -> Result<u64, ValueError> {
    let wanted = "a seed is a whole number from 0 to 9223372036854775807";
    match *node.scalar() {
        Value::Integer(number) => u64::try_from(number).map_err(|_| wanted.into()),
        _ => Err(node.mismatch(wanted)),
    }
}

fn clock(context: &ReadContext<'_>, node: Option<&Node>, duration: Option<Duration>) -> Clock {
    let mut clock = Clock::default();
    let Some(keys) = node.and_then(|node| TableReader::open(context, node, "clock", CLOCK_KEYS))
    else {
        return clock;
    };
    clock.start = keys.read("start", start);
    if let Some(speed) = keys.read("speed", speed) {
        clock.speed = speed;
    }
    let end = |start: Timestamp| start.checked_add(duration.unwrap_or_default());
    if clock.start.is_some_and(|start| end(start).is_err()) {
        keys.report(
            "start",
            "the duration goes beyond the year 9999, where calendars end; make it shorter, or start earlier",
        );
    }
    clock
}

/// Reads a time, in quotes or as a TOML date-time.
fn start(node: &Node) -> Result<Timestamp, ValueError> {
    let start = match &node.value {
        Value::Other(text) => units::parse_timestamp(text),
        _ => units::parse_timestamp(&text(node)?),
    }?;
    if start < Timestamp::UNIX_EPOCH {
        return Err(format!(
            "{start} is before 1970, where devices begin to count; start at \"1970-01-01\" or later"
        )
        .into());
    }
    Ok(start)
}

fn speed(node: &Node) -> Result<Speed, ValueError> {
    let wanted = "a number is wanted that says how many times faster than real time it goes, such as 60 or 0.5, or \"max\"";
    let times = match &*node.scalar() {
        Value::String(text) if text == "max" => return Ok(Speed::Max),
        Value::String(text) => return Err(format!("{text:?} is not understood; {wanted}").into()),
        #[expect(clippy::cast_precision_loss, reason = "what is larger is out of range")]
        Value::Integer(number) => *number as f64,
        Value::Float(number) => *number,
        Value::Long(number) => number.parse().unwrap_or(f64::INFINITY),
        _ => return Err(node.mismatch(wanted)),
    };
    if times <= 0.0 {
        let shown = node.shown(times);
        return Err(format!("{shown} would let no time pass; {wanted}").into());
    }
    if !SPEED_RANGE.contains(&times) {
        return Err(format!(
            "{} is out of range; it lies between {} and {}, or is \"max\": as fast as it goes",
            node.shown(times),
            SPEED_RANGE.start(),
            SPEED_RANGE.end()
        )
        .into());
    }
    Ok(Speed::Times(times))
}
