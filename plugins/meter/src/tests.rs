//! Tests the meter as a fleet uses it.

#[path = "../../readme.rs"]
mod readme;

use std::time::Duration;

use crate::Meter;
use mockfleet_sdk::Instant;
use mockfleet_sdk::testing::{Setup, Trial};
use serde_json::{Value, json};

fn device(seed: u64, config: Value) -> Trial<Meter> {
    let every = Duration::from_mins(1);
    Trial::create(&Setup {
        id: "meter-00042".into(),
        seed,
        config,
        every,
        ..Setup::default()
    })
    .unwrap()
}

fn watts(reading: &Value) -> Vec<f64> {
    let samples = reading["samples"].as_array().unwrap().iter();
    samples
        .map(|sample| sample["watts"].as_f64().unwrap())
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_whenever_the_run_starts() {
    let payloads = |seed, born| {
        let mut trial = Trial::<Meter>::create(&Setup {
            seed,
            born,
            ..Setup::default()
        })
        .unwrap();
        trial.ticks(100).payloads().concat()
    };
    let (today, noon_long_ago) = (Setup::default().born, Instant::from_micros(43_200_000_000));
    assert_eq!(payloads(7, today), payloads(7, noon_long_ago));
    assert_ne!(payloads(7, today), payloads(8, today));
}

#[test]
fn message_carries_evenly_spaced_samples() {
    let mut trial = device(1, json!({ "samples": 4 }));
    let reading = trial.ticks(3).on("telemetry").pop().unwrap();
    assert_eq!(reading["uptime_ms"], 120_000);
    let samples = reading["samples"].as_array().unwrap();
    let times: Vec<u64> = samples
        .iter()
        .map(|s| s["uptime_ms"].as_u64().unwrap())
        .collect();
    assert_eq!(times, [75_000, 90_000, 105_000, 120_000]);
    assert!(
        samples
            .iter()
            .all(|s| (220.0..240.0).contains(&s["volts"].as_f64().unwrap()))
    );
}

#[test]
fn counter_grows_by_the_energy_of_the_samples() {
    let mut trial = device(2, json!({ "counter": 1_000.0, "noise": 1.0 }));
    let readings = trial.run(Duration::from_hours(24)).on("telemetry");
    let counter: Vec<f64> = readings
        .iter()
        .map(|r| r["kwh"].as_f64().unwrap())
        .collect();
    assert!(counter.is_sorted());
    assert_eq!(readings[0]["kwh"], 1_000.0, "it starts where it is told to");
    // Ten samples in each minute except the first, which has no duration.
    let drawn: f64 = readings[1..].iter().flat_map(watts).sum::<f64>() / 10.0 / 60.0 / 1_000.0;
    let grown = counter.last().unwrap() - counter[0];
    assert!(
        (drawn - grown).abs() < 0.01,
        "{drawn} kWh drawn, {grown} counted"
    );
    assert!((5.0..60.0).contains(&grown), "{grown} kWh a day");
}

#[test]
fn the_load_follows_the_day_and_so_does_the_status() {
    let mut trial = device(3, json!({ "hour": 0.0, "noise": 0.0 }));
    let readings = trial.run(Duration::from_hours(24)).on("telemetry");
    let load = |hour: usize| watts(&readings[hour * 60])[9];
    assert!(load(3) < load(7) && load(7) < load(19));
    assert!(load(13) < load(7) && load(23) < load(19));
    let statuses: Vec<(u64, &str)> = trial
        .statuses()
        .iter()
        .map(|(at, status)| (at.time_of_day().as_secs() / 3_600, status.as_str()))
        .collect();
    assert_eq!(statuses, [(0, "normal"), (17, "peak"), (21, "normal")]);
}

#[test]
fn a_short_day_is_a_whole_day() {
    let config = json!({ "hour": 0.0, "noise": 0.0, "day-seconds": 1_440.0 });
    let setup = Setup {
        config,
        ..Setup::default()
    };
    let mut short = Trial::<Meter>::create(&setup).unwrap();
    short.run(Duration::from_mins(24));
    let mut long = device(1, json!({ "hour": 0.0, "noise": 0.0 }));
    long.run(Duration::from_hours(24));
    let last = |trial: &Trial<Meter>| trial.on("telemetry").pop().unwrap()["kwh"].clone();
    assert_eq!(last(&short), last(&long));
    assert_eq!(short.statuses().len(), 3);
}

#[test]
fn with_timestamps_the_day_is_the_clock_s() {
    let born = Instant::from_micros(19 * 3_600_000_000);
    let config = json!({ "timestamp": true, "hour": 3.0 });
    let mut trial = Trial::<Meter>::create(&Setup {
        born,
        config,
        ..Setup::default()
    })
    .unwrap();
    let reading = trial.ticks(1).on("telemetry").pop().unwrap();
    assert_eq!(reading["at"], "1970-01-01T19:00:00.000000Z");
    assert_eq!(trial.status(), Some("peak"));
}

#[test]
fn every_setting_has_its_words_and_its_default() {
    let schema = Trial::<Meter>::schema();
    for (key, setting) in schema["properties"].as_object().unwrap() {
        assert!(setting["description"].is_string(), "{key} is described");
        assert!(setting.get("default").is_some(), "{key} has a default");
    }
    assert_eq!(schema["additionalProperties"], false);
}

const README: &str = include_str!("../README.md");

#[test]
fn the_readme_lists_the_settings() {
    readme::assert_lists_the_settings(README, &Trial::<Meter>::schema());
}

#[test]
fn readme_shows_the_sent_messages() {
    let mut trial = device(42, json!({ "samples": 3 }));
    trial.ticks(3);
    assert_eq!(
        readme::json_blocks(README),
        [trial.on("telemetry").pop().unwrap()]
    );
}
