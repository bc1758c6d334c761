//! Defines the options of a replay.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::generate::data::format::ColumnType;

/// A column of the file, with or without the type of its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Column {
    /// The column's name. Of JSON lines: the member's name or, with points, its path.
    Name(String),
    /// The column's name, and the type of its values.
    Typed(TypedColumn),
}

/// A column of the file, and the type of its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct TypedColumn {
    /// The column's name.
    pub name: String,
    /// The type of its values; for a CSV file only, since JSON has types.
    #[serde(default, rename = "type")]
    pub kind: ColumnType,
}

impl Column {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Typed(column) => &column.name,
        }
    }

    pub(crate) const fn kind(&self) -> ColumnType {
        match self {
            Self::Name(_) => ColumnType::Auto,
            Self::Typed(column) => column.kind,
        }
    }
}

/// The behaviour after the last row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ReplayEnd {
    /// The first row again. With its original spacing, the time from the last row to the
    /// first is the mean of the others.
    #[default]
    Loop,
    /// The last row stays.
    Hold,
    /// Nothing: the value is missing.
    Stop,
}

/// The row at which a device starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ReplayStart {
    /// The first row.
    #[default]
    First,
    /// A random row for each device.
    Random,
}

/// The unit of times that are numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TimeUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

impl From<TimeUnit> for mockfleet_datafile::TimeUnit {
    fn from(unit: TimeUnit) -> Self {
        match unit {
            TimeUnit::S => Self::Seconds,
            TimeUnit::Ms => Self::Millis,
            TimeUnit::Us => Self::Micros,
            TimeUnit::Ns => Self::Nanos,
        }
    }
}
