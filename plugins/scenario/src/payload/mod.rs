//! Payloads: a template that is read once, and written straight into a buffer at each
//! tick. Knows the positions of values; must not know who makes them.

mod binary;
mod csv;
mod json;
mod template;

use std::cell::Cell;

use mockfleet_sdk::generate::Value;
use mockfleet_sdk::{Error, Problem};

use crate::config;
pub(crate) use template::Template;

/// Which names there are, and where the value of each is.
pub(crate) trait Names {
    /// The position of a name, or which names there are instead.
    fn position(&self, name: &str) -> Result<usize, String>;
}

/// The payload of one kind of message.
#[derive(Debug)]
pub(crate) struct Payload {
    form: Form,
    /// The positions of the values that it needs.
    reads: Vec<usize>,
    /// As long as the longest so far: the buffer of the next one is made as large.
    longest: Cell<usize>,
}

#[derive(Debug)]
enum Form {
    Json(json::Json),
    Text(Template),
    Csv(csv::Csv),
    Binary(binary::Binary),
}

impl Payload {
    /// Reads a template; what is wrong with it goes to `problems`.
    pub(crate) fn read(
        written: config::Payload<'_>,
        names: &dyn Names,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let mut reads = Vec::new();
        let config::Payload {
            json,
            text,
            csv,
            binary,
        } = written;
        let mut reading = Reading {
            names,
            reads: &mut reads,
            problems,
        };
        let form = match (json, text, csv, binary) {
            (Some(tree), None, None, None) => Form::Json(json::Json::read(tree, &mut reading)?),
            (None, Some(text), None, None) => {
                Form::Text(Template::read(text, "text", &mut reading)?)
            }
            (None, None, Some(csv), None) => Form::Csv(csv::Csv::read(csv, &mut reading)?),
            (None, None, None, Some(parts)) => {
                Form::Binary(binary::Binary::read(parts, &mut reading)?)
            }
            _ => {
                problems.push(Problem::new(
                    "",
                    "exactly one of json, text, csv and binary says what the payload is",
                ));
                return None;
            }
        };
        Some(Self {
            form,
            reads,
            longest: Cell::new(128),
        })
    }

    /// The positions of the values that it needs.
    pub(crate) fn reads(&self) -> &[usize] {
        &self.reads
    }

    /// The media type that it has unless the message says otherwise.
    pub(crate) fn media_type(&self) -> &'static str {
        match self.form {
            Form::Json(_) => "application/json",
            Form::Text(_) => "text/plain; charset=utf-8",
            Form::Csv(_) => "text/csv",
            Form::Binary(_) => "application/octet-stream",
        }
    }

    /// The payload with these values.
    ///
    /// # Errors
    /// Where a value does not fit a binary layout.
    pub(crate) fn write(&self, values: &[Value]) -> Result<Vec<u8>, Error> {
        let mut payload = Vec::with_capacity(self.longest.get());
        match &self.form {
            Form::Json(json) => json.write(values, &mut payload),
            Form::Text(template) => template.write(values, &mut payload),
            Form::Csv(csv) => csv.write(values, &mut payload),
            Form::Binary(binary) => binary.write(values, &mut payload)?,
        }
        if payload.len() > self.longest.get() {
            self.longest.set(payload.len());
        }
        Ok(payload)
    }
}

/// A template that is being read: what it refers to, and what is wrong with it.
pub(crate) struct Reading<'a> {
    pub(crate) names: &'a dyn Names,
    pub(crate) reads: &'a mut Vec<usize>,
    pub(crate) problems: &'a mut Vec<Problem>,
}

impl Reading<'_> {
    fn wrong(&mut self, path: &str, text: impl std::fmt::Display) {
        self.problems.push(Problem::new(path, text));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Two names, `a` and `b`.
    struct Two;

    impl Names for Two {
        fn position(&self, name: &str) -> Result<usize, String> {
            ["a", "b"]
                .iter()
                .position(|known| *known == name)
                .ok_or_else(|| format!("there is no {name:?}"))
        }
    }

    fn read(written: Value) -> Result<Payload, Vec<Problem>> {
        let written: config::Override = serde_json::from_value(written).unwrap();
        let mut problems = Vec::new();
        let payload = Payload::read(written.payload(), &Two, &mut problems);
        payload.filter(|_| problems.is_empty()).ok_or(problems)
    }

    pub(super) fn payload(written: Value) -> Result<Payload, Vec<(String, String)>> {
        read(written).map_err(|problems| {
            let problems = problems.into_iter();
            problems
                .map(|problem| (problem.path, problem.text))
                .collect()
        })
    }

    pub(super) fn said(written: Value) -> Vec<(String, String)> {
        payload(written).map(drop).unwrap_err()
    }

    #[test]
    fn a_text_is_filled_in_and_nothing_stands_for_nothing() {
        let payload = payload(json!({ "text": "T={{ a }};H={{b}}{{ b.x }}" })).unwrap();
        let values = [21.5.into(), mockfleet_sdk::generate::Value::Null];
        assert_eq!(payload.write(&values).unwrap(), b"T=21.5;H=");
        assert_eq!(payload.reads(), [0, 1]);
    }

    #[test]
    fn a_payload_is_said_in_one_way() {
        let both = said(json!({ "text": "x", "json": 5 }));
        assert_eq!(both, said(json!({})));
        let unknown = said(json!({ "json": { "x": ["{{ c }}", "{{ d"] } }));
        assert_eq!(unknown[0], ("json.x.0".into(), "there is no \"c\"".into()));
        assert_eq!(unknown[1].0, "json.x.1");
    }
}
