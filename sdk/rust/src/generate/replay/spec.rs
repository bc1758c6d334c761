//! Defines the replay of a data file, and checks both.

use std::collections::BTreeMap;
use std::rc::Rc;

use mockfleet_datafile::TimeForm;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::generate::common::span::Span;
use crate::generate::data::file_cache::get_or_compute;
use crate::generate::data::format::DataFormat;
use crate::generate::data::table::TableOptions;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::Specification;
use crate::generate::replay::columns::{find, select};
use crate::generate::replay::options::{Column, ReplayEnd, ReplayStart, TimeUnit};
use crate::generate::replay::playback::{ReplayPlan, RowSchedule};
use crate::generate::replay::scan::read_through;
use crate::generate::replay::timestamps_column::{RowTimes, TimestampColumn};
use crate::generate::time::origin::Origin;

/// Recorded values, one row after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Replay {
    /// The data file, by its name under `data` in the fleet file's group.
    pub file: String,
    /// The format of the file. Absent: `json-lines` when it begins with `{`, `json-list` when
    /// it begins with `[`, else `csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<DataFormat>,
    /// The delimiter of a CSV file: one character, such as `;` or a tab. Absent: the one of
    /// tab, `;`, `|` and `,` that the first two lines have. With another one than `,`, numbers
    /// may have a comma in place of a point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1))]
    pub delimiter: Option<String>,
    /// The names of the columns of a CSV file that has no header line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub header: Vec<String>,
    /// The column that gives the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<Column>,
    /// The members of an object, each from a column. With neither `column` nor `columns` it
    /// has all columns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, Column>,
    /// Rows follow one another as they did: this column has their times, and never goes back.
    /// They are dates, such as `2026-01-31T06:00:00Z` or `2026-01-31 07:00+01` (UTC without an
    /// offset), or numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The unit of times that are numbers. Absent: by the size of each number, seconds up to
    /// 100,000,000,000, then milliseconds, microseconds and nanoseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_unit: Option<TimeUnit>,
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

impl Replay {
    /// All columns of this data file, a row a value, in a loop.
    pub fn new(file: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            format: None,
            delimiter: None,
            header: Vec::new(),
            column: None,
            columns: BTreeMap::new(),
            time: None,
            time_unit: None,
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

    /// Sets the delimiter of a CSV file.
    #[must_use]
    pub fn delimiter(self, delimiter: char) -> Self {
        Self {
            delimiter: Some(delimiter.to_string()),
            ..self
        }
    }

    /// Names the columns of a CSV file that has no header line.
    #[must_use]
    pub fn header<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        Self {
            header: names.into_iter().map(Into::into).collect(),
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
        let delimiter = match self.delimiter.as_deref().map(str::as_bytes) {
            None => None,
            Some([one]) if one.is_ascii() => Some(*one),
            Some(_) => {
                check.report(
                    "delimiter",
                    format_args!(
                        "{:?} is not one ASCII character, such as \",\", \";\" or a tab",
                        self.delimiter.as_deref().unwrap_or_default()
                    ),
                );
                None
            }
        };
        let options = TableOptions {
            format: self.format,
            delimiter,
            header: self.header.clone(),
        };
        let table = check.collect(|scope, problems| {
            scope
                .tables
                .open(&scope.files, &self.file, options, problems)
        })?;
        let selected = select(self.column.as_ref(), &self.columns, check, &table);
        let time = match &self.time {
            Some(name) => Some(TimestampColumn {
                position: find(check, &table, "time", name)?,
                path: name.clone(),
                form: TimeForm {
                    unit: self.time_unit.map(Into::into),
                    has_commas: table.has_commas(),
                },
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
            "times {:?} {:?} {time:?} {numbers:?} {}",
            table.format(),
            self.header,
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
