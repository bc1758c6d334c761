//! Describes the clock of a run.

/// The clock of a run: the time that devices and rows have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// The time at the start of the run, not before 1970; `None` is the machine's time.
    pub start: Option<jiff::Timestamp>,
    /// The speed.
    pub speed: Speed,
}

impl Default for Clock {
    /// Returns the machine's clock.
    fn default() -> Self {
        Self {
            start: None,
            speed: Speed::Times(1.0),
        }
    }
}

/// The speed of a run's clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// A multiple of the machine's speed, above 0.
    Times(f64),
    /// As fast as devices, log and backend allow.
    Max,
}
