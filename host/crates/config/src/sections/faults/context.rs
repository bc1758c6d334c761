//! Holds the parts of a fleet file that faults must fit.

use std::time::Duration;

use crate::plan::target::Target;

/// Longest duration, as in the group's schedule.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(10 * 366 * 86_400);

/// The parts of the file that faults must fit.
pub(crate) struct FaultContext<'a> {
    /// The duration of the run.
    pub(crate) duration: Option<Duration>,
    /// The group's target, if it could be read.
    pub(crate) target: Option<&'a Target>,
}
