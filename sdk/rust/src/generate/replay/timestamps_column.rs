//! Reads the times of a recording from a column of the file.
//!
//! Every 64th time is kept, and those between are read when they are needed: a row takes
//! an eighth of a byte instead of eight.

use std::cell::RefCell;
use std::rc::Rc;

use mockfleet_datafile::{TimeForm, parse_time};
use serde::{Deserialize, Serialize};

use crate::generate::common::value::Value;
use crate::generate::data::row_index::STRIDE;
use crate::generate::data::table::Table;

/// The column with the times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimestampColumn {
    /// Its position in a CSV file.
    pub(crate) position: usize,
    /// Its path in JSON lines.
    pub(crate) path: String,
    pub(crate) form: TimeForm,
}

impl TimestampColumn {
    /// The text of a row's time.
    fn text(&self, table: &Table, row: usize) -> String {
        if !table.is_csv() {
            return self.text_in(&table.json(row));
        }
        let mut found = String::new();
        table.fields(row, |column, _, text| {
            if column == self.position {
                found.push_str(text);
            }
        });
        found
    }

    /// The text of the time in an object.
    pub(crate) fn text_in(&self, json: &Value) -> String {
        json.member_or_part(&self.path)
            .map(Value::to_string)
            .unwrap_or_default()
    }
}

/// Every [`STRIDE`]th time of a file, in microseconds from its first one.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct SampledTimes {
    first: i64,
    each: Vec<i64>,
    last: i64,
    count: usize,
}

impl SampledTimes {
    /// Adds the next time; `false` if it is before the last one.
    pub(crate) fn add(&mut self, time: i64) -> bool {
        if self.count == 0 {
            self.first = time;
        }
        let time = time.saturating_sub(self.first);
        if time < self.last {
            return false;
        }
        if self.count.is_multiple_of(STRIDE) {
            self.each.push(time);
        }
        self.last = time;
        self.count += 1;
        true
    }

    /// The duration of a loop. The gap from the last row to the first is the mean of the
    /// others.
    fn loop_length(&self) -> i64 {
        let gaps = i64::try_from(self.count)
            .unwrap_or(i64::MAX)
            .saturating_sub(1)
            .max(1);
        // Rows at one and the same time are a round of a second.
        let gap = if self.last > 0 {
            (self.last / gaps).max(1)
        } else {
            1_000_000
        };
        self.last.saturating_add(gap)
    }
}

/// The times of all rows.
#[derive(Debug)]
pub(crate) struct RowTimes {
    table: Rc<Table>,
    column: TimestampColumn,
    samples: SampledTimes,
    /// The duration of a loop.
    pub(crate) loop_length: i64,
    /// The stride that was read last, and its times: devices of a cell are often near the
    /// same row.
    cached: RefCell<(usize, Vec<i64>)>,
}

impl RowTimes {
    pub(crate) fn new(table: Rc<Table>, column: TimestampColumn, samples: SampledTimes) -> Self {
        Self {
            table,
            column,
            loop_length: samples.loop_length(),
            samples,
            cached: RefCell::new((usize::MAX, Vec::new())),
        }
    }

    /// The time of a row, after the first one.
    pub(crate) fn time_of(&self, row: usize) -> Option<i64> {
        self.with_stride(row / STRIDE, |times| times.get(row % STRIDE).copied())
    }

    /// The number of rows up to a time.
    pub(crate) fn rows_until(&self, time: i64) -> usize {
        let samples = self.samples.each.partition_point(|sample| *sample <= time);
        let Some(before) = samples.checked_sub(1) else {
            return 0;
        };
        let within = self.with_stride(before, |times| times.partition_point(|at| *at <= time));
        before * STRIDE + within
    }

    /// Calls `look` with the times of a stride.
    fn with_stride<T>(&self, stride: usize, look: impl FnOnce(&[i64]) -> T) -> T {
        let mut cached = self.cached.borrow_mut();
        if cached.0 != stride {
            let rows = stride * STRIDE..((stride + 1) * STRIDE).min(self.table.len());
            cached.1.clear();
            cached.1.extend(rows.map(|row| {
                let text = self.column.text(&self.table, row);
                // It was a time when the file was indexed.
                let time = parse_time(&text, self.column.form).unwrap_or(self.samples.first);
                time.saturating_sub(self.samples.first)
            }));
            cached.0 = stride;
        }
        look(&cached.1)
    }
}
