//! Tests the vehicle as a fleet uses it.

#[path = "../../readme.rs"]
mod readme;

use std::time::Duration;

use crate::Vehicle;
use mockfleet_sdk::Error;
use mockfleet_sdk::testing::{Setup, Trial};
use serde_json::{Value, json};

const HOUR: Duration = Duration::from_hours(1);

fn device(seed: u64, config: Value) -> Trial<Vehicle> {
    Trial::create(&Setup {
        id: "vehicle-00007".into(),
        seed,
        config,
        ..Setup::default()
    })
    .unwrap()
}

/// Never parks by itself.
fn driver() -> Trial<Vehicle> {
    device(1, json!({ "park-chance": 0.0 }))
}

fn reply(trial: &Trial<Vehicle>) -> Value {
    trial.on("reply").pop().unwrap()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let payloads = |seed| device(seed, json!({})).run(HOUR).payloads().concat();
    assert_eq!(payloads(7), payloads(7));
    assert_ne!(payloads(7), payloads(8));
}

#[test]
fn it_drives_along_its_route_at_about_its_speed() {
    let mut trial = driver();
    let fixes = trial.run(HOUR).on("telemetry");
    assert_eq!(fixes.len(), 3_600, "driving, it sends as scheduled");
    let driven = fixes.last().unwrap()["odometer_km"].as_f64().unwrap();
    assert!((49.0..51.0).contains(&driven), "{driven} km at 50 km/h");
    for pair in fixes.windows(2) {
        let number = |fix: &Value, key: &str| fix[key].as_f64().unwrap();
        let north = (number(&pair[1], "lat") - number(&pair[0], "lat")) * 111_195.0;
        let east = (number(&pair[1], "lon") - number(&pair[0], "lon")) * 67_660.0;
        let driven = (number(&pair[1], "odometer_km") - number(&pair[0], "odometer_km")) * 1_000.0;
        assert!(
            north.hypot(east) <= driven + 2.0,
            "no step is longer than what it drove"
        );
        assert!((52.50..52.53).contains(&number(&pair[0], "lat")));
        assert!((13.32..13.38).contains(&number(&pair[0], "lon")));
        assert!((0.0..360.0).contains(&number(&pair[0], "heading")));
        assert!((25.0..80.0).contains(&number(&pair[0], "speed_kmh")));
    }
}

#[test]
fn it_parks_and_leaves_and_sends_seldom_while_it_is_parked() {
    let mut trial = device(
        4,
        json!({ "park-chance": 1.0, "park-seconds": 600, "parked-every": 60 }),
    );
    trial.run(HOUR);
    let statuses: Vec<&str> = trial.statuses().iter().map(|(_, s)| s.as_str()).collect();
    assert!(statuses.len() > 4, "{statuses:?}");
    assert!(statuses.windows(2).all(|pair| pair[0] != pair[1]));
    let messages = trial.messages();
    let fixes = trial.on("telemetry");
    for (index, pair) in fixes.windows(2).enumerate() {
        let pause = messages[index + 1].at.since(messages[index].at);
        if pair[0]["status"] == "parked" {
            assert!(pause <= Duration::from_mins(1));
            assert_eq!(pair[0]["speed_kmh"], 0.0);
        } else {
            assert_eq!(pause, Duration::from_secs(1));
        }
        if pair[0]["status"] == "parked" && pair[1]["status"] == "parked" {
            assert_eq!(
                pair[0]["lat"], pair[1]["lat"],
                "parked, it stays where it is"
            );
        }
    }
    assert!(fixes.len() < 1_800, "{} messages in an hour", fixes.len());
}

#[test]
fn stopped_vehicle_stays_until_the_command_go() {
    let mut trial = driver();
    trial.ticks(10).receive("command", &json!({ "do": "stop" }));
    let stopped = reply(&trial);
    assert_eq!(
        (&stopped["ok"], &stopped["do"]),
        (&json!(true), &json!("stop"))
    );
    assert_eq!(stopped["status"], "parked");
    assert_eq!(trial.status(), Some("parked"));
    assert_eq!(trial.due().since(trial.now()), Duration::from_mins(1));

    trial
        .run(HOUR)
        .receive("command", &json!({ "do": "locate" }));
    let located = reply(&trial);
    assert_eq!(
        (&located["lat"], &located["lon"]),
        (&stopped["lat"], &stopped["lon"])
    );

    trial.receive("command", &json!({ "do": "go" }));
    assert_eq!(reply(&trial)["status"], "driving");
    assert_eq!(trial.status(), Some("driving"));
    let wait = trial.due().since(trial.now());
    assert!(
        wait <= Duration::from_millis(1),
        "its next fix comes at once"
    );
    trial
        .run(HOUR)
        .receive("command", &json!({ "do": "locate" }));
    assert_ne!(reply(&trial)["odometer_km"], stopped["odometer_km"]);
}

#[test]
fn a_command_that_changes_nothing_moves_no_tick() {
    let mut trial = driver();
    trial.ticks(3).receive("command", &json!({ "do": "stop" }));
    let due = trial.due();
    trial.run(Duration::from_secs(20));
    for told in ["stop", "locate"] {
        trial.receive("command", &json!({ "do": told }));
        assert_eq!(trial.due(), due);
    }
}

#[test]
fn unknown_command_is_refused_and_changes_nothing() {
    let mut trial = driver();
    trial.ticks(3).receive("command", &json!({ "do": "fly" }));
    let answer = reply(&trial);
    assert_eq!(answer["ok"], false);
    assert_eq!(answer["status"], "driving");
    let error = answer["error"].as_str().unwrap();
    assert!(
        error.contains("unknown variant `fly`, expected one of `stop`, `go`, `locate`"),
        "{error}"
    );
}

#[test]
fn a_route_of_one_place_is_refused() {
    let here = json!({ "lat": 52.5, "lon": 13.4 });
    let setup = Setup {
        config: json!({ "route": [here, here] }),
        ..Setup::default()
    };
    assert_eq!(
        Trial::<Vehicle>::create(&setup).err(),
        Some(Error::InvalidConfig(
            "config.route is 0 m long, the way back to its start included; it must be 100 m or longer".into()
        ))
    );
}

#[test]
fn it_drives_the_route_that_it_is_given() {
    let route = json!([{ "lat": 48.0, "lon": 11.0 }, { "lat": 48.0, "lon": 11.1 }]);
    let mut trial = device(
        2,
        json!({ "route": route, "park-chance": 0, "timestamp": true }),
    );
    for fix in trial.run(HOUR).on("telemetry") {
        assert_eq!(fix["lat"], 48.0);
        assert!((11.0..=11.1).contains(&fix["lon"].as_f64().unwrap()));
        assert!([90.0, 270.0].contains(&fix["heading"].as_f64().unwrap()));
        assert!(fix["at"].is_string());
    }
}

#[test]
fn every_setting_has_its_words_and_its_default() {
    let schema = Trial::<Vehicle>::schema();
    for (key, setting) in schema["properties"].as_object().unwrap() {
        assert!(setting["description"].is_string(), "{key} is described");
        assert!(setting.get("default").is_some(), "{key} has a default");
    }
    assert_eq!(schema["additionalProperties"], false);
}

const README: &str = include_str!("../README.md");

#[test]
fn the_readme_lists_the_settings() {
    readme::assert_lists_the_settings(README, &Trial::<Vehicle>::schema());
}

#[test]
fn readme_shows_the_sent_messages() {
    let mut trial = device(42, json!({}));
    let fix = trial.ticks(3).on("telemetry").pop().unwrap();
    let command = json!({ "do": "stop" });
    let answer = reply(trial.receive("command", &command));
    let refused = reply(trial.receive("command", &json!({ "do": "fly" })));
    assert_eq!(readme::json_blocks(README), [fix, command, answer, refused]);
}
