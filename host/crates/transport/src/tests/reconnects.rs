//! Tests the back-off, and connections that end without a message as the reason.

use std::time::Duration;

use rumqttc::Packet;

use crate::envelope::Outcome;
use crate::tests::broker::{Broker, Reaction};
use crate::tests::fleet::{TestFleet, run};

#[test]
fn connection_that_is_closed_at_once_is_opened_ever_more_rarely() {
    run(async {
        let broker = Broker::default();
        // Another client of this id takes over each session.
        broker.end_after(Duration::from_millis(5), |_| true);
        let port = broker.start(|_| false, |_, _| Reaction::Answer).await;
        let mut fleet = TestFleet::connect(port, "qos = 1", 1);
        tokio::time::sleep(Duration::from_secs(3)).await;
        fleet.until(|fleet| fleet.warnings.len() >= 3).await;
        // At 0, 0.13 to 0.25, 0.38 to 0.75, 0.88 to 1.75 s, and so on.
        assert!(broker.connections() <= 6, "{}", broker.connections());
        let likely = "(client id d0); the likely reason is another client with this client id";
        let advice = "client-id = \"{run}-{device}\"";
        let is_named = |text: &String| text.contains(likely) && text.contains(advice);
        assert!(fleet.warnings.iter().any(is_named), "{:?}", fleet.warnings);
        assert!(fleet.reconnects >= 2);
    });
}

#[test]
fn message_is_not_blamed_for_a_second_client() {
    run(async {
        let broker = Broker::default();
        // The broker answers slowly, and another client ends the first four connections.
        broker.end_after(Duration::from_millis(50), |number| number < 4);
        let react = |number: usize, packet: &Packet| match packet {
            Packet::Publish(_) if number < 4 => Reaction::Silence,
            _ => Reaction::Answer,
        };
        let port = broker.start(|_| false, react).await;
        let mut fleet = TestFleet::connect(port, "qos = 1", 1);
        fleet.send(0, 0, 7);
        fleet.send(0, 1, 7);
        fleet.until(|fleet| fleet.completed.len() == 2).await;
        assert!(fleet.outcomes().iter().all(|end| end.1 == Outcome::Acked));
    });
}

#[test]
fn second_client_is_not_named_for_a_message() {
    run(async {
        let broker = Broker::default();
        let react = |_, packet: &Packet| match packet {
            Packet::Publish(publish) if publish.payload.len() > 9 => Reaction::HangUp,
            _ => Reaction::Answer,
        };
        let port = broker.start(|_| false, react).await;
        let mut fleet = TestFleet::connect(port, "qos = 1", 1);
        for seq in 0..3 {
            fleet.send(0, seq, 10);
        }
        fleet.until(|fleet| fleet.completed.len() == 3).await;
        assert!(fleet.outcomes().iter().all(|end| end.1 == Outcome::Failed));
        let is_named = |text: &String| text.contains("another client");
        assert!(!fleet.warnings.iter().any(is_named), "{:?}", fleet.warnings);
    });
}
