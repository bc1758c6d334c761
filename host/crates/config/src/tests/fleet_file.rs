//! Tests the reading of whole fleet files.

use std::time::Duration;

use crate::document::units::ByteSize;
use crate::plan::clock::{Clock, Speed};
use crate::plan::group::TickRate;
use crate::plan::log::{KeepPayload, Store};
use crate::plan::target::{Connections, Protocol, Qos};
use crate::tests::support::{SMALL, parse, plan, refusal};

#[test]
fn what_is_not_said_has_its_default() {
    let plan = plan(&[]);
    assert_eq!((plan.name.as_str(), plan.seed), ("fleet", 0));
    assert_eq!(plan.log.store, Some(Store::Folder("mockfleet-logs".into())));
    let group = &plan.groups[0];
    assert_eq!(
        group.schedule.tick_rate,
        TickRate::Every(Duration::from_secs(1))
    );
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
    let tick_rate = plan.groups[0].schedule.tick_rate;
    assert_eq!(tick_rate, TickRate::Every(Duration::from_millis(250)));
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
        (
            &["targets.broker.client-id=x"],
            "makes \"x\" for device a-00001 and for device a-00000",
        ),
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
        (
            &["targets.broker.downlink.c.topic=$share/jobs"],
            "$share/GROUP/FILTER",
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

#[test]
fn number_from_the_environment_is_read_as_one() {
    // Cargo sets these variables for tests: 0 and 1.
    let zero = "${CARGO_PKG_VERSION_MAJOR}";
    let one = "${CARGO_PKG_VERSION_MINOR}";
    assert_eq!(std::env::var("CARGO_PKG_VERSION_MINOR").unwrap(), "1");
    let changes = [
        format!("groups.a.count={one}"),
        format!("seed={one}"),
        format!("clock.speed={one}"),
        format!("targets.broker.qos={one}"),
        format!("targets.broker.connections={one}"),
        format!("targets.broker.max-in-flight={one}"),
        format!("groups.a.every={one}s"),
        format!("groups.a.limits.log-lines={zero}"),
    ];
    let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
    let plan = plan(&changes);
    assert_eq!((plan.groups[0].count, plan.seed), (1, 1));
    assert_eq!(plan.clock.speed, Speed::Times(1.0));
    let Protocol::Mqtt(mqtt) = &plan.targets[0].protocol else {
        panic!("an mqtt URL makes an MQTT target");
    };
    assert_eq!(mqtt.max_in_flight, 1);
    assert_eq!(mqtt.channels["telemetry"].qos, Qos::AtLeastOnce);
    assert_eq!(plan.groups[0].limits.log_lines, 0);
}

#[test]
fn wrong_number_from_the_environment_names_the_variable_only() {
    let name = "${CARGO_PKG_NAME}";
    let zero = "${CARGO_PKG_VERSION_MAJOR}";
    let none = "the environment's CARGO_PKG_NAME has none; set it to one (export CARGO_PKG_NAME=…)";
    for (key, value, why) in [
        ("groups.a.count", name, format!("count in [[groups]]: a whole number is wanted, and {none}")),
        (
            "groups.a.count",
            zero,
            "count in [[groups]]: ${CARGO_PKG_VERSION_MAJOR} is out of range; it lies between 1 and 10000000".to_owned(),
        ),
        (
            "groups.a.count",
            "1${CARGO_PKG_VERSION_MAJOR}",
            "count in [[groups]]: a whole number is wanted, not a text with a part from the environment (1${CARGO_PKG_VERSION_MAJOR}); one ${NAME} alone in quotes is read as a number, true or false".to_owned(),
        ),
        ("targets.broker.retain", name, format!("retain in [targets.broker]: true or false is wanted, and {none}")),
        ("targets.broker.qos", name, format!("qos in [targets.broker]: a QoS is 0, 1 or 2, and {none}")),
        ("seed", name, format!("seed in the fleet file: a seed is a whole number from 0 to 9223372036854775807, and {none}")),
        (
            "groups.a.every",
            name,
            "every in [[groups]]: \"${CARGO_PKG_NAME}\" is not understood; a duration is a number with a unit, such as \"500ms\", \"10s\" or \"1h30m\" (us, ms, s, m, h, d)".to_owned(),
        ),
        (
            "groups.a.every",
            "${CARGO_PKG_VERSION_MAJOR}s",
            "every in [[groups]]: ${CARGO_PKG_VERSION_MAJOR}s is out of range; it lies between 1ms and 366d".to_owned(),
        ),
        (
            "groups.a.jitter",
            "${CARGO_PKG_VERSION_MINOR}00%",
            "jitter in [[groups]]: above \"50%\" a tick could come before the one it follows; it lies between \"0%\" and \"50%\"".to_owned(),
        ),
        (
            "clock.speed",
            zero,
            "speed in clock: ${CARGO_PKG_VERSION_MAJOR} would let no time pass; a number is wanted that says how many times faster than real time it goes, such as 60 or 0.5, or \"max\"".to_owned(),
        ),
    ] {
        let change = format!("{key}={value}");
        assert_eq!(refusal(SMALL, &[&change]), format!("--set {key}: {why}"));
    }
    assert_eq!(
        refusal(&SMALL.replace("count = 10", "count = \"10\""), &[]),
        "fleet.toml:10: count in [[groups]]: a whole number is wanted, not a text; write 10 without quotes"
    );
}

#[test]
fn values_of_the_environment_are_in_no_text_that_is_shown() {
    // Cargo sets this variable for tests.
    let value = std::env::var("CARGO_PKG_NAME").unwrap();
    let topic = "targets.broker.channels.telemetry.topic=s/${CARGO_PKG_NAME}/$${{x}}/{index}";
    let plan = plan(&[topic]);
    let Protocol::Mqtt(mqtt) = &plan.targets[0].protocol else {
        panic!("an mqtt URL makes an MQTT target");
    };
    let topic = &mqtt.channels["telemetry"].topic;
    let sent = topic.to_string();
    assert_eq!(sent, format!("s/{value}/${{{{x}}}}/{{index}}"));
    let shown = topic.shown().to_string();
    assert_eq!(shown, "s/${{CARGO_PKG_NAME}}/${{x}}/{index}");
    // A topic that a device id spoils is shown the same way, and so is a value that is wrong.
    for changes in [
        &[
            "targets.broker.channels.telemetry.topic=s/${CARGO_PKG_NAME}/{device}",
            "groups.a.device-id=a#{index}",
        ][..],
        &["groups.a.start=${CARGO_PKG_NAME}"],
        &["targets.broker.channels.telemetry.topic=s/+/${CARGO_PKG_NAME}"],
        &["targets.broker.downlink.c.topic=a/${CARGO_PKG_NAME}#"],
    ] {
        let why = refusal(SMALL, changes);
        assert!(!why.contains(&value), "{why}");
    }
}

/// 20,000 groups are checked without comparing each with each: that took minutes.
#[test]
fn many_groups_are_read_and_found_by_name() {
    use std::fmt::Write as _;

    let mut text = SMALL.to_owned();
    for number in 0..20_000 {
        let _ = write!(
            text,
            "\n[[groups]]\nname = \"g{number}\"\nplugin = \"builtin:x\"\ncount = 1\nevery = \"1s\"\n"
        );
    }
    let fleet = parse(&text, &[]).unwrap();
    assert_eq!(fleet.plan.groups.len(), 20_001);
    let last = format!("fleet.toml:{}", text.lines().count());
    assert_eq!(fleet.place(&["groups", "g19999", "every"]), last);
    let doubled = text
        .replace("\"g19999\"", "\"g0\"")
        .replace("every", "evry");
    let problems = parse(&doubled, &[]).unwrap_err().problems;
    assert!(problems.iter().count() >= 40_000);
    let again = "there is a group \"g0\" already";
    assert!(problems.iter().any(|problem| problem.text.contains(again)));
}
