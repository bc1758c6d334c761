//! Reports client ids that two connections to one broker would have.

use std::collections::{HashMap, HashSet};

use crate::document::node::Node;
use crate::document::table_reader::ReadContext;
use crate::document::template::{
    CONNECTION_PLACEHOLDERS, Placeholder, PlaceholderValues, Template,
};
use crate::plan::group::Group;
use crate::plan::target::{Connections, Mqtt, Protocol, Target};
use crate::sections::brought_in::places::GroupPlaces;
use crate::sections::brought_in::values::Values;

/// The client id of shared connections, where the file has none.
pub(crate) const SHARED_CLIENT_ID: &str = "mockfleet-{run}-{connection}";

/// Adds the name of the target to the default client ids of shared connections, where several
/// targets are on one broker.
pub(crate) fn tell_connections_apart(targets: &mut [(String, Option<Target>)]) {
    let is_default = |target: &Target| match &target.protocol {
        Protocol::Mqtt(mqtt) => {
            mqtt.connections != Connections::PerDevice
                && mqtt.client_id.to_string() == SHARED_CLIENT_ID
        }
        Protocol::Http(_) => false,
    };
    let all = targets.iter().filter_map(|(_, target)| target.as_ref());
    let mut counts: HashMap<(String, u16), u32> = HashMap::new();
    for target in all.filter(|target| is_default(target)) {
        let broker = (target.address.host.clone(), target.address.port);
        *counts.entry(broker).or_default() += 1;
    }
    for (name, target) in targets {
        let Some(target) = target.as_mut().filter(|target| is_default(target)) else {
            continue;
        };
        let broker = (target.address.host.clone(), target.address.port);
        if counts.get(&broker).is_none_or(|count| *count < 2) {
            continue;
        }
        let name = name.replace('{', "{{").replace('}', "}}");
        let id = format!("mockfleet-{{run}}-{name}-{{connection}}");
        if let (Protocol::Mqtt(mqtt), Ok(id)) = (
            &mut target.protocol,
            Template::parse(&id, CONNECTION_PLACEHOLDERS),
        ) {
            mqtt.client_id = id;
        }
    }
}

/// Reports client ids that two connections to one broker would have. The broker closes the older
/// one (MQTT 3.1.1, section 3.1.4).
pub(crate) fn check_client_ids(
    context: &ReadContext<'_>,
    tree: &Node,
    fleet: &str,
    targets: &[(String, Option<Target>)],
    groups: &[(Group, GroupPlaces)],
) {
    let mut brokers: HashMap<(&str, u16), Vec<BrokerUse<'_>>> = HashMap::new();
    for (group, _) in groups {
        let target = targets.get(group.target);
        let Some(target) = target.and_then(|(_, target)| target.as_ref()) else {
            continue;
        };
        if let Protocol::Mqtt(mqtt) = &target.protocol {
            let broker = (target.address.host.as_str(), target.address.port);
            let used = brokers.entry(broker).or_default();
            used.push((group, target.name.as_str(), mqtt));
        }
    }
    // In the order of the targets.
    for target in targets.iter().filter_map(|(_, target)| target.as_ref()) {
        let broker = (target.address.host.as_str(), target.address.port);
        if let Some(used) = brokers.remove(&broker) {
            check_broker(context, tree, fleet, used);
        }
    }
}

/// A group that sends to a broker, with its target.
type BrokerUse<'a> = (&'a Group, &'a str, &'a Mqtt);

fn check_broker(context: &ReadContext<'_>, tree: &Node, fleet: &str, used: Vec<BrokerUse<'_>>) {
    // Ids of devices differ, so that a template with nothing else that differs makes different
    // client ids.
    let is_by_device = |mqtt: &Mqtt| {
        mqtt.connections == Connections::PerDevice
            && mqtt.client_id.has(Placeholder::Device)
            && !mqtt.client_id.has(Placeholder::Group)
            && !mqtt.client_id.has(Placeholder::Index)
    };
    let Some((_, _, first)) = used.first() else {
        return;
    };
    let is_same = |mqtt: &Mqtt| is_by_device(mqtt) && mqtt.client_id == first.client_id;
    if used.iter().all(|(_, _, mqtt)| is_same(mqtt)) {
        return;
    }
    let mut taken: HashMap<String, String> = HashMap::new();
    let mut shared: HashSet<&str> = HashSet::new();
    for (group, target, mqtt) in used {
        let values = Values::new(fleet, group);
        let mut take = |names: &PlaceholderValues<'_>, whose: String| {
            let mut id = String::new();
            mqtt.client_id.render(names, &mut id);
            match taken.get(&id) {
                Some(other) => {
                    let mut id = String::new();
                    mqtt.client_id.render_shown(names, &mut id);
                    let key = tree.nearest(&["targets", target, "client-id"]);
                    context.report(&key.at, format!(
                        "client-id of [targets.{target}] makes {id:?} for {whose} and for {other}, and the broker closes the older of two connections with one client id; {}",
                        match mqtt.connections {
                            Connections::PerDevice => "write client-id = \"{device}\"",
                            Connections::Shared(_) => "add a text of its own to client-id of each target",
                        }
                    ));
                    false
                }
                None => {
                    taken.insert(id, whose);
                    true
                }
            }
        };
        match mqtt.connections {
            Connections::PerDevice => {
                for index in 0..group.count {
                    let mut device = String::new();
                    group.device_id.render(&values.names(index, 0), &mut device);
                    let names = PlaceholderValues {
                        device: &device,
                        ..values.names(index, 0)
                    };
                    if !take(&names, format!("device {device}")) {
                        break;
                    }
                }
            }
            // The groups of one target share its connections.
            Connections::Shared(_) if shared.contains(target) => {}
            Connections::Shared(count) => {
                shared.insert(target);
                for number in 0..count.get() {
                    let whose = format!("connection {number} of [targets.{target}]");
                    if !take(&values.names(0, number), whose) {
                        break;
                    }
                }
            }
        }
    }
}
