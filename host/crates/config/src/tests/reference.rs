//! Tests that the reference in `docs/` has every key, and that its examples are accepted.

use crate::sections::faults::tests::fleet_with_fault;
use crate::tests::key_tables::TABLES;
use crate::tests::support::{SMALL, parse, staged};

/// Returns the tables of the reference: the heading, and the key and example of each row.
fn reference() -> Vec<(String, Vec<(String, String)>)> {
    let text = include_str!("../../fleet-file.md");
    let mut tables: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            tables.push((heading.replace('`', ""), Vec::new()));
        }
        let cells: Vec<&str> = line.split(" | ").collect();
        let key = cells
            .first()
            .and_then(|cell| cell.strip_prefix("| `"))
            .and_then(|cell| cell.strip_suffix('`'));
        if let (Some(key), Some(example), Some((_, rows))) = (key, cells.last(), tables.last_mut())
        {
            let example = example.trim_end_matches(" |");
            let example = example.trim_start_matches("| ").trim_matches('`');
            rows.push((key.to_owned(), example.to_owned()));
        }
    }
    tables.retain(|(_, rows)| !rows.is_empty());
    tables
}

#[test]
fn the_reference_has_each_key_and_no_other() {
    let documented: Vec<(String, Vec<String>)> = reference()
        .into_iter()
        .map(|(heading, rows)| (heading, rows.into_iter().map(|(key, _)| key).collect()))
        .collect();
    let known: Vec<(String, Vec<String>)> = TABLES
        .iter()
        .map(|(heading, keys)| {
            let keys = keys.iter().map(|key| (*key).to_owned()).collect();
            ((*heading).to_owned(), keys)
        })
        .collect();
    assert_eq!(documented, known);
}

#[test]
fn each_example_of_the_reference_is_accepted() {
    let broker = "mqtt://127.0.0.1:1883";
    let server = [
        "targets.broker.url=http://127.0.0.1:8080",
        "targets.broker.channels={ telemetry = { path = \"/x\" } }",
    ];
    for (heading, rows) in reference() {
        for (key, example) in rows {
            let (prefix, mut changes) = match heading.as_str() {
                "Top level" => (String::new(), vec![]),
                "clock" => ("clock.".into(), vec![]),
                "[limits]" => ("limits.".into(), vec![]),
                "[log]" => ("log.".into(), vec![]),
                "roll of [log]" => ("log.roll.".into(), vec![]),
                "[checks]" => ("checks.".into(), vec![]),
                "tls of [targets.NAME]" => (
                    "targets.broker.tls.".into(),
                    vec![
                        "targets.broker.url=mqtts://127.0.0.1",
                        "targets.broker.tls.ca=x",
                        "targets.broker.tls.key=x",
                        "targets.broker.tls.cert=x",
                    ],
                ),
                "will of [targets.NAME]" => (
                    "targets.broker.will.".into(),
                    vec!["targets.broker.will.topic=x"],
                ),
                "[targets.NAME.channels] with MQTT" => {
                    ("targets.broker.channels.telemetry.".into(), vec![])
                }
                "[targets.NAME.downlink]" => (
                    "targets.broker.downlink.c.".into(),
                    vec!["targets.broker.downlink.c.topic=x"],
                ),
                "[targets.NAME] with HTTP" => ("targets.broker.".into(), server.to_vec()),
                "[targets.NAME.channels] with HTTP" => {
                    ("targets.broker.channels.telemetry.".into(), server.to_vec())
                }
                "[[groups]]" => ("groups.a.".into(), vec![]),
                "limits of [[groups]]" => ("groups.a.limits.".into(), vec![]),
                _ => ("targets.broker.".into(), vec![]),
            };
            if key == "password" {
                changes.push("targets.broker.username=me");
            }
            if key == "tls" {
                changes.push("targets.broker.url=mqtts://127.0.0.1");
            }
            // The environment of the tests has none of the names in the reference.
            let change = format!("{prefix}{example}")
                .replace("${API_TOKEN}", "x")
                .replace("${MQTT_PASSWORD}", "x")
                // Checks must name existing groups and channels.
                .replace("{ thermometer = [", "{ a = [")
                .replace("{ alarm = [", "{ telemetry = [");
            // The base file has the tables of tables.
            let base = match key.as_str() {
                "rate" => SMALL.replace("every = \"1s\"\n", ""),
                _ => SMALL.replace("mqtt://127.0.0.1:1883", broker),
            };
            let base = match (heading.as_str(), key.as_str()) {
                ("[[groups.stages]]", key) => {
                    changes.clear();
                    let shape = match key {
                        "shape" => "rate = '1/s'",
                        "period" => "shape = 'sine'; rate = '1/s'",
                        _ => "",
                    };
                    let duration = if key == "duration" {
                        ""
                    } else {
                        "duration = '1m'"
                    };
                    staged(&format!("{duration}; {shape}; {example}"))
                }
                ("[[groups.faults]]", key) => {
                    changes.clear();
                    fleet_with_fault(key, &example)
                }
                (_, "after-stages") => staged("duration = '1s'"),
                _ => base,
            };
            if ["[[groups.stages]]", "[[groups.faults]]"].contains(&heading.as_str()) {
                if let Err(refused) = parse(&base, &[]) {
                    panic!("{heading} {key}: {example}: {}", refused.problems);
                }
                continue;
            }
            let tables = [
                "targets", "groups", "log", "checks", "channels", "stages", "faults",
            ];
            if tables.contains(&key.as_str()) && heading != "[checks]" {
                assert!(example.starts_with('['), "{heading} {key}: {example}");
                continue;
            }
            changes.push(&change);
            if let Err(refused) = parse(&base, &changes) {
                // The certificates and plugins of the examples do not exist here.
                let other: Vec<String> = refused
                    .problems
                    .into_iter()
                    .map(|problem| problem.to_string())
                    .filter(|text| !text.contains("cannot be read: No such file"))
                    .collect();
                assert_eq!(other, Vec::<String>::new(), "{heading} {key}: {example}");
            }
        }
    }
}
