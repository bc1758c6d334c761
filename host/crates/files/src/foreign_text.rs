//! Makes texts of others safe for terminals and shells.
//!
//! Names, errors and paths can come from a plugin, a bundle, a broker or a log of somebody else.
//! Escape sequences in them would move the cursor, change colours or the clipboard; marks of
//! direction would show a text in another order.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes characters that a terminal does not show as they are: `\u{1b}`. Line ends and tabs
/// stay.
#[must_use]
pub fn for_terminal(text: &str) -> Cow<'_, str> {
    escaped(text, |c, out| {
        let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
    })
}

/// Escapes the same characters in a JSON text: `\u001b`. The value stays the same.
#[must_use]
pub fn for_terminal_json(json: &str) -> Cow<'_, str> {
    escaped(json, |c, out| {
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

/// Escapes a text that is one line: line ends too.
#[must_use]
pub fn for_line(text: &str) -> Cow<'_, str> {
    match text.contains(['\n', '\r']) {
        true => Cow::Owned(for_terminal(&text.replace('\r', "\\r").replace('\n', "\\n")).into()),
        false => for_terminal(text),
    }
}

fn escaped(text: &str, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_unsafe(c) {
            true => escape(c, &mut out),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Returns whether a terminal obeys a character instead of showing it: controls (C0, DEL, C1),
/// marks of direction (Unicode Standard Annex 9), and separators of lines.
fn is_unsafe(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{200e}' | '\u{200f}' | '\u{61c}' => true,
        '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => true,
        _ => c.is_control(),
    }
}

/// Quotes a word for a shell (POSIX 2.2), if it needs quotes.
#[must_use]
pub fn shell_word(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=%,@+".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => Cow::Borrowed(word),
        false => Cow::Owned(format!("'{}'", word.replace('\'', "'\\''"))),
    }
}

/// Quotes a word with many single quotes, such as SQL, for a shell: with double quotes, unless
/// the shell would replace a part of it there.
#[must_use]
pub fn shell_text(text: &str) -> Cow<'_, str> {
    match text.contains(['$', '`', '"', '\\', '!']) {
        true => shell_word(text),
        false => Cow::Owned(format!("\"{text}\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_moves_the_cursor_or_its_own_order() {
        assert_eq!(for_terminal("a\tplain ü text\n"), "a\tplain ü text\n");
        let evil = "a\u{1b}[2Jb\u{9b}c\u{202e}d\re\u{7f}";
        let safe = for_terminal(evil);
        assert_eq!(safe, r"a\u{1b}[2Jb\u{9b}c\u{202e}d\u{d}e\u{7f}");
        assert_eq!(for_line("a\nb"), r"a\nb");
    }

    #[test]
    fn json_keeps_its_value() {
        let value = "a\u{9b}\u{202e}\u{200f}\u{feff}ü";
        let json = format!("\"{value}\"");
        let safe = for_terminal_json(&json);
        assert_eq!(safe, r#""a\u009b\u202e\u200f\ufeffü""#);
        assert!(!safe.chars().any(is_unsafe));
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(shell_word("logs/a.toml"), "logs/a.toml");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
        assert_eq!(shell_word("$(touch x)"), "'$(touch x)'");
        assert_eq!(shell_text("SELECT 'a'"), "\"SELECT 'a'\"");
        assert_eq!(shell_text("SELECT '$(x)'"), r"'SELECT '\''$(x)'\'''");
    }
}
