//! When the rows of a recording come: read from a column of the file, which never goes back.
//! Every so manieth time is held, those between are read when they are needed: a row takes
//! an eighth of a byte, and not eight. What a row holds beside its time is not known here.

use std::cell::RefCell;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::moment;
use super::replay::Unit;
use super::table::{Rows, STRIDE, Table};
use super::value::Value;

/// The column with the times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// Its position in a CSV file.
    pub(super) position: usize,
    /// Its path in JSON lines.
    pub(super) path: String,
    pub(super) unit: Unit,
}

impl Column {
    /// The text of a row's time.
    fn text(&self, table: &Table, row: usize) -> String {
        match table.format() {
            Rows::Csv => {
                let mut found = String::new();
                table.fields(row, |column, _, text| {
                    if column == self.position {
                        found.push_str(text);
                    }
                });
                found
            }
            Rows::JsonLines => self.part(&table.json(row)),
        }
    }

    /// The text of the time in an object.
    pub(super) fn part(&self, json: &Value) -> String {
        json.part(&self.path)
            .map(Value::to_string)
            .unwrap_or_default()
    }
}

/// Every so manieth time of a file, in microseconds from its first one.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Marks {
    first: i64,
    each: Vec<i64>,
    last: i64,
    count: usize,
}

impl Marks {
    /// Takes the next time; false where it lies before the one above.
    pub(super) fn add(&mut self, time: i64) -> bool {
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

    /// How long a round takes: the time from the last row to the first is the mean of the
    /// others.
    fn round(&self) -> i64 {
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
pub(super) struct Times {
    table: Rc<Table>,
    column: Column,
    marks: Marks,
    /// The length of a round.
    pub(super) round: i64,
    /// The times between two marks that were read last, and which ones: devices of a cell
    /// are often at about the same place.
    near: RefCell<(usize, Vec<i64>)>,
}

impl Times {
    pub(super) fn new(table: Rc<Table>, column: Column, marks: Marks) -> Self {
        Self {
            table,
            column,
            round: marks.round(),
            marks,
            near: RefCell::new((usize::MAX, Vec::new())),
        }
    }

    /// When a row comes, after the first one.
    pub(super) fn at(&self, row: usize) -> Option<i64> {
        self.near(row / STRIDE, |times| times.get(row % STRIDE).copied())
    }

    /// How many rows have come by then.
    pub(super) fn by(&self, time: i64) -> usize {
        let marks = self.marks.each.partition_point(|mark| *mark <= time);
        let Some(before) = marks.checked_sub(1) else {
            return 0;
        };
        let within = self.near(before, |times| times.partition_point(|at| *at <= time));
        before * STRIDE + within
    }

    /// Looks at the times from a mark to the next one.
    fn near<T>(&self, mark: usize, look: impl FnOnce(&[i64]) -> T) -> T {
        let mut near = self.near.borrow_mut();
        if near.0 != mark {
            let rows = mark * STRIDE..((mark + 1) * STRIDE).min(self.table.len());
            near.1.clear();
            near.1.extend(rows.map(|row| {
                let text = self.column.text(&self.table, row);
                // It was a time when the file was looked through.
                let time = parse(&text, self.column.unit).unwrap_or(self.marks.first);
                time.saturating_sub(self.marks.first)
            }));
            near.0 = mark;
        }
        look(&near.1)
    }
}

/// A time in microseconds: RFC 3339 with or without an offset, or a number.
pub(super) fn parse(text: &str, unit: Unit) -> Option<i64> {
    let text = text.trim();
    let (micros, digits) = match unit {
        Unit::S => (1_000_000, 6),
        Unit::Ms => (1_000, 3),
        Unit::Us => (1, 0),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if let Ok(number) = whole.parse::<i64>() {
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut below = 0;
        for place in 0..digits {
            let digit = fraction
                .as_bytes()
                .get(place)
                .map_or(0, |digit| i64::from(digit - b'0'));
            below = below * 10 + digit;
        }
        let below = if whole.starts_with('-') {
            -below
        } else {
            below
        };
        return number.checked_mul(micros)?.checked_add(below);
    }
    let moment = moment::parse(text).or_else(|| moment::parse(&format!("{text}Z")))?;
    i64::try_from(moment.micros()).ok()
}
