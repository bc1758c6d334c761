use rumqttc::Packet;

use super::broker::{Broker, Reaction};
use super::fleet::{TestFleet, run};
use crate::mqtt::session::packet_buffer::tests::publish;
use crate::mqtt::session::receive::tests::DECODER_BYTES;

/// Receives a message of this size between two small ones. Returns the bytes that the
/// decoder has got.
fn decoder_bytes(payload: usize) -> usize {
    let before = DECODER_BYTES.get();
    run(async {
        let broker = Broker::default();
        let sizes = [1, payload, 1];
        let react = move |_, packet: &Packet| match packet {
            Packet::Subscribe(_) => {
                Reaction::AnswerAndSend(sizes.map(|size| publish("c", size)).concat())
            }
            _ => Reaction::Answer,
        };
        let port = broker.start(|_| false, react).await;
        let keys = "downlink = { c = { topic = \"c\" } }\nmax-downlink = \"16MiB\"";
        let mut fleet = TestFleet::connect(port, keys, 1);
        fleet.until(|fleet| fleet.received_bytes.len() == 3).await;
        assert_eq!(fleet.received_bytes, sizes);
    });
    DECODER_BYTES.get() - before
}

#[test]
fn large_message_is_decoded_once() {
    for megabytes in [1, 4, 16] {
        let payload = megabytes << 20;
        let bytes = decoder_bytes(payload);
        assert!(bytes < payload + (64 << 10), "{bytes} for {payload}");
    }
}

#[test]
fn message_above_max_downlink_is_confirmed_and_skipped() {
    run(async {
        let broker = Broker::default();
        let sizes = [1_000, 1_001, 3 << 20, 1_000];
        let react = move |_, packet: &Packet| match packet {
            Packet::Subscribe(_) => {
                let with_id = |(id, size): (u8, usize)| {
                    let mut packet = publish("c", size + 2);
                    // QoS 1: two bytes of the payload are the packet identifier.
                    packet[0] |= 2;
                    let start = packet.len() - size - 2;
                    packet[start..start + 2].copy_from_slice(&[0, id]);
                    packet
                };
                Reaction::AnswerAndSend((1..).zip(sizes).map(with_id).collect::<Vec<_>>().concat())
            }
            _ => Reaction::Answer,
        };
        let seen = broker.clone();
        let port = broker.start(|_| false, react).await;
        let keys = "downlink = { c = { topic = \"c\", qos = 1 } }\nmax-downlink = \"1000B\"";
        let mut fleet = TestFleet::connect(port, keys, 1);
        fleet.until(|fleet| fleet.received_bytes.len() == 2).await;
        assert_eq!(fleet.received_bytes, [1_000, 1_000]);
        assert_eq!(fleet.oversize, [(0, 1_001), (0, 3 << 20)]);
        assert_eq!(fleet.warnings.len(), 2, "{:?}", fleet.warnings);
        assert_eq!(fleet.kinds[0], fleet.kinds[1]);
        assert!(
            fleet.warnings[0].ends_with("the broker sent a message of 1001 bytes, and no device received it: max-downlink is 1000 bytes"),
            "{}",
            fleet.warnings[0]
        );
        let acked = || {
            let packets = seen.packets();
            let acks = packets.iter().filter_map(|(_, packet)| match packet {
                Packet::PubAck(ack) => Some(ack.pkid),
                _ => None,
            });
            acks.collect::<Vec<_>>()
        };
        fleet.until(|_| acked().len() == 4).await;
        assert_eq!(acked(), [1, 2, 3, 4]);
    });
}
