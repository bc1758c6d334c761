//! Validates payloads by JSON Schemas.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::cli::author::try_plugin::option_parsing::value_or_problem;
use mockfleet_config::{Problem, Problems, did_you_mean};
use mockfleet_engine::Validator;
use mockfleet_files::bounded_read::{self, MAX_TEXT};
use mockfleet_plugin::Message;

/// The schemas of `--schema`.
#[derive(Default)]
pub(crate) struct PayloadSchemas {
    by_channel: BTreeMap<String, Validator>,
    /// Schema for every other channel.
    others: Option<Validator>,
    /// File whose definitions must have a schema for every other channel.
    complete: Option<String>,
}

/// Keys of a schema that has definitions and no conditions of its own.
const NEUTRAL_KEYS: [&str; 8] = [
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "definitions",
    "title",
    "description",
    "$vocabulary",
];

impl PayloadSchemas {
    /// Reads the schemas of the command line.
    pub(crate) fn read(entries: &[String], problems: &mut Problems) -> Self {
        let mut schemas = Self::default();
        for entry in entries {
            let read = match entry.split_once('=') {
                Some((channel, file)) => schemas.add(channel, file),
                None => schemas.add_all(entry),
            };
            value_or_problem(problems, "--schema", read);
        }
        schemas
    }

    fn add(&mut self, channel: &str, file: &str) -> Result<(), String> {
        let schema = schema(file, content(file)?)?;
        match self.by_channel.insert(channel.to_owned(), schema) {
            None => Ok(()),
            Some(_) => Err(format!(
                "the channel {channel} has two schemas; give it one"
            )),
        }
    }

    fn add_all(&mut self, file: &str) -> Result<(), String> {
        if self.others.is_some() || self.complete.is_some() {
            return Err(format!(
                "{file} is a second schema for all channels; give CHANNEL={file} for one of them"
            ));
        }
        let whole = content(file)?;
        let channels = channels(&whole);
        if channels.is_empty() {
            self.others = Some(schema(file, whole)?);
            return Ok(());
        }
        self.complete = Some(file.to_owned());
        for (channel, one) in channels {
            let schema = schema(file, one)?;
            // A schema that was given for one channel has precedence.
            self.by_channel.entry(channel).or_insert(schema);
        }
        Ok(())
    }

    /// Returns whether there are no schemas.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_channel.is_empty() && self.others.is_none()
    }

    /// Checks that the device has the channels, if its channels are known.
    pub(crate) fn check_channels(&self, channels: &[String]) -> Result<(), Problems> {
        let mut problems = Problems::default();
        // A file for all channels may have channels of other devices.
        let named = self.by_channel.keys().filter(|_| self.complete.is_none());
        for channel in named.filter(|name| !channels.is_empty() && !channels.contains(name)) {
            problems.push(Problem {
                place: "--schema".into(),
                text: format!(
                    "there is no channel {channel:?}{}",
                    did_you_mean(channel, channels.iter().map(String::as_str))
                ),
            });
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(problems),
        }
    }

    /// Returns the channels that have their own schema on the command line.
    pub(crate) fn named(&self) -> impl Iterator<Item = &str> {
        let all = self.by_channel.keys().map(String::as_str);
        all.filter(|_| self.complete.is_none())
    }

    /// Returns the violations of a payload; `None` if its channel has no schema.
    pub(crate) fn findings(&self, message: &Message) -> Option<Vec<String>> {
        let channel = &message.channel;
        let schema = match (self.by_channel.get(channel), &self.others, &self.complete) {
            (Some(schema), ..) | (None, Some(schema), _) => schema,
            (None, None, Some(file)) => {
                return Some(vec![format!("{file} has no schema of this channel")]);
            }
            (None, None, None) => return None,
        };
        let (value, why) = instance(&message.payload);
        let found = match schema.violations(&value) {
            Ok(found) => found.into_iter(),
            Err(why) => return Some(vec![format!("its schema {why}")]),
        };
        let found = found.map(|finding| match (finding.path.join("."), &why) {
            (path, _) if !path.is_empty() => format!("{path}: {}", finding.text),
            (_, Some(why)) => format!("{why}: {}", finding.text),
            (_, None) => finding.text,
        });
        Some(found.collect())
    }
}

/// Returns the value to validate, and the reason if the payload is no JSON. Text is then a
/// string, and bytes are hexadecimal digits.
fn instance(payload: &[u8]) -> (Value, Option<String>) {
    match (
        serde_json::from_slice(payload),
        std::str::from_utf8(payload),
    ) {
        (Ok(value), _) => (value, None),
        (Err(error), Ok(text)) => (text.into(), Some(format!("no JSON ({error})"))),
        (Err(_), Err(_)) => {
            let digits: String = payload.iter().map(|byte| format!("{byte:02x}")).collect();
            (digits.into(), Some("no JSON and no text".to_owned()))
        }
    }
}

fn content(file: &str) -> Result<Value, String> {
    let text = bounded_read::read_text(Path::new(file), MAX_TEXT)
        .map_err(|error| format!("{file} cannot be read: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{file} is no JSON: {error}"))
}

fn schema(file: &str, content: Value) -> Result<Validator, String> {
    Validator::new(content).map_err(|why| format!("{file} {why}"))
}

/// Returns the schema of each channel from a file with one definition for each. Returns none
/// for other files.
fn channels(whole: &Value) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let Value::Object(keys) = whole else {
        return found;
    };
    if !keys.keys().all(|key| NEUTRAL_KEYS.contains(&key.as_str())) {
        return found;
    }
    for place in ["$defs", "definitions"] {
        let names = keys.get(place).and_then(Value::as_object);
        for channel in names.into_iter().flat_map(|names| names.keys()) {
            let mut one = keys.clone();
            let pointer = channel.replace('~', "~0").replace('/', "~1");
            one.insert("$ref".into(), format!("#/{place}/{pointer}").into());
            found.insert(channel.clone(), Value::Object(one));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn violations(schemas: &PayloadSchemas, channel: &str, payload: &str) -> Option<Vec<String>> {
        schemas.findings(&Message {
            channel: channel.into(),
            payload: payload.into(),
            content_type: None,
            properties: Vec::new(),
        })
    }

    #[test]
    fn definitions_are_schemas_of_channels() {
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {
                "t": { "properties": { "x": { "$ref": "#/$defs/small" } } },
                "small": { "maximum": 5 },
            },
        });
        let mut schemas = PayloadSchemas::default();
        for (channel, one) in channels(&whole) {
            schemas
                .by_channel
                .insert(channel, Validator::new(one).unwrap());
        }
        schemas.complete = Some("x.json".into());
        let wrong = Some(vec!["x: 7 is greater than the maximum of 5".to_owned()]);
        assert_eq!(violations(&schemas, "t", "{\"x\": 7}"), wrong);
        assert_eq!(violations(&schemas, "t", "{\"x\": 5}"), Some(vec![]));
        let none = Some(vec!["x.json has no schema of this channel".to_owned()]);
        assert_eq!(violations(&schemas, "u", "{}"), none);
        assert!(channels(&json!({ "$defs": {}, "type": "object" })).is_empty());
        assert!(channels(&json!(true)).is_empty());
    }

    #[test]
    fn what_is_no_json_is_a_text() {
        let schemas = PayloadSchemas {
            others: Some(
                Validator::new(json!({ "type": "string", "pattern": "^[a-f;]+$" })).unwrap(),
            ),
            ..PayloadSchemas::default()
        };
        assert_eq!(violations(&schemas, "t", "a;b"), Some(vec![]));
        let (object, _) = instance(b"{\"a\": ");
        assert_eq!(object, json!("{\"a\": "));
        assert_eq!(instance(&[0xff, 0x01]).0, json!("ff01"));
        let found = violations(&schemas, "t", "{\"a\": ").unwrap();
        assert!(found[0].starts_with("no JSON (EOF while"), "{found:?}");
    }
}
