//! Decides the number of devices per cell by default.
//!
//! The decision depends on the memory of a plugin instance without devices, for any language.

use std::num::NonZeroU32;

use mockfleet_config::DEVICES_PER_CELL;
use mockfleet_plugin::{Limits, Plugin};

/// Size in bytes above which an instance is large: an interpreter with its library, once in
/// each cell. QuickJS takes 1.7 MiB and CPython 12.5 MiB. Compiled languages stay below,
/// including 1 MiB of stack.
const LARGE: usize = 3 << 19;

/// Devices that share a large instance. 10,000 JavaScript devices take half the memory of the
/// same number at 64 a cell. A tick also takes less time, since the processor's caches hold
/// few instances.
const SHARING: u32 = 1_000;

/// Limits of a cell's linear memory in bytes, for a small and a large instance.
const MEMORY: usize = 64 << 20;
const MEMORY_OF_LARGE: usize = 512 << 20;

/// Returns the limits of a cell without a fleet file, and the most devices of a cell.
pub fn default_limits(plugin: &Plugin) -> (Limits, u32) {
    let sizing = InstanceSizing::asked(None, None, plugin.memory());
    let limits = Limits {
        memory: sizing.memory,
        ..Limits::default()
    };
    (limits, sizing.devices)
}

/// The instance sizing of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InstanceSizing {
    /// Most devices of a cell.
    pub(crate) devices: u32,
    /// Most bytes of linear memory of a cell.
    pub(crate) memory: usize,
}

impl InstanceSizing {
    /// Returns the sizing that the fleet file sets, or the default for an instance of
    /// `instance` bytes.
    pub(crate) fn new(group: &mockfleet_config::Group, instance: usize) -> Self {
        let asked = group.limits.memory;
        Self::asked(
            group.devices_per_cell,
            asked.map(|size| usize::try_from(size.bytes()).unwrap_or(usize::MAX)),
            instance,
        )
    }

    fn asked(devices: Option<NonZeroU32>, memory: Option<usize>, instance: usize) -> Self {
        let (many, room) = match instance > LARGE {
            true => (SHARING, MEMORY_OF_LARGE),
            false => (DEVICES_PER_CELL, MEMORY),
        };
        Self {
            devices: devices.map_or(many, NonZeroU32::get),
            memory: memory.unwrap_or(room),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_instance_is_shared_by_more_devices_and_has_more_room() {
        let small = InstanceSizing::asked(None, None, LARGE);
        assert_eq!((small.devices, small.memory), (64, 64 << 20));
        let large = InstanceSizing::asked(None, None, LARGE + 1);
        assert_eq!((large.devices, large.memory), (1_000, 512 << 20));
    }

    #[test]
    fn the_fleet_file_has_the_first_word() {
        let asked = InstanceSizing::asked(NonZeroU32::new(1), Some(1 << 20), 100 << 20);
        assert_eq!((asked.devices, asked.memory), (1, 1 << 20));
    }
}
