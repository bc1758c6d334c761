//! Reads any files as a log, and completes its spool.
//!
//! The input lists files of a log. A line `=== KIND PATH` begins an entry: a `file` with the bytes
//! up to the next entry, a `link` to the path that follows, a `folder` or a `pipe`. `{outside}` in
//! a link or a file is the path of a folder that no log may touch.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use mockfleet_config::Store;
use mockfleet_sendlog::{
    LogFiles, digests, encoded_sizes, outcome_counts, overlapping_runs, plan_prune,
    read_run_metadata, recover, runs, spool_folders, stats, timeline,
};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::page::check_page;

/// A run in the names of the input.
const RUN: &str = "01M87Y4E6N4V0JX7CWRZ4Z7D3Z";

/// The maximum number of entries of an input.
const MAX_ENTRIES: usize = 50;

/// A log in a folder of its own, beside files that belong to the user.
struct Planted {
    root: tempfile::TempDir,
}

/// Completes the spool of a log with these files, and reads and prunes the log.
///
/// # Panics
/// A file outside of the log has changed.
pub fn recovery(listing: &[u8]) {
    let planted = Planted::new();
    for entry in entries(listing).into_iter().take(MAX_ENTRIES) {
        // A folder in place of a file that comes from the spool would be tried for a minute.
        if entry.path.starts_with(".spool") || entry.path.starts_with("runs") {
            planted.plant(&entry);
        }
    }
    let store = planted.store();
    for _ in 0..2 {
        if let Ok(recovery) = recover(&store) {
            assert!(
                recovery
                    .refused
                    .iter()
                    .all(|error| !error.to_string().is_empty())
            );
        }
    }
    planted.read();
    for folder in spool_folders(&store) {
        let _ = folder.delete();
    }
    planted.check_outside();
}

/// Reads the bytes as a Parquet file of both tables, and as the metadata of the run.
///
/// # Panics
/// A file outside of the log has changed.
pub fn footer(bytes: &[u8]) {
    let planted = Planted::new();
    for table in ["sends", "events"] {
        let path = format!("{table}/dt=2026-11-24/hour=07/h-{RUN}-0-9.parquet");
        planted.plant(&Entry::file(&path, bytes));
    }
    planted.plant(&Entry::file(&format!("runs/h-{RUN}.json"), bytes));
    planted.read();
    planted.check_outside();
}

/// A file, link, folder or pipe of the input.
struct Entry {
    kind: String,
    path: PathBuf,
    content: Vec<u8>,
}

impl Entry {
    fn file(path: &str, content: &[u8]) -> Self {
        Self {
            kind: "file".to_owned(),
            path: path.into(),
            content: content.to_owned(),
        }
    }
}

/// Returns the entries of a listing. Entries whose own path leaves the log are left out.
fn entries(listing: &[u8]) -> Vec<Entry> {
    let starts = (0..listing.len()).filter(|at| {
        let is_line = *at == 0 || listing[*at - 1] == b'\n';
        is_line && listing[*at..].starts_with(b"=== ")
    });
    let starts: Vec<usize> = starts.collect();
    let ends = starts.iter().skip(1).copied().chain([listing.len()]);
    let parts = starts
        .iter()
        .zip(ends)
        .map(|(start, end)| &listing[start + 4..end]);
    parts.filter_map(entry).collect()
}

fn entry(part: &[u8]) -> Option<Entry> {
    let end = part.iter().position(|byte| *byte == b'\n');
    let (head, content) = part.split_at(end.unwrap_or(part.len()));
    let content = content.strip_prefix(b"\n").unwrap_or(content);
    let (kind, path) = std::str::from_utf8(head).ok()?.split_once(' ')?;
    let path = PathBuf::from(path);
    let is_below = |part| matches!(part, Component::Normal(_));
    let is_inside = path.components().all(is_below) && !path.as_os_str().is_empty();
    (is_inside && !path.as_os_str().to_string_lossy().contains('\0')).then(|| Entry {
        kind: kind.to_owned(),
        path,
        content: content.strip_suffix(b"\n").unwrap_or(content).to_owned(),
    })
}

impl Planted {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        let planted = Self { root };
        for folder in ["log", "outside"] {
            fs::create_dir(planted.path(folder)).expect("a folder");
        }
        fs::write(planted.path("outside/.bashrc"), "theirs").expect("a file");
        planted
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn store(&self) -> Store {
        Store::Folder(self.path("log"))
    }

    /// Writes an entry. Names that the file system refuses, or that lead through a planted link,
    /// are left out.
    fn plant(&self, entry: &Entry) {
        let path = self.path("log").join(&entry.path);
        let is_link = |path: &Path| path.is_symlink();
        if path.ancestors().any(is_link) {
            return;
        }
        let _ = path.parent().map(fs::create_dir_all);
        let outside = self.path("outside");
        let outside = outside.to_string_lossy();
        let content = replaced(&entry.content, b"{outside}", outside.as_bytes());
        match entry.kind.as_str() {
            "file" => {
                let _ = fs::write(path, content);
            }
            "link" => {
                let target = String::from_utf8_lossy(&content).replace('\0', "");
                let _ = symlink(target.as_str(), path);
            }
            "pipe" => {
                let _ = mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0);
            }
            _ => {
                let _ = fs::create_dir_all(path);
            }
        }
    }

    /// Reads the log with each of its readers.
    fn read(&self) {
        let store = self.store();
        if let Ok(stats) = stats(&store) {
            let _ = stats.total();
        }
        let _ = digests(&store, None);
        let _ = encoded_sizes(&self.path("log"));
        let _ = overlapping_runs(&store, "fleet", &["g"], Timestamp::MIN, Timestamp::MAX);
        for run in runs(&store).unwrap_or_default() {
            let metadata = read_run_metadata(&store, &run).ok().flatten();
            if let Ok(timeline) = timeline(&store, &run, true, |_, _| {}) {
                check_page(&timeline, metadata.as_ref());
            }
            let _ = outcome_counts(&store, &run, 10);
            read_rows(&store, &run);
        }
        if let Ok(plan) = plan_prune(&store, Duration::ZERO) {
            let _ = plan.delete();
        }
    }

    /// Checks that the files beside the log are as they were.
    fn check_outside(&self) {
        let names = |folder: &Path| -> Vec<String> {
            let entries = fs::read_dir(folder).expect("the folder is there");
            let names = entries.map(|entry| entry.expect("an entry").file_name());
            let mut names: Vec<_> = names
                .map(|name| name.to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        };
        assert!(
            names(self.root.path())
                .iter()
                .all(|name| name == "log" || name == "outside")
        );
        assert_eq!(names(&self.path("outside")), [".bashrc"]);
        let content = fs::read(self.path("outside/.bashrc")).expect("the file is there");
        assert_eq!(content, b"theirs");
    }
}

fn read_rows(store: &Store, run: &str) {
    let Ok(files) = LogFiles::find(store) else {
        return;
    };
    for file in files.of_run(run) {
        let Ok(opened) = file.open() else {
            continue;
        };
        let columns = opened.columns();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let _ = opened.read(&columns, &mut |_, _| ControlFlow::Continue(()));
    }
}

/// Replaces a part of bytes wherever it is.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, more)) = rest.split_first() {
        match rest.strip_prefix(from) {
            Some(after) => {
                out.extend_from_slice(to);
                rest = after;
            }
            None => {
                out.push(*first);
                rest = more;
            }
        }
    }
    out
}
