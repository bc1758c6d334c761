//! Converts numbers and levels to MQTT's own.

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

/// Returns the packet identifier of a sequence number: 1 to 65,535 (MQTT 3.1.1, section
/// 2.3.1).
#[inline]
pub(crate) fn packet_id(sequence: u64) -> u16 {
    u16::try_from(sequence % u64::from(u16::MAX) + 1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_identifiers_wrap_and_are_never_zero() {
        assert_eq!(packet_id(0), 1);
        assert_eq!(packet_id(65_534), 65_535);
        assert_eq!(packet_id(65_535), 1);
    }
}
