//! The user's folder for what can be made or fetched again: compiled plugins, fetched files.

use std::path::PathBuf;

/// `$XDG_CACHE_HOME/mockfleet`, or `~/.cache/mockfleet`.
pub(crate) fn of_user() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    base.map(|base| base.join("mockfleet"))
}

/// Whether a text is so many hexadecimal digits, as digests are written.
pub(crate) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}
