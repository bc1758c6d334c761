//! `mockfleet logs prune`: lists and deletes old files.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::logs::text::{in_spool, named, spool, warn};
use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::exit::print_problems;
use crate::cli::support::exit::refused;
use crate::cli::support::log_location::{require_log, require_objects};
use crate::cli::ui::out::err;
use crate::cli::ui::out::out;
use crate::cli::ui::out::out_json;
use crate::num::as_u64;
use mockfleet_metrics::{bytes, count, plural};
use mockfleet_sendlog::{PrunePlan, Pruned, TextTable};

/// Deletes the files of hours that ended long enough ago. Without --yes it only lists them.
///
/// A file goes when its name is one that mockfleet gives and its footer says that
/// mockfleet wrote it; everything else in the store stays as it is. In a folder, the
/// folders of an hour and a day go with their last file, and the metadata of a run
/// (runs/HOST-RUN.json) with the last of its rows. Of the spool, what was damaged
/// and set aside goes when it is as old; rows that are not in the store yet never do.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet logs prune --older-than 30d          # lists, with sizes; deletes nothing
  mockfleet logs prune --older-than 30d --yes
  mockfleet logs prune --older-than 12h s3://bucket/prefix --json

The age is that of the hour in which messages were due and events happened (UTC), not
that of the file. Exit code 1: some files could not be deleted.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    log: crate::cli::logs::log_argument::LogArgument,
    /// Minimum time since the end of the hour: 12h, 30d.
    #[arg(long, value_name = "TIME", value_parser = mockfleet_config::parse_duration)]
    older_than: Duration,
    /// Delete the listed files.
    #[arg(long)]
    yes: bool,
    /// Print one JSON object instead.
    #[arg(long)]
    json: bool,
}

pub(crate) fn prune(arguments: &Arguments) -> Result<Ending, Failure> {
    require_log("LOG", arguments.log.store())?;
    let prune = mockfleet_sendlog::plan_prune(arguments.log.store(), arguments.older_than)
        .map_err(|error| refused("LOG", error.to_string()))?;
    let location = mockfleet_sendlog::location(arguments.log.store());
    let pruned = arguments.yes.then(|| prune.delete());
    if arguments.json {
        out_json!("{}", object(&location, &prune, pruned.as_ref()));
    } else {
        out!("{}", text(&location, &prune, pruned.as_ref()));
    }
    warn(&prune.skipped, "left alone");
    if prune.files.is_empty() && prune.skipped.is_empty() {
        // An emptied log and a mistyped prefix look alike in a bucket, so this is no failure.
        if let Err(problems) = require_objects(arguments.log.store()) {
            print_problems("warning: ", &problems);
        }
    }
    match pruned {
        Some(pruned) => {
            warn(&pruned.failed, "not deleted");
            if pruned.failed.is_empty() {
                Ok(Ending::Done)
            } else {
                Ok(Ending::Failed)
            }
        }
        None => {
            if !prune.files.is_empty() || prune.old_spool().next().is_some() {
                err!("nothing was deleted; the same with --yes deletes these files");
            }
            Ok(Ending::Done)
        }
    }
}

fn text(location: &str, prune: &PrunePlan, pruned: Option<&Pruned>) -> String {
    let before = prune.before.strftime("%Y-%m-%d %H:%M UTC");
    let size = prune.files.iter().map(|file| file.bytes).sum();
    let mut parts = vec![match pruned {
        _ if prune.files.is_empty() => {
            format!("{location}: no files of hours that ended before {before}")
        }
        None => format!(
            "{location}: {}, {}, of hours that ended before {before} would be deleted",
            plural(as_u64(prune.files.len()), "file"),
            bytes(size),
        ),
        Some(Pruned {
            files, bytes: gone, ..
        }) => format!(
            "{location}: deleted {} of {}, {}, of hours that ended before {before}",
            count(*files),
            plural(as_u64(prune.files.len()), "file"),
            bytes(*gone),
        ),
    }];
    if !prune.files.is_empty() {
        let mut files = TextTable::new(["bytes", "file"]);
        for file in &prune.files {
            files.push_row([bytes(file.bytes), file.key.clone()]);
        }
        parts.push(files.render());
    }
    if !prune.runs.is_empty() {
        let mut runs = TextTable::new(["run", "files", "bytes", "old files", "old bytes"]);
        for (run, size) in &prune.runs {
            runs.push_row([
                run.clone(),
                count(size.files),
                bytes(size.bytes),
                count(size.old_files),
                bytes(size.old_bytes),
            ]);
        }
        parts.push(runs.render());
    }
    parts.extend(spool(&prune.spool, |left| {
        match prune.old_spool().any(|old| old == left) {
            false => "stays",
            true if pruned.is_some() => "deleted",
            true => "would be deleted",
        }
    }));
    parts.join("\n\n")
}

fn object(location: &str, prune: &PrunePlan, pruned: Option<&Pruned>) -> Value {
    let files: Vec<Value> = prune
        .files
        .iter()
        .map(|file| json!({ "file": file.key, "run": file.run, "bytes": file.bytes }))
        .collect();
    let runs: Vec<Value> = prune
        .runs
        .iter()
        .map(|(run, size)| {
            json!({
                "run": run,
                "files": size.files,
                "bytes": size.bytes,
                "old_files": size.old_files,
                "old_bytes": size.old_bytes,
            })
        })
        .collect();
    json!({
        "store": location,
        "before": prune.before.to_string(),
        "old": files,
        "runs": runs,
        "left_alone": named(&prune.skipped),
        "spool": in_spool(&prune.spool),
        "old_spool": prune.old_spool().map(|left| left.run.clone()).collect::<Vec<_>>(),
        "deleted_files": pruned.map_or(0, |pruned| pruned.files),
        "deleted_bytes": pruned.map_or(0, |pruned| pruned.bytes),
        "deleted_spool": pruned.map_or(0, |pruned| pruned.spool),
        "not_deleted": pruned.map(|pruned| named(&pruned.failed)).unwrap_or_default(),
    })
}
