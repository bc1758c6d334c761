//! Configures the transport of each target.

use crate::prepare::problem::problem;
use mockfleet_config::{Fleet, Problems, Protocol};
use mockfleet_transport::{HttpTarget, MqttTarget, RunNames};

/// The settings from which each worker creates the transport of a target.
#[derive(Clone)]
pub(crate) enum TransportSpec {
    Mqtt(MqttTarget),
    Http(HttpTarget),
    /// The null transport, which sends nothing.
    Null,
}

/// Configures each target, as far as that needs no connection.
pub(crate) fn transports(
    fleet: &Fleet,
    names: &RunNames,
    problems: &mut Problems,
) -> Vec<TransportSpec> {
    let mut transports = Vec::new();
    for target in &fleet.plan.targets {
        let transport = match &target.protocol {
            Protocol::Mqtt(mqtt) => {
                MqttTarget::new(target, mqtt, names.clone()).map(TransportSpec::Mqtt)
            }
            Protocol::Http(http) => {
                HttpTarget::new(target, http, names.clone()).map(TransportSpec::Http)
            }
        };
        match transport {
            Ok(transport) => transports.push(transport),
            Err(error) => {
                let path = ["targets", target.name.as_str(), "tls"];
                problems.push(problem(fleet, &path, error.to_string()));
            }
        }
    }
    transports
}

/// Returns a null transport for each target.
pub(crate) fn null_transports(fleet: &Fleet) -> Vec<TransportSpec> {
    fleet
        .plan
        .targets
        .iter()
        .map(|_| TransportSpec::Null)
        .collect()
}
