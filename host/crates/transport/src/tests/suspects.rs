//! Tests that the neighbours of a message that the broker cannot take arrive.

use std::time::Instant;

use rumqttc::Packet;

use crate::envelope::Outcome;
use crate::tests::broker::{Broker, Reaction};
use crate::tests::fleet::{TestFleet, run};

fn hang_up_on_d3(_: usize, packet: &Packet) -> Reaction {
    match packet {
        Packet::Publish(publish) if publish.topic == "s/d3" => Reaction::HangUp,
        _ => Reaction::Answer,
    }
}

/// Sends a message of each of ten devices over one connection, and returns their ends.
async fn send_ten(port: u16, keys: &str) -> TestFleet {
    let keys = format!("connections = 1\n{keys}");
    let mut fleet = TestFleet::connect(port, &keys, 10);
    for device in 0..10 {
        fleet.send(device, 0, 7);
    }
    fleet.until(|fleet| fleet.completed.len() == 10).await;
    fleet
}

#[test]
fn message_that_ends_the_connection_fails_alone() {
    for keys in ["qos = 1", "qos = 2", "qos = 1\nclean-session = false"] {
        run(async move {
            let broker = Broker::default();
            let port = broker.start(|number| number > 0, hang_up_on_d3).await;
            let fleet = send_ten(port, keys).await;
            for (device, outcome, _) in fleet.outcomes() {
                let expected = match device {
                    3 => Outcome::Failed,
                    _ => Outcome::Acked,
                };
                assert_eq!(outcome, expected, "{keys}: {device}");
            }
            let failed = fleet.completed.iter().find(|end| end.envelope.device == 3);
            let failed = failed.unwrap();
            assert_eq!(failed.envelope.attempt, 2);
            let why = failed.error.as_ref().unwrap();
            assert!(why.text().ends_with(" (topic s/d3, 7 bytes)"), "{why}");
            assert!(!why.kind().contains("d3"), "{}", why.kind());
            // Two connections ended, and on the second no message followed the bad one.
            let messages = broker.messages();
            assert!(messages.iter().all(|(number, ..)| *number < 3));
            let mut second = messages.iter().filter(|(number, ..)| *number == 1);
            assert_eq!(second.next_back().unwrap().1, "d3", "{messages:?}");
        });
    }
}

#[test]
fn suspects_are_sent_behind_each_acknowledgement() {
    run(async {
        let broker = Broker::default();
        // The broker takes the messages of the first connection, and answers none.
        let react = |number: usize, packet: &Packet| match packet {
            Packet::Publish(publish) if number == 0 && publish.topic == "s/d9" => Reaction::HangUp,
            Packet::Publish(_) if number == 0 => Reaction::Silence,
            _ => Reaction::Answer,
        };
        let port = broker.start(|_| false, react).await;
        let began = Instant::now();
        let fleet = send_ten(port, "qos = 1\nmax-in-flight = 20").await;
        let attempts: Vec<_> = (0..10).map(|n| (n, Outcome::Acked, 2)).collect();
        assert_eq!(fleet.outcomes(), attempts);
        for end in &fleet.completed {
            // The first time on the wire, before the back-off of 125 ms or more.
            let waited = end.acked_at.unwrap().duration_since(end.sent_at.unwrap());
            assert!(
                waited.as_millis() >= 100,
                "{waited:?} of {:?}",
                began.elapsed()
            );
        }
    });
}

#[test]
fn suspect_of_qos_0_is_sent_behind_a_ping() {
    run(async {
        let broker = Broker::default();
        let port = broker.start(|_| false, |_, _| Reaction::Answer).await;
        let mut fleet = TestFleet::connect(port, "connections = 1\nkeep-alive = \"0s\"", 3);
        fleet.send(0, 0, 7);
        // Above the limit of the broker, which reads only its beginning.
        fleet.send(1, 0, 40_000_000);
        fleet.send(2, 0, 7);
        fleet.until(|fleet| fleet.completed.len() == 3).await;
        let ends: Vec<_> = fleet.outcomes().iter().map(|end| (end.0, end.1)).collect();
        let expected = [(0, Outcome::Sent), (1, Outcome::Failed), (2, Outcome::Sent)];
        assert_eq!(ends, expected);
        let failed = fleet.completed.iter().find(|end| end.envelope.device == 1);
        let why = failed.unwrap().error.as_ref().unwrap().text().into_owned();
        assert!(why.ends_with("(topic s/d1, 40000000 bytes)"), "{why}");
    });
}

/// Returns the devices of failed messages, with the details of each.
fn failures(fleet: &TestFleet) -> Vec<(u32, String)> {
    let failed = fleet.completed.iter();
    let failed = failed.filter(|end| end.outcome == Outcome::Failed);
    let details = failed.map(|end| {
        let why = end.error.as_ref().unwrap().text().into_owned();
        let detail = why.rsplit(" (").next().unwrap_or_default();
        (end.envelope.device, format!("({detail}"))
    });
    details.collect()
}

#[test]
fn each_message_of_qos_0_above_the_limit_fails_alone() {
    run(async {
        let broker = Broker::default();
        let react = |_: usize, packet: &Packet| match packet {
            Packet::Publish(publish) if publish.payload.len() > 2000 => Reaction::HangUp,
            _ => Reaction::Answer,
        };
        let port = broker.start(|_| false, react).await;
        let mut fleet = TestFleet::connect(port, "connections = 1\nkeep-alive = \"0s\"", 10);
        for round in 0..2 {
            for device in 0..10 {
                let bytes = if device == 3 { 3000 } else { 7 };
                fleet.send(device, round, bytes);
            }
        }
        fleet.until(|fleet| fleet.completed.len() == 20).await;
        let expected = (3, "(topic s/d3, 3000 bytes)".to_owned());
        assert_eq!(failures(&fleet), [expected.clone(), expected]);
        let sent = fleet.outcomes();
        let sent = sent.iter().filter(|end| end.1 == Outcome::Sent);
        assert_eq!(sent.count(), 18);
        fleet.close().await;
        assert_eq!(fleet.unproven, 0, "the broker has read all the others");
        // Each neighbour arrived once.
        let messages = broker.messages();
        let count = |name: &str| messages.iter().filter(|(_, d, _)| d == name).count();
        for device in (0..10).filter(|device| *device != 3) {
            assert_eq!(count(&format!("d{device}")), 2, "{messages:?}");
        }
        // The second one followed the first before this had ended the connection.
        assert_eq!(count("d3"), 3, "{messages:?}");
    });
}

#[test]
fn topic_of_qos_0_that_ends_connections_is_found() {
    run(async {
        let broker = Broker::default();
        let port = broker.start(|_| false, hang_up_on_d3).await;
        let mut fleet = TestFleet::connect(port, "connections = 1\nkeep-alive = \"0s\"", 10);
        // The first message is not known to be in doubt.
        fleet.send(3, 0, 7);
        fleet.until(|_| broker.connections() == 2).await;
        for device in 0..10 {
            fleet.send(device, 1, 7);
        }
        fleet.until(|fleet| fleet.completed.len() == 11).await;
        let expected = (3, "(topic s/d3, 7 bytes)".to_owned());
        assert_eq!(failures(&fleet), [expected]);
        fleet.close().await;
        assert_eq!(fleet.unproven, 1, "the first one");
        let soon = "the broker accepts a connection and soon ends it";
        assert!(!fleet.kinds.iter().any(|kind| kind.contains(soon)));
    });
}

#[test]
fn size_that_the_broker_reads_is_held_once() {
    run(async {
        let broker = Broker::default();
        let port = broker.start(|_| false, |_, _| Reaction::Answer).await;
        let mut fleet = TestFleet::connect(port, "connections = 1\nkeep-alive = \"0s\"", 1);
        let sizes = [7, 3000, 7, 3000, 2000, 7];
        for (sent, bytes) in (1..).zip(sizes) {
            fleet.send(0, sent, bytes);
            let sent = usize::try_from(sent).unwrap();
            fleet.until(|fleet| fleet.completed.len() == sent).await;
        }
        fleet
            .until(|_| broker.messages().len() == sizes.len())
            .await;
        let packets = broker.packets().into_iter();
        let pings = packets.filter(|(_, packet)| *packet == Packet::PingReq);
        assert_eq!(pings.count(), 2, "before and behind the first large one");
    });
}

#[test]
fn large_message_to_a_broker_without_pings_is_sent() {
    run(async {
        let broker = Broker::default();
        let react = |_, packet: &Packet| match packet {
            Packet::PingReq => Reaction::Silence,
            _ => Reaction::Answer,
        };
        let port = broker.start(|_| false, react).await;
        let keys = "connections = 1\nkeep-alive = \"0s\"\nconnect-timeout = \"200ms\"";
        let mut fleet = TestFleet::connect(port, keys, 1);
        // More than are doubted.
        for seq in 0..100 {
            fleet.send(0, seq, 3000);
        }
        fleet.until(|fleet| fleet.completed.len() == 100).await;
        assert!(fleet.outcomes().iter().all(|end| end.1 == Outcome::Sent));
        assert_eq!(broker.connections(), 1);
    });
}

#[test]
fn unanswered_suspect_does_not_stop_the_connection() {
    run(async {
        let broker = Broker::default();
        let react = |number: usize, packet: &Packet| match packet {
            Packet::Publish(publish) if publish.topic == "s/d3" => Reaction::Silence,
            Packet::Publish(publish) if number == 0 && publish.topic == "s/d9" => Reaction::HangUp,
            _ => Reaction::Answer,
        };
        let port = broker.start(|_| false, react).await;
        let keys = "connections = 1\nqos = 1\nconnect-timeout = \"200ms\"";
        let mut fleet = TestFleet::connect(port, keys, 10);
        for device in 0..10 {
            fleet.send(device, 0, 7);
        }
        fleet.until(|fleet| fleet.completed.len() == 9).await;
        assert!(fleet.outcomes().iter().all(|end| end.1 == Outcome::Acked));
    });
}

#[test]
fn filter_that_ends_the_connection_harms_no_other() {
    run(async {
        let broker = Broker::default();
        let react = |_, packet: &Packet| match packet {
            Packet::Subscribe(subscribe)
                if subscribe.filters.iter().any(|filter| filter.path == "c/d3") =>
            {
                Reaction::HangUp
            }
            Packet::Subscribe(subscribe) if subscribe.filters[0].path == "c/d9" => {
                Reaction::AnswerAndPublish("c/d9")
            }
            _ => Reaction::Answer,
        };
        let port = broker.start(|_| false, react).await;
        let keys = "connections = 1\nqos = 1\ndownlink = { c = { topic = \"c/{device}\" } }";
        let mut fleet = TestFleet::connect(port, keys, 10);
        for device in 0..10 {
            fleet.send(device, 0, 7);
        }
        fleet.until(|fleet| fleet.completed.len() == 10).await;
        assert!(fleet.outcomes().iter().all(|end| end.1 == Outcome::Acked));
        assert_eq!(fleet.received, [9]);
        let said = "the connection on a subscription: the filter c/d3 of client id ";
        assert!(fleet.warnings.iter().any(|text| text.contains(said)));
        let refused = "subscription to c/d3: closed three times on it";
        assert_eq!(fleet.refused, [(3, refused.to_owned())]);
    });
}
