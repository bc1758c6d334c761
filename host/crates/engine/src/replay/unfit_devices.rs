//! Reports recorded devices that change topics, paths or client ids.
//!
//! All of them are found before the first message is sent.

use std::collections::HashMap;

use crate::replay::mapping::problem;
use crate::replay::recording::Recording;
use mockfleet_config::{Connections, Mqtt, Plan, Problems, Protocol, RecordedDevice, Target};
use mockfleet_metrics::plural;
use mockfleet_tables::Table;

/// Largest number of devices that are reported.
const MAX_NAMED: u64 = 10;

/// Reports devices of a recording whose ids or groups change the meaning of the target's
/// topics, paths, headers or client ids.
pub(crate) fn check_devices(
    recording: &Recording,
    table: &Table,
    plan: &Plan,
    target: &Target,
    targets_topics: bool,
    problems: &mut Problems,
) {
    let mqtt = match &target.protocol {
        Protocol::Mqtt(mqtt) if mqtt.connections == Connections::PerDevice => Some(mqtt),
        _ => None,
    };
    let mut client_ids = ClientIds::default();
    let mut faulty = 0_u64;
    for (index, device) in (0..).zip(&recording.devices) {
        let group = usize::try_from(device.group).unwrap_or(usize::MAX);
        let group = recording.groups.get(group);
        let recorded = RecordedDevice {
            fleet: &plan.name,
            group: group.map_or("", |(name, _)| name),
            device: &device.id,
            index,
        };
        let is_used = |name: &str| {
            device.channels.iter().any(|(number, by_channel)| {
                let channel = recording.channels.get(usize::from(*number));
                let is_here = channel.is_some_and(|channel| {
                    channel.as_deref().is_none_or(|channel| channel == name)
                });
                is_here && (*by_channel || targets_topics)
            })
        };
        let mut faults = recorded.faults(target, &is_used);
        faults.extend(mqtt.and_then(|mqtt| client_ids.take(&recorded, mqtt, target)));
        if faults.is_empty() {
            continue;
        }
        faulty += 1;
        if faulty > MAX_NAMED {
            continue;
        }
        for text in faults {
            let text = format!("{text} (--device selects other devices)");
            problems.push(problem(&table.location(device.first), text));
        }
    }
    let more = faulty.saturating_sub(MAX_NAMED);
    if more > 0 {
        let text = format!("{} more with such ids or groups", plural(more, "device"));
        problems.push(problem(table.shown(), text));
    }
}

/// The client ids of the devices so far.
#[derive(Default)]
struct ClientIds {
    taken: HashMap<String, String>,
}

impl ClientIds {
    /// Returns the problem of a device whose client id another one has. A broker closes the
    /// older of two such connections (MQTT 3.1.1, section 3.1.4).
    fn take(
        &mut self,
        device: &RecordedDevice<'_>,
        mqtt: &Mqtt,
        target: &Target,
    ) -> Option<String> {
        // Ids of devices differ.
        if mqtt.client_id.to_string() == "{device}" {
            return None;
        }
        let id = device.client_id(mqtt);
        let other = self.taken.get(&id).cloned();
        if other.is_none() {
            self.taken.insert(id, device.device.to_owned());
        }
        other.map(|other| {
            format!(
                "client-id of [targets.{}] is the same for the devices {:?} and {other:?}, and the broker closes the older of two connections with one client id; write client-id = \"{{device}}\"",
                target.name, device.device
            )
        })
    }
}
