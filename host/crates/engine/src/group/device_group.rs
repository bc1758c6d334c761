//! Holds a group as a run needs it.
//!
//! The plugin is loaded, the target's channels have numbers, and the devices have indices. All
//! workers share the group, and nothing in it changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::faults::group_faults::GroupFaults;
use crate::group::instance_sizing::InstanceSizing;
use crate::time::clock::{Micros, micros};
use crate::time::seed;
use crate::time::stages;
use crate::time::tick_schedule::{DevicePhase, TickSchedule};
use mockfleet_config::{PlaceholderValues, Plan, Protocol, Speed, Target, Template, TickRate};
use mockfleet_plugin::{DeviceSpec, HostContext, Interests, Limits, Plugin, SharedBlobs};
use mockfleet_transport::{DeviceInfo, Routes};

/// One group of a run.
pub(crate) struct Group {
    pub(crate) name: Arc<str>,
    pub(crate) plugin: Plugin,
    pub(crate) limits: Limits,
    /// Data files, channels and interval that the group's devices can read.
    pub(crate) surroundings: Arc<HostContext>,
    pub(crate) interests: Interests,
    /// Number of the group's first device in the whole fleet.
    pub(crate) first: u32,
    pub(crate) count: u32,
    pub(crate) devices_per_cell: u32,
    pub(crate) schedule: TickSchedule,
    /// Index of the group's target in the plan.
    pub(crate) target: usize,
    /// Channels of the target.
    pub(crate) routes: Routes,
    /// Number of the target's first route in the log's directory.
    pub(crate) route_base: u16,
    pub(crate) outbox: u32,
    /// Paths of the settings that the schema refuses. If there are any, the devices are
    /// created only to report further errors, and never run.
    pub(crate) refused: Vec<Vec<String>>,
    /// Faults of the group.
    pub(crate) faults: Option<GroupFaults>,
    /// Time over which its devices are switched on evenly. Without it, all are on at the start, or
    /// the stages switch them on.
    ramp: Option<Micros>,
    seed: u64,
    device_id: Template,
    pub(crate) config: String,
    fleet: Arc<str>,
}

impl Group {
    /// Creates group number `index` of the plan, with the content of its data files.
    pub(crate) fn new(
        plan: &Plan,
        index: usize,
        plugin: Plugin,
        data: BTreeMap<String, Bytes>,
    ) -> Option<Self> {
        let group = plan.groups.get(index)?;
        let target = plan.targets.get(group.target)?;
        let before = plan.groups.iter().take(index);
        let sizing = InstanceSizing::new(group, plugin.memory());
        let seed = seed::group(plan.seed, &group.name);
        let routes_before = plan.targets.iter().take(group.target);
        Some(Self {
            name: group.name.as_str().into(),
            limits: limits(&group.limits, sizing, plan.clock.speed == Speed::Max),
            surroundings: Arc::new(surroundings(group, target, data)),
            interests: plugin.description().interests,
            plugin,
            first: before.map(|other| other.count).sum(),
            count: group.count,
            devices_per_cell: sizing.devices,
            schedule: TickSchedule::new(&group.schedule),
            target: group.target,
            routes: Routes::new(target),
            route_base: routes_before
                .map(|target| Routes::new(target).count())
                .sum(),
            outbox: target.outbox,
            refused: Vec::new(),
            faults: GroupFaults::new(group, &Routes::new(target), seed),
            ramp: group.schedule.ramp.map(micros),
            seed,
            device_id: group.device_id.clone(),
            config: group.settings.clone(),
            fleet: plan.name.as_str().into(),
        })
    }

    /// Returns when device `index` is switched on, in run time.
    pub(crate) fn born(&self, index: u32) -> Micros {
        match (self.ramp, self.schedule.stages()) {
            (Some(length), _) => {
                let place = u128::from(length) * u128::from(index) / u128::from(self.count.max(1));
                u64::try_from(place).unwrap_or(length)
            }
            (None, Some(stages)) => stages.born(index, self.count),
            (None, None) => 0,
        }
    }

    /// Returns whether a device that is switched on at `born` is on when the clock starts. The first
    /// device of a ramp is one of the ramp.
    pub(crate) fn is_on_at_start(&self, born: Micros) -> bool {
        born == 0 && self.ramp.unwrap_or(0) == 0
    }

    /// Returns the properties that the tick times of device `index`, switched on at `born`,
    /// depend on.
    pub(crate) fn owner(&self, index: u32, born: Micros) -> DevicePhase {
        DevicePhase {
            born,
            seed: self.seed(index),
            rank: stages::rank(index, self.count),
        }
    }

    /// Returns the seed of device `index`.
    pub(crate) fn seed(&self, index: u32) -> u64 {
        seed::device(self.seed, index)
    }

    /// Returns the id of device `index`.
    pub(crate) fn id(&self, index: u32) -> String {
        self.named(&self.device_id, index, "")
    }

    /// Returns a template filled in for device `index`, with an empty `{run}`.
    pub(crate) fn rendered(&self, template: &Template, index: u32) -> String {
        self.named(template, index, &self.id(index))
    }

    fn named(&self, template: &Template, index: u32, device: &str) -> String {
        let mut text = String::new();
        let names = PlaceholderValues {
            fleet: &self.fleet,
            run: "",
            group: &self.name,
            device,
            index,
            connection: 0,
        };
        template.render(&names, &mut text);
        text
    }

    /// Returns the time that device `index` sees, with its clock skew, when the guests' clock
    /// is at `guest`.
    pub(crate) fn device_time(&self, index: u32, at: Micros, guest: u64) -> u64 {
        match &self.faults {
            None => guest,
            Some(faults) => guest.saturating_add_signed(faults.skew(self.seed(index), at)),
        }
    }

    /// Returns the data from which the plugin creates device `index`; `born` is on the guests'
    /// clock.
    pub(crate) fn spec(&self, index: u32, born: u64) -> DeviceSpec {
        DeviceSpec {
            id: self.id(index),
            group: self.name.to_string(),
            index,
            seed: self.seed(index),
            config: self.config.clone(),
            born,
        }
    }

    /// Returns the data of device `index` that the transport needs.
    pub(crate) fn member(&self, index: u32) -> DeviceInfo {
        DeviceInfo {
            device: self.id(index).into(),
            group: Arc::clone(&self.name),
            index,
            listens: self.interests.contains(Interests::DOWNLINK),
        }
    }
}

/// Returns the host context of a group, from the fleet file.
fn surroundings(
    group: &mockfleet_config::Group,
    target: &Target,
    data: BTreeMap<String, Bytes>,
) -> HostContext {
    let routes = Routes::new(target);
    let channels: Vec<String> = routes.names().map(str::to_owned).collect();
    let downlink = match &target.protocol {
        Protocol::Mqtt(mqtt) => mqtt.downlink.keys().cloned().collect(),
        // An HTTP response arrives on the channel of its request.
        Protocol::Http(_) => channels.clone(),
    };
    HostContext {
        data,
        channels: Some(channels),
        downlink: Some(downlink),
        interval: match group.schedule.tick_rate {
            TickRate::Every(length) => Some(micros(length)),
            TickRate::FlatOut => None,
        },
        shared: SharedBlobs::default(),
    }
}

/// Returns the limits of a cell. A virtual clock waits for a call, so a slow call delays no
/// other device. The deadline then counts processor time, independent of the machine's other
/// load.
fn limits(limits: &mockfleet_config::Limits, sizing: InstanceSizing, cpu_deadline: bool) -> Limits {
    let bytes =
        |size: mockfleet_config::ByteSize| usize::try_from(size.bytes()).unwrap_or(usize::MAX);
    Limits {
        memory: sizing.memory,
        deadline: limits.deadline,
        cpu_deadline,
        messages: usize::try_from(limits.messages).unwrap_or(usize::MAX),
        message_size: bytes(limits.message_size),
        turn_size: bytes(limits.turn_size),
        log_lines: limits.log_lines,
    }
}
