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
    let text = refusal(SMALL, &["groups.a.device-id=SHSW-1#{index}"]);
    assert!(
        text.starts_with("fleet.toml:7: group \"a\": device-id makes \"SHSW-1#0\""),
        "{text}"
    );
    assert!(
        text.contains("the topic of telemetry: site/SHSW-1#0/telemetry"),
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
