//! Holds the options of a run.

use mockfleet_plugin::Console;

/// The options of a run.
#[derive(Clone)]
pub struct RunOptions {
    /// Threads that call devices; by default one for each core.
    pub workers: Option<u32>,
    /// Receiver of the guest output.
    pub console: Console,
    /// Whether [`Running::set_rate_factor`] may change the rate. Such a run continues until it
    /// is stopped.
    pub variable_rate: bool,
    /// Whether messages leave. Otherwise they become rows only, and the run opens no
    /// connection to a target.
    pub sends: bool,
}
