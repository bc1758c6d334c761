//! Results to standard output, talk to standard error. Whoever reads may have gone
//! (`mockfleet schema | head`): what is left to say is then said to nobody, and a run
//! goes on.

/// Prints a line of results.
macro_rules! say {
    () => { $crate::cli::print::line(std::io::stdout(), format_args!("")) };
    ($($text:tt)*) => { $crate::cli::print::line(std::io::stdout(), format_args!($($text)*)) };
}

/// Prints a line of talk.
macro_rules! tell {
    ($($text:tt)*) => { $crate::cli::print::line(std::io::stderr(), format_args!($($text)*)) };
}

pub(super) use {say, tell};

/// Writes a line, if anybody takes it.
pub(super) fn line(mut out: impl std::io::Write, text: std::fmt::Arguments<'_>) {
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
    fn a_reader_that_has_gone_is_no_trouble() {
        line(Gone, format_args!("{}", 1));
        let mut taken = Vec::new();
        line(&mut taken, format_args!("{}", 1));
        assert_eq!(taken, b"1\n");
    }
}
