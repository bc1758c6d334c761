//! Holds one device of a dry run.

use std::rc::Rc;

use crate::group::device_group::Group;
use crate::time::clock::Micros;
use crate::time::tick_schedule::{DevicePhase, TickSchedule, TickTime};
use mockfleet_plugin::{DeviceHandle, Interests};

/// A simulated device.
pub(crate) struct SimulatedDevice {
    /// The device's index in its group.
    pub(crate) index: u32,
    pub(crate) owner: DevicePhase,
    /// Whole intervals before the device is switched on. The simulation switches on all
    /// devices at once, and subtracts this time.
    pub(crate) shift: Micros,
    pub(crate) first: TickTime,
    pub(crate) tick: TickTime,
    pub(crate) ticks: u64,
    pub(crate) messages: u64,
    pub(crate) status: Option<Rc<str>>,
    pub(crate) cell: usize,
    /// `None` once the device has crashed or retired.
    pub(crate) seat: Option<DeviceHandle>,
    /// Whether the call for its start is due, before all ticks.
    pub(crate) is_unstarted: bool,
    /// Due times of the ticks, and the number of messages that each tick returned.
    pub(crate) said: Vec<(Micros, u32)>,
}

impl SimulatedDevice {
    /// Returns device `index` of a group, which is not created yet. `schedule` has no stages.
    pub(crate) fn new(group: &Group, schedule: &TickSchedule, index: u32) -> Self {
        let owner = owner(group, index);
        let first = schedule.first(owner);
        Self {
            index,
            owner,
            shift: owner.born - owner.born % schedule.interval(),
            first,
            tick: first,
            ticks: 0,
            messages: 0,
            status: None,
            cell: 0,
            seat: None,
            is_unstarted: group.interests.contains(Interests::START),
            said: Vec::new(),
        }
    }
}

/// Returns the values that a device's tick times derive from. In a run, stages decide when each
/// device is switched on. Here, all devices of such a group are on from the start.
pub(crate) fn owner(group: &Group, index: u32) -> DevicePhase {
    let born = match group.schedule.stages() {
        Some(_) => 0,
        None => group.born(index),
    };
    group.owner(index, born)
}
