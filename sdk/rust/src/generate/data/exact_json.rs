//! Reads JSON with all digits of its numbers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::generate::common::decimal::parse_number;
use crate::generate::common::value::Value;

/// Digits that every number of 64 bits keeps.
const SAFE_DIGITS: usize = 15;

/// The value of a JSON text. `None` for a text that is no JSON.
pub(crate) fn read(text: &[u8]) -> Option<Value> {
    if has_long_number(text) {
        return value(serde_json::from_slice::<&RawValue>(text).ok()?);
    }
    let json: serde_json::Value = serde_json::from_slice(text).ok()?;
    Some(Value::from(&json))
}

/// Whether there are more digits in a row, points among them, than are always kept.
fn has_long_number(text: &[u8]) -> bool {
    let mut digits = 0;
    text.iter().any(|byte| {
        match byte {
            b'0'..=b'9' => digits += 1,
            b'.' => {}
            _ => digits = 0,
        }
        digits > SAFE_DIGITS
    })
}

/// A name or a text, borrowed if it has no escapes.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn value(raw: &RawValue) -> Option<Value> {
    let text = raw.get();
    Some(match text.as_bytes().first()? {
        b'{' => {
            let members: BTreeMap<Text<'_>, &RawValue> = serde_json::from_str(text).ok()?;
            let members = members.into_iter();
            let members: Option<Vec<(Rc<str>, Value)>> = members
                .map(|(Text(name), raw)| Some((Rc::from(&*name), value(raw)?)))
                .collect();
            Value::Object(members?.into())
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            let items: Option<Vec<Value>> = items.into_iter().map(value).collect();
            Value::Array(items?.into())
        }
        b'"' => {
            let Text(text) = serde_json::from_str(text).ok()?;
            Value::text(&*text)
        }
        b't' => Value::Bool(true),
        b'f' => Value::Bool(false),
        b'n' => Value::Null,
        _ => parse_number(text)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_keep_their_digits() {
        for text in [
            r#"{"a":18446744073709551615,"b":[9007199254740993,{"c":0.12345678901234567891}],"d":"x\n"}"#,
            r#"{"a":123456789012345678901234567890,"n":null,"t":true,"é":"\u00e9 1234567890123456789"}"#,
        ] {
            let value = read(text.as_bytes()).unwrap();
            let written: String = value.to_string();
            assert_eq!(written, text.replace("\\u00e9", "é"));
        }
        assert_eq!(read(b"{\"a\":12345678901234567890"), None);
        assert_eq!(read(b"[1,2.5]").unwrap().to_string(), "[1,2.5]");
    }
}
