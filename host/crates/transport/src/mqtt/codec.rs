//! Converts levels to those of the codec.

use mockfleet_config::Qos;
use rumqttc::QoS;

/// Converts a quality of service to the codec's type.
#[inline]
pub(crate) fn qos(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
        Qos::ExactlyOnce => QoS::ExactlyOnce,
    }
}
