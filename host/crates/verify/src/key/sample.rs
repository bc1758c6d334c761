//! Reads the first rows of both sides, from which columns are guessed.

use std::collections::HashSet;
use std::ops::ControlFlow;

use mockfleet_config::Problems;
use mockfleet_sendlog::TableValue;
use mockfleet_tables::{PAYLOAD_COLUMNS, Table};

use crate::key::encoding::PayloadEncoding;
use crate::key::json::Json;
use crate::key::parts::Field;

/// Number of first rows that are read on each side.
const SAMPLE_ROWS: u32 = 200;

/// A sample of the log's first rows.
#[derive(Default)]
pub(crate) struct Sample {
    pub(crate) rows: u32,
    pub(crate) payloads: Vec<Json>,
    /// Rows of the sample without a payload.
    pub(crate) without: u32,
    /// Payloads that are bytes.
    pub(crate) bytes: u32,
    /// The sizes of payloads.
    pub(crate) sizes: HashSet<usize>,
    /// Payloads that are one number, or true or false.
    pub(crate) scalars: u32,
    pub(crate) hashed: bool,
}

impl Sample {
    pub(crate) fn has(&self, field: &Field) -> bool {
        let mut payloads = self.payloads.iter();
        payloads.any(|payload| field.of(payload).is_some())
    }

    pub(crate) fn fields(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for payload in &self.payloads {
            let Json::Object(members) = payload else {
                continue;
            };
            for name in members.keys() {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        names
    }
}

/// Reads the first rows. Unreadable rows are reported when all rows are read.
fn peek(
    received: &Table,
    wanted: &[&str],
    mut look: impl FnMut(&[TableValue<'_>]),
) -> (u32, Result<(), Problems>) {
    let mut rows = 0;
    let read = received.peek(SAMPLE_ROWS, wanted, &mut |_, cells| {
        rows += 1;
        look(cells);
        ControlFlow::Continue(())
    });
    (rows, read)
}

/// Returns whether the table has no rows.
///
/// # Errors
/// The rows cannot be read.
pub(crate) fn is_empty(received: &Table) -> Result<bool, Problems> {
    let first = received.columns().iter().take(1);
    let first: Vec<&str> = first.map(String::as_str).collect();
    match peek(received, &first, |_| {}) {
        (0, read) => read.map(|()| true),
        _ => Ok(false),
    }
}

/// Returns the column that has a common name of payload columns and payloads.
///
/// Numbers are payloads in a column called `payload`, or if the log has such payloads.
/// Elsewhere, a column such as `value` holds a part of a payload.
pub(crate) fn guess_payload(received: &Table, sent: &Sample) -> Option<String> {
    let candidates: Vec<&str> = PAYLOAD_COLUMNS
        .iter()
        .filter_map(|name| {
            let mut columns = received.columns().iter();
            columns.find(|column| column.eq_ignore_ascii_case(name))
        })
        .map(String::as_str)
        .collect();
    let mut fits = vec![false; candidates.len()];
    if !candidates.is_empty() {
        let _ = peek(received, &candidates, |cells| {
            for ((fits, name), cell) in fits.iter_mut().zip(&candidates).zip(cells) {
                let takes_scalars = sent.scalars > 0 || name.eq_ignore_ascii_case("payload");
                *fits |= match cell {
                    TableValue::Null => false,
                    TableValue::Text(text) => takes_scalars || text.parse::<f64>().is_err(),
                    TableValue::Bytes(_) => true,
                    _ => takes_scalars,
                };
            }
        });
    }
    let mut found = candidates.iter().zip(fits).filter(|(_, fits)| *fits);
    found.next().map(|(name, _)| (*name).to_owned())
}

pub(crate) fn sample_encoding(received: &Table, payload: &str, sent: &Sample) -> PayloadEncoding {
    let mut texts = Vec::new();
    let mut has_bytes = false;
    let _ = peek(received, &[payload], |cells| match cells.first() {
        Some(TableValue::Text(text)) => texts.push(text.as_bytes().to_vec()),
        Some(TableValue::Int(number)) => texts.push(number.to_string().into_bytes()),
        Some(TableValue::Bytes(_)) => has_bytes = true,
        _ => {}
    });
    match has_bytes {
        true => PayloadEncoding::Plain,
        false => PayloadEncoding::detect(&texts, &sent.sizes),
    }
}

fn continue_until_sampled(rows: u32) -> ControlFlow<()> {
    if rows < SAMPLE_ROWS {
        ControlFlow::Continue(())
    } else {
        ControlFlow::Break(())
    }
}

pub(crate) fn sample_log(log: &Table, channels: &[String]) -> Result<Sample, Problems> {
    let mut sample = Sample::default();
    let wanted = ["channel", "payload", "payload_bin", "payload_size"];
    log.read(&wanted, &mut |_, cells| {
        let [channel, payload, binary, size] = cells else {
            return ControlFlow::Break(());
        };
        let channel = channel.text().unwrap_or_default();
        if !channels.is_empty() && !channels.iter().any(|name| *name == channel) {
            return ControlFlow::Continue(());
        }
        sample.rows += 1;
        let length = size.int().and_then(|size| usize::try_from(size).ok());
        sample.sizes.extend(length);
        match payload {
            TableValue::Text(text) => {
                // A payload of that size could have this text itself, but does not in
                // practice.
                sample.hashed |= text.starts_with("sha256:")
                    && size
                        .int()
                        .is_some_and(|size| u64::try_from(size) != Ok(wide(text.len())));
                let value = Json::parse(text.as_bytes());
                sample.scalars += u32::from(value.as_ref().is_some_and(Json::is_scalar));
                sample.payloads.extend(value.filter(Json::is_object));
            }
            _ if *binary != TableValue::Null => sample.bytes += 1,
            _ => sample.without += 1,
        }
        continue_until_sampled(sample.rows)
    })?;
    Ok(sample)
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

pub(crate) fn sample_received(received: &Table, payload: &str) -> Sample {
    let mut sample = Sample::default();
    let (rows, _) = peek(received, &[payload], |cells| {
        if let Some(bytes) = cells.first().and_then(TableValue::bytes) {
            let value = Json::parse(&bytes);
            sample.payloads.extend(value.filter(Json::is_object));
        }
    });
    sample.rows = rows;
    sample
}
