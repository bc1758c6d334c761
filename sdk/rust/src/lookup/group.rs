//! What the fleet file says about a device's group and its target, for behaviours whose
//! channels and times depend on their settings. Must not know what they make of it.

use std::time::Duration;

/// The channels that the group's target has; `None` when there is no target, since the
/// device is only tried.
#[must_use]
pub fn channels() -> Option<Vec<String>> {
    source::channels()
}

/// The channels on which the target delivers messages to devices; `None` as above.
#[must_use]
pub fn downlink() -> Option<Vec<String>> {
    source::downlink()
}

/// From tick to tick, as the fleet file schedules it; `None` when ticks follow one
/// another as fast as they can.
#[must_use]
pub fn interval() -> Option<Duration> {
    source::interval().map(Duration::from_micros)
}

#[cfg(target_arch = "wasm32")]
use crate::wit_export::bindings::mockfleet::device::group as source;

/// Natively, what [`testing::group_context`](crate::testing::group_context) was told.
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
