//! Compiles the payload of a message and writes it straight into a buffer.

use std::cell::Cell;

use mockfleet_sdk::generate::Value;
use mockfleet_sdk::{Error, Problem};

use crate::config;
use crate::payload::binary::Binary;
use crate::payload::csv::Csv;
use crate::payload::json::Json;
use crate::payload::template::Template;
use crate::payload::template_context::{NameResolver, TemplateContext};

/// The payload of one kind of message.
#[derive(Debug)]
pub(crate) struct Payload {
    format: Format,
    /// The positions of the values that it reads.
    reads: Vec<usize>,
    /// The length of the longest payload so far, which is the capacity of the next buffer.
    capacity: Cell<usize>,
}

#[derive(Debug)]
enum Format {
    Json(Json),
    Text(Template),
    Csv(Csv),
    Binary(Binary),
}

impl Payload {
    /// Compiles a payload and adds its problems to `problems`.
    pub(crate) fn read(
        written: config::Payload<'_>,
        names: &dyn NameResolver,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let mut reads = Vec::new();
        let config::Payload {
            json,
            text,
            csv,
            binary,
        } = written;
        let mut context = TemplateContext {
            names,
            reads: &mut reads,
            problems,
        };
        let format = match (json, text, csv, binary) {
            (Some(tree), None, None, None) => Format::Json(Json::read(tree, &mut context)?),
            (None, Some(text), None, None) => {
                Format::Text(Template::read(text, "text", &mut context)?)
            }
            (None, None, Some(csv), None) => Format::Csv(Csv::read(csv, &mut context)?),
            (None, None, None, Some(parts)) => Format::Binary(Binary::read(parts, &mut context)?),
            _ => {
                problems.push(Problem::new(
                    "",
                    "exactly one of json, text, csv and binary says what the payload is",
                ));
                return None;
            }
        };
        Some(Self {
            format,
            reads,
            capacity: Cell::new(128),
        })
    }

    /// The positions of the values that it reads.
    pub(crate) fn reads(&self) -> &[usize] {
        &self.reads
    }

    /// The default media type.
    pub(crate) fn media_type(&self) -> &'static str {
        match self.format {
            Format::Json(_) => "application/json",
            Format::Text(_) => "text/plain; charset=utf-8",
            Format::Csv(_) => "text/csv",
            Format::Binary(_) => "application/octet-stream",
        }
    }

    /// Writes the payload with these values.
    ///
    /// # Errors
    /// A value that does not fit a binary layout.
    pub(crate) fn write(&self, values: &[Value]) -> Result<Vec<u8>, Error> {
        let mut payload = Vec::with_capacity(self.capacity.get());
        match &self.format {
            Format::Json(json) => json.write(values, &mut payload),
            Format::Text(template) => template.write(values, &mut payload),
            Format::Csv(csv) => csv.write(values, &mut payload),
            Format::Binary(binary) => binary.write(values, &mut payload)?,
        }
        if payload.len() > self.capacity.get() {
            self.capacity.set(payload.len());
        }
        Ok(payload)
    }
}
