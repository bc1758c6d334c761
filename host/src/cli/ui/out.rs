//! Prints results to standard output and messages to standard error.
//!
//! All output passes through here, so that no text of others reaches a terminal with its escape
//! sequences. A closed pipe (`mockfleet schema | head`) is ignored: the remaining output is
//! discarded, and the run continues.

use mockfleet_files::foreign_text;

/// Prints results of any number of lines to standard output. Texts of others in them are made
/// one line each (`foreign_text::for_line`) by the code that builds them.
macro_rules! out {
    () => { $crate::cli::ui::out::line(std::io::stdout(), format_args!("")) };
    ($($text:tt)*) => { $crate::cli::ui::out::line(std::io::stdout(), format_args!($($text)*)) };
}

/// Prints one line of results to standard output, whatever texts are in it.
macro_rules! out_line {
    ($($text:tt)*) => { $crate::cli::ui::out::one_line(std::io::stdout(), format_args!($($text)*)) };
}

/// Prints a JSON text to standard output.
macro_rules! out_json {
    ($($text:tt)*) => { $crate::cli::ui::out::json_line(std::io::stdout(), format_args!($($text)*)) };
}

/// Prints one line to standard error, whatever texts are in it.
macro_rules! err {
    ($($text:tt)*) => { $crate::cli::ui::out::one_line(std::io::stderr(), format_args!($($text)*)) };
}

/// Prints a JSON text to standard error.
macro_rules! err_json {
    ($($text:tt)*) => { $crate::cli::ui::out::json_line(std::io::stderr(), format_args!($($text)*)) };
}

pub(crate) use {err, err_json, out, out_json, out_line};

/// Writes one line, and ignores errors. Line ends in it are escaped.
pub(crate) fn one_line(mut out: impl std::io::Write, text: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{}", foreign_text::for_line(&text.to_string()));
}

/// Writes one or several lines, and ignores errors.
pub(crate) fn line(mut out: impl std::io::Write, text: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{}", foreign_text::for_terminal(&text.to_string()));
}

/// Writes a line of JSON, and ignores errors.
pub(crate) fn json_line(mut out: impl std::io::Write, text: std::fmt::Arguments<'_>) {
    let _ = writeln!(
        out,
        "{}",
        foreign_text::for_terminal_json(&text.to_string())
    );
}

/// Writes text with colours of this program. Nothing of others may be in it.
pub(crate) fn coloured(mut out: impl std::io::Write, text: &str) {
    let _ = writeln!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Gone;

    impl std::io::Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn closed_pipe_is_ignored() {
        line(Gone, format_args!("{}", 1));
        let mut taken = Vec::new();
        line(&mut taken, format_args!("{}", 1));
        assert_eq!(taken, b"1\n");
        line(&mut taken, format_args!("{}", "\u{1b}[2J"));
        json_line(&mut taken, format_args!("\"{}\"", "\u{9b}"));
        assert_eq!(taken, b"1\n\\u{1b}[2J\n\"\\u009b\"\n");
        taken.clear();
        one_line(&mut taken, format_args!("{}", "a\nwarning: b"));
        assert_eq!(taken, b"a\\nwarning: b\n");
    }
}
