//! Counts all kinds of events, and sends the counts at each tick.

use std::collections::BTreeMap;

use mockfleet_sdk::{
    About, Behaviour, Device, Error, Event, Instant, NoConfig, Outcome, Tick, Turn,
};
use serde_json::json;

mockfleet_sdk::export!(EchoesEvents);

/// One device.
#[derive(Debug, Default)]
pub struct EchoesEvents {
    counts: BTreeMap<&'static str, u64>,
    /// The numbers of the receipts, each of which must be unique.
    settled: Vec<u64>,
    duplicates: u64,
}

impl Behaviour for EchoesEvents {
    type Config = NoConfig;

    fn about() -> About {
        mockfleet_sdk::about!()
            .channel("telemetry")
            .link()
            .downlink()
            .receipts()
    }

    fn create(_: &Device, _: NoConfig) -> Result<Self, Error> {
        Ok(Self::default())
    }

    fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error> {
        let report = json!({
            "tick": tick.sequence, "told": self.counts, "doubled": self.duplicates,
        });
        turn.json("telemetry", &report).map(drop)
    }

    fn handle(&mut self, _: Instant, event: Event, _: &mut Turn) -> Result<(), Error> {
        let kind = match event {
            Event::Connected => "connected",
            Event::Disconnected(_) => "disconnected",
            Event::Received(_) => "received",
            Event::Settled(receipt) => {
                if self.settled.contains(&receipt.sequence) {
                    self.duplicates += 1;
                }
                self.settled.push(receipt.sequence);
                match receipt.outcome {
                    Outcome::Acked => "acked",
                    Outcome::Sent => "sent",
                    Outcome::Failed => "failed",
                    Outcome::Dropped => "dropped",
                    _ => "other",
                }
            }
            _ => "other",
        };
        *self.counts.entry(kind).or_default() += 1;
        Ok(())
    }
}
