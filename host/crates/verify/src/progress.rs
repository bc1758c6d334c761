//! Reports the progress of a comparison.

/// The progress of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The current step.
    pub doing: &'static str,
    /// Number of finished rows or buckets.
    pub done: u64,
    /// Total number, if it is known.
    pub of: Option<u64>,
}

/// Receives the progress from time to time.
pub type ProgressFn<'a> = dyn FnMut(Progress) + 'a;
