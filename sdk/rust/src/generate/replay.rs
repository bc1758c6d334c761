//! A replay of recorded values: the rows of a CSV file or of JSON lines, one after the
//! other, at their original spacing or at one that is given.

use std::collections::BTreeMap;
use std::rc::Rc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kept::{self, Noted};
use super::kind::Specified;
use super::problems::Check;
use super::recording::{Pace, Recording, Taken};
use super::span::{Origin, Span};
use super::table::{Rows, Table, Type, parse_number};
use super::times::{self, Marks, Times};

/// A column of the file and what its values are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Column {
    /// The column's name. Of JSON lines: the member's name or, with points, its path.
    Name(String),
    /// The column's name, and what its values are.
    Typed(TypedColumn),
}

/// A column of the file, and what its values are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TypedColumn {
    /// The column's name.
    pub name: String,
    /// What its values are; of a CSV file only, since JSON says it.
    #[serde(default, rename = "type")]
    pub kind: Type,
}

impl Column {
    fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Typed(column) => &column.name,
        }
    }

    const fn kind(&self) -> Type {
        match self {
            Self::Name(_) => Type::Auto,
            Self::Typed(column) => column.kind,
        }
    }
}

/// What comes after the last row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The first row again. With its original spacing, the time from the last row to the
    /// first is the mean of the others.
    #[default]
    Loop,
    /// The last row stays.
    Hold,
    /// Nothing: the value is missing.
    Stop,
}

/// Where a device begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// At the beginning.
    #[default]
    First,
    /// Anywhere, each device by its own.
    Random,
}

/// The unit of times that are numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Seconds.
    #[default]
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
}

/// Recorded values, one row after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Replay {
    /// The data file, by its name under `data` in the fleet file's group.
    pub file: String,
    /// What the file is. Absent: `json-lines` when it begins with `{`, else `csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Rows>,
    /// What stands between the fields of a CSV file: one character, such as `;` or a tab.
    #[serde(default = "comma")]
    #[schemars(length(min = 1, max = 1))]
    pub delimiter: String,
    /// The value is that of this column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<Column>,
    /// The value is an object with these members, each of a column. With neither `column`
    /// nor `columns` it has all columns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, Column>,
    /// Rows follow one another as they did: this column has their times, as RFC 3339 (UTC
    /// when it says no offset) or as numbers, and never goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The unit of times that are numbers.
    #[serde(default)]
    pub time_unit: Unit,
    /// A row lasts so long. With neither `time` nor `every`, each value takes the next row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
    /// From when time counts, with `time` or `every`.
    #[serde(default)]
    pub origin: Origin,
    /// What comes after the last row.
    #[serde(default)]
    pub end: End,
    /// Where a device begins.
    #[serde(default)]
    pub from: Start,
}

fn comma() -> String {
    ",".to_owned()
}

impl Replay {
    /// All columns of this data file, a row a value, again and again.
    pub fn new(file: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            format: None,
            delimiter: comma(),
            column: None,
            columns: BTreeMap::new(),
            time: None,
            time_unit: Unit::S,
            every: None,
            origin: Origin::Born,
            end: End::Loop,
            from: Start::First,
        }
    }

    /// Only this column.
    #[must_use]
    pub fn column(self, name: impl Into<String>) -> Self {
        Self {
            column: Some(Column::Name(name.into())),
            ..self
        }
    }

    /// At the spacing of the times in this column.
    #[must_use]
    pub fn time(self, column: impl Into<String>) -> Self {
        Self {
            time: Some(column.into()),
            ..self
        }
    }

    /// A row lasts so long.
    #[must_use]
    pub fn every(self, length: impl Into<Span>) -> Self {
        Self {
            every: Some(length.into()),
            ..self
        }
    }

    /// What comes after the last row.
    #[must_use]
    pub fn end(self, end: End) -> Self {
        Self { end, ..self }
    }

    /// Each device begins anywhere.
    #[must_use]
    pub fn anywhere(self) -> Self {
        Self {
            from: Start::Random,
            ..self
        }
    }
}

impl Specified for Replay {
    type Kind = Recording;

    fn check(&self, check: &mut Check<'_>) -> Option<Recording> {
        check.expect(
            self.column.is_none() || self.columns.is_empty(),
            "columns",
            "column is there, too; one of the two is right",
        );
        check.expect(
            self.time.is_none() || self.every.is_none(),
            "every",
            "time is there, too; one of the two is right",
        );
        if let Some(every) = self.every {
            check.some_time("every", every);
        }
        let delimiter = match self.delimiter.as_bytes() {
            [one] if one.is_ascii() => *one,
            _ => {
                check.wrong(
                    "delimiter",
                    format_args!(
                        "{:?} is not one ASCII character, such as \",\", \";\" or a tab",
                        self.delimiter
                    ),
                );
                b','
            }
        };
        let table = Table::open(check, &self.file, self.format, delimiter)?;
        let taken = self.taken(check, &table);
        let time = match &self.time {
            Some(name) => Some(times::Column {
                position: find(check, &table, "time", name)?,
                path: name.clone(),
                unit: self.time_unit,
            }),
            None => None,
        };
        let taken = taken?;
        let numbers: Vec<usize> = taken
            .iter()
            .filter(|taken| taken.numbers)
            .map(|taken| taken.position)
            .collect();
        // Neither the times nor the numbers depend on anything else.
        let key = format!(
            "times {:?} {delimiter} {time:?} {numbers:?} {}",
            table.format(),
            table.name()
        );
        let in_group = check.scope.group_files;
        let read = kept::kept(in_group, &key, || {
            read_through(&table, time.as_ref(), &numbers)
        });
        let marks = read.map_err(|noted| noted.note(check, "file")).ok()?;
        let pace = match (time, self.every) {
            (Some(column), _) => Pace::Times(Times::new(Rc::clone(&table), column, marks)),
            (None, Some(every)) => {
                Pace::Every(i64::try_from(every.micros().max(1)).unwrap_or(i64::MAX))
            }
            (None, None) => Pace::Value,
        };
        Some(Recording {
            table,
            taken,
            single: self.column.is_some(),
            pace,
            origin: self.origin,
            end: self.end,
            from: self.from,
        })
    }
}

/// The position of a column, or its absence noted.
fn find(check: &mut Check<'_>, table: &Table, key: &str, name: &str) -> Option<usize> {
    if table.format() == Rows::JsonLines {
        let found = (0..table.len()).any(|row| table.json(row).part(name).is_some());
        check.expect(
            found,
            key,
            format_args!(
                "no line of {} has {name:?}; its first one has {}",
                table.name(),
                table.names().join(", ")
            ),
        );
        return found.then_some(0);
    }
    let position = table.columns().iter().position(|column| **column == *name);
    check.expect(
        position.is_some(),
        key,
        format_args!(
            "{} has no column {name:?}; there are {}",
            table.name(),
            table.names().join(", ")
        ),
    );
    position
}

impl Replay {
    fn taken(&self, check: &mut Check<'_>, table: &Table) -> Option<Vec<Taken>> {
        let all = || {
            table.names().into_iter().map(|name| {
                let column = Column::Name(name.to_string());
                (String::new(), name.to_string(), column)
            })
        };
        let asked: Vec<(String, String, Column)> = match &self.column {
            Some(column) => vec![("column".to_owned(), String::new(), column.clone())],
            None if self.columns.is_empty() => all().collect(),
            None => self
                .columns
                .iter()
                .map(|(member, column)| {
                    (format!("columns.{member}"), member.clone(), column.clone())
                })
                .collect(),
        };
        let mut taken = Some(Vec::new());
        for (key, member, column) in asked {
            // The names of JSON lines may hold points themselves: they are there.
            let position = if key.is_empty() {
                table
                    .columns()
                    .iter()
                    .position(|name| **name == *column.name())
                    .or(Some(0))
            } else {
                find(check, table, &key, column.name())
            };
            match (position, &mut taken) {
                (Some(position), Some(taken)) => taken.push(Taken {
                    member: Rc::from(member),
                    position,
                    path: column.name().to_owned(),
                    numbers: match column.kind() {
                        Type::Number => true,
                        Type::Text => false,
                        Type::Auto => {
                            table.format() == Rows::Csv && first_is_number(table, position)
                        }
                    },
                }),
                _ => taken = None,
            }
        }
        taken
    }
}

/// Whether the first value of a column that is not empty is a number.
fn first_is_number(table: &Table, position: usize) -> bool {
    for row in 0..table.len() {
        let mut number = None;
        table.fields(row, |column, _, text| {
            if column == position && !text.trim().is_empty() {
                number = Some(parse_number(text).is_some());
            }
        });
        if let Some(number) = number {
            return number;
        }
    }
    false
}

/// Reads the whole file once: the times, and whether all numbers are some.
fn read_through(
    table: &Table,
    time: Option<&times::Column>,
    numbers: &[usize],
) -> Result<Marks, Noted> {
    let mut faults = table.faults();
    let mut marks = Marks::default();
    let mut take = |time: &times::Column, text: &str| match times::parse(text, time.unit) {
        Some(time) if marks.add(time) => None,
        Some(_) => Some(format!(
            "the time {text:?} lies before the one above; sort the rows by time"
        )),
        None => Some(format!(
            "{text:?} is no time; RFC 3339 such as \"2026-01-31T06:00:00Z\" or a number is right"
        )),
    };
    match (table.format(), time) {
        (Rows::JsonLines, Some(time)) => {
            for row in 0..table.len() {
                if let Some(wrong) = take(time, &time.part(&table.json(row))) {
                    faults.at(table.offset(row), wrong);
                }
            }
        }
        // JSON says what its values are.
        (Rows::JsonLines, None) => {}
        (Rows::Csv, None) if numbers.is_empty() => {}
        (Rows::Csv, time) => {
            for row in 0..table.len() {
                table.fields(row, |column, offset, text| {
                    let time = time.filter(|time| time.position == column);
                    if let Some(wrong) = time.and_then(|time| take(time, text)) {
                        faults.at(offset, wrong);
                    }
                    let number = || text.trim().is_empty() || parse_number(text).is_some();
                    if numbers.contains(&column) && !number() {
                        faults.at(
                            offset,
                            format_args!("{text:?} is no number, as the column's others are; mend it, or give the column the type \"text\""),
                        );
                    }
                });
            }
        }
    }
    faults.unless(marks)
}
