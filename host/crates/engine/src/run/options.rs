//! Holds the options of a run.

use mockfleet_plugin::Console;

/// How a fleet is run.
#[derive(Clone)]
pub struct RunOptions {
    /// Threads that call devices; by default one a core.
    pub workers: Option<u32>,
    /// Takes what guests print.
    pub console: Console,
    /// Whether [`Running::set_rate_factor`] will change how fast schedules go. Such a run goes on
    /// until it is stopped.
    pub variable_rate: bool,
    /// Whether messages leave. If not, they become rows and nothing is opened to any
    /// target.
    pub sends: bool,
}
