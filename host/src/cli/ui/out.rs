//! Prints results to standard output and messages to standard error.
//!
//! A closed pipe (`mockfleet schema | head`) is ignored: the remaining output is discarded,
//! and the run continues.

/// Prints a line of results to standard output.
macro_rules! out {
    () => { $crate::cli::ui::out::line(std::io::stdout(), format_args!("")) };
    ($($text:tt)*) => { $crate::cli::ui::out::line(std::io::stdout(), format_args!($($text)*)) };
}

/// Prints a line to standard error.
macro_rules! err {
    ($($text:tt)*) => { $crate::cli::ui::out::line(std::io::stderr(), format_args!($($text)*)) };
}

pub(crate) use {err, out};

/// Writes a line, and ignores errors.
pub(crate) fn line(mut out: impl std::io::Write, text: std::fmt::Arguments<'_>) {
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
    }
}
