//! Holds the options of a run.

use std::sync::Arc;

use jiff::Timestamp;
use mockfleet_plugin::Console;

/// The options of a run.
///
/// ```
/// use mockfleet_engine::RunOptions;
///
/// let options = RunOptions::default().with_workers(2).with_sends(false);
/// assert_eq!(options.workers, Some(2));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct RunOptions {
    /// Threads that call devices; by default one for each core.
    pub workers: Option<u32>,
    /// Receiver of the guest output, which is discarded by default.
    pub console: Console,
    /// Whether [`Running::set_rate_factor`] may change the rate. Such a run continues until it
    /// is stopped.
    ///
    /// [`Running::set_rate_factor`]: crate::Running::set_rate_factor
    pub variable_rate: bool,
    /// Whether messages leave, as by default. Otherwise they become rows only, and the run
    /// opens no connection to a target.
    pub sends: bool,
    /// Time of the machine at which the clock starts. By default, and if the connections are not
    /// open by then, it starts as soon as they are.
    pub start_at: Option<Timestamp>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            workers: None,
            console: Arc::new(|_| {}),
            variable_rate: false,
            sends: true,
            start_at: None,
        }
    }
}

impl RunOptions {
    /// Sets the number of threads; `None` is one for each core.
    #[must_use]
    pub fn with_workers(mut self, workers: impl Into<Option<u32>>) -> Self {
        self.workers = workers.into();
        self
    }

    /// Sets the receiver of the guest output.
    #[must_use]
    pub fn with_console(mut self, console: Console) -> Self {
        self.console = console;
        self
    }

    /// Sets whether the rate may change during the run.
    #[must_use]
    pub fn with_variable_rate(mut self, variable_rate: bool) -> Self {
        self.variable_rate = variable_rate;
        self
    }

    /// Sets the time of the machine at which the clock starts.
    #[must_use]
    pub fn with_start_at(mut self, start_at: impl Into<Option<Timestamp>>) -> Self {
        self.start_at = start_at.into();
        self
    }

    /// Sets whether messages leave.
    #[must_use]
    pub fn with_sends(mut self, sends: bool) -> Self {
        self.sends = sends;
        self
    }
}
