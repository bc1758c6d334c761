//! Writes any text to a terminal, to JSON and to a shell.

use mockfleet_files::foreign_text::{
    for_line, for_terminal, for_terminal_json, shell_text, shell_word,
};

/// Writes the text in each way.
///
/// # Panics
/// A terminal would obey a part of the text, or the text is another after it is read back.
pub fn terminal(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let shown = for_terminal(&text);
    assert_eq!(obeyed(&shown, "\n\t"), None);
    assert_eq!(for_terminal(&shown), shown, "a safe text stays as it is");
    if obeyed(&text, "\n\t").is_none() {
        assert_eq!(shown, text, "a safe text stays as it is");
    }
    let line = for_line(&text);
    assert_eq!(obeyed(&line, "\t"), None);
    assert_eq!(for_line(&line), line, "a safe line stays as it is");
    let json = serde_json::to_string(&text).expect("a text");
    let shown = for_terminal_json(&json);
    assert_eq!(obeyed(&shown, "\n\t"), None);
    let read: String = serde_json::from_str(&shown).expect("JSON stays JSON");
    assert_eq!(read, text);
    assert_eq!(words(&shell_word(&text)), [text.as_ref()]);
    assert_eq!(words(&shell_text(&text)), [text.as_ref()]);
}

/// Returns the first character that a terminal obeys instead of showing it: a control
/// character, a mark of direction (UAX 9), a separator of lines, or a byte order mark.
fn obeyed(text: &str, allowed: &str) -> Option<char> {
    let marks = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{2028}\u{2029}\u{feff}";
    text.chars()
        .find(|c| (c.is_control() && !allowed.contains(*c)) || marks.contains(*c))
}

/// Splits a line into words as a shell does (POSIX 2.2 and 2.6). Parts that a shell would
/// replace or run are no words.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\'' => {
                let quoted = rest.by_ref().take_while(|c| *c != '\'');
                word.get_or_insert_default().extend(quoted);
            }
            '"' => {
                let quoted: String = rest.by_ref().take_while(|c| *c != '"').collect();
                assert!(
                    !quoted.contains(['$', '`', '\\', '!']),
                    "a shell replaces a part of {line:?}"
                );
                word.get_or_insert_default().push_str(&quoted);
            }
            '\\' => word.get_or_insert_default().extend(rest.next()),
            ' ' | '\t' | '\n' => words.extend(word.take()),
            c => {
                assert!(
                    !"|&;<>()$`*?[#~{}!".contains(c),
                    "a shell obeys a part of {line:?}"
                );
                word.get_or_insert_default().push(c);
            }
        }
    }
    words.extend(word);
    words
}
