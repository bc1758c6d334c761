//! Reads `[log]`.

use crate::document::problem::ValueError;
use std::time::Duration;

use crate::document::node::Node;
use crate::document::suggest::did_you_mean;
use crate::document::table_reader::{ReadContext, TableReader, text};
use crate::document::units::ByteSize;
use crate::plan::log::{KeepPayload, Log, SpoolFull, Store};

pub(crate) const KEYS: &[&str] = &[
    "store",
    "payload",
    "roll",
    "sync",
    "spool-limit",
    "spool-full",
    "retention",
];
pub(crate) const ROLL_KEYS: &[&str] = &["size", "every"];

/// Retention counts whole hours. The upper bound keeps times within the calendar.
const RETENTION_RANGE: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(3_600)..=Duration::from_secs(100 * 366 * 86_400);

pub(crate) fn read(context: &ReadContext<'_>, node: Option<&Node>) -> Log {
    let mut log = Log {
        store: Some(Store::Folder("mockfleet-logs".into())),
        payload: KeepPayload::Full,
        roll_size: ByteSize::new(128 << 20),
        roll_every: Duration::from_secs(60),
        sync: Duration::from_secs(1),
        spool_limit: ByteSize::new(8 << 30),
        spool_full: SpoolFull::Pause,
        retention: None,
    };
    let Some(keys) = node.and_then(|node| TableReader::open(context, node, "[log]", KEYS)) else {
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
    log.retention = keys.duration("retention", RETENTION_RANGE);
    if let (Some(node), Some(Store::S3 { .. })) = (keys.node("retention"), &log.store) {
        context.report(
            &node.at,
            "retention deletes files of a folder only; for a bucket, `mockfleet logs prune --older-than` or a lifecycle rule of the bucket does it",
        );
    }
    let roll = keys
        .node("roll")
        .and_then(|node| TableReader::open(context, node, "roll of [log]", ROLL_KEYS));
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

fn store(context: &ReadContext<'_>, node: &Node) -> Result<Option<Store>, ValueError> {
    let text = text(node)?;
    // A folder with the name `none` is written as `./none`.
    if text == "none" {
        return Ok(None);
    }
    Ok(Some(match Store::parse(&text)? {
        Store::Folder(_) => {
            let path = context.path(node, &text);
            if !context.may_write(node, &path) {
                return Err(format!(
                    "{text:?} leads out of the folder that the bundle is run in, and a bundle writes nowhere else by itself; --log {text} allows it"
                ).into());
            }
            Store::Folder(path)
        }
        bucket @ Store::S3 { .. } => bucket,
    }))
}

fn spool_full(node: &Node) -> Result<SpoolFull, ValueError> {
    match text(node)?.as_str() {
        "pause" => Ok(SpoolFull::Pause),
        "drop" => Ok(SpoolFull::Drop),
        other => Err(format!("{other:?} is neither \"pause\" nor \"drop\"").into()),
    }
}

fn payload(node: &Node) -> Result<KeepPayload, ValueError> {
    let text = text(node)?;
    match text.as_str() {
        "full" => Ok(KeepPayload::Full),
        "none" => Ok(KeepPayload::None),
        "hash" => Ok(KeepPayload::Hash),
        other => ByteSize::parse(other).map(KeepPayload::Cut).map_err(|_| {
            let hint = did_you_mean(other, ["full", "none", "hash"].into_iter());
            format!("{other:?} is neither \"full\" nor \"none\" nor \"hash\" nor a size such as \"16KiB\"{hint}").into()
        }),
    }
}
