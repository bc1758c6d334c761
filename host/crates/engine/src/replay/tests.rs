//! Tests the checks of recorded topics, paths and devices.

use std::path::Path;

use mockfleet_config::{Fleet, Problems};
use mockfleet_tables::Table;

use crate::replay::mapping::Mapping;
use crate::replay::options::{RecordedTopics, RecordingOptions};
use crate::replay::recording::Recording;
use crate::replay::unfit_devices::check_devices;
use crate::replay::unfit_methods::check_methods;

/// Returns the problems of a recording for a target, without the folder of its file.
fn problems(rows: &str, url: &str, topics: RecordedTopics) -> String {
    problems_with(rows, url, "", topics)
}

/// Returns the problems of a recording for a target with these keys.
fn problems_with(rows: &str, url: &str, keys: &str, topics: RecordedTopics) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.csv");
    std::fs::write(&file, rows).unwrap();
    let shown = |found: &Problems| {
        let folder = format!("{}/", folder.path().display());
        found.to_string().replace(&folder, "")
    };
    let table = Table::open(file.to_str().unwrap(), None, "LOG|FILE").unwrap();
    let (mapping, _) = Mapping::new(&table, false, &[]).unwrap();
    let options = RecordingOptions::new(mapping).with_topics(topics);
    let recording = match Recording::read(&table, &options, &mut |_, _| {}) {
        Ok(recording) => recording,
        Err(found) => return shown(&found),
    };
    let key = if url.starts_with("http") {
        "path = \"/{device}/replay\""
    } else {
        "topic = \"{device}/replay\""
    };
    let text = format!(
        "[targets.replay]\nurl = {url:?}\n{keys}\nchannels.replay = {{ {key} }}\n[[groups]]\nname = \"g\"\nplugin = \"builtin:meter\"\ncount = 1\nevery = \"1s\"\n"
    );
    let fleet = Fleet::parse(&text, "f.toml", Path::new("."), &[]).unwrap();
    let mut found = Problems::default();
    let target = &fleet.plan.targets[0];
    check_devices(
        &recording,
        &table,
        &fleet.plan,
        target,
        topics == RecordedTopics::Unused,
        &mut found,
    );
    if topics != RecordedTopics::Unused {
        check_methods(&recording, &table, target, &mut found);
    }
    shown(&found)
}

fn rows(cells: &[&str]) -> String {
    let rows = cells
        .iter()
        .map(|cells| format!("2026-01-01T00:00:00Z,x,{cells}\n"));
    format!("time,payload,device,topic\n{}", rows.collect::<String>())
}

const HTTP: &str = "http://127.0.0.1";
const MQTT: &str = "mqtt://127.0.0.1";

#[test]
fn recorded_path_that_arrives_as_another_is_refused() {
    let recorded = rows(&[
        "d,POST /a/../b",
        "d,POST /a?b#c",
        "d,POST /a b?c",
        "e,POST /a/../b",
        "e,/%2e%2e/x",
    ]);
    let text = problems(&recorded, HTTP, RecordedTopics::Http);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(
        lines[0].starts_with("r.csv:2: no message can be sent to \"/a/../b\" (2 rows have it): a URL leaves out segments of dots"),
        "{text}"
    );
    assert!(
        lines[1].starts_with("r.csv:3: no message can be sent to \"/a?b#c\": a URL ends at its #"),
        "{text}"
    );
    assert!(lines[2].starts_with("r.csv:6: "), "{text}");
    assert_eq!(problems(&recorded, HTTP, RecordedTopics::Unused), "");
}

#[test]
fn recorded_method_that_the_channel_does_not_have_is_refused() {
    let recorded = rows(&["d,/a", "d,PUT /a", "d,POST /b", "e,PUT /c"]);
    let text = problems(&recorded, HTTP, RecordedTopics::Http);
    assert_eq!(
        text,
        "r.csv:3: the request was recorded with the method PUT (2 rows have it), and channel \"replay\" sends all of its requests with POST: give these rows a channel of their own in the recording, or name a column that tells them apart with --columns channel=COLUMN; --topics target sends to the channels of the target"
    );
    assert_eq!(problems(&recorded, HTTP, RecordedTopics::Unused), "");
    let text = problems(&rows(&["d,PUT /a"]), HTTP, RecordedTopics::Http);
    assert!(
        text.contains("with targets.replay.channels.replay.method = \"PUT\""),
        "{text}"
    );
    let recorded = rows(&["d,/a", "d,POST /b"]);
    assert_eq!(problems(&recorded, HTTP, RecordedTopics::Http), "");
}

#[test]
fn recorded_topic_that_a_broker_refuses_is_refused() {
    let long = "x".repeat(65_536);
    let topics = ["d,+/a", "d,a#b", "d,a\0b", &format!("d,{long}"), "d,$aws/a"];
    let text = problems(&rows(&topics), MQTT, RecordedTopics::Mqtt);
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(
        text.contains(
            "r.csv:2: no message can be sent to \"+/a\": a topic to publish to holds no +"
        ),
        "{text}"
    );
    assert!(text.contains("65536 bytes"), "{text}");
    assert!(text.len() < 4_000, "{text}");
    let many: Vec<String> = (0..30).map(|number| format!("d,a#{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let text = problems(&rows(&many), MQTT, RecordedTopics::Mqtt);
    assert_eq!(text.lines().count(), 11, "{text}");
    assert!(
        text.contains("r.csv: 20 rows more with other topics"),
        "{text}"
    );
}

#[test]
fn recorded_device_that_changes_a_topic_or_path_is_refused() {
    let recorded = rows(&["+,", "a#b,", "c,", "+,", "+2,t"]);
    let text = problems(&recorded, MQTT, RecordedTopics::Mqtt);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].starts_with("r.csv:2: the recording has device \"+\", which is part of the topic of replay: +/replay"),
        "{text}"
    );
    assert!(
        lines[1].starts_with("r.csv:3: the recording has device \"a#b\""),
        "{text}"
    );
    let text = problems(&recorded, MQTT, RecordedTopics::Unused);
    assert!(text.contains("\"+2\""), "{text}");
    let text = problems(&rows(&["../x,"]), HTTP, RecordedTopics::Http);
    assert!(
        text.starts_with("r.csv:2: the path of replay would be \"/../x/replay\": a URL leaves out segments of dots"),
        "{text}"
    );
    let many: Vec<String> = (0..30).map(|number| format!("{number}+,")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let text = problems(&rows(&many), MQTT, RecordedTopics::Mqtt);
    assert_eq!(text.lines().count(), 11, "{text}");
    assert!(text.contains("20 devices more with such ids"), "{text}");
}

#[test]
fn recorded_devices_of_one_client_id_are_refused() {
    let recorded = "time,payload,device,group\n2026-01-01T00:00:00Z,x,a1,g\n2026-01-01T00:00:00Z,x,a2,g\n2026-01-01T00:00:00Z,x,b1,h\n";
    let keys = "client-id = \"c-{group}\"";
    let text = problems_with(recorded, MQTT, keys, RecordedTopics::Mqtt);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.starts_with("r.csv:3: client-id of [targets.replay] is the same for the devices \"a2\" and \"a1\", and the broker closes the older of two connections"),
        "{text}"
    );
    let keys = "client-id = \"c-{device}\"";
    assert_eq!(
        problems_with(recorded, MQTT, keys, RecordedTopics::Mqtt),
        ""
    );
}
