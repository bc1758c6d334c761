//! Defines the replay of a data file, and checks both.

use std::collections::BTreeMap;
use std::rc::Rc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::generate::common::decimal::parse_number;
use crate::generate::common::span::Span;
use crate::generate::common::value::Value;
use crate::generate::data::file_cache::get_or_compute;
use crate::generate::data::file_errors::FileErrors;
use crate::generate::data::format::{ColumnType, DataFormat, looks_like_number};
use crate::generate::data::table::Table;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::Specification;
use crate::generate::replay::options::{Column, ReplayEnd, ReplayStart, TimeUnit};
use crate::generate::replay::playback::{ReplayPlan, RowSchedule, SelectedColumn};
use crate::generate::replay::timestamps_column::{
    RowTimes, SampledTimes, TimestampColumn, parse_time,
};
use crate::generate::time::origin::Origin;

/// Recorded values, one row after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Replay {
    /// The data file, by its name under `data` in the fleet file's group.
    pub file: String,
    /// The format of the file. Absent: `json-lines` when it begins with `{`, else `csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<DataFormat>,
    /// The delimiter of a CSV file: one character, such as `;` or a tab.
    #[serde(default = "comma")]
    #[schemars(length(min = 1, max = 1))]
    pub delimiter: String,
    /// The column that gives the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<Column>,
    /// The members of an object, each from a column. With neither `column` nor `columns` it
    /// has all columns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, Column>,
    /// Rows follow one another as they did: this column has their times, as RFC 3339 (UTC
    /// when it says no offset) or as numbers, and never goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The unit of times that are numbers.
    #[serde(default)]
    pub time_unit: TimeUnit,
    /// The time of a row. With neither `time` nor `every`, each value takes the next row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
    /// The origin of time, with `time` or `every`.
    #[serde(default)]
    pub origin: Origin,
    /// The behaviour after the last row.
    #[serde(default)]
    pub end: ReplayEnd,
    /// The row at which a device starts.
    #[serde(default)]
    pub from: ReplayStart,
}

fn comma() -> String {
    ",".to_owned()
}

impl Replay {
    /// All columns of this data file, a row a value, in a loop.
    pub fn new(file: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            format: None,
            delimiter: comma(),
            column: None,
            columns: BTreeMap::new(),
            time: None,
            time_unit: TimeUnit::S,
            every: None,
            origin: Origin::Born,
            end: ReplayEnd::Loop,
            from: ReplayStart::First,
        }
    }

    /// Takes this column only.
    #[must_use]
    pub fn column(self, name: impl Into<String>) -> Self {
        Self {
            column: Some(Column::Name(name.into())),
            ..self
        }
    }

    /// Keeps the spacing of the times in this column.
    #[must_use]
    pub fn time(self, column: impl Into<String>) -> Self {
        Self {
            time: Some(column.into()),
            ..self
        }
    }

    /// Sets the time of a row.
    #[must_use]
    pub fn every(self, length: impl Into<Span>) -> Self {
        Self {
            every: Some(length.into()),
            ..self
        }
    }

    /// The behaviour after the last row.
    #[must_use]
    pub fn end(self, end: ReplayEnd) -> Self {
        Self { end, ..self }
    }

    /// Starts each device at a random row.
    #[must_use]
    pub fn anywhere(self) -> Self {
        Self {
            from: ReplayStart::Random,
            ..self
        }
    }
}

impl Specification for Replay {
    type Plan = ReplayPlan;

    fn check(&self, check: &mut Check<'_>) -> Option<ReplayPlan> {
        check.require(
            self.column.is_none() || self.columns.is_empty(),
            "columns",
            "column is there, too; one of the two is right",
        );
        check.require(
            self.time.is_none() || self.every.is_none(),
            "every",
            "time is there, too; one of the two is right",
        );
        if let Some(every) = self.every {
            check.require_duration("every", every);
        }
        let delimiter = match self.delimiter.as_bytes() {
            [one] if one.is_ascii() => *one,
            _ => {
                check.report(
                    "delimiter",
                    format_args!(
                        "{:?} is not one ASCII character, such as \",\", \";\" or a tab",
                        self.delimiter
                    ),
                );
                b','
            }
        };
        let table = check.collect(|scope, problems| {
            scope
                .tables
                .open(&scope.files, &self.file, self.format, delimiter, problems)
        })?;
        let selected = self.selected(check, &table);
        let time = match &self.time {
            Some(name) => Some(TimestampColumn {
                position: find(check, &table, "time", name)?,
                path: name.clone(),
                unit: self.time_unit,
            }),
            None => None,
        };
        let mut selected = selected?;
        let numbers: Vec<usize> = selected
            .iter()
            .filter(|selected| selected.numbers)
            .map(|selected| selected.position)
            .collect();
        // The times and the numbers depend on nothing else.
        let key = format!(
            "times {:?} {delimiter} {time:?} {numbers:?} {}",
            table.format(),
            table.name()
        );
        let in_group = check.scope.files.is_in_group();
        let read = get_or_compute(in_group, &key, || {
            read_through(&table, time.as_ref(), &numbers)
        });
        let scan = read
            .map_err(|errors| check.collect(|_, problems| errors.report("file", problems)))
            .ok()?;
        for column in &mut selected {
            column.fractions = column.numbers && scan.fractions.contains(&column.position);
        }
        let schedule = match (time, self.every) {
            (Some(column), _) => {
                RowSchedule::Timestamps(RowTimes::new(Rc::clone(&table), column, scan.times))
            }
            (None, Some(every)) => {
                RowSchedule::Every(i64::try_from(every.micros().max(1)).unwrap_or(i64::MAX))
            }
            (None, None) => RowSchedule::Value,
        };
        Some(ReplayPlan {
            table,
            columns: selected,
            single: self.column.is_some(),
            schedule,
            origin: self.origin,
            end: self.end,
            from: self.from,
        })
    }
}

/// The position of a column. `None` after reporting that there is none.
fn find(check: &mut Check<'_>, table: &Table, key: &str, name: &str) -> Option<usize> {
    if table.format() == DataFormat::JsonLines {
        let found = (0..table.len()).any(|row| table.json(row).member_or_part(name).is_some());
        check.require(
            found,
            key,
            format_args!(
                "no line of {} has {name:?}; its first one has {}",
                table.name(),
                table.column_names().join(", ")
            ),
        );
        return found.then_some(0);
    }
    let mut positions = table
        .columns()
        .iter()
        .enumerate()
        .filter(|(_, column)| ***column == *name)
        .map(|(position, _)| position);
    let position = positions.next();
    check.require(
        position.is_some(),
        key,
        format_args!(
            "{} has no column {name:?}; there are {}",
            table.name(),
            table.column_names().join(", ")
        ),
    );
    if let (Some(first), Some(second)) = (position, positions.next()) {
        let offsets = table.header_offsets();
        let place = |position: usize| {
            let offset = offsets.get(position).copied().unwrap_or_default();
            table.place(offset)
        };
        check.report(
            key,
            format_args!(
                "{} has two columns {name:?}, at {} and {}; give one of them another name",
                table.name(),
                place(first),
                place(second)
            ),
        );
        return None;
    }
    position
}

/// Whether the names of a CSV file's columns are the members of an object. Reports those
/// without a name, and those with the name of another one.
fn require_distinct_names(check: &mut Check<'_>, table: &Table) -> bool {
    let mut errors = table.errors();
    let offsets = table.header_offsets();
    for (position, (name, offset)) in table.columns().iter().zip(&offsets).enumerate() {
        let mut before = table.columns().iter().take(position);
        if name.is_empty() {
            errors.push(
                *offset,
                "this column has no name; write one in the first line, or list the columns that you need under columns",
            );
        } else if let Some(other) = before.position(|other| other == name) {
            let other = offsets.get(other).copied().unwrap_or_default();
            errors.push(
                *offset,
                format_args!(
                    "this column is called {name:?}, as the one at {}; give it another name",
                    table.place(other)
                ),
            );
        }
    }
    let result = errors.finish(());
    let distinct = result.is_ok();
    if let Err(errors) = result {
        check.collect(|_, problems| errors.report("file", problems));
    }
    distinct
}

impl Replay {
    fn selected(&self, check: &mut Check<'_>, table: &Table) -> Option<Vec<SelectedColumn>> {
        let whole = self.column.is_none() && self.columns.is_empty();
        if whole && table.format() == DataFormat::JsonLines {
            return Some(Vec::new());
        }
        let all = || {
            table.column_names().into_iter().map(|name| {
                let column = Column::Name(name.to_string());
                (String::new(), name.to_string(), column)
            })
        };
        let asked: Vec<(String, String, Column)> = match &self.column {
            Some(column) => vec![("column".to_owned(), String::new(), column.clone())],
            None if whole => {
                if !require_distinct_names(check, table) {
                    return None;
                }
                all().collect()
            }
            None => self
                .columns
                .iter()
                .map(|(member, column)| {
                    (format!("columns.{member}"), member.clone(), column.clone())
                })
                .collect(),
        };
        let mut selected = Some(Vec::new());
        for (key, member, column) in asked {
            let position = if key.is_empty() {
                table
                    .columns()
                    .iter()
                    .position(|name| **name == *column.name())
            } else {
                find(check, table, &key, column.name())
            };
            match (position, &mut selected) {
                (Some(position), Some(selected)) => selected.push(SelectedColumn {
                    member: Rc::from(member),
                    position,
                    path: column.name().to_owned(),
                    fractions: false,
                    numbers: match column.kind() {
                        ColumnType::Number => true,
                        ColumnType::Text => false,
                        ColumnType::Auto => {
                            table.format() == DataFormat::Csv && first_is_number(table, position)
                        }
                    },
                }),
                _ => selected = None,
            }
        }
        selected
    }
}

/// Whether the first value of a column that is not empty is a number.
fn first_is_number(table: &Table, position: usize) -> bool {
    for row in 0..table.len() {
        let mut number = None;
        table.fields(row, |column, _, text| {
            if column == position && !text.trim().is_empty() {
                number = Some(looks_like_number(text));
            }
        });
        if let Some(number) = number {
            return number;
        }
    }
    false
}

/// The times of a file, and its columns of numbers of which one at least has a fraction.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Scan {
    times: SampledTimes,
    fractions: Vec<usize>,
}

/// Reads the whole file once: the times, and the numbers.
fn read_through(
    table: &Table,
    time: Option<&TimestampColumn>,
    numbers: &[usize],
) -> Result<Scan, FileErrors> {
    let mut errors = table.errors();
    let mut times = SampledTimes::default();
    let mut fractions = Vec::new();
    let mut take = |time: &TimestampColumn, text: &str| match parse_time(text, time.unit) {
        Some(time) if times.add(time) => None,
        Some(_) => Some(format!(
            "the time {text:?} lies before the one above; sort the rows by time"
        )),
        None => Some(format!(
            "{text:?} is no time; RFC 3339 such as \"2026-01-31T06:00:00Z\" or a number is right"
        )),
    };
    match (table.format(), time) {
        (DataFormat::JsonLines, Some(time)) => {
            for row in 0..table.len() {
                if let Some(wrong) = take(time, &time.text_in(&table.json(row))) {
                    errors.push(table.offset(row), wrong);
                }
            }
        }
        // JSON has the types of its values.
        (DataFormat::JsonLines, None) => {}
        (DataFormat::Csv, None) if numbers.is_empty() => {}
        (DataFormat::Csv, time) => {
            for row in 0..table.len() {
                table.fields(row, |column, offset, text| {
                    let time = time.filter(|time| time.position == column);
                    if let Some(wrong) = time.and_then(|time| take(time, text)) {
                        errors.push(offset, wrong);
                    }
                    if !numbers.contains(&column) || text.trim().is_empty() {
                        return;
                    }
                    match parse_number(text) {
                        None => errors.push(
                            offset,
                            format_args!("{text:?} is no number, as the column's others are; mend it, or give the column the type \"text\""),
                        ),
                        Some(value) if !fractions.contains(&column) && has_fraction(&value) => {
                            fractions.push(column);
                        }
                        Some(_) => {}
                    }
                });
            }
        }
    }
    errors.finish(Scan { times, fractions })
}

/// Whether a number has a point or an exponent.
fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(_) => true,
        Value::Decimal(text) => text.contains(['.', 'e', 'E']),
        _ => false,
    }
}
