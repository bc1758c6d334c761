//! Holds a group as a run needs it.
//!
//! The plugin is loaded, the channels of the target have numbers, and the devices have indices. All
//! workers share the group, and nothing in it changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::faults::group_faults::GroupFaults;
use crate::group::instance_sizing::InstanceSizing;
use crate::time::clock::{Micros, micros};
use crate::time::seed;
use crate::time::stages;
use crate::time::tick_schedule::{DevicePhase, TickSchedule};
use mockfleet_config::{
    Connections, PlaceholderValues, Plan, Protocol, Speed, Target, Template, TickRate,
};
use mockfleet_plugin::{DeviceSpec, HostContext, Interests, Limits, Plugin, SharedBlobs};
use mockfleet_transport::{DeviceInfo, Routes};

/// One group of a run.
pub(crate) struct Group {
    pub(crate) name: Arc<str>,
    pub(crate) plugin: Plugin,
    pub(crate) limits: Limits,
    /// What its devices can look up.
    pub(crate) surroundings: Arc<HostContext>,
    pub(crate) interests: Interests,
    /// The number of its first device in the whole fleet.
    pub(crate) first: u32,
    pub(crate) count: u32,
    pub(crate) devices_per_cell: u32,
    pub(crate) schedule: TickSchedule,
    /// Index of its target in the plan.
    pub(crate) target: usize,
    /// The channels of its target.
    pub(crate) routes: Routes,
    /// The number of the target's first route in the log's directory.
    pub(crate) route_base: u16,
    pub(crate) outbox: u32,
    /// The settings that the schema refuses, by their keys. If there are some, its
    /// devices are made to hear what else is wrong, and never run.
    pub(crate) refused: Vec<Vec<String>>,
    /// What breaks in it on purpose.
    pub(crate) faults: Option<GroupFaults>,
    rollout: Rollout,
    seed: u64,
    device_id: Template,
    config: String,
    fleet: Arc<str>,
}

/// When the devices of a group are switched on.
#[derive(Debug, Clone, Copy)]
enum Rollout {
    /// Evenly over this time.
    Ramp(Micros),
    /// When their stages say so, and no faster than the target's connect rate allows:
    /// so many before this group, and this long between two.
    Paced { before: u32, interval: Duration },
}

impl Group {
    /// Group number `index` of the plan, with the content of its data files.
    pub(crate) fn new(
        plan: &Plan,
        index: usize,
        plugin: Plugin,
        data: BTreeMap<String, Bytes>,
    ) -> Option<Self> {
        let group = plan.groups.get(index)?;
        let target = plan.targets.get(group.target)?;
        let before = plan.groups.iter().take(index);
        let same_target = before.clone().filter(|other| other.target == group.target);
        let rollout = match (group.schedule.ramp, &target.protocol) {
            (Some(length), _) => Rollout::Ramp(micros(length)),
            (None, Protocol::Mqtt(mqtt)) if mqtt.connections == Connections::PerDevice => {
                Rollout::Paced {
                    before: same_target.map(|other| other.count).sum(),
                    interval: target.connect_rate.interval(),
                }
            }
            _ => Rollout::Paced {
                before: 0,
                interval: Duration::ZERO,
            },
        };
        let sizing = InstanceSizing::of(group, plugin.memory());
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
            schedule: TickSchedule::of(&group.schedule),
            target: group.target,
            routes: Routes::new(target),
            route_base: routes_before
                .map(|target| Routes::new(target).count())
                .sum(),
            outbox: target.outbox,
            refused: Vec::new(),
            faults: GroupFaults::of(group, &Routes::new(target), seed),
            rollout,
            seed,
            device_id: group.device_id.clone(),
            config: group.settings.clone(),
            fleet: plan.name.as_str().into(),
        })
    }

    /// When device `index` is switched on.
    pub(crate) fn born(&self, index: u32) -> Micros {
        match self.rollout {
            Rollout::Ramp(length) => {
                let place = u128::from(length) * u128::from(index) / u128::from(self.count.max(1));
                u64::try_from(place).unwrap_or(length)
            }
            Rollout::Paced { before, interval } => match self.schedule.stages() {
                Some(stages) => stages.born(index, self.count, before, interval),
                None => micros(interval.saturating_mul(before.saturating_add(index))),
            },
        }
    }

    /// What of device `index`, switched on at `born`, its moments follow from.
    pub(crate) fn owner(&self, index: u32, born: Micros) -> DevicePhase {
        DevicePhase {
            born,
            seed: self.seed(index),
            rank: stages::rank(index, self.count),
        }
    }

    /// The seed of device `index`.
    pub(crate) fn seed(&self, index: u32) -> u64 {
        seed::device(self.seed, index)
    }

    /// The id of device `index`.
    pub(crate) fn id(&self, index: u32) -> String {
        self.named(&self.device_id, index, "")
    }

    /// A template as it is for device `index`; the run has no part in it.
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

    /// What device `index` is told the time is, where it is `guest` for all others.
    pub(crate) fn device_time(&self, index: u32, at: Micros, guest: u64) -> u64 {
        match &self.faults {
            None => guest,
            Some(faults) => guest.saturating_add_signed(faults.skew(self.seed(index), at)),
        }
    }

    /// What the plugin is told of device `index`; `born` is on the guests' clock.
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

    /// What the transport is told of device `index`.
    pub(crate) fn member(&self, index: u32) -> DeviceInfo {
        DeviceInfo {
            device: self.id(index).into(),
            group: Arc::clone(&self.name),
            index,
            listens: self.interests.contains(Interests::DOWNLINK),
        }
    }
}

/// What the devices of a group can look up, as the fleet file has it.
fn surroundings(
    group: &mockfleet_config::Group,
    target: &Target,
    data: BTreeMap<String, Bytes>,
) -> HostContext {
    let routes = Routes::new(target);
    let channels: Vec<String> = routes.names().map(str::to_owned).collect();
    let downlink = match &target.protocol {
        Protocol::Mqtt(mqtt) => mqtt.downlink.keys().cloned().collect(),
        // The answer to a request comes on the request's channel.
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

/// What a cell may use. By a clock that waits, no call holds up anybody: whether one takes
/// too long must not hang on what else the machine does.
fn limits(limits: &mockfleet_config::Limits, sizing: InstanceSizing, cpu_deadline: bool) -> Limits {
    let bytes =
        |size: mockfleet_config::ByteSize| usize::try_from(size.bytes()).unwrap_or(usize::MAX);
    Limits {
        memory: sizing.memory,
        deadline: limits.deadline,
        cpu_deadline,
        messages: usize::try_from(limits.messages).unwrap_or(usize::MAX),
        message_size: bytes(limits.message_size),
        log_lines: limits.log_lines,
    }
}
