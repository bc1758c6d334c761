//! Tests which messages of QoS 0 the broker is known to have read.

use rumqttc::Packet;

use crate::envelope::Outcome;
use crate::tests::broker::{Broker, Reaction};
use crate::tests::fleet::{TestFleet, run};
use crate::transport::LinkAction;

const QUIET: &str = "keep-alive = \"0s\"";

/// Sends ten messages over two connections, and waits until they are written.
async fn send_ten(port: u16) -> TestFleet {
    let mut fleet = TestFleet::connect(port, QUIET, 2);
    for seq in 0..10 {
        fleet.send(u32::try_from(seq % 2).unwrap(), seq, 20);
    }
    fleet.until(|fleet| fleet.completed.len() == 10).await;
    assert!(fleet.outcomes().iter().all(|end| end.1 == Outcome::Sent));
    fleet
}

fn last_packets(broker: &Broker, connection: usize) -> Vec<Packet> {
    let packets = broker.packets().into_iter();
    let own: Vec<_> = packets
        .filter(|(number, _)| *number == connection)
        .map(|(_, packet)| packet)
        .collect();
    own[own.len().saturating_sub(3)..].to_vec()
}

#[test]
fn ping_behind_the_last_message_proves_that_all_were_read() {
    run(async {
        let broker = Broker::default();
        let port = broker.start(|_| false, |_, _| Reaction::Answer).await;
        let mut fleet = send_ten(port).await;
        fleet.close().await;
        assert_eq!(fleet.unproven, 0);
        let ends = |broker: &Broker| {
            let packets = broker.packets().into_iter();
            packets
                .filter(|(_, packet)| *packet == Packet::Disconnect)
                .count()
        };
        fleet.until(|_| ends(&broker) == 2).await;
        for connection in 0..2 {
            let last = last_packets(&broker, connection);
            assert!(
                matches!(
                    last[..],
                    [Packet::Publish(_), Packet::PingReq, Packet::Disconnect]
                ),
                "{last:?}"
            );
        }
    });
}

#[test]
fn broker_that_answers_no_ping_leaves_messages_unproven() {
    run(async {
        let broker = Broker::default();
        let react = |number: usize, packet: &Packet| match packet {
            Packet::PingReq if number == 0 => Reaction::Silence,
            _ => Reaction::Answer,
        };
        let port = broker.start(|_| false, react).await;
        let mut fleet = send_ten(port).await;
        fleet.close().await;
        assert_eq!(fleet.unproven, 5);
    });
}

#[test]
fn lost_connection_leaves_its_messages_unproven() {
    run(async {
        let broker = Broker::default();
        let mut messages = 0;
        let react = move |number: usize, packet: &Packet| match packet {
            Packet::Publish(_) if number == 0 => {
                messages += 1;
                match messages {
                    5 => Reaction::HangUp,
                    _ => Reaction::Silence,
                }
            }
            _ => Reaction::Answer,
        };
        let port = broker.start(|_| false, react).await;
        let mut fleet = send_ten(port).await;
        fleet.until(|fleet| fleet.unproven > 0).await;
        assert_eq!(fleet.unproven, 5);
        fleet.close().await;
        assert_eq!(fleet.unproven, 5, "the other connection has its proof");
    });
}

#[test]
fn device_closes_its_connection_after_the_broker_has_read_all() {
    run(async {
        let broker = Broker::default();
        let port = broker.start(|_| false, |_, _| Reaction::Answer).await;
        let mut fleet = TestFleet::connect(port, QUIET, 1);
        fleet.send(0, 0, 20);
        fleet.transport.apply_link_action(0, LinkAction::Reconnect);
        fleet.transport.flush();
        fleet.until(|_| broker.connections() == 2).await;
        assert_eq!(fleet.unproven, 0);
        let last = last_packets(&broker, 0);
        assert!(
            matches!(
                last[..],
                [Packet::Publish(_), Packet::PingReq, Packet::Disconnect]
            ),
            "{last:?}"
        );
    });
}
