//! Reads JSON lines.
//!
//! Strings are unescaped; objects and lists keep their text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::row::BadRowCallback;
use mockfleet_sendlog::{RowVisitor, TableValue};

/// Number of lines whose names become columns.
const LOOKED_AT: usize = 1_000;

/// Longest line in bytes. A message of the maximum length of MQTT fits, in Base64 with other
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

/// Returns the names of the first lines.
pub(crate) fn head(path: &Path) -> Result<Vec<String>, String> {
    let mut names: Vec<String> = Vec::new();
    let mut looked = 0;
    lines(path, &mut |_, line| {
        looked += 1;
        if let Ok(object) = serde_json::from_slice::<serde_json::Map<String, _>>(line) {
            let object: serde_json::Map<String, serde_json::Value> = object;
            for name in object.keys() {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        looked < LOOKED_AT
    })?;
    match (looked, names.is_empty()) {
        (0, _) => Err("it is empty; wanted is a JSON object a line".into()),
        (_, true) => Err("none of its first lines is a JSON object such as {\"device\": \"d-1\", \"payload\": \"…\"}".into()),
        _ => Ok(names),
    }
}

pub(crate) fn read(
    path: &Path,
    wanted: &[&str],
    take: &mut RowVisitor<'_>,
    bad: &mut BadRowCallback<'_>,
) -> Result<(), String> {
    lines(
        path,
        &mut |number, line| match serde_json::from_slice::<Object<'_>>(line) {
            Ok(Object(object)) => {
                let cells: Vec<TableValue<'_>> = wanted
                    .iter()
                    .map(|name| {
                        object
                            .get(*name)
                            .map_or(TableValue::Null, |value| cell(value))
                    })
                    .collect();
                take(number, &cells).is_continue()
            }
            Err(error) => {
                let text = format!("this line is no JSON object: {error}");
                bad(number, text).is_continue()
            }
        },
    )
}

/// Passes each line that is not empty to `take`, with its number, until `take` returns false.
fn lines(path: &Path, take: &mut dyn FnMut(u64, &[u8]) -> bool) -> Result<(), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        let read = reader
            .read_until(b'\n', &mut line)
            .map_err(|error| error.to_string())?;
        if read == 0 {
            return Ok(());
        }
        number += 1;
        if line.len() > MAX_RECORD {
            return Err(format!("its line {number} is longer than 1 GiB"));
        }
        let text = line.trim_ascii();
        if !text.is_empty() && !take(number, text) {
            return Ok(());
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
            Err(_) if !text.contains(['.', 'e', 'E']) => TableValue::Text(text.into()),
            Err(_) => text
                .parse()
                .map_or(TableValue::Text(text.into()), TableValue::Float),
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
    fn whole_numbers_above_64_bits_keep_their_digits() {
        let raw = |text| serde_json::from_str::<&RawValue>(text).unwrap();
        assert_eq!(cell(raw("7")), TableValue::Int(7));
        let large = "18446744073709551615";
        assert_eq!(cell(raw(large)), TableValue::Text(large.into()));
        assert_eq!(cell(raw("1.5e3")), TableValue::Float(1500.0));
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
