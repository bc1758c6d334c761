//! Tests parts of fields and variables in templates and expressions.

use serde_json::{Value, json};

use crate::tests::support::{device, refusal};

/// Fields and variables with parts.
fn with_parts(messages: &Value) -> Value {
    json!({
        "fields": {
            "place": { "kind": "route", "speed": 30, "points": [{ "lat": 1, "lon": 2 }, { "lat": 2, "lon": 2 }] },
            "faulty": { "kind": "faulty", "of": { "kind": "field", "name": "place" }, "faults": [{ "kind": "null", "chance": 0.1 }] },
            "row": { "kind": "constant", "value": { "a.b": 1, "temp [C]": 2, "in": { "x": [3] } } },
            "axes": { "kind": "bulk", "count": 3, "every": "1s", "of": { "kind": "object", "fields": { "x": { "kind": "counter" } } } },
            "n": { "kind": "counter" },
            "free": { "kind": "expression", "expression": "row['a.b']" },
        },
        "variables": { "fixed": { "unit": "C" }, "changed": { "unit": "C" } },
        "messages": { "m": messages },
        "answers": [{ "received": {}, "set": { "changed": "{'other': 1}" } }],
    })
}

#[test]
fn part_that_never_exists_is_named_with_those_there_are() {
    let message = |template: &str| json!({ "json": { "x": template } });
    for (template, why) in [
        (
            "{{ place.latitude }}",
            "place has no part \"latitude\"; there are lat, lon, speed, heading, distance",
        ),
        (
            "at {{ faulty.altitude }} m",
            "faulty has no part \"altitude\"; there are lat, lon, speed, heading, distance",
        ),
        (
            "{{ device.name }}",
            "device has no part \"name\"; there are id, group, index",
        ),
        (
            "{{ row.a.b }}",
            "row has no part \"a\"; write row[\"a.b\"] for its part \"a.b\"",
        ),
        (
            "{{ row.in.x.1 }}",
            "row.in.x has no part \"1\"; it is a list of 1, counted from 0",
        ),
        ("{{ axes[0].y }}", "axes.0 has no part \"y\"; there are x"),
        (
            "{{ status.name }}",
            "status is a single value, which has no part \"name\"",
        ),
        ("{{ n.x }}", "n is a single value, which has no part \"x\""),
        (
            "{{ fixed.units }}",
            "fixed has no part \"units\"; there are unit",
        ),
    ] {
        assert_eq!(
            refusal(with_parts(&message(template))),
            [format!("config.messages.m.json.x: {why}")],
        );
    }
    let mut elsewhere = with_parts(&json!({ "text": "", "properties": { "p": "{{ place.x }}" } }));
    elsewhere["fields"]["e"] = json!({ "kind": "expression", "expression": "place.y + device.z" });
    elsewhere["fields"]["f"] = json!({ "kind": "field", "name": "place.lat.deg" });
    elsewhere["answers"][0]["received"] = json!({ "condition": "place.q > 1" });
    elsewhere["transitions"] =
        json!([{ "to": "terminate", "when": "row.z == 1", "set": { "changed": "axes.x" } }]);
    let paths: Vec<String> = refusal(elsewhere)
        .iter()
        .map(|line| line.split(": ").next().unwrap().to_owned())
        .collect();
    assert_eq!(
        paths,
        [
            "config.fields.e.expression",
            "config.fields.f.name",
            "config.messages.m.properties.p",
            "config.answers.0.received.condition",
            "config.transitions.0.when",
            "config.transitions.0.set.changed",
        ]
    );
}

#[test]
fn part_with_points_and_brackets_in_its_name_is_reached() {
    let mut device = device(with_parts(&json!({ "json": {
        "a": "{{ row[\"a.b\"] }}", "t": "{{ row['temp [C]'] }}°, {{ row.temp [C] }}",
        "x": "{{ row.in.x[0] }}", "y": "{{ axes.2.x }}", "free": "{{ free.any }}",
        "changed": "{{ changed.other }}",
    } })));
    device.ticks(1);
    assert_eq!(
        device.on("m"),
        [json!({ "a": 1, "t": "2°, 2", "x": 3, "y": 2 })]
    );
    device.receive("command", &json!(1));
    device.ticks(1);
    assert_eq!(device.on("m")[1]["changed"], json!(1));
}
