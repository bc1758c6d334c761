//! Refuses an argument that names no log.
//!
//! The message names the log that was probably meant.

use std::path::{Path, PathBuf};

use crate::cli::support::input;
use mockfleet_config::{Fleet, Problems, Store, did_you_mean};
use mockfleet_sendlog::location;

/// Entries of a folder that make it a log: the tables, the spool, and the metadata of runs.
const PARTS: [&str; 4] = ["sends", "events", ".spool", "runs"];

/// Most fleet files of a folder that are read for their store.
const MAX_FLEET_FILES: usize = 20;

/// Refuses a store that is no log: a fleet file, another file, a part of a log, or nothing.
///
/// `place` is the argument in messages. An empty folder is a log without rows. A bucket is not read.
///
/// # Errors
/// The reason, with the store that was probably meant.
pub(crate) fn require_log(place: &str, store: &Store) -> Result<(), Problems> {
    match store {
        Store::Folder(folder) => match wrong(folder) {
            Some(why) => Err(Problems::one(place, format!("{}: {why}", location(store)))),
            None => Ok(()),
        },
        Store::S3 { .. } => Ok(()),
    }
}

/// Refuses a bucket that has no object of a log.
///
/// # Errors
/// The reason, or the refusal of the bucket.
pub(crate) fn require_objects(store: &Store) -> Result<(), Problems> {
    if matches!(store, Store::Folder(_)) {
        return Ok(());
    }
    let found = mockfleet_sendlog::holds_log(store);
    match found.map_err(|error| Problems::one("LOG", error.to_string()))? {
        true => Ok(()),
        false => Err(Problems::one(
            "LOG",
            format!(
                "{}: it has no object of a log{}; give the bucket and prefix that `store` in [log] of the fleet file names",
                location(store),
                others(store)
            ),
        )),
    }
}

/// Names the other buckets whose rows are in the spool of this machine.
fn others(store: &Store) -> String {
    let mut others = mockfleet_sendlog::spooled_buckets();
    others.retain(|other| *other != location(store));
    match others.as_slice() {
        [] => String::new(),
        others => format!("; rows in the spool here belong to {}", others.join(", ")),
    }
}

/// Returns why a path is no log, with the way out.
fn wrong(path: &Path) -> Option<String> {
    let about = match std::fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let near = parent(path);
            return Some(format!(
                "it does not exist; give the folder that a log is in, or s3://bucket/prefix{}",
                meant(path, &near)
            ));
        }
        Err(error) => {
            return Some(format!(
                "{error}; give the folder that a log is in, or s3://bucket/prefix"
            ));
        }
    };
    if about.is_dir() && is_log(path) {
        return None;
    }
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if whole.ancestors().skip(1).any(is_log) {
        let log = ancestor_log(path, &whole);
        return Some(format!(
            "it is a part of a log; give the whole log: {}",
            log.display()
        ));
    }
    if about.is_dir() {
        let is_empty = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        return (!is_empty).then(|| {
            format!(
                "this folder holds no log of mockfleet (a log has the folders sends and events){}",
                meant(path, path)
            )
        });
    }
    Some(match written_by(path) {
        Some(FleetLog::Store(log)) => format!(
            "it is no folder; it is a fleet file, and its log is {}; give that",
            location(&log)
        ),
        Some(FleetLog::None) => {
            "it is no folder; it is a fleet file, and writes no log (store = \"none\" in [log])"
                .to_owned()
        }
        None => format!(
            "it is no folder; give the one that a log is in{}",
            meant(path, &parent(path))
        ),
    })
}

fn is_log(folder: &Path) -> bool {
    let tables = PARTS.iter().filter(|part| folder.join(part).is_dir());
    tables.clone().any(|part| *part != "runs") || tables.count() > 1
}

/// Returns the log that a path is in, relative if the path is.
fn ancestor_log(path: &Path, whole: &Path) -> PathBuf {
    let relative = path.ancestors().skip(1);
    let mut relative = relative.filter(|folder| *folder != Path::new("") && is_log(folder));
    match relative.next() {
        Some(log) => log.to_owned(),
        None => {
            let mut logs = whole.ancestors().skip(1).filter(|folder| is_log(folder));
            logs.next().unwrap_or(whole).to_owned()
        }
    }
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The log of a fleet file.
enum FleetLog {
    Store(Store),
    None,
}

/// Returns the log that the fleet file or bundle at this path writes.
fn written_by(file: &Path) -> Option<FleetLog> {
    let is_toml = file.extension().is_some_and(|ending| ending == "toml");
    let fleet = match (is_toml, input::is_packed(file)) {
        (true, _) => match Fleet::read(file, &[]) {
            Ok(fleet) => fleet,
            // A fleet file with a mistake elsewhere names its store too.
            Err(invalid) => *invalid.rest?,
        },
        (false, true) => input::read(file, &[]).ok()?,
        (false, false) => return None,
    };
    let is_fleet = !fleet.plan.groups.is_empty() || !fleet.plan.targets.is_empty();
    is_fleet.then_some(match fleet.plan.log.store {
        Some(store) => FleetLog::Store(store),
        None => FleetLog::None,
    })
}

/// Names the logs in a folder, and those that its fleet files write: one of them was probably
/// meant.
fn meant(path: &Path, near: &Path) -> String {
    let mut logs: Vec<String> = Vec::new();
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(near).into_iter().flatten().flatten() {
        let entry = match near == Path::new(".") {
            true => PathBuf::from(entry.file_name()),
            false => entry.path(),
        };
        if entry.is_dir() && is_log(&entry) {
            logs.push(entry.display().to_string());
        } else if entry.extension().is_some_and(|ending| ending == "toml") {
            files.push(entry);
        }
    }
    files.sort();
    let stores = files.iter().take(MAX_FLEET_FILES).filter_map(|file| {
        let FleetLog::Store(store) = written_by(file)? else {
            return None;
        };
        let exists = match &store {
            Store::Folder(folder) => is_log(folder),
            Store::S3 { .. } => true,
        };
        exists.then(|| location(&store).trim_start_matches("./").to_owned())
    });
    logs.extend(stores);
    logs.sort();
    logs.dedup();
    match logs.as_slice() {
        [] => String::new(),
        [log] => format!("; did you mean {log:?}?"),
        logs => did_you_mean(&path.display().to_string(), logs.iter().map(String::as_str)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLEET: &str = "name = \"f\"\nseed = 1\n[targets.b]\nurl = \"mqtt://127.0.0.1\"\nchannels.telemetry = { topic = \"t\" }\n[[groups]]\nname = \"g\"\nplugin = \"builtin:thermometer\"\ncount = 1\nevery = \"1s\"\n[log]\nstore = \"kept\"\n";

    #[test]
    fn store_that_was_meant_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for part in ["mockfleet-logs/sends/dt=2026-01-01", "empty", "notes/old"] {
            std::fs::create_dir_all(at(part)).unwrap();
        }
        std::fs::write(at("fleet.toml"), FLEET).unwrap();
        std::fs::write(at("notes.txt"), "mine").unwrap();
        let logs = at("mockfleet-logs").display().to_string();
        let why = |name: &str| wrong(&at(name)).unwrap();
        assert_eq!(wrong(&at("mockfleet-logs")), None);
        assert_eq!(wrong(&at("empty")), None);
        let kept = at("kept").display().to_string();
        assert!(why("fleet.toml").contains(&format!("it is a fleet file, and its log is {kept}")));
        for (name, text) in [
            ("mockfleet-log", "it does not exist; give the folder"),
            (
                "notes.txt",
                "it is no folder; give the one that a log is in",
            ),
        ] {
            assert!(why(name).starts_with(text), "{}", why(name));
            assert!(why(name).contains(&format!("did you mean {logs:?}?")));
        }
        assert!(why("notes").contains("holds no log of mockfleet"));
        assert!(why("").contains(&format!("did you mean {logs:?}?")));
        for part in ["mockfleet-logs/sends", "mockfleet-logs/sends/dt=2026-01-01"] {
            assert_eq!(
                why(part),
                format!("it is a part of a log; give the whole log: {logs}")
            );
        }
    }

    #[test]
    fn fleet_file_with_a_mistake_or_without_log_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("fleet.toml");
        std::fs::write(&file, FLEET.replace("\"1s\"", "\"soon\"")).unwrap();
        assert!(wrong(&file).unwrap().contains("its log is"));
        std::fs::write(&file, FLEET.replace("\"kept\"", "\"none\"")).unwrap();
        assert!(wrong(&file).unwrap().contains("writes no log"));
        std::fs::write(&file, "[package]\nname = \"x\"\n").unwrap();
        assert!(wrong(&file).unwrap().starts_with("it is no folder; give"));
    }
}
