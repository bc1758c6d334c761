//! Finds the user's cache folder, and deletes partial files in it.
//!
//! The cache has compiled plugins and fetched files. Both can be made or fetched again.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Age after which a partial file is deleted: 1 h, since writing one takes seconds.
const PARTIAL_MAX_AGE: Duration = Duration::from_secs(3_600);

/// Returns `$XDG_CACHE_HOME/mockfleet`, or `~/.cache/mockfleet`.
///
/// `None` if neither `XDG_CACHE_HOME` (as an absolute path) nor `HOME` is set.
pub fn user_cache_dir() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    base.map(|base| base.join("mockfleet"))
}

/// Deletes partial files of killed processes, if they are more than an hour old.
///
/// A partial file is named `NAME.PID.part`. Only files whose `NAME` passes `is_ours` are
/// deleted.
pub fn delete_partial_files(folder: &Path, is_ours: fn(&str) -> bool) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file);
        let age = metadata.and_then(|metadata| metadata.modified().ok()?.elapsed().ok());
        let name = entry.file_name();
        let is_partial = name.to_str().and_then(partial_name).is_some_and(is_ours);
        if is_partial && age.is_some_and(|age| age > PARTIAL_MAX_AGE) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Returns the `NAME` of `NAME.PID.part`.
fn partial_name(file: &str) -> Option<&str> {
    let (name, process) = file.strip_suffix(".part")?.rsplit_once('.')?;
    process.bytes().all(|c| c.is_ascii_digit()).then_some(name)
}

/// Returns whether a text has this number of hexadecimal digits, in lower case.
pub fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn old_partial_files_of_ours_are_deleted() {
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
        delete_partial_files(folder.path(), |name| name == "abc");
        let rest = std::fs::read_dir(folder.path()).unwrap();
        let mut rest: Vec<_> = rest.map(|entry| entry.unwrap().file_name()).collect();
        rest.sort();
        assert_eq!(
            rest,
            ["abc", "abc.13.part", "abc.twelve.part", "other.12.part"]
        );
    }
}
