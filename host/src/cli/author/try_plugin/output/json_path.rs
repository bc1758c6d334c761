//! Finds fields of JSON payloads by path: `room.temperature`, `/values/0`.

use serde_json::Value;

/// The path of a field, and its channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonPath {
    /// The path as it was given.
    pub(crate) shown: String,
    /// The channel of the payloads, if one was given.
    pub(crate) channel: Option<String>,
    path: Vec<String>,
}

/// Maximum of paths of one payload.
const MAX_PATHS: usize = 200;

impl JsonPath {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wanted = |what: &str| {
            format!(
                "{text:?} {what}; wanted is a field such as temperature, room.temperature or /values/0 (a JSON pointer), and with its channel telemetry:temperature"
            )
        };
        let (channel, field) = match text.split_once(':') {
            Some((channel, field)) if !channel.starts_with('/') => (Some(channel), field),
            _ => (None, text),
        };
        if field.is_empty() || channel == Some("") {
            return Err(wanted("names no field"));
        }
        let path: Vec<String> = match field.strip_prefix('/') {
            Some(pointer) => pointer.split('/').map(unescaped).collect(),
            None => field.split('.').map(str::to_owned).collect(),
        };
        if !field.starts_with('/') && path.iter().any(String::is_empty) {
            return Err(wanted("has a part without a name"));
        }
        Ok(Self {
            shown: text.to_owned(),
            channel: channel.map(str::to_owned),
            path,
        })
    }

    /// Returns the value of the field in a payload.
    pub(crate) fn get<'v>(&self, payload: &'v Value) -> Option<&'v Value> {
        self.path
            .iter()
            .try_fold(payload, |value, key| match value {
                Value::Object(keys) => keys.get(key),
                Value::Array(items) => items.get(key.parse::<usize>().ok()?),
                _ => None,
            })
    }
}

/// Returns the paths of all numbers of a payload.
pub(crate) fn numeric_paths(payload: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(payload, &mut Vec::new(), &mut found);
    found
}

fn walk(value: &Value, path: &mut Vec<String>, found: &mut Vec<String>) {
    if found.len() >= MAX_PATHS {
        return;
    }
    let mut into = |key: String, value: &Value| {
        path.push(key);
        walk(value, path, found);
        path.pop();
    };
    match value {
        Value::Object(keys) => keys
            .iter()
            .for_each(|(key, value)| into(key.clone(), value)),
        // The first item stands for all items of an array.
        Value::Array(items) => items
            .iter()
            .take(1)
            .for_each(|value| into("0".into(), value)),
        Value::Number(_) if !path.is_empty() => found.push(written(path)),
        _ => {}
    }
}

/// Formats a path as an option.
fn written(path: &[String]) -> String {
    let plain = |key: &String| !key.is_empty() && !key.contains(['.', ':', '/']);
    if path.iter().all(plain) {
        return path.join(".");
    }
    let keys = path
        .iter()
        .map(|key| key.replace('~', "~0").replace('/', "~1"));
    format!("/{}", keys.collect::<Vec<_>>().join("/"))
}

/// Decodes a part of a JSON pointer (RFC 6901, section 4).
fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(text: &str) -> Option<Value> {
        let payload = json!({
            "room": { "temperature": 21.5 },
            "values": [1, [2, 3]],
            "a.b": 4,
            "c/d~": 5,
            "0": 6,
            "": 7,
            "ns:x": 8,
        });
        JsonPath::parse(text).unwrap().get(&payload).cloned()
    }

    #[test]
    fn fields_are_found_by_dots_and_by_pointers() {
        assert_eq!(found("room.temperature"), Some(json!(21.5)));
        assert_eq!(found("/room/temperature"), Some(json!(21.5)));
        assert_eq!(found("values.1.0"), Some(json!(2)));
        assert_eq!(found("/values/1/1"), Some(json!(3)));
        assert_eq!(found("/a.b"), Some(json!(4)));
        assert_eq!(found("/c~1d~0"), Some(json!(5)));
        assert_eq!(found("0"), Some(json!(6)));
        assert_eq!(found("/"), Some(json!(7)));
        assert_eq!(found("/ns:x"), Some(json!(8)));
        for nothing in [
            "room.humidity",
            "values.7",
            "values.x",
            "room.temperature.x",
        ] {
            assert_eq!(found(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_channel_stands_before_the_field() {
        let field = JsonPath::parse("telemetry:/a/0").unwrap();
        assert_eq!(field.channel.as_deref(), Some("telemetry"));
        assert_eq!(field.path, ["a", "0"]);
        assert_eq!(JsonPath::parse("/a:b").unwrap().channel, None);
        for wrong in ["", ":", "telemetry:", ":x", "a..b", ".", "a."] {
            assert!(JsonPath::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_named_as_they_can_be_asked_for() {
        let payload = json!({ "t": 1, "ok": true, "in": { "x": 2.5, "y.z": 3 }, "list": [4, "b"] });
        let mut names = numeric_paths(&payload);
        names.sort();
        assert_eq!(names, ["/in/y.z", "in.x", "list.0", "t"]);
        for name in names {
            assert!(
                JsonPath::parse(&name)
                    .unwrap()
                    .get(&payload)
                    .unwrap()
                    .is_number()
            );
        }
        assert_eq!(numeric_paths(&json!(5)), Vec::<String>::new());
        let many: serde_json::Map<_, _> = (0..1000).map(|n| (n.to_string(), n.into())).collect();
        assert_eq!(numeric_paths(&Value::Object(many)).len(), MAX_PATHS);
    }
}
