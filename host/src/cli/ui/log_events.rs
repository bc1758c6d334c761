//! Writes log events of the program to standard error.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use mockfleet_config::Problems;
use mockfleet_files::foreign_text::for_line;
use tracing_subscriber::EnvFilter;

/// The environment variable with a filter, such as `mockfleet_sendlog=debug`.
const FILTER_VARIABLE: &str = "MOCKFLEET_LOG";

/// Levels of `--log-level`, from no events to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogLevel {
    /// No events
    Off,
    /// Errors that end a part of the program
    Error,
    /// Problems that the program works around
    Warn,
    /// Start and end of each phase
    Info,
    /// Decisions, such as retries and restarts
    Debug,
    /// All events
    Trace,
}

impl LogLevel {
    const fn directive(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Starts writing log events, if the option or the environment requests them.
///
/// # Errors
/// If `MOCKFLEET_LOG` is no filter.
pub(crate) fn start(level: Option<LogLevel>) -> Result<(), Problems> {
    let variable = std::env::var(FILTER_VARIABLE).ok();
    let Some(filter) = filter(level, variable.as_deref())? else {
        return Ok(());
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(LineWriter::default);
    // Fails only if another subscriber is installed, and this is the only one.
    let _ = subscriber.try_init();
    Ok(())
}

/// Returns the filter; `None` without the option and the variable.
fn filter(level: Option<LogLevel>, variable: Option<&str>) -> Result<Option<EnvFilter>, Problems> {
    // The level applies to mockfleet: its libraries report far more, and can be named in the
    // variable.
    if let Some(level) = level {
        let directive = format!("mockfleet={0},off", level.directive());
        let crates = CRATES.map(|name| format!("{name}={}", level.directive()));
        let all = format!("{directive},{}", crates.join(","));
        return Ok(EnvFilter::try_new(all).ok());
    }
    let Some(text) = variable.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    EnvFilter::try_new(text).map(Some).map_err(|error| {
        Problems::one(
            FILTER_VARIABLE,
            format!(
                "{text:?} is no filter: {error}; give off, error, warn, info, debug or trace, or a filter such as mockfleet_sendlog=debug"
            ),
        )
    })
}

/// The crates of mockfleet; the program itself is `mockfleet`.
const CRATES: [&str; 12] = [
    "mockfleet_builtin",
    "mockfleet_bundle",
    "mockfleet_config",
    "mockfleet_engine",
    "mockfleet_files",
    "mockfleet_metrics",
    "mockfleet_plugin",
    "mockfleet_report",
    "mockfleet_sendlog",
    "mockfleet_tables",
    "mockfleet_transport",
    "mockfleet_verify",
];

/// Prints a line, and keeps the live view below it.
type Printer = Box<dyn Fn(&str) + Send>;

/// The printer of the current live view; without one, lines go to standard error.
static PRINTER: Mutex<Option<Printer>> = Mutex::new(None);

/// Sets or removes the printer of the live view.
pub(crate) fn print_with(printer: Option<Printer>) {
    *PRINTER.lock().unwrap_or_else(PoisonError::into_inner) = printer;
}

/// Collects one event, and prints its lines when it is dropped.
#[derive(Default)]
struct LineWriter(Vec<u8>);

impl Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.0);
        let text = text.trim_end();
        if text.is_empty() {
            return;
        }
        match &*PRINTER.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(print) => print(text),
            None => {
                let _ = writeln!(std::io::stderr(), "{}", for_line(text));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_events_without_option_and_variable() {
        assert!(filter(None, None).unwrap().is_none());
        assert!(filter(None, Some(" ")).unwrap().is_none());
    }

    #[test]
    fn level_applies_to_all_crates_of_mockfleet() {
        let text = filter(Some(LogLevel::Debug), None)
            .unwrap()
            .unwrap()
            .to_string();
        assert!(text.contains("mockfleet_sendlog=debug"), "{text}");
        assert!(text.contains("mockfleet=debug"), "{text}");
    }

    #[test]
    fn wrong_filter_is_refused_with_the_levels() {
        let error = filter(None, Some("mockfleet=loud"))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("MOCKFLEET_LOG: "), "{error}");
        assert!(
            error.contains("off, error, warn, info, debug or trace"),
            "{error}"
        );
    }
}
