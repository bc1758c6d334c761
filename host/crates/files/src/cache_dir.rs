//! The user's folder for what can be made or fetched again: compiled plugins, fetched files.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// `$XDG_CACHE_HOME/mockfleet`, or `~/.cache/mockfleet`.
pub fn user_cache_dir() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    base.map(|base| base.join("mockfleet"))
}

/// Deletes what a killed process left half-written in a folder so long ago:
/// `NAME.PID.part`, where `ours` knows the name.
pub fn delete_partial_files(folder: &Path, unused: Duration, ours: fn(&str) -> bool) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let age = entry.metadata().ok().filter(std::fs::Metadata::is_file);
        let age = age.and_then(|about| about.modified().ok()?.elapsed().ok());
        let partial = entry
            .file_name()
            .to_str()
            .and_then(partial_name)
            .is_some_and(ours);
        if partial && age.is_some_and(|age| age > unused) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// The name of what was being written.
fn partial_name(file: &str) -> Option<&str> {
    let (name, process) = file.strip_suffix(".part")?.rsplit_once('.')?;
    process.bytes().all(|c| c.is_ascii_digit()).then_some(name)
}

/// Whether a text is so many hexadecimal digits, as digests are written.
pub fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn only_old_halves_of_ours_go() {
        let folder = tempfile::tempdir().unwrap();
        let hour = Duration::from_secs(3_600);
        let made = |name: &str, age: Duration| {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        };
        made("abc.12.part", 2 * hour);
        made("abc.13.part", Duration::ZERO);
        made("other.12.part", 2 * hour);
        made("abc.twelve.part", 2 * hour);
        made("abc", 2 * hour);
        delete_partial_files(folder.path(), hour, |name| name == "abc");
        let left = std::fs::read_dir(folder.path()).unwrap();
        let mut left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(
            left,
            ["abc", "abc.13.part", "abc.twelve.part", "other.12.part"]
        );
    }
}
