//! Measures the whole path from schedule to Parquet, flat out.
//!
//! The baseline is a bare rumqttc loop that publishes constants over the same number of
//! connections. Rates are counted at the receiver, in a window of the steady load. Processor
//! time is that of the sender for each message of the window: it does not depend on who is
//! the bottleneck. There are two receivers: mosquitto, and a sink with as many threads as
//! there are workers, so that the sender is what is measured. A further case measures the
//! cost of the send log: the same with and without a log.
//!
//! ```text
//! cargo bench -- path [--rounds 5 --seconds 12] [--short]
//! ```
//!
//! Needs mosquitto (`apt-get install mosquitto`).

use super::flat_out::{FlatOut, LOGGED, Receiver, UNLOGGED};
use crate::measure::{Bar, Bench, Case, Mosquitto, in_turn, option};
use serde_json::json;

/// Threads of the senders and of the sink.
const THREADS: u32 = 2;

/// The name of the baseline.
const BARE: &str = "bare rumqttc loop, a constant, no log";

pub(crate) fn main() {
    let (rounds, seconds) = (option("--rounds", 5, 1), option("--seconds", 12, 1));
    let folder = tempfile::tempdir().expect("a folder");
    let broker = Mosquitto::start(folder.path());
    let mut bench = Bench::new("path");
    let rates = [Bar::share(0.5).stretch(0.8), Bar::share(0.7).stretch(0.95)];
    let costs = [Bar::times(1.77).stretch(1.4), Bar::times(1.0).stretch(0.8)];
    for (qos, (rate, cost)) in (0..).zip(rates.into_iter().zip(costs)) {
        for receiver in [Receiver::Broker(&broker), Receiver::Sink] {
            let flat_out = FlatOut {
                receiver,
                qos,
                threads: THREADS,
                seconds,
            };
            let name = format!("100 devices flat out, QoS {qos}, to {}", receiver.name());
            let mut rates = Case::new(name.clone(), "msg/s")
                .against(BARE)
                .counted_by(receiver.name());
            if matches!(receiver, Receiver::Broker(_)) {
                rates = rates.bar(rate);
            }
            let mut costs = Case::new(format!("{name}: processor time a message"), "µs")
                .against(BARE)
                .counted_by(receiver.name())
                .bar(cost);
            for round in 0..rounds {
                let (ours, bare) = in_turn(
                    round,
                    || flat_out.fleet(folder.path(), LOGGED),
                    || flat_out.bare_loop(),
                );
                costs.add(ours.cpu, bare.cpu, json!({}));
                let details = json!({ "ours": ours.details, "baseline": bare.details });
                rates.add(ours.rate, bare.rate, details);
            }
            bench.add(&rates);
            bench.add(&costs);
        }
    }
    let mut rates = Case::new("QoS 0 flat out, with the send log", "msg/s")
        .against("the same without a log")
        .counted_by("mosquitto")
        .bar(Bar::share(0.8).stretch(0.9));
    let mut costs = Case::new("the same: processor time a message", "µs")
        .against("the same without a log")
        .counted_by("mosquitto");
    for round in 0..rounds {
        let flat_out = FlatOut {
            receiver: Receiver::Broker(&broker),
            qos: 0,
            threads: THREADS,
            seconds,
        };
        let run = |log| flat_out.fleet(folder.path(), log);
        let (on, off) = in_turn(round, || run(LOGGED), || run(UNLOGGED));
        costs.add(on.cpu, off.cpu, json!({}));
        let details = json!({ "ours": on.details, "baseline": off.details });
        rates.add(on.rate, off.rate, details);
    }
    bench.add(&rates);
    bench.add(&costs);
    bench.finish();
}
