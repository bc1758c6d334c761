//! Makes the JSON Schema of a fleet file, for editors.
//!
//! Descriptions, defaults and examples come from `docs/fleet-file.md`; a test compares that
//! page with the code. Types are defined here. Callers supply the settings of plugins.

use serde_json::{Map, Value, json};

use crate::sections::faults::kinds;
use crate::{received_checks, threshold};

/// The reference, from which descriptions are taken.
const REFERENCE: &str = include_str!("../fleet-file.md");

/// The settings of a built-in plugin.
pub struct PluginSchema {
    /// Name in fleet files: `builtin:thermometer`.
    pub plugin: String,
    /// JSON Schema of its settings.
    pub schema: Value,
}

/// Returns the JSON Schema (draft 2020-12) of a fleet file.
#[must_use]
pub fn schema(builtins: Vec<PluginSchema>) -> Value {
    let mut definitions = Map::new();
    let mut forms = Vec::new();
    let mut names = Vec::new();
    for PluginSchema { plugin, schema } in builtins {
        let name = plugin.replace(':', "-");
        add_settings(&name, schema, &mut definitions);
        forms.push(json!({
            "properties": {
                "plugin": { "const": plugin },
                "config": { "$ref": format!("#/$defs/{name}") },
            },
        }));
        names.push(Value::from(plugin));
    }
    forms.push(json!({ "properties": { "plugin": { "not": { "enum": names } } } }));
    let mut group = table_schema("[[groups]]", &["name", "plugin", "count"]);
    add(&mut group, "oneOf", Value::Array(forms));
    // Exactly one of these two keys.
    let pace = json!([{ "required": ["every"] }, { "required": ["rate"] }]);
    add(&mut group, "allOf", json!([{ "oneOf": pace }]));
    definitions.insert("group".into(), group);
    definitions.insert("mqtt-target".into(), target("with MQTT", "^mqtts?://"));
    definitions.insert("http-target".into(), target("with HTTP", "^https?://"));
    let mut root = table_schema("Top level", &["targets", "groups"]);
    add(
        &mut root,
        "$schema",
        "https://json-schema.org/draft/2020-12/schema".into(),
    );
    add(&mut root, "title", "mockfleet fleet file".into());
    add(&mut root, "$defs", Value::Object(definitions));
    root
}

fn add(schema: &mut Value, key: &str, value: Value) {
    if let Some(object) = schema.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

/// Returns the schema of a target: the common keys, and those of one protocol.
fn target(with: &str, scheme: &str) -> Value {
    let mut own = table_schema(&format!("[targets.NAME] {with}"), &[]);
    let common = table_schema("[targets.NAME]", &["url", "channels"]);
    let keys = |schema: &Value| {
        let keys = schema.get("properties").and_then(Value::as_object);
        keys.cloned().unwrap_or_default()
    };
    let mut properties = keys(&common);
    properties.extend(keys(&own));
    if let Some(url) = properties.get_mut("url") {
        add(url, "pattern", format!("{scheme}|{FILLED_IN}").into());
    }
    let channel = match with {
        "with MQTT" => table_schema("[targets.NAME.channels] with MQTT", &["topic"]),
        _ => table_schema("[targets.NAME.channels] with HTTP", &["path"]),
    };
    if let Some(channels) = properties.get_mut("channels") {
        add(channels, "additionalProperties", channel);
    }
    add(&mut own, "properties", Value::Object(properties));
    add(&mut own, "required", json!(["url", "channels"]));
    own
}

/// Adds the settings of a plugin. Their definitions move to the root under unique names,
/// because editors resolve references only there.
fn add_settings(name: &str, mut schema: Value, definitions: &mut Map<String, Value>) {
    let own = schema.as_object_mut().and_then(|object| {
        object.remove("$schema");
        object.remove("$defs")
    });
    point_to(name, &mut schema);
    definitions.insert(name.to_owned(), schema);
    let Some(Value::Object(own)) = own else {
        return;
    };
    for (key, mut definition) in own {
        point_to(name, &mut definition);
        definitions.insert(format!("{name}-{key}"), definition);
    }
}

/// Changes references from `#/$defs/KEY` to `#/$defs/NAME-KEY`.
fn point_to(name: &str, schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                match value {
                    Value::String(text) if key == "$ref" => {
                        if let Some(rest) = text.strip_prefix("#/$defs/") {
                            *text = format!("#/$defs/{name}-{rest}");
                        }
                    }
                    value => point_to(name, value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| point_to(name, value)),
        _ => {}
    }
}

/// Converts a table of the reference to a schema.
fn table_schema(heading: &str, required: &[&str]) -> Value {
    let mut properties = Map::new();
    for row in rows(heading) {
        let mut schema = value_schema(heading, row.key);
        let range = match row.range {
            "" => String::new(),
            range => format!(" ({range})"),
        };
        let default = match row.default {
            "" | "required" => String::new(),
            default => format!(". Default: {default}"),
        };
        let text = format!("{}{range}{default}", row.meaning).replace('`', "");
        add(&mut schema, "description", text.into());
        properties.insert(row.key.to_owned(), schema);
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

struct Row {
    key: &'static str,
    meaning: &'static str,
    range: &'static str,
    default: &'static str,
}

/// Returns the rows of the reference's table under a heading.
fn rows(heading: &str) -> Vec<Row> {
    let is_heading = |line: &&str| {
        line.strip_prefix("## ")
            .is_some_and(|title| title.replace('`', "") == heading)
    };
    REFERENCE
        .lines()
        .skip_while(|line| !is_heading(line))
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with("| `"))
        .filter_map(|line| {
            let mut cells = line.split('|').skip(1).map(str::trim);
            Some(Row {
                key: cells.next()?.trim_matches('`'),
                meaning: cells.next()?,
                range: cells.next()?,
                default: cells.next()?,
            })
        })
        .collect()
}

/// Pattern of a text with `${NAME}`, which is valid in place of any value.
const FILLED_IN: &str = r"\$\{";

/// Returns the schema of a value that can be one `${NAME}` alone.
fn or_reference(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "string", "pattern": r"^\$\{[^{}]+\}$" }] })
}

/// Returns the pattern of `TO` or `FROM..TO`.
fn one_or_two(value: &str) -> String {
    format!(r"^\s*{value}\s*(\.\.\s*{value}\s*)?$")
}

/// Returns the schema of a value.
fn value_schema(heading: &str, key: &str) -> Value {
    let text = || json!({ "type": "string" });
    let pattern =
        |pattern: &str| json!({ "type": "string", "pattern": format!("{pattern}|{FILLED_IN}") });
    let duration = || pattern(r"^\s*([0-9.]+\s*(us|µs|ms|s|m|h|d)\s*)+$");
    let size = || pattern(r"^[0-9.]+\s*([KMGT]i?B|B)$");
    let rate = r"^[0-9.]+\s*/\s*(us|ms|s|sec|m|min|h|d|day|hour)$";
    let whole = |low: u64, high: u64| {
        or_reference(&json!({ "type": "integer", "minimum": low, "maximum": high }))
    };
    let flag = || or_reference(&json!({ "type": "boolean" }));
    let word = |words: &[&str]| json!({ "enum": words });
    let checks = |form: &str| json!({ "type": "array", "items": pattern(&form.replace('\n', "")) });
    let texts = || json!({ "type": "object", "additionalProperties": { "type": "string" } });
    if heading == "[[groups.faults]]" {
        return fault_schema(key);
    }
    match (heading, key) {
        ("Top level" | "[[groups]]", "name") => pattern("^[^/+#]+$"),
        (_, "seed") => whole(0, i64::MAX.unsigned_abs()),
        ("Top level", "targets") => json!({
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "anyOf": [{ "$ref": "#/$defs/mqtt-target" }, { "$ref": "#/$defs/http-target" }],
            },
        }),
        ("Top level", "groups") => {
            json!({ "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/group" } })
        }
        ("Top level", "clock") => table_schema("clock", &[]),
        ("Top level", "limits") => table_schema("[limits]", &[]),
        ("clock", "start") => text(),
        ("clock", "speed") => {
            let number = or_reference(&json!({ "type": "number", "exclusiveMinimum": 0 }));
            json!({ "anyOf": [word(&["max"]), number] })
        }
        ("Top level", "log") => table_schema("[log]", &[]),
        ("Top level", "checks") => table_schema("[checks]", &[]),
        ("[checks]", "warm-up") => duration(),
        ("[checks]", "fleet") => checks(threshold::CHECK_PATTERN),
        ("[checks]", "groups") => {
            json!({ "type": "object", "additionalProperties": checks(&threshold::group_check_pattern()) })
        }
        ("[checks]", "channels") => {
            json!({ "type": "object", "additionalProperties": checks(threshold::CHANNEL_CHECK_PATTERN) })
        }
        ("[checks]", "received") => checks(received_checks::CHECK_PATTERN),
        ("[log]", "payload") => json!({ "anyOf": [word(&["full", "none", "hash"]), size()] }),
        ("[log]", "roll") => table_schema("roll of [log]", &[]),
        ("[log]", "spool-full") => word(&["pause", "drop"]),
        (
            _,
            "spool-limit" | "size" | "memory" | "message-size" | "turn-size" | "max-downlink"
            | "in-flight",
        ) => size(),
        (
            _,
            "duration" | "sync" | "every" | "ramp" | "connect-timeout" | "idle-timeout"
            | "keep-alive" | "timeout" | "deadline" | "period" | "retention",
        ) => duration(),
        ("[[groups]]", "stages") => {
            json!({ "type": "array", "items": table_schema("[[groups.stages]]", &["duration"]) })
        }
        ("[[groups]]", "faults") => {
            json!({ "type": "array", "items": table_schema("[[groups.faults]]", &["kind"]) })
        }
        ("[[groups]]", "after-stages") => word(&["return", "hold", "repeat"]),
        ("[[groups.stages]]", "shape") => word(&["step", "ramp", "spike", "sine"]),
        // One value, or a start and an end.
        ("[[groups.stages]]", "rate") => pattern(&one_or_two(
            r"[0-9.]+\s*/\s*(us|ms|s|sec|m|min|h|d|day|hour)",
        )),
        ("[[groups.stages]]", "devices") => pattern(&one_or_two(r"[0-9.]+\s*%")),
        (_, "rate") => json!({ "anyOf": [word(&["max"]), pattern(rate)] }),
        (_, "connect-rate") => pattern(rate),
        (_, "tls") => table_schema("tls of [targets.NAME]", &[]),
        (_, "will") => table_schema("will of [targets.NAME]", &["topic"]),
        (_, "downlink") => {
            json!({ "type": "object", "additionalProperties": table_schema("[targets.NAME.downlink]", &["topic"]) })
        }
        (_, "channels") => json!({ "type": "object", "minProperties": 1 }),
        (_, "connections") => json!({ "anyOf": [word(&["per-device"]), whole(1, 1_000_000)] }),
        (_, "qos") => or_reference(&json!({ "type": "integer", "enum": [0, 1, 2] })),
        (_, "retain" | "clean-session" | "error-downlink") => flag(),
        (_, "outbox") => whole(1, 1_000_000),
        (_, "max-in-flight") => whole(1, 65_535),
        (_, "count") => whole(1, 10_000_000),
        (_, "start") => word(&["spread", "together"]),
        (_, "jitter") => pattern(r"^[0-9.]+\s*%$"),
        (_, "devices-per-cell" | "messages") => whole(1, 1_000_000),
        (_, "log-lines") => whole(0, 1_000_000),
        (_, "config") => json!({ "type": "object" }),
        (_, "headers" | "data") => texts(),
        (_, "limits") => table_schema("limits of [[groups]]", &[]),
        _ => text(),
    }
}

/// Returns the schema of a fault's value. The check of the fleet file decides which kind has
/// which key.
fn fault_schema(key: &str) -> Value {
    const LENGTH: &str = r"([0-9.]+\s*(us|µs|ms|s|m|h|d)\s*)+";
    let pattern =
        |pattern: &str| json!({ "type": "string", "pattern": format!("{pattern}|{FILLED_IN}") });
    let whole =
        |most: u64| or_reference(&json!({ "type": "integer", "minimum": 1, "maximum": most }));
    match key {
        "kind" => json!({ "enum": kinds::words() }),
        "probability" | "devices" => pattern(r"^\s*[0-9.]+\s*%$"),
        "from" | "until" | "at" | "every" | "duration" | "down" | "up" | "latency" => {
            pattern(&format!(r"^\s*{LENGTH}$"))
        }
        "delay" => pattern(&one_or_two(LENGTH)),
        "rate" => pattern(r"^[0-9.]+\s*/\s*(s|m|min|h|d)$"),
        "copies" => whole(100),
        "messages" | "times" => whole(1_000),
        "bytes" => whole(1_000_000),
        "size" => pattern(r"^[0-9.]+\s*(%|[KMGk]i?B|B)$"),
        "offset" => pattern(&format!(r"^\s*[-+]?\s*{LENGTH}$")),
        "drift" => pattern(&format!(r"^\s*[-+]?\s*{LENGTH}/\s*(s|m|min|h|d)$")),
        "bandwidth" => pattern(r"^[0-9.]+\s*([KMGk]i?B|B)\s*/s$"),
        "vanish" => or_reference(&json!({ "type": "boolean" })),
        _ => json!({ "type": "string" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: &str) -> Vec<String> {
        let text = format!(
            "{change}\n[targets.b]\nurl = \"mqtt://127.0.0.1\"\nchannels.t.topic = \"x\"\n[[groups]]\nname = \"a\"\nplugin = \"builtin:x\"\ncount = 1\nevery = \"1s\"\nconfig = {{ base = 5 }}\n"
        );
        let file: Value = toml::from_str(&text).unwrap();
        let settings = json!({
            "properties": { "base": { "$ref": "#/$defs/base" } },
            "additionalProperties": false,
            "$defs": { "base": { "type": "integer" } },
        });
        let settings = PluginSchema {
            plugin: "builtin:x".into(),
            schema: settings,
        };
        let validator = jsonschema::validator_for(&schema(vec![settings])).unwrap();
        let errors = validator.iter_errors(&file);
        errors.map(|error| error.to_string()).collect()
    }

    #[test]
    fn every_table_of_the_reference_is_in_it_with_every_key() {
        let schema = schema(Vec::new()).to_string();
        let mut keys = 0;
        for (heading, known) in crate::tests::key_tables::TABLES {
            let rows = rows(heading);
            let found: Vec<&str> = rows.iter().map(|row| row.key).collect();
            for key in *known {
                assert!(found.contains(key), "{heading} {key}");
                assert!(schema.contains(&format!("\"{key}\":{{")), "{heading} {key}");
                keys += 1;
            }
            for row in rows {
                assert!(!row.meaning.is_empty(), "{heading} {}", row.key);
            }
        }
        assert!(keys > 60, "{keys}");
    }

    #[test]
    fn a_good_file_is_good_and_a_slip_is_not() {
        assert_eq!(refused("seed = 5"), Vec::<String>::new());
        assert_eq!(refused("duration = \"1h30m\""), Vec::<String>::new());
        assert_eq!(refused("name = \"${NAME}\""), Vec::<String>::new());
        assert_eq!(refused("seed = \"${SEED}\""), Vec::<String>::new());
        assert_eq!(refused("clock.speed = \"${SPEED}\""), Vec::<String>::new());
        assert_eq!(refused("log.retention = \"30d\""), Vec::<String>::new());
        assert_eq!(refused("clock = { speed = 60 }"), Vec::<String>::new());
        assert_eq!(
            refused("clock = { start = \"2026-01-01\", speed = \"max\" }"),
            Vec::<String>::new()
        );
        let checks = "checks.fleet = [\"acked >= 99.9%\", \"ack.p99<200ms\", \"failed == 0\", \"rate > 5/s\", \"latency.p99.9 < 1m30s\"]";
        assert_eq!(refused(checks), Vec::<String>::new());
        let checks = "checks.channels.t = [\"messages != 1_000\"]\nchecks.warm-up = \"5s\"\nchecks.received = [\"missing == 0\", \"late <= 0.1%\"]";
        assert_eq!(refused(checks), Vec::<String>::new());
        for wrong in [
            "sed = 5",
            "seed = -1",
            "seed = \"5\"",
            "seed = \"5${SEED}\"",
            "duration = 10",
            "duration = \"10\"",
            "log.rol = {}",
            "log.payload = \"some\"",
            "clock = { speed = 0 }",
            "clock = { speed = \"fast\" }",
            "checks.fleet = \"acked >= 99.9%\"",
            "checks.fleet = [\"akced >= 99.9%\"]",
            "checks.fleet = [\"acked = 99.9%\"]",
            "checks.fleet = [\"lag.p99 <= 5\"]",
            "checks.groups.a = [\"messages <= 5%\"]",
            "checks.channels.t = [\"missed == 0\"]",
            "checks.warm-up = 5",
        ] {
            assert_ne!(refused(wrong), Vec::<String>::new(), "{wrong}");
        }
    }
}
