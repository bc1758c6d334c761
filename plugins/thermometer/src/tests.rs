//! Tests the thermometer as a fleet uses it.

#[path = "../../readme.rs"]
mod readme;

use std::time::Duration;

use crate::Thermometer;
use mockfleet_sdk::testing::{Setup, Trial};
use mockfleet_sdk::{Error, Instant};
use serde_json::{Value, json};

fn device(seed: u64, config: Value) -> Trial<Thermometer> {
    let setup = Setup {
        id: "thermometer-00042".into(),
        seed,
        config,
        ..Setup::default()
    };
    Trial::create(&setup).unwrap()
}

fn numbers(trial: &Trial<Thermometer>, key: &str) -> Vec<f64> {
    let readings = trial.on("telemetry");
    readings
        .iter()
        .map(|reading| reading[key].as_f64().unwrap())
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_whenever_the_run_starts() {
    let payloads = |seed, born| {
        let setup = Setup {
            seed,
            born,
            ..Setup::default()
        };
        let mut trial = Trial::<Thermometer>::create(&setup).unwrap();
        trial.ticks(100).payloads().concat()
    };
    let (today, long_ago) = (Setup::default().born, Instant::from_micros(0));
    assert_eq!(payloads(7, today), payloads(7, long_ago));
    assert_ne!(payloads(7, today), payloads(8, today));
}

#[test]
fn reading_has_the_device_and_its_measurements() {
    let mut trial = device(1, json!({}));
    trial.ticks(3);
    let reading = trial.on("telemetry").pop().unwrap();
    assert_eq!(reading["device"], "thermometer-00042");
    assert_eq!(reading["uptime_ms"], 2_000);
    assert!(reading["temperature"].is_number());
    assert!((0.0..=100.0).contains(&reading["humidity"].as_f64().unwrap()));
    assert_eq!(reading.get("at"), None);
}

#[test]
fn temperature_stays_around_its_base_within_its_drift() {
    let mut trial = device(3, json!({ "base": 4.0, "drift": 2.0, "settle": 10.0 }));
    let temperatures = numbers(trial.ticks(20_000), "temperature");
    let count = 20_000.0;
    let mean = temperatures.iter().sum::<f64>() / count;
    let spread = temperatures.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / count;
    assert!((mean - 4.0).abs() < 0.3, "mean {mean}");
    assert!(
        (spread.sqrt() - 2.0).abs() < 0.3,
        "deviation {}",
        spread.sqrt()
    );
    let steps = temperatures
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).abs());
    assert!(
        steps.fold(0.0, f64::max) < 6.0,
        "it wanders, and does not jump"
    );
}

#[test]
fn battery_runs_down_and_the_device_retires() {
    // 36 s, give or take a tenth.
    let mut trial = device(1, json!({ "battery-hours": 0.01 }));
    trial.run(Duration::from_mins(1));
    let statuses: Vec<&str> = trial.statuses().iter().map(|(_, s)| s.as_str()).collect();
    assert_eq!(statuses, ["ok", "low-battery", "dead"]);
    assert_eq!(trial.retired(), Some("the battery is empty"));
    let battery = numbers(&trial, "battery");
    assert!(battery.is_sorted_by(|a, b| a > b));
    assert_eq!(
        battery.last(),
        Some(&0.0),
        "its last message is from its last moment"
    );
    assert!((33..=41).contains(&battery.len()), "{}", battery.len());
}

#[test]
fn batteries_of_one_group_do_not_end_at_the_same_moment() {
    let lasts = |seed| {
        let mut trial = device(seed, json!({ "battery-hours": 0.01 }));
        trial.run(Duration::from_mins(1)).messages().len()
    };
    assert_ne!(lasts(1), lasts(2));
}

#[test]
fn a_battery_may_begin_low() {
    let mut trial = device(1, json!({ "battery": 15.0 }));
    assert_eq!(trial.ticks(1).status(), Some("low-battery"));
}

#[test]
fn payloads_have_exactly_the_configured_size() {
    for size in [146, 256, 1_000, 65_536] {
        let mut trial = device(5, json!({ "size": size, "timestamp": true, "drift": 50.0 }));
        trial.ticks(50);
        assert!(trial.payloads().iter().all(|payload| payload.len() == size));
        assert_eq!(trial.on("telemetry").len(), 50, "each is JSON");
    }
}

#[test]
fn a_size_that_a_reading_does_not_fit_into_is_refused() {
    let setup = Setup {
        config: json!({ "size": 20 }),
        ..Setup::default()
    };
    let Some(Error::InvalidConfig(why)) = Trial::<Thermometer>::create(&setup).err() else {
        unreachable!("20 bytes are too few");
    };
    assert_eq!(
        why,
        "config.size is 20, and a reading of this device takes up to 106 bytes; give 106 or more"
    );
}

#[test]
fn time_is_added_with_the_setting() {
    let mut trial = device(1, json!({ "timestamp": true }));
    let reading = trial.ticks(1).on("telemetry").pop().unwrap();
    assert_eq!(reading["at"], "2026-01-01T00:00:00.000000Z");
}

#[test]
fn every_setting_has_its_words_and_its_default() {
    let schema = Trial::<Thermometer>::schema();
    for (key, setting) in schema["properties"].as_object().unwrap() {
        assert!(setting["description"].is_string(), "{key} is described");
        assert!(setting.get("default").is_some(), "{key} has a default");
    }
    assert_eq!(schema["properties"]["base"]["default"], 21.0);
    assert_eq!(schema["additionalProperties"], false);
}

const README: &str = include_str!("../README.md");

#[test]
fn the_readme_lists_the_settings() {
    readme::assert_lists_the_settings(README, &Trial::<Thermometer>::schema());
}

#[test]
fn readme_shows_the_sent_messages() {
    let mut trial = device(42, json!({}));
    trial.ticks(3);
    assert_eq!(
        readme::json_blocks(README),
        [trial.on("telemetry").pop().unwrap()]
    );
}
