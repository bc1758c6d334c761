//! Answers receipts with more messages, as a device does that never gives up.

use std::hint::black_box;

use mockfleet_sdk::{About, Behaviour, Device, Error, Event, Instant, Outcome, Tick, Turn};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mockfleet_sdk::export!(AnswersReceipts);

/// One device.
#[derive(Debug)]
pub struct AnswersReceipts {
    config: Config,
}

/// The number of answers, and when they are given.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The messages that answer each receipt.
    pub answers: u32,
    /// Whether only receipts of dropped messages are answered.
    pub dropped: bool,
    /// The messages that answer each message of the backend.
    pub echoes: u32,
    /// Bytes of each message.
    pub size: usize,
    /// Iterations of a loop for each message of the backend, in thousands.
    pub effort: u64,
}

impl Behaviour for AnswersReceipts {
    type Config = Config;

    fn about() -> About {
        mockfleet_sdk::about!()
            .channel("telemetry")
            .downlink()
            .receipts()
    }

    fn create(_: &Device, config: Config) -> Result<Self, Error> {
        Ok(Self { config })
    }

    fn tick(&mut self, _: Tick, turn: &mut Turn) -> Result<(), Error> {
        turn.bytes("telemetry", vec![b'x'; self.config.size]);
        Ok(())
    }

    fn handle(&mut self, _: Instant, event: Event, turn: &mut Turn) -> Result<(), Error> {
        match event {
            Event::Settled(receipt)
                if !self.config.dropped || receipt.outcome == Outcome::Dropped =>
            {
                for _ in 0..self.config.answers {
                    turn.bytes("telemetry", vec![b'x'; self.config.size]);
                }
            }
            Event::Received(_) => {
                for number in 0..self.config.effort * 1_000 {
                    black_box(number);
                }
                for _ in 0..self.config.echoes {
                    turn.bytes("telemetry", vec![b'x'; self.config.size]);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
