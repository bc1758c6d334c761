//! The keys of a fleet file outside its targets and groups, and the order in which
//! the parts are read.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::checks;
use super::file::Files;
use super::groups;
use super::keys::{Context, Keys, text};
use super::plan::{Clock, Group, KeepPayload, Log, Plan, Speed, SpoolFull, Store, Target};
use super::problem::Problems;
use super::suggest;
use super::targets;
use super::tree::{At, Node, Value};
use super::units::{self, ByteSize};

pub(super) const KEYS: &[&str] = &[
    "name", "seed", "duration", "clock", "targets", "groups", "log", "checks",
];
pub(super) const CLOCK_KEYS: &[&str] = &["start", "speed"];
pub(super) const LOG_KEYS: &[&str] = &[
    "store",
    "payload",
    "roll",
    "sync",
    "spool-limit",
    "spool-full",
    "keep",
];
pub(super) const ROLL_KEYS: &[&str] = &["size", "every"];

/// From a second in a quarter of an hour to eleven days in a second.
const SPEED: std::ops::RangeInclusive<f64> = 0.001..=1_000_000.0;

/// Files go by the hour; an upper bound keeps moments within the calendar.
const KEEP: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(3_600)..=Duration::from_secs(100 * 366 * 86_400);

/// A plan from a tree, as far as it can be read, and all that is wrong.
pub(super) fn plan(
    tree: &Node,
    shown: &str,
    files: Files<'_>,
    problems: Problems,
) -> (Option<Plan>, Problems) {
    let context = Context::new(shown, files, problems);
    let plan = read(&context, tree);
    (plan, context.into_problems())
}

fn read(context: &Context<'_>, tree: &Node) -> Option<Plan> {
    let keys = Keys::open(context, tree, "the fleet file", KEYS)?;
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
    let targets = match keys.node("targets") {
        Some(node) => targets::read(context, node),
        None => Vec::new(),
    };
    if keys.node("targets").is_none() {
        context.problem(
            &At::Line(1),
            "the fleet file has no target; add [targets.broker] with url = \"mqtt://127.0.0.1:1883\"",
        );
    }
    let groups = match keys.node("groups") {
        Some(node) => {
            // A run that is cut short by an option need not live to see all that may happen.
            let own = |node: &Node| matches!(node.at, At::Line(_));
            let whole = duration.filter(|_| keys.node("duration").is_some_and(own));
            groups::read(context, node, &name, &targets, whole)
        }
        None => Vec::new(),
    };
    if keys.node("groups").is_none() {
        context.problem(
            &At::Line(1),
            "the fleet file has no group; add [[groups]] with name, plugin, count and every",
        );
    }
    let log = log(context, keys.node("log"));
    let checks = keys
        .node("checks")
        .map(|node| checks::read(context, tree, node, duration));
    let (targets, groups) = readable(targets, groups);
    Some(Plan {
        name,
        seed,
        duration,
        clock,
        targets,
        groups,
        log,
        checks: checks.unwrap_or_default(),
    })
}

/// Leaves out the targets that could not be read, and the groups that send there.
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

/// TOML's numbers have a sign; a seed above 2^63 is written as a text.
fn seed(node: &Node) -> Result<u64, String> {
    let wanted = "a seed is a whole number from 0 to 9223372036854775807";
    match node.value {
        Value::Integer(number) => u64::try_from(number).map_err(|_| wanted.into()),
        _ => Err(format!("{wanted}, not {}", node.kind())),
    }
}

fn clock(context: &Context<'_>, node: Option<&Node>, duration: Option<Duration>) -> Clock {
    let mut clock = Clock::default();
    let Some(keys) = node.and_then(|node| Keys::open(context, node, "clock", CLOCK_KEYS)) else {
        return clock;
    };
    clock.start = keys.read("start", start);
    if let Some(speed) = keys.read("speed", speed) {
        clock.speed = speed;
    }
    let end = |start: Timestamp| start.checked_add(duration.unwrap_or_default());
    if clock.start.is_some_and(|start| end(start).is_err()) {
        keys.wrong(
            "start",
            "the duration goes beyond the year 9999, where calendars end",
        );
    }
    clock
}

/// A moment in quotes, or as TOML writes moments.
fn start(node: &Node) -> Result<Timestamp, String> {
    let start = match &node.value {
        Value::Other(text) => units::moment(text),
        _ => units::moment(&text(node)?),
    }?;
    if start < Timestamp::UNIX_EPOCH {
        return Err(format!(
            "{start} is before 1970, where devices begin to count"
        ));
    }
    Ok(start)
}

fn speed(node: &Node) -> Result<Speed, String> {
    let wanted = "a number is wanted that says how many times faster than real time it goes, such as 60 or 0.5, or \"max\"";
    let times = match &node.value {
        Value::String(text) if text == "max" => return Ok(Speed::Max),
        Value::String(text) => return Err(format!("{text:?} is not understood; {wanted}")),
        #[expect(clippy::cast_precision_loss, reason = "what is larger is out of range")]
        Value::Integer(number) => *number as f64,
        Value::Float(number) => *number,
        _ => return Err(format!("{wanted}, not {}", node.kind())),
    };
    if times <= 0.0 {
        return Err(format!("{times} would let no time pass; {wanted}"));
    }
    if !SPEED.contains(&times) {
        return Err(format!(
            "{times} is out of range; it lies between {} and {}, or is \"max\": as fast as it goes",
            SPEED.start(),
            SPEED.end()
        ));
    }
    Ok(Speed::Times(times))
}

fn log(context: &Context<'_>, node: Option<&Node>) -> Log {
    let mut log = Log {
        store: Some(Store::Folder("mockfleet-logs".into())),
        payload: KeepPayload::Full,
        roll_size: ByteSize::new(128 << 20),
        roll_every: Duration::from_secs(60),
        sync: Duration::from_secs(1),
        spool_limit: ByteSize::new(8 << 30),
        spool_full: SpoolFull::Pause,
        keep: None,
    };
    let Some(keys) = node.and_then(|node| Keys::open(context, node, "[log]", LOG_KEYS)) else {
        return log;
    };
    if let Some(store) = keys.read("store", |node| store(context, node)) {
        log.store = store;
    }
    if let Some(payload) = keys.read("payload", payload) {
        log.payload = payload;
    }
    let bounds = Duration::from_millis(10)..=Duration::from_secs(60);
    if let Some(sync) = keys.duration("sync", bounds) {
        log.sync = sync;
    }
    if let Some(limit) = keys.size("spool-limit", 16 << 20..=1 << 50) {
        log.spool_limit = limit;
    }
    if let Some(full) = keys.read("spool-full", spool_full) {
        log.spool_full = full;
    }
    log.keep = keys.duration("keep", KEEP);
    if let (Some(node), Some(Store::S3 { .. })) = (keys.node("keep"), &log.store) {
        context.problem(
            &node.at,
            "keep deletes files of a folder only; for a bucket, `mockfleet logs prune --older-than` or a lifecycle rule of the bucket does it",
        );
    }
    let roll = keys
        .node("roll")
        .and_then(|node| Keys::open(context, node, "roll of [log]", ROLL_KEYS));
    if let Some(keys) = roll {
        if let Some(size) = keys.size("size", 64 << 10..=4 << 30) {
            log.roll_size = size;
        }
        let bounds = Duration::from_secs(1)..=Duration::from_secs(3600);
        if let Some(every) = keys.duration("every", bounds) {
            log.roll_every = every;
        }
    }
    log
}

fn store(context: &Context<'_>, node: &Node) -> Result<Option<Store>, String> {
    let text = text(node)?;
    // A folder of that name is written "./none".
    if text == "none" {
        return Ok(None);
    }
    Ok(Some(match Store::parse(&text)? {
        Store::Folder(_) => {
            let path = context.path(node, &text);
            if !context.may_write(node, &path) {
                return Err(format!(
                    "{text:?} leads out of the folder that the bundle is run in, and a bundle writes nowhere else by itself; --log {text} allows it"
                ));
            }
            Store::Folder(path)
        }
        bucket @ Store::S3 { .. } => bucket,
    }))
}

fn spool_full(node: &Node) -> Result<SpoolFull, String> {
    match text(node)?.as_str() {
        "pause" => Ok(SpoolFull::Pause),
        "drop" => Ok(SpoolFull::Drop),
        other => Err(format!("{other:?} is neither \"pause\" nor \"drop\"")),
    }
}

fn payload(node: &Node) -> Result<KeepPayload, String> {
    let text = text(node)?;
    match text.as_str() {
        "full" => Ok(KeepPayload::Full),
        "none" => Ok(KeepPayload::None),
        "hash" => Ok(KeepPayload::Hash),
        other => ByteSize::parse(other).map(KeepPayload::Cut).map_err(|_| {
            let hint = suggest::among(other, ["full", "none", "hash"].into_iter());
            format!("{other:?} is neither \"full\" nor \"none\" nor \"hash\" nor a size such as \"16KiB\"{hint}")
        }),
    }
}
