//! Looks up the settings of a device's group and its target in the fleet file.
//!
//! Behaviours use it whose channels and times depend on their settings.

use std::time::Duration;

/// The channels of the group's target; `None` without a target, as in `mockfleet try`.
#[must_use]
pub fn channels() -> Option<Vec<String>> {
    source::channels()
}

/// The channels on which the target delivers messages to devices; `None` without a target.
#[must_use]
pub fn downlink() -> Option<Vec<String>> {
    source::downlink()
}

/// The interval of the group's ticks; `None` when ticks follow one another as fast as
/// possible.
#[must_use]
pub fn interval() -> Option<Duration> {
    source::interval().map(Duration::from_micros)
}

#[cfg(target_arch = "wasm32")]
use crate::wit_export::bindings::mockfleet::device::group as source;

/// Natively, the values are those of
/// [`testing::group_context`](crate::testing::group_context).
#[cfg(not(target_arch = "wasm32"))]
mod source {
    use crate::testing::group_context::with_group_context;

    pub(super) fn channels() -> Option<Vec<String>> {
        with_group_context(|context| context.channels.clone())
    }

    pub(super) fn downlink() -> Option<Vec<String>> {
        with_group_context(|context| context.downlink.clone())
    }

    pub(super) fn interval() -> Option<u64> {
        with_group_context(|context| context.interval.map(crate::time::micros))
    }
}
