//! Reads JSON lines and JSON lists.
//!
//! Strings are unescaped; objects and lists keep their text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use mockfleet_datafile::{JsonForm, JsonReader, NOT_UTF8, ReadError, find_nan, refuse_nan};
use mockfleet_sendlog::{RowVisitor, TableValue};

use crate::row::BadRowCallback;
use crate::stream::Stream;

/// Number of objects whose names become columns.
const LOOKED_AT: usize = 1_000;

/// Longest object in bytes. A message of the maximum length of MQTT fits, in Base64 with other
/// values.
const MAX_RECORD: usize = 1 << 30;

/// The members of an object, whose names differ.
struct Object<'a>(HashMap<Cow<'a, str>, &'a RawValue>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Object<'de>, A::Error> {
        let mut object = HashMap::new();
        while let Some(Text(name)) = members.next_key()? {
            let value = members.next_value()?;
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!(
                    "two of its members are called {name:?}, and each needs a name of its own"
                )));
            }
            object.insert(name, value);
        }
        Ok(Object(object))
    }
}

/// Returns the names of the first objects.
pub(crate) fn head(path: &Path, form: JsonForm) -> Result<Vec<String>, String> {
    let mut names: Vec<String> = Vec::new();
    let mut looked = 0;
    let mut refused = None;
    let broken = objects(path, form, &mut |line, text| {
        looked += 1;
        match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(text) {
            Ok(object) => {
                for name in object.keys() {
                    if !names.contains(name) {
                        names.push(name.clone());
                    }
                }
            }
            Err(_) if refused.is_none() => {
                refused = refuse_value(text).map(|(below, why)| (line + below, why));
            }
            Err(_) => {}
        }
        looked < LOOKED_AT
    })?;
    match (looked, broken, names.is_empty()) {
        (0, Some((line, text)), _) => Err(format!("line {line}: {text}")),
        (0, None, _) => Err("it is empty; wanted is a JSON object a line".into()),
        (_, _, true) if let Some((line, why)) = refused => Err(format!("line {line}: {why}")),
        (_, _, true) => Err("none of its first lines is a JSON object such as {\"device\": \"d-1\", \"payload\": \"…\"}".into()),
        _ => Ok(names),
    }
}

pub(crate) fn read(
    path: &Path,
    form: JsonForm,
    wanted: &[&str],
    take: &mut RowVisitor<'_>,
    bad: &mut BadRowCallback<'_>,
) -> Result<(), String> {
    let broken = objects(
        path,
        form,
        &mut |line, text| match serde_json::from_slice::<Object<'_>>(text) {
            Ok(Object(object)) => {
                let cells: Vec<TableValue<'_>> = wanted
                    .iter()
                    .map(|name| {
                        object
                            .get(*name)
                            .map_or(TableValue::Null, |value| cell(value))
                    })
                    .collect();
                take(line, &cells).is_continue()
            }
            Err(error) => {
                let (below, why) = refuse(text, form, &error);
                bad(line + below, why).is_continue()
            }
        },
    )?;
    if let Some((line, text)) = broken {
        let _ = bad(line, text);
    }
    Ok(())
}

/// Returns the reason why a text has a value that JSON does not have, and the lines before it.
fn refuse_value(text: &[u8]) -> Option<(u64, String)> {
    let (offset, why) = match (std::str::from_utf8(text), find_nan(text)) {
        (Err(error), _) => (error.valid_up_to(), NOT_UTF8.to_owned()),
        (Ok(_), Some((offset, word))) => (offset, refuse_nan(word)),
        (Ok(_), None) => return None,
    };
    let before = text.get(..offset).unwrap_or_default();
    let breaks = before.iter().filter(|byte| **byte == b'\n').count();
    Some((u64::try_from(breaks).unwrap_or(0), why))
}

/// Returns the reason why a text is no object, and the lines before its place.
fn refuse(text: &[u8], form: JsonForm, error: &serde_json::Error) -> (u64, String) {
    if let Some(refused) = refuse_value(text) {
        return refused;
    }
    match form {
        JsonForm::Lines => (0, format!("this line is no JSON object: {error}")),
        JsonForm::List => {
            let said = error.to_string();
            let cause = said.split(" at line").next().unwrap_or(&said);
            let below = u64::try_from(error.line().saturating_sub(1)).unwrap_or(0);
            let text = format!(
                "this is no list of JSON objects: {cause}, at column {}",
                error.column()
            );
            (below, text)
        }
    }
}

/// Passes the text of each object to `take`, with its line, until `take` returns false. Returns
/// the line and the reason where the file is not of its form.
fn objects(
    path: &Path,
    form: JsonForm,
    take: &mut dyn FnMut(u64, &[u8]) -> bool,
) -> Result<Option<(u64, String)>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut input = Stream::new(file);
    let mut reader = JsonReader::new(form, MAX_RECORD);
    loop {
        match reader.read(&mut input) {
            Ok(true) if take(reader.start().line, reader.text().trim_ascii()) => {}
            Ok(_) => return Ok(None),
            Err(ReadError::Input(error)) => return Err(error.to_string()),
            Err(ReadError::Form { at, text }) => return Ok(Some((at.line, text))),
        }
    }
}

fn cell(value: &RawValue) -> TableValue<'_> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'n') => TableValue::Null,
        Some(b't') => TableValue::Bool(true),
        Some(b'f') => TableValue::Bool(false),
        Some(b'"') => match serde_json::from_str::<Text<'_>>(text) {
            Ok(Text(text)) => TableValue::Text(text),
            // Half of a surrogate pair is not a valid text, and stays escaped.
            Err(_) => TableValue::Text(text.into()),
        },
        Some(b'{' | b'[') => TableValue::Text(text.into()),
        _ => match text.parse::<i64>() {
            Ok(number) => TableValue::Int(number),
            // A float would change the digits.
            Err(_) => TableValue::Text(text.into()),
        },
    }
}

/// A text, borrowed if it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        let raw = |text| serde_json::from_str::<&RawValue>(text).unwrap();
        assert_eq!(cell(raw("7")), TableValue::Int(7));
        for text in [
            "18446744073709551615",
            "28.20",
            "0.10000000000000001",
            "1.5e3",
        ] {
            assert_eq!(cell(raw(text)), TableValue::Text(text.into()));
        }
    }

    #[test]
    fn members_of_one_name_are_an_error() {
        let object = |text| serde_json::from_str::<Object<'_>>(text).map(|object| object.0.len());
        assert_eq!(object(r#"{"a":1,"\u0061b":{"c":[1]}}"#).unwrap(), 2);
        let error = object(r#"{"a":1,"\u0061":2}"#).unwrap_err().to_string();
        assert!(
            error.starts_with("two of its members are called \"a\""),
            "{error}"
        );
    }
}
