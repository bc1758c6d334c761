//! Describes the clock of a run.

/// The run's own clock: what devices and rows are told the time is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// What it shows when the run begins, not before 1970; `None` is the machine's time.
    pub start: Option<jiff::Timestamp>,
    /// How fast it goes.
    pub speed: Speed,
}

impl Default for Clock {
    /// The machine's.
    fn default() -> Self {
        Self {
            start: None,
            speed: Speed::Times(1.0),
        }
    }
}

/// How fast the run's clock goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// So many times as fast as the machine's, more than 0.
    Times(f64),
    /// As fast as devices, log and backend allow.
    Max,
}
