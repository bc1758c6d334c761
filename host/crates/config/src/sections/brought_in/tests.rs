//! Tests the checks of filled-in placeholders.

use crate::plan::target::Protocol;
use crate::tests::support::{SMALL, parse, refusal};

fn http(path: &str, id: &str) -> String {
    SMALL
        .replace("mqtt://127.0.0.1:1883", "http://127.0.0.1")
        .replace(
            "topic = \"site/{device}/telemetry\"",
            &format!("path = {path:?}"),
        )
        + &format!("device-id = {id:?}\n")
}

#[test]
fn topic_with_what_a_device_id_brings_in_is_checked() {
    let own = SMALL.to_owned() + "device-id = \"SHSW-1#{index}\"\n";
    let text = refusal(&own, &[]);
    assert!(
        text.starts_with("fleet.toml:12: group \"a\": device-id makes \"SHSW-1#0\""),
        "{text}"
    );
    assert!(
        text.contains("the topic of telemetry: site/SHSW-1#0/telemetry"),
        "{text}"
    );
    let name = SMALL.replace("site/{device}", "{fleet}");
    let text = refusal(&format!("name = \"$a\"{name}"), &[]);
    assert!(
        text.starts_with("fleet.toml:1: group \"a\": the name of the fleet is \"$a\""),
        "{text}"
    );
    let heard = [
        "groups.a.device-id=+",
        "groups.a.count=1",
        "targets.broker.channels.telemetry.topic=all",
        "targets.broker.downlink.command.topic={device}/command",
    ];
    let text = refusal(SMALL, &heard);
    assert!(
        text.contains("the filter of downlink command: +/command"),
        "{text}"
    );
    let own = "targets.broker.channels.telemetry.topic={device}/t";
    let text = refusal(SMALL, &["groups.a.device-id=$a{index}", own]);
    assert!(text.contains("begin with $"), "{text}");
    let empty = refusal(SMALL, &["groups.a.device-id=", "groups.a.count=1"]);
    assert!(empty.contains("an empty id"), "{empty}");
    assert!(parse(SMALL, &["groups.a.device-id=hall 2/é{index}"]).is_ok());
}

#[test]
fn path_with_what_a_device_id_brings_in_is_checked() {
    for id in [
        "a#{index}",
        "a?x={index}",
        "a%{index}",
        "../{index}",
        "./a{index}",
    ] {
        let text = refusal(&http("/devices/{device}/t", id), &[]);
        assert!(text.contains("the path of telemetry"), "{id}: {text}");
    }
    for id in ["a&b={index}", "a+{index}"] {
        let text = refusal(&http("/t?device={device}", id), &[]);
        assert!(text.contains("the path of telemetry"), "{id}: {text}");
        assert!(parse(&http("/t/{device}", id), &[]).is_ok());
    }
    assert!(parse(&http("/t?device={device}", "hall/é {index}"), &[]).is_ok());
    let header = http("/t", "é{index}").replace(
        "[[groups]]",
        "[targets.broker.headers]\nx-device = \"{device}\"\n[[groups]]",
    );
    let text = refusal(&header, &[]);
    assert!(text.contains("the header x-device"), "{text}");
}

#[test]
fn client_ids_that_collide_are_found() {
    let two = format!(
        "{SMALL}[[groups]]\nname = \"a1\"\nplugin = \"builtin:thermometer\"\ncount = 3\nevery = \"1s\"\n"
    );
    let by_index = [
        "targets.broker.client-id={group}{index}",
        "groups.a.count=12",
    ];
    let text = refusal(&two, &by_index);
    assert!(
        text.contains("makes \"a10\" for device a1-00000 and for device a-00010"),
        "{text}"
    );
    assert!(parse(&two, &["targets.broker.client-id={group}-{index}"]).is_ok());
    assert!(parse(SMALL, &["targets.broker.client-id=c-{index}"]).is_ok());
    let one = ["targets.broker.client-id=c", "groups.a.count=1"];
    assert!(parse(SMALL, &one).is_ok());
    let own = two.replace("1883\"\n", "1883\"\nclient-id = \"c-{index}\"\n");
    let text = refusal(&own, &[]);
    assert!(
        text.starts_with("fleet.toml:4: client-id of [targets.broker] makes \"c-0\" for device a1-00000 and for device a-00000"),
        "{text}"
    );
    assert!(parse(&two, &["targets.broker.client-id={run}-{device}"]).is_ok());
}

#[test]
fn shared_connections_of_one_broker_have_different_client_ids() {
    let two = "[targets.other]\nurl = \"mqtt://127.0.0.1:1883\"\nconnections = 2\nchannels.telemetry = { topic = \"t\" }\n[[groups]]\nname = \"b\"\nplugin = \"builtin:thermometer\"\ncount = 3\nevery = \"1s\"\ntarget = \"other\"\n";
    let text = format!("{SMALL}target = \"broker\"\n{two}");
    let plan = parse(&text, &["targets.broker.connections=2"])
        .unwrap()
        .plan;
    let ids = plan.targets.iter().map(|target| match &target.protocol {
        Protocol::Mqtt(mqtt) => mqtt.client_id.to_string(),
        Protocol::Http(_) => String::new(),
    });
    let ids: Vec<String> = ids.collect();
    assert_eq!(
        ids,
        [
            "mockfleet-{run}-broker-{connection}",
            "mockfleet-{run}-other-{connection}"
        ]
    );
    let same = [
        "targets.broker.connections=2",
        "targets.broker.client-id=c{connection}",
        "targets.other.client-id=c{connection}",
    ];
    let refused = refusal(&text, &same);
    assert!(
        refused.contains("connection 0 of [targets.other]"),
        "{refused}"
    );
}

#[test]
fn username_has_placeholders_and_a_password_has_none() {
    let username = "targets.broker.username=u-{device}";
    let plan = parse(SMALL, &[username]).unwrap().plan;
    let Protocol::Mqtt(mqtt) = &plan.targets[0].protocol else {
        panic!("an mqtt URL makes an MQTT target");
    };
    let (username, _) = mqtt.login.as_ref().unwrap();
    assert_eq!(username.to_string(), "u-{device}");
    let shared = [
        "targets.broker.username=u-{device}",
        "targets.broker.connections=2",
    ];
    assert!(refusal(SMALL, &shared).contains("{device} is no placeholder here"));
    let password = [
        "targets.broker.username=u",
        "targets.broker.password=p-{device}",
    ];
    assert!(refusal(SMALL, &password).contains("{device} would be sent literally"));
}

#[test]
fn path_of_the_file_itself_is_checked_at_its_own_line() {
    let text = refusal(&http("/a/../b", "d{index}"), &[]);
    assert_eq!(
        text,
        "fleet.toml:5: path in [targets.broker.channels] telemetry: a URL leaves out segments of dots, so that it would be another path"
    );
}

#[test]
fn recorded_devices_are_checked_as_those_of_the_file() {
    use crate::sections::brought_in::values::RecordedDevice;

    let faults = |text: &str, device: &str, is_used: bool| {
        let plan = parse(text, &[]).unwrap().plan;
        let device = RecordedDevice {
            fleet: "f",
            group: "replay",
            device,
            index: 0,
        };
        device.faults(&plan.targets[0], &|_| is_used).join("; ")
    };
    let text = faults(SMALL, "+", true);
    assert!(text.starts_with("the recording has device \"+\", which is part of the topic of telemetry: site/+/telemetry"), "{text}");
    assert_eq!(faults(SMALL, "+", false), "");
    let long = "x".repeat(70_000);
    for is_used in [true, false] {
        let text = faults(SMALL, &long, is_used);
        assert!(text.contains("at most 65535"), "{text}");
    }
    assert!(faults(SMALL, "a\0b", true).contains("control characters"));
    let text = faults(&http("/{device}/replay", "d{index}"), "..", true);
    assert!(
        text.contains(
            "the path of telemetry would be \"/../replay\": a URL leaves out segments of dots"
        ),
        "{text}"
    );
    let text = faults(&http("/{device}/replay", "d{index}"), "../x", true);
    assert!(text.contains("segments of dots"), "{text}");
    assert_eq!(
        faults(&http("/{device}/replay", "d{index}"), "hall 2/é", true),
        ""
    );
}

#[test]
fn texts_that_are_too_long_for_mqtt_are_refused() {
    let long = "x".repeat(65_536);
    for (key, name) in [
        (
            "targets.broker.channels.telemetry.topic",
            "the topic of telemetry",
        ),
        ("targets.broker.client-id", "the client id"),
        ("targets.broker.username", "the username"),
        ("targets.broker.will.topic", "the topic of the will"),
        ("targets.broker.will.payload", "the payload of the will"),
        (
            "targets.broker.downlink.a.topic",
            "the filter of downlink a",
        ),
        ("targets.broker.password", "password"),
    ] {
        let own = format!("{key}={long}");
        let others = [
            "targets.broker.username=u",
            "targets.broker.will.topic=t",
            "groups.a.count=1",
        ];
        let changes = others.iter().copied().chain([own.as_str()]);
        let text = refusal(SMALL, &changes.collect::<Vec<_>>());
        assert!(
            text.contains(name),
            "{key}: {}",
            &text[..200.min(text.len())]
        );
        assert!(text.contains("MQTT has at most 65535"), "{key}");
        let fits = own.replace(&long, &long[1..]);
        let changes = others.iter().copied().chain([fits.as_str()]);
        assert!(parse(SMALL, &changes.collect::<Vec<_>>()).is_ok(), "{key}");
    }
}
