//! Reports the progress of a comparison.

/// The progress of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The current step.
    pub doing: &'static str,
    /// Rows, or buckets, that are done.
    pub done: u64,
    /// Of how many, if that is known.
    pub of: Option<u64>,
}

/// Receives the progress from time to time.
pub type ProgressFn<'a> = dyn FnMut(Progress) + 'a;
