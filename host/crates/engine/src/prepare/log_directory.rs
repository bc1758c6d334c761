//! Builds the run catalog of the send log.

use crate::group::device_group::Group;
use mockfleet_config::{Plan, Protocol};
use mockfleet_sendlog::{DeviceIds, GroupEntry, RouteEntry, RunCatalog};

/// Returns the run catalog, which resolves the numbers in rows.
pub(crate) fn directory(plan: &Plan, groups: &[Group]) -> RunCatalog {
    let entries = plan
        .groups
        .iter()
        .zip(groups)
        .map(|(group, made)| GroupEntry {
            name: group.name.clone(),
            plugin: {
                let description = made.plugin.description();
                format!("{}@{}", description.name, description.version)
            },
            first: made.first,
            count: made.count,
            device_ids: DeviceIds::FromTemplate(group.device_id.clone()),
        });
    let mut routes = Vec::new();
    for target in &plan.targets {
        let mut add =
            |channel: &str, method: Option<String>, topic: &mockfleet_config::Template| {
                routes.push(RouteEntry {
                    channel: channel.to_owned(),
                    protocol: match target.protocol {
                        Protocol::Mqtt(_) => "mqtt".into(),
                        Protocol::Http(_) => "http".into(),
                    },
                    destination: target.address.shown.clone(),
                    method,
                    topic: topic.shown(),
                });
            };
        match &target.protocol {
            Protocol::Mqtt(mqtt) => mqtt
                .channels
                .iter()
                .for_each(|(name, channel)| add(name, None, &channel.topic)),
            Protocol::Http(http) => {
                let channels = http.channels.iter();
                channels.for_each(|(name, channel)| {
                    add(name, Some(channel.method.clone()), &channel.path)
                });
            }
        }
    }
    RunCatalog {
        fleet: plan.name.clone(),
        groups: entries.collect(),
        routes,
    }
}
