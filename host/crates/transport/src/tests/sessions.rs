//! Tests the start of sessions: identifiers of earlier processes, and subscriptions.

use rumqttc::Packet;

use crate::envelope::Outcome;
use crate::tests::broker::{Broker, Reaction};
use crate::tests::fleet::{TestFleet, run};

const KEPT: &str = "qos = 2\nclean-session = false\nmax-in-flight = 5\ndownlink = { c = { topic = \"c/{device}\" } }";

fn names(packets: &[(usize, Packet)]) -> Vec<String> {
    let name = |packet: &Packet| match packet {
        Packet::PubRel(release) => format!("PUBREL {}", release.pkid),
        Packet::Subscribe(subscribe) => {
            let filters = subscribe.filters.iter();
            let paths: Vec<_> = filters.map(|filter| filter.path.as_str()).collect();
            format!("SUBSCRIBE {}", paths.join(" "))
        }
        Packet::Publish(publish) => format!("PUBLISH {}", publish.pkid),
        other => format!("{other:?}"),
    };
    packets.iter().map(|(_, packet)| name(packet)).collect()
}

#[test]
fn new_process_releases_identifiers_then_subscribes() {
    run(async {
        let broker = Broker::default();
        let port = broker.start(|_| true, |_, _| Reaction::Answer).await;
        let mut fleet = TestFleet::connect(port, KEPT, 1);
        for seq in 0..20 {
            fleet.send(0, seq, 2);
        }
        fleet.until(|fleet| fleet.completed.len() == 20).await;
        assert!(fleet.outcomes().iter().all(|end| end.1 == Outcome::Acked));
        let names = names(&broker.packets());
        let releases: Vec<_> = (1..=5).map(|id| format!("PUBREL {id}")).collect();
        assert_eq!(names[..5], releases);
        assert_eq!(names[5], "SUBSCRIBE c/d0");
        assert!(names[6].starts_with("PUBLISH "));
        // Messages use no other identifiers than those that the next process releases.
        for (_, packet) in broker.packets() {
            if let Packet::Publish(publish) = packet {
                assert!((1..=5).contains(&publish.pkid));
            }
        }
    });
}

#[test]
fn nothing_is_sent_until_the_broker_has_released() {
    run(async {
        let broker = Broker::default();
        let react = |number: usize, packet: &Packet| match packet {
            // The first connection loses one answer, and ends by the timeout.
            Packet::PubRel(release) if number == 0 && release.pkid == 3 => Reaction::Silence,
            _ => Reaction::Answer,
        };
        let port = broker.start(|_| true, react).await;
        let keys = format!("connect-timeout = \"200ms\"\n{KEPT}");
        let mut fleet = TestFleet::connect(port, &keys, 1);
        fleet.send(0, 0, 2);
        fleet.until(|fleet| fleet.completed.len() == 1).await;
        assert_eq!(fleet.outcomes(), [(0, Outcome::Acked, 1)]);
        let packets = broker.packets();
        let first: Vec<_> = packets.into_iter().filter(|(n, _)| *n == 0).collect();
        assert_eq!(first.len(), 5, "{first:?}");
        let timeout = "no answer to PUBREL within 0.2 s";
        assert!(fleet.warnings.iter().any(|text| text.contains(timeout)));
    });
}

#[test]
fn broker_that_hangs_up_on_pubrel_gets_messages_in_the_end() {
    // Without QoS 2, no message can be lost, and there is nothing to report.
    for (qos, connections) in [("qos = 2", 4), ("qos = 1", 2)] {
        hang_up_on_pubrel(qos, connections);
    }
}

fn hang_up_on_pubrel(qos: &str, connections: usize) {
    let keys = KEPT.replace("qos = 2", qos);
    run(async move {
        let broker = Broker::default();
        let react = |_, packet: &Packet| match packet {
            Packet::PubRel(release) if release.pkid == 5 => Reaction::HangUp,
            _ => Reaction::Answer,
        };
        let port = broker.start(|_| true, react).await;
        let mut fleet = TestFleet::connect(port, &keys, 1);
        fleet.send(0, 0, 2);
        fleet.until(|fleet| fleet.completed.len() == 1).await;
        assert_eq!(fleet.outcomes(), [(0, Outcome::Acked, 1)]);
        let said = "closes the connection on PUBREL";
        let is_said = fleet.warnings.iter().any(|text| text.contains(said));
        assert_eq!(is_said, connections > 2);
        let last = broker.packets().last().map(|(number, _)| *number + 1);
        assert_eq!(last, Some(connections));
    });
}

#[test]
fn new_session_releases_nothing() {
    run(async {
        let broker = Broker::default();
        let port = broker.start(|_| false, |_, _| Reaction::Answer).await;
        let mut fleet = TestFleet::connect(port, KEPT, 1);
        fleet.send(0, 0, 2);
        fleet.until(|fleet| fleet.completed.len() == 1).await;
        let names = names(&broker.packets());
        assert_eq!(names, ["SUBSCRIBE c/d0", "PUBLISH 1", "PUBREL 1"]);
    });
}

#[test]
fn session_present_with_clean_session_is_no_session() {
    run(async {
        let broker = Broker::default();
        let port = broker.start(|_| true, |_, _| Reaction::Answer).await;
        let keys = KEPT.replace("clean-session = false\n", "");
        let mut fleet = TestFleet::connect(port, &keys, 1);
        fleet.send(0, 0, 2);
        fleet.until(|fleet| fleet.completed.len() == 1).await;
        assert_eq!(names(&broker.packets())[0], "SUBSCRIBE c/d0");
    });
}

#[test]
fn connection_lost_before_suback_subscribes_again() {
    run(async {
        let broker = Broker::default();
        let react = |number: usize, packet: &Packet| match packet {
            Packet::Subscribe(_) if number == 0 => Reaction::HangUp,
            Packet::Publish(_) if number == 1 => Reaction::HangUp,
            _ => Reaction::Answer,
        };
        let port = broker.start(|number| number > 0, react).await;
        let keys = KEPT.replace("qos = 2", "qos = 1\nconnections = 1");
        let mut fleet = TestFleet::connect(port, &keys, 1);
        let log = broker.clone();
        let is_subscribed = move |_: &TestFleet| log.packets().iter().any(|(n, _)| *n == 1);
        fleet.until(is_subscribed).await;
        // It ends the second connection. A device that joins in between is subscribed by the
        // third, and the confirmed one is not subscribed again.
        fleet.send(0, 0, 2);
        let lost = |fleet: &TestFleet| fleet.warnings.len() >= 2;
        fleet.until(lost).await;
        fleet.join(1);
        fleet.until(|fleet| fleet.completed.len() == 1).await;
        let packets = broker.packets();
        let of = |number: usize| {
            let own: Vec<_> = packets
                .iter()
                .filter(|(n, _)| *n == number)
                .cloned()
                .collect();
            names(&own)
        };
        assert_eq!(of(0), ["SUBSCRIBE c/d0"]);
        assert_eq!(of(1), ["SUBSCRIBE c/d0", "PUBLISH 1"]);
        assert_eq!(of(2), ["SUBSCRIBE c/d1", "PUBLISH 1"]);
    });
}

#[test]
fn topic_of_many_devices_is_one_subscription() {
    run(async {
        let broker = Broker::default();
        let react = |_, packet: &Packet| match packet {
            Packet::Subscribe(_) => Reaction::AnswerAndPublish("home/status"),
            _ => Reaction::Answer,
        };
        let port = broker.start(|_| false, react).await;
        let keys = "connections = 1\nqos = 1\ndownlink = { ha = { topic = \"home/status\" } }";
        let mut fleet = TestFleet::connect(port, keys, 5);
        fleet.until(|fleet| fleet.received.len() >= 5).await;
        fleet.send(0, 0, 2);
        fleet.until(|fleet| fleet.completed.len() == 1).await;
        fleet.received.sort_unstable();
        assert_eq!(fleet.received, [0, 1, 2, 3, 4]);
        let names = names(&broker.packets());
        assert_eq!(names, ["SUBSCRIBE home/status", "PUBLISH 1"]);
    });
}

#[test]
fn message_of_a_shared_subscription_is_received_once() {
    run(async {
        let broker = Broker::default();
        let react = |_, packet: &Packet| match packet {
            Packet::Subscribe(_) => Reaction::AnswerAndPublish("jobs"),
            _ => Reaction::Answer,
        };
        let port = broker.start(|_| false, react).await;
        let keys = "downlink = { job = { topic = \"$share/g/jobs\" } }";
        let mut fleet = TestFleet::connect(port, keys, 1);
        fleet.until(|fleet| !fleet.received.is_empty()).await;
        assert_eq!(
            (fleet.received.as_slice(), fleet.warnings.len()),
            (&[0][..], 0)
        );
    });
}

#[test]
fn message_without_a_downlink_is_reported() {
    run(async {
        let broker = Broker::default();
        let react = |_, packet: &Packet| match packet {
            Packet::Subscribe(_) => Reaction::AnswerAndPublish("old/d0"),
            _ => Reaction::Answer,
        };
        let port = broker.start(|_| true, react).await;
        let mut fleet = TestFleet::connect(port, KEPT, 1);
        fleet.until(|fleet| !fleet.warnings.is_empty()).await;
        assert!(fleet.warnings[0].contains("fits no downlink"));
        assert!(fleet.received.is_empty());
    });
}

#[test]
fn refused_subscriptions_are_one_warning_and_an_event_each() {
    for connections in ["", "connections = 1\n"] {
        run(async move {
            let broker = Broker::default();
            let port = broker.start(|_| false, |_, _| Reaction::RefuseOdd).await;
            let keys = format!("{connections}downlink = {{ c = {{ topic = \"c/{{device}}\" }} }}");
            let mut fleet = TestFleet::connect(port, &keys, 4);
            fleet.until(|fleet| fleet.warnings.len() == 2).await;
            let first = "the broker refused a subscription: the filter c/d1 of client id ";
            assert!(fleet.warnings[0].contains(first), "{:?}", fleet.warnings);
            assert_eq!(fleet.kinds[0], fleet.kinds[1]);
            let event = |n: u32| (n, format!("subscription to c/d{n}: SUBACK code 128"));
            assert_eq!(fleet.refused, [event(1), event(3)]);
        });
    }
}

#[test]
fn each_refused_topic_of_the_fleet_file_is_a_warning() {
    for connections in ["", "connections = 1\n"] {
        run(async move {
            let broker = Broker::default();
            let port = broker.start(|_| false, |_, _| Reaction::RefuseOdd).await;
            let keys = format!(
                "{connections}downlink = {{ c = {{ topic = \"c/{{device}}\" }}, all = {{ topic = \"+/1\" }} }}"
            );
            let mut fleet = TestFleet::connect(port, &keys, 4);
            // Filters of devices with odd numbers, and one for all devices of a connection.
            let expected = if connections.is_empty() { 6 } else { 3 };
            fleet.until(|fleet| fleet.warnings.len() == expected).await;
            fleet.kinds.sort();
            fleet.kinds.dedup();
            let kinds = fleet
                .kinds
                .iter()
                .map(|kind| kind.rsplit(": ").next().unwrap());
            assert_eq!(kinds.collect::<Vec<_>>(), ["all = +/1", "c = c/{device}"]);
            let said = " (downlink all = +/1; SUBACK code 128)";
            assert!(fleet.warnings.iter().any(|text| text.contains(said)));
        });
    }
}
