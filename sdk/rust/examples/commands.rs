//! Runs a valve natively: it obeys commands of the backend and confirms them.
//!
//! cargo run -p mockfleet-sdk --example commands

use std::time::Duration;

use mockfleet_sdk::testing::Trial;
use mockfleet_sdk::{About, Behaviour, Device, Error, Event, Instant, NoConfig, Tick, Turn};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A valve that reports its position once a minute, and after each command.
#[derive(Default)]
struct Valve {
    percent: u8,
}

/// The JSON of a command.
#[derive(Deserialize)]
struct Command {
    percent: u8,
}

/// The JSON of a report.
#[derive(Serialize)]
struct Report {
    percent: u8,
    command: bool,
}

impl Behaviour for Valve {
    type Config = NoConfig;

    fn about() -> About {
        About::new("valve", "0.1.0").channel("position").downlink()
    }

    fn create(_: &Device, _: NoConfig) -> Result<Self, Error> {
        Ok(Self::default())
    }

    fn tick(&mut self, _: Tick, turn: &mut Turn) -> Result<(), Error> {
        turn.next_tick(Duration::from_mins(1));
        self.report(false, turn)
    }

    fn handle(&mut self, _: Instant, event: Event, turn: &mut Turn) -> Result<(), Error> {
        let Event::Received(message) = event else {
            return Ok(());
        };
        let command: Command = message.json()?;
        if command.percent > 100 {
            return Err(Error::failed(format_args!(
                "the command wants {} percent; 0 to 100 are right",
                command.percent
            )));
        }
        self.percent = command.percent;
        self.report(true, turn)
    }
}

impl Valve {
    fn report(&self, command: bool, turn: &mut Turn) -> Result<(), Error> {
        let percent = self.percent;
        turn.json("position", &Report { percent, command })
            .map(drop)
    }
}

mockfleet_sdk::export!(Valve);

pub(crate) fn main() {
    let mut valve = Trial::<Valve>::new(json!({}));
    valve.ticks(1).receive("command", &json!({ "percent": 40 }));
    valve.ticks(1);
    for report in valve.on("position") {
        println!("{report}");
    }
    let expected = [(0, false), (40, true), (40, false)]
        .map(|(percent, command)| json!({ "percent": percent, "command": command }));
    assert_eq!(valve.on("position"), expected);
}
