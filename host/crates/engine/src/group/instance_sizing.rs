//! Decides the number of devices per cell by default.
//!
//! The decision depends on the memory of a plugin instance without devices, for any language.

use std::num::NonZeroU32;

use mockfleet_config::DEVICES_PER_CELL;

/// An instance above this is an interpreter with its library, which each cell has anew: QuickJS
/// takes 1.7 MiB and CPython 12.5; compiled languages stay below, 1 MiB of stack included.
const LARGE: usize = 3 << 19;

/// How many devices share such an instance. 10,000 of JavaScript take half the memory of as
/// many at 64 a cell, and less time a tick, since the processor's caches hold few of them.
const SHARING: u32 = 1_000;

/// Linear memory of a cell: of a small instance, and of a large one.
const MEMORY: usize = 64 << 20;
const MEMORY_OF_LARGE: usize = 512 << 20;

/// How the devices of a group are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InstanceSizing {
    /// Devices a cell, at most.
    pub(crate) devices: u32,
    /// Bytes of memory that a cell may have.
    pub(crate) memory: usize,
}

impl InstanceSizing {
    /// As the fleet file has it, or as an instance of so many bytes suggests.
    pub(crate) fn of(group: &mockfleet_config::Group, instance: usize) -> Self {
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
