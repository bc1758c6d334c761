//! What an author may rely on, tried from another crate.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use mockfleet_sdk::testing::{Setup, Trial};
use mockfleet_sdk::{
    About, Behaviour, Device, Error, Event, Instant, Link, NoConfig, Outcome, Receipt, Rng, Start,
    Tick, Turn,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Does what its `do` setting says at tick 2, and sends a number at every tick.
struct Probe {
    rng: Rng,
    config: Config,
}

#[derive(Serialize, Deserialize, JsonSchema, Default)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// What to do.
    r#do: String,
    /// Where to go.
    points: Vec<Point>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Point {
    x: f64,
}

impl Behaviour for Probe {
    type Config = Config;

    fn about() -> About {
        mockfleet_sdk::about!()
            .channel("telemetry")
            .channel("reply")
            .status("odd")
            .status("even")
            .link()
            .downlink()
    }

    fn create(device: &Device, config: Config) -> Result<Self, Error> {
        if config.r#do == "refuse" {
            return Err(Error::invalid_config("do is \"refuse\", and I do"));
        }
        let rng = device.rng();
        Ok(Self { rng, config })
    }

    fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error> {
        turn.status(if tick.sequence < 4 { "even" } else { "odd" });
        turn.json("telemetry", &json!({ "n": self.rng.below(1_000) }))?;
        if tick.sequence == 2 {
            match self.config.r#do.as_str() {
                "fail" => return Err(Error::failed("told to")),
                "retire" => return Err(Error::retired("told to")),
                "hurry" => drop(turn.next_tick(Duration::from_millis(10))),
                "rush" => drop(turn.next_tick(Duration::ZERO)),
                "vanish" => drop(turn.vanish(Duration::from_secs(5))),
                "stray" => drop(turn.bytes("nowhere", [1])),
                "feel" => drop(turn.status("fine")),
                _ => {}
            }
        }
        Ok(())
    }

    fn handle(&mut self, _: Instant, event: Event, turn: &mut Turn) -> Result<(), Error> {
        match event {
            Event::Received(message) => {
                let value: Value = message.json()?;
                turn.next_tick(Duration::from_mins(1));
                turn.json("reply", &value).map(drop)
            }
            _ => Ok(()),
        }
    }
}

mockfleet_sdk::export!(Probe);

fn seconds(trial: &Trial<Probe>) -> Vec<f64> {
    let born = Setup::default().born;
    let messages = trial.messages().iter();
    messages
        .map(|sent| sent.at.since(born).as_secs_f64())
        .collect()
}

fn refusal(config: Value) -> String {
    let setup = Setup {
        config,
        ..Setup::default()
    };
    Trial::<Probe>::create(&setup).err().unwrap().to_string()
}

#[test]
fn ticks_follow_the_schedule_of_fleet_or_device() {
    let mut trial = Trial::<Probe>::new(json!({ "do": "hurry" }));
    trial.ticks(5);
    assert_eq!(seconds(&trial), [0.0, 1.0, 2.0, 2.01, 3.01]);
    trial.run(Duration::from_secs(2));
    // The tick at 3.01 s has run; the one at 5.01 s comes next.
    assert_eq!(trial.messages().len(), 6);
    assert_eq!(
        trial.now().since(Setup::default().born),
        Duration::from_secs_f64(5.01)
    );
}

#[test]
fn next_tick_of_zero_comes_a_millisecond_later() {
    let mut trial = Trial::<Probe>::new(json!({ "do": "rush" }));
    trial.ticks(5);
    assert_eq!(seconds(&trial), [0.0, 1.0, 2.0, 2.001, 3.001]);
}

#[test]
fn same_seed_same_bytes_other_seed_other_bytes() {
    let payloads = |seed| {
        let mut trial = Trial::<Probe>::create(&Setup {
            seed,
            ..Setup::default()
        })
        .unwrap();
        trial.ticks(20);
        trial.payloads().concat()
    };
    assert_eq!(payloads(1), payloads(1));
    assert_ne!(payloads(1), payloads(2));
}

#[test]
fn only_a_change_of_status_is_reported() {
    let mut trial = Trial::<Probe>::new(json!({}));
    trial.ticks(10);
    let statuses: Vec<&str> = trial.statuses().iter().map(|(_, s)| s.as_str()).collect();
    assert_eq!(statuses, ["even", "odd"]);
    assert_eq!(trial.status(), Some("odd"));
}

#[test]
fn a_failed_tick_sends_nothing_and_the_device_lives_on() {
    let mut trial = Trial::<Probe>::new(json!({ "do": "fail" }));
    trial.ticks(2);
    assert_eq!(trial.tick(), Err(Error::Failed("told to".into())));
    trial.ticks(1);
    assert_eq!(seconds(&trial), [0.0, 1.0, 3.0]);
}

#[test]
fn a_retired_device_is_not_called_again() {
    let mut trial = Trial::<Probe>::new(json!({ "do": "retire" }));
    trial.ticks(10).run(Duration::from_secs(10));
    trial.event(Event::Connected).unwrap();
    assert_eq!(trial.messages().len(), 2);
    assert_eq!(trial.retired(), Some("told to"));
}

#[test]
fn received_message_is_answered_at_once_and_moves_the_next_tick() {
    let mut trial = Trial::<Probe>::new(json!({}));
    trial.ticks(1).receive("command", &json!({ "do": "stop" }));
    assert_eq!(trial.on("reply"), [json!({ "do": "stop" })]);
    assert_eq!(trial.due().since(trial.now()), Duration::from_mins(1));
}

#[test]
fn connection_changes_are_recorded() {
    let mut trial = Trial::<Probe>::new(json!({ "do": "vanish" }));
    trial.ticks(3);
    assert_eq!(
        trial.links(),
        [(trial.now(), Link::Vanish(Duration::from_secs(5)))]
    );
}

#[test]
#[should_panic(
    expected = "about() doesn't name the channel \"nowhere\"; add .channel(\"nowhere\")"
)]
fn a_channel_that_about_does_not_name_fails_the_test() {
    Trial::<Probe>::new(json!({ "do": "stray" })).ticks(3);
}

#[test]
#[should_panic(expected = "about() doesn't name the status \"fine\"")]
fn a_status_that_about_does_not_name_fails_the_test() {
    Trial::<Probe>::new(json!({ "do": "feel" })).ticks(3);
}

#[test]
#[should_panic(expected = "about() doesn't name receipts")]
fn an_event_that_about_does_not_name_fails_the_test() {
    let receipt = Receipt::new(0, "telemetry", Outcome::Acked);
    let _ = Trial::<Probe>::new(json!({})).event(Event::Settled(receipt));
}

#[test]
fn settings_that_cannot_be_read_name_the_key_and_the_cause() {
    assert_eq!(
        refusal(json!({ "do": 7 })),
        "config.do: invalid type: integer `7`, expected a string"
    );
    assert_eq!(
        refusal(json!({ "points": [{ "x": 1 }, { "x": "a" }] })),
        "config.points[1].x: invalid type: string \"a\", expected f64"
    );
    assert_eq!(
        refusal(json!({ "points": [{}] })),
        "config.points[0]: missing field `x`"
    );
    assert_eq!(
        refusal(json!(3)),
        "config: invalid type: integer `3`, expected struct Config"
    );
    assert_eq!(
        refusal(json!({ "do": "refuse" })),
        "do is \"refuse\", and I do"
    );
}

#[test]
fn a_misspelt_setting_is_refused_with_the_right_ones() {
    assert_eq!(
        refusal(json!({ "point": [] })),
        "config.point: unknown field `point`, expected `do` or `points`"
    );
}

#[test]
fn schema_has_descriptions_defaults_and_refuses_unknown_keys() {
    let schema = Trial::<Probe>::schema();
    assert_eq!(schema["properties"]["do"]["description"], "What to do.");
    assert_eq!(schema["properties"]["points"]["default"], json!([]));
    assert_eq!(schema["additionalProperties"], false);
}

/// Has a call before its first tick, and keeps its schedule.
struct Starter(Option<Instant>);

impl Behaviour for Starter {
    type Config = NoConfig;

    fn about() -> About {
        mockfleet_sdk::about!().channel("telemetry").start()
    }

    fn create(_: &Device, _: NoConfig) -> Result<Self, Error> {
        Ok(Self(None))
    }

    fn start(&mut self, start: Start, turn: &mut Turn) -> Result<(), Error> {
        self.0 = start.first_tick;
        turn.next_tick(Duration::from_secs(10))
            .json("telemetry", &json!({ "start": start.at }))
            .map(drop)
    }

    fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error> {
        if let Some(first) = self.0.filter(|first| *first > tick.at) {
            turn.next_tick(first.since(tick.at));
        }
        turn.json("telemetry", &json!({ "tick": tick.sequence }))
            .map(drop)
    }
}

#[test]
fn start_comes_first_and_its_next_tick_holds() {
    let setup = Setup {
        every: Duration::from_hours(1),
        phase: Duration::from_mins(30),
        ..Setup::default()
    };
    let mut device = Trial::<Starter>::create(&setup).unwrap();
    device.ticks(3);
    let times: Vec<u64> = device
        .messages()
        .iter()
        .map(|sent| sent.at.since(setup.born).as_secs())
        .collect();
    assert_eq!(times, [0, 10, 1_800, 5_400]);
    assert_eq!(device.on("telemetry")[1], json!({ "tick": 0 }));
}

#[test]
fn device_without_a_start_has_its_first_tick_on_schedule() {
    let setup = Setup {
        phase: Duration::from_secs(5),
        ..Setup::default()
    };
    let device = Trial::<Probe>::create(&setup).unwrap();
    assert_eq!(device.due(), setup.born + setup.phase);
    assert!(device.messages().is_empty());
}
