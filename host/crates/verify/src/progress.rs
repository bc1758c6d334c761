//! Reports the progress of a comparison.

/// How far the work is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// What is being done.
    pub doing: &'static str,
    /// Rows, or buckets, that are done.
    pub done: u64,
    /// Of how many, if that is known.
    pub of: Option<u64>,
}

/// Told now and then how far the work is.
pub type ProgressFn<'a> = dyn FnMut(Progress) + 'a;
