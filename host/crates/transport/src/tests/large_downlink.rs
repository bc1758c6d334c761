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
        let keys = "downlink = { c = { topic = \"c\" } }";
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
