//! What a user may rely on when a fleet file is read, and that its reference tells
//! the truth.

use std::path::Path;
use std::time::Duration;

use super::*;

const SMALL: &str = r#"
[targets.broker]
url = "mqtt://127.0.0.1:1883"
[targets.broker.channels]
telemetry = { topic = "site/{device}/telemetry" }

[[groups]]
name = "a"
plugin = "builtin:thermometer"
count = 10
every = "1s"
"#;

fn parse(text: &str, changes: &[&str]) -> Result<Fleet, Refused> {
    let overrides: Vec<_> = changes
        .iter()
        .map(|change| Override::set(change).unwrap())
        .collect();
    Fleet::parse(text, "fleet.toml", Path::new("."), &overrides)
}

fn plan(changes: &[&str]) -> Plan {
    parse(SMALL, changes).unwrap().plan
}

fn refusal(text: &str, changes: &[&str]) -> String {
    parse(text, changes).unwrap_err().problems.to_string()
}

#[test]
fn what_is_not_said_has_its_default() {
    let plan = plan(&[]);
    assert_eq!((plan.name.as_str(), plan.seed), ("fleet", 0));
    assert_eq!(plan.log.store, Some(Store::Folder("mockfleet-logs".into())));
    let group = &plan.groups[0];
    assert_eq!(group.schedule.pace, Pace::Every(Duration::from_secs(1)));
    assert_eq!(group.devices_per_cell, None);
    assert_eq!(group.target, 0);
    let Protocol::Mqtt(mqtt) = &plan.targets[0].protocol else {
        panic!("an mqtt URL makes an MQTT target");
    };
    assert_eq!(mqtt.connections, Connections::PerDevice);
    assert_eq!(mqtt.channels["telemetry"].qos, Qos::AtMostOnce);
}

#[test]
fn any_key_can_be_set_from_the_command_line() {
    let plan = plan(&[
        "groups.a.count=5",
        "groups.a.every=250ms",
        "targets.broker.qos=2",
        "targets.broker.connections = 3",
        "groups.a.config={ base = 4.5, tags = [\"x\"] }",
        "log.payload=16KiB",
        "name=42",
    ]);
    assert_eq!(plan.groups[0].count, 5);
    let pace = plan.groups[0].schedule.pace;
    assert_eq!(pace, Pace::Every(Duration::from_millis(250)));
    let config = serde_json::json!({ "base": 4.5, "tags": ["x"] });
    assert_eq!(plan.groups[0].config, config);
    assert_eq!(plan.log.payload, KeepPayload::Cut(ByteSize::new(16 << 10)));
    assert_eq!(plan.name, "42");
}

#[test]
fn a_clock_is_a_moment_and_a_speed() {
    assert_eq!(plan(&[]).clock, Clock::default());
    let clock = plan(&["clock.start=2026-01-01", "clock.speed=0.5"]).clock;
    let start = clock.start.unwrap().as_second();
    assert_eq!((start, clock.speed), (1_767_225_600, Speed::Times(0.5)));
    assert_eq!(plan(&["clock.speed=max"]).clock.speed, Speed::Max);
    let toml = format!("clock = {{ start = 2026-01-01T00:00:00Z }}\n{SMALL}");
    let start = parse(&toml, &[]).unwrap().plan.clock.start;
    assert_eq!(start, clock.start, "as TOML writes moments");
}

#[test]
fn every_fault_is_named_with_its_place_at_once() {
    let text = SMALL
        .replace("every = \"1s\"", "evry = \"1s\"")
        .replace("count = 10", "count = 0");
    assert_eq!(
        refusal(&text, &["duration=10", "groups.b.count=1"]),
        "--set groups.b.count: there is no group \"b\"; did you mean \"a\"?\n\
         --set duration: duration in the fleet file: \"10\" is not understood; a duration is a number with a unit, such as \"500ms\", \"10s\" or \"1h30m\" (us, ms, s, m, h, d)\n\
         fleet.toml:11: unknown key \"evry\" in [[groups]]; did you mean \"every\"?\n\
         fleet.toml:10: count in [[groups]]: 0 is out of range; it lies between 1 and 10000000\n\
         fleet.toml:7: [[groups]] lacks the key \"every\"; write for example every = \"1s\" (or rate = \"60/min\", or rate = \"max\")"
    );
}

#[test]
fn what_is_wrong_is_said_and_what_would_be_right() {
    let cases: &[(&[&str], &str)] = &[
        (&["groups.a.rate=1/s"], "keep one of them"),
        (&["groups.a.jitter=60%"], "between \"0%\" and \"50%\""),
        (
            &["groups.a.start=later"],
            "neither \"spread\" nor \"together\"",
        ),
        (&["groups.a.target=brokr"], "did you mean \"broker\"?"),
        (&["groups.a.count=20000000"], "out of range"),
        (&["groups.a.after-stages=hold"], "the group has no stages"),
        (
            &["groups.a.stages=5"],
            "begin each stage with [[groups.stages]]",
        ),
        (&["groups.a.stages=[]"], "1 to 1000 stages"),
        (&["groups.a.device-id=x"], "add {index}"),
        (&["groups.a.device-id={run}{index}"], "no placeholder here"),
        (&["groups.a.plugin=missing.wasm"], "cannot be read"),
        (&["groups.a.config=5"], "a table is wanted"),
        (&["checks.fleet=acked >= 99%"], "are a list of texts"),
        (&["checks.fleet=[\"acked >= 99\", 5]"], "a check is a text"),
        (&["checks.fleets=[]"], "did you mean \"fleet\"?"),
        (
            &["checks.groups.b=[]"],
            "group b, which the fleet does not have",
        ),
        (
            &["duration=10s", "checks.warm-up=10s"],
            "not shorter than the run's duration",
        ),
        (
            &["groups.a.limits.deadline=5"],
            "a duration is a number with a unit",
        ),
        (
            &["targets.broker.url=amqp://x"],
            "mqtt, mqtts, http and https",
        ),
        (&["targets.broker.qos=3"], "0, 1 or 2"),
        (&["targets.broker.client-id=x"], "add {device}"),
        (&["targets.broker.connections=0"], "between 1 and"),
        (&["targets.broker.password=x"], "without a username"),
        (&["targets.broker.timeout=1s"], "unknown key \"timeout\""),
        (&["targets.broker.tls.ca=x"], "not encrypted"),
        (&["targets.broker.keep-alive=1500ms"], "whole seconds"),
        (
            &["targets.broker.channels.telemetry.topic=a/#"],
            "no + and no #",
        ),
        (
            &["targets.broker.downlink.c.topic=a/b#"],
            "no level of a topic filter",
        ),
        (&["targets.brokr.qos=1"], "did you mean \"broker\"?"),
        (&["log.store=ftp://x"], "a folder, or"),
        (&["log.store=s3:///x"], "names no bucket"),
        (&["log.roll.every=1ms"], "out of range"),
        (&["seed=-1"], "whole number from 0"),
        (&["name=a/b"], "holds no / + #"),
        (&["targets.broker=5"], "wants a table"),
    ];
    for (changes, wanted) in cases {
        let said = refusal(SMALL, changes);
        assert!(said.contains(wanted), "{changes:?}: {said}");
    }
}

fn staged(stages: &str) -> String {
    let stages = stages.split(" | ").map(|stage| {
        let keys = stage.replace("; ", "\n");
        format!("\n[[groups.stages]]\n{keys}\n")
    });
    format!("{SMALL}{}", stages.collect::<String>())
}

#[test]
fn a_stage_goes_on_where_the_one_before_ended() {
    let text = staged(
        "duration = '10s'; shape = 'ramp'; rate = '50/s' | duration = '5s' | \
         duration = '6s'; shape = 'sine'; rate = '1/s..20/s'; devices = '50%'; period = '4s' | \
         duration = '1s'; shape = 'spike'; devices = '100%' | duration = '1s'; rate = '0/s'",
    );
    let plan = parse(&text, &[]).unwrap().plan;
    let stages = &plan.groups[0].schedule.stages;
    let ways: Vec<_> = stages
        .iter()
        .map(|stage| (stage.rate, stage.devices))
        .collect();
    let way = |from, to| Way { from, to };
    assert_eq!(
        ways,
        [
            (way(0.0, 50.0), Way::level(1.0)),
            (Way::level(50.0), Way::level(1.0)),
            // Cut off in the middle of its second wave.
            (way(1.0, 20.0), way(1.0, 0.5)),
            (Way::level(20.0), way(0.5, 1.0)),
            (Way::level(0.0), Way::level(0.5)),
        ]
    );
    assert_eq!(stages[2].shape, Shape::Sine(Duration::from_secs(4)));
    assert_eq!(stages[3].shape, Shape::Spike(Duration::from_secs(1)));
    assert_eq!(plan.groups[0].schedule.after, After::Return);
}

#[test]
fn a_run_begins_with_nothing_where_its_first_stage_does_not_say_otherwise() {
    let first = |stages: &str| {
        let plan = parse(&staged(stages), &[]).unwrap().plan;
        let stage = plan.groups[0].schedule.stages[0];
        (stage.rate, stage.devices)
    };
    let all = Way::level(1.0);
    let nothing = Way { from: 0.0, to: 1.0 };
    assert_eq!(
        first("duration = '1s'; shape = 'ramp'; rate = '1/s'"),
        (nothing, all)
    );
    assert_eq!(
        first("duration = '1s'; shape = 'ramp'; devices = '100%'"),
        (all, nothing)
    );
    assert_eq!(first("duration = '1s'"), (all, all));
    let rates = Way { from: 0.5, to: 2.0 };
    assert_eq!(
        first("duration = '1s'; shape = 'ramp'; rate = '30/min .. 2/s'"),
        (rates, all)
    );
}

#[test]
fn what_is_wrong_with_stages_is_said_all_at_once() {
    let text = staged(
        "shape = 'rmap'; rate = '1/s' | duration = '1s'; shape = 'ramp' | \
         duration = '1s'; rate = '1/s..2/s' | duration = '1s'; rate = '2000/s' | \
         duration = '1s'; shape = 'sine'; rate = '1'; period = '2s' | \
         duration = '1s'; devices = '120%' | duration = '1s'; period = '1s' | dauer = '1s'",
    );
    let said = refusal(&text, &["groups.a.after-stages=again"]);
    let wanted = [
        "fleet.toml:13: [[groups.stages]] lacks the key \"duration\"",
        "fleet.toml:14: shape in [[groups.stages]]: \"rmap\" is no shape; did you mean \"ramp\"?",
        "fleet.toml:19: shape in [[groups.stages]]: a ramp leads somewhere; say where with rate = \"50/s\" or devices = \"100%\"",
        "fleet.toml:23: rate in [[groups.stages]]: \"1/s..2/s\" goes from one to another, and a step is at once where it goes; add shape = \"ramp\", \"spike\" or \"sine\"",
        "fleet.toml:27: rate in [[groups.stages]]: \"2000/s\" is more than 1000/s for each device; use more devices",
        "fleet.toml:32: rate in [[groups.stages]]: \"1\" is not understood; a rate is a number over a period",
        "fleet.toml:33: period in [[groups.stages]]: it is longer than the stage",
        "fleet.toml:37: devices in [[groups.stages]]: \"120%\" is more than all; it lies between 0% and 100%",
        "fleet.toml:41: period in [[groups.stages]]: only a spike and a sine come again and again; drop it",
        "fleet.toml:44: unknown key \"dauer\" in [[groups.stages]]",
        "--set groups.a.after-stages: after-stages in [[groups]]: \"again\" is neither \"return\" nor \"hold\" nor \"repeat\"",
    ];
    for wanted in wanted {
        assert!(said.contains(wanted), "{wanted:?} is not in\n{said}");
    }
}

#[test]
fn stages_want_a_schedule_and_no_second_word_on_births() {
    let ramp = staged("duration = '1s'; devices = '50%'")
        .replace("every = \"1s\"", "every = \"1s\"\nramp = \"5s\"");
    assert!(refusal(&ramp, &[]).contains("ramp in [[groups]]: the stages say when"));
    let max = staged("duration = '1s'; rate = '5/s'").replace("every = \"1s\"", "rate = \"max\"");
    assert!(refusal(&max, &[]).contains("has no schedule that stages could change"));
}

#[test]
fn groups_and_devices_have_names_of_their_own() {
    let more =
        "[[groups]]\nname = \"NAME\"\nplugin = \"builtin:meter\"\ncount = 2\nevery = \"1s\"\n";
    let twice = format!("{SMALL}{}", more.replace("NAME", "a"));
    assert!(
        refusal(&twice, &[])
            .contains("fleet.toml:12: there is a group \"a\" already (fleet.toml:7)")
    );
    let two = format!("{SMALL}{}", more.replace("NAME", "b"));
    let ids = [
        "groups.a.device-id=d-{index}",
        "groups.b.device-id=d-{index}",
    ];
    assert!(refusal(&two, &ids).contains("makes two devices \"d-0\""));
    assert!(parse(&two, &[]).is_ok());
}

#[test]
fn http_headers_of_a_channel_win_over_those_of_its_target() {
    let changes = [
        "targets.broker.url=https://example.com/v1/",
        "targets.broker.headers={ X-Key = \"a\", accept = \"*/*\" }",
        "targets.broker.channels.telemetry={ path = \"/d/{device}\", method = \"PUT\", headers = { x-key = \"b\" } }",
    ];
    let plan = plan(&changes);
    let Protocol::Http(http) = &plan.targets[0].protocol else {
        panic!("an https URL makes an HTTP target");
    };
    let channel = &http.channels["telemetry"];
    let names: Vec<&str> = channel
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["accept", "x-key"]);
    assert_eq!(channel.method, "PUT");
    for (path, wanted) in [("no-slash", "begins with /"), ("/a b", "no spaces")] {
        let path = format!("targets.broker.channels.telemetry.path=\"{path}\"");
        let said = refusal(SMALL, &[changes[0], changes[2], &path]);
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn secrets_are_not_in_debug_output() {
    let changes = [
        "targets.broker.username=me",
        "targets.broker.password=hunter2",
    ];
    let fleet = parse(SMALL, &changes).unwrap();
    assert!(!format!("{fleet:?}").contains("hunter2"));
}

#[test]
fn a_partly_good_file_keeps_its_good_part() {
    let text = format!("{SMALL}\n[targets.zzz]\nurl = \"ftp://x\"\n");
    let rest = parse(&text, &["sed=1", "groups.a.target=broker"])
        .unwrap_err()
        .rest
        .unwrap();
    assert_eq!((rest.plan.targets.len(), rest.plan.groups.len()), (1, 1));
    let syntax = parse("[x", &[]).unwrap_err();
    assert!(syntax.rest.is_none());
    assert!(
        syntax
            .problems
            .to_string()
            .starts_with("fleet.toml:1: this is not TOML")
    );
}

#[test]
fn places_are_lines_or_options() {
    let fleet = parse(SMALL, &["groups.a.count=5"]).unwrap();
    assert_eq!(fleet.place(&["groups", "a", "plugin"]), "fleet.toml:9");
    assert_eq!(
        fleet.place(&["groups", "a", "count"]),
        "--set groups.a.count"
    );
    assert_eq!(fleet.place(&["groups", "a", "config"]), "fleet.toml:7");
    assert_eq!(fleet.place(&["log", "store"]), "fleet.toml");
}

/// The tables of the reference: heading, and of each row the key and its example.
fn reference() -> Vec<(String, Vec<(String, String)>)> {
    let text = include_str!("../fleet-file.md");
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
            // The environment of the tests has none of the reference's names.
            let change = format!("{prefix}{example}")
                .replace("${API_TOKEN}", "x")
                .replace("${MQTT_PASSWORD}", "x")
                // Checks are of groups and channels that are there.
                .replace("{ thermometer = [", "{ a = [")
                .replace("{ alarm = [", "{ telemetry = [");
            // Tables of tables stand in the file as the base has them.
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
                    let length = if key == "duration" {
                        ""
                    } else {
                        "duration = '1m'"
                    };
                    staged(&format!("{length}; {shape}; {example}"))
                }
                ("[[groups.faults]]", key) => {
                    changes.clear();
                    super::faults::tests::broken(key, &example)
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
                // A certificate or plugin of the reference's reader is not here.
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
