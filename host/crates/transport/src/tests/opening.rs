//! Tests the progress of connections that are opened before the clock starts.

use rumqttc::Packet;
use tokio::net::TcpListener;

use crate::tests::broker::{Broker, Reaction};
use crate::tests::fleet::{TestFleet, run};

const DOWNLINK: &str = "downlink.command = { topic = \"{device}/command\" }";

#[test]
fn connection_with_downlink_is_up_when_it_is_subscribed() {
    run(async {
        let silent = Broker::default();
        let react = |number: usize, packet: &Packet| match packet {
            Packet::Subscribe(_) if number == 0 => Reaction::Silence,
            _ => Reaction::Answer,
        };
        let port = silent.start(|_| false, react).await;
        let mut fleet = TestFleet::connect(port, DOWNLINK, 3);
        fleet
            .until(|fleet| fleet.transport.opening_progress().up == 2)
            .await;
        // The third is connected too, and its SUBACK does not come.
        fleet.until(|_| silent.packets().len() == 3).await;
        let progress = fleet.transport.opening_progress();
        assert_eq!((progress.connections, progress.up), (3, 2));
        assert!(!progress.is_over);
    });
}

#[test]
fn closed_port_has_failed_after_some_tries() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let mut fleet = TestFleet::connect(port, "", 5);
        assert!(!fleet.transport.opening_progress().is_over);
        fleet
            .until(|fleet| fleet.transport.opening_progress().is_over)
            .await;
        assert_eq!(fleet.transport.opening_progress().up, 0);
    });
}

#[test]
fn silent_target_is_not_awaited_after_the_connect_timeout() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut fleet = TestFleet::connect(port, "connect-timeout = \"300ms\"", 40);
        fleet
            .until(|fleet| fleet.transport.opening_progress().is_over)
            .await;
        // The end of a run does not wait for handshakes.
        let closed = tokio::time::Instant::now();
        fleet.transport.close().await;
        assert!(closed.elapsed() < crate::mqtt::target::CLOSE_TIMEOUT);
    });
}
