//! Reads a whole file once: its times, and its numbers.

use std::collections::BTreeMap;

use mockfleet_datafile::{parse_time, refuse_number};
use serde::{Deserialize, Serialize};

use crate::generate::common::value::Value;
use crate::generate::data::file_errors::FileErrors;
use crate::generate::data::format::cell_number;
use crate::generate::data::table::Table;
use crate::generate::replay::timestamps_column::{SampledTimes, TimestampColumn};

/// The times of a file, and its columns of numbers of which one at least has a fraction.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Scan {
    pub(crate) times: SampledTimes,
    pub(crate) fractions: Vec<usize>,
}

/// Reads the whole file once: the times, and the numbers.
pub(crate) fn read_through(
    table: &Table,
    time: Option<&TimestampColumn>,
    numbers: &[usize],
) -> Result<Scan, FileErrors> {
    let mut errors = table.errors();
    let mut times = SampledTimes::default();
    let mut fractions = Vec::new();
    let mut take = |time: &TimestampColumn, text: &str| match parse_time(text, time.form) {
        Some(time) if times.add(time) => None,
        Some(_) => Some(format!(
            "the time {text:?} lies before the one above; sort the rows by time"
        )),
        None => Some(format!(
            "{text:?} is no time; RFC 3339 such as \"2026-01-31T06:00:00Z\" or a number is right"
        )),
    };
    if !table.is_csv() {
        // JSON has the types of its values.
        if let Some(time) = time {
            for row in 0..table.len() {
                if let Some(wrong) = take(time, &time.text_in(&table.json(row))) {
                    errors.push(table.offset(row), wrong);
                }
            }
        }
        return errors.finish(Scan { times, fractions });
    }
    if time.is_none() && numbers.is_empty() {
        return errors.finish(Scan { times, fractions });
    }
    let mut points: BTreeMap<usize, NumberPoints> = BTreeMap::new();
    for row in 0..table.len() {
        table.fields(row, |column, offset, text| {
            let time = time.filter(|time| time.position == column);
            if let Some(wrong) = time.and_then(|time| take(time, text)) {
                errors.push(offset, wrong);
            }
            if !numbers.contains(&column) || text.trim().is_empty() {
                return;
            }
            let Some(value) = cell_number(text, table.has_commas()) else {
                errors.push(offset, refuse_number(text));
                return;
            };
            let points = points.entry(column).or_default();
            if let Some(other) = points.add(text, offset) {
                errors.push(
                    offset,
                    format_args!(
                        "{text:?} and the number at {} have a comma and a point; write all numbers of the column with one of the two",
                        table.place(other)
                    ),
                );
            }
            if !fractions.contains(&column) && has_fraction(&value) {
                fractions.push(column);
            }
        });
    }
    errors.finish(Scan { times, fractions })
}

/// The first numbers of a column with a comma and with a point, by their offsets. In one column
/// they could be digits in groups: `1.234` and `1,5`.
#[derive(Default)]
struct NumberPoints {
    comma: Option<usize>,
    point: Option<usize>,
}

impl NumberPoints {
    /// Adds a number. Returns the offset of one with the other mark.
    fn add(&mut self, text: &str, offset: usize) -> Option<usize> {
        let (own, other) = if text.contains(',') {
            (&mut self.comma, self.point)
        } else if text.contains('.') {
            (&mut self.point, self.comma)
        } else {
            return None;
        };
        own.get_or_insert(offset);
        other
    }
}

/// Whether a number has a point or an exponent.
fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::Decimal(text) => text.contains(['.', 'e', 'E']),
        _ => false,
    }
}
