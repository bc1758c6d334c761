//! Describes data files and their columns, and parses cells.

use mockfleet_datafile::{NumberForm, is_placeholder, number_form};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::generate::common::decimal::parse_number;
use crate::generate::common::value::Value;

/// The format of a data file.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DataFormat {
    /// Comma-separated values (RFC 4180) with a header line.
    Csv,
    /// A JSON object a line.
    JsonLines,
    /// One JSON list of objects.
    JsonList,
}

/// The type of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ColumnType {
    /// Numbers if the first value is one, else texts. Empty cells, `NaN`, `null`, `n/a` and
    /// `-` do not decide it.
    #[default]
    Auto,
    /// Numbers. An empty one is missing.
    Number,
    /// Texts, empty ones included.
    Text,
}

/// The number in a cell, with all of its digits. `has_commas` allows `21,5`.
pub(crate) fn cell_number(text: &str, has_commas: bool) -> Option<Value> {
    match number_form(text) {
        NumberForm::Point(number) => parse_number(&number),
        NumberForm::Comma(number) if has_commas => parse_number(&number),
        _ => None,
    }
}

/// Whether the column of this cell has numbers; `None` for a cell that does not decide it.
/// `007` is the text of an id. `1,234,567`, `1e400` and a number with another minus than that of
/// ASCII should be numbers, and are refused as such.
pub(crate) fn decides_numbers(text: &str) -> Option<bool> {
    if text.trim().is_empty() || is_placeholder(text) {
        return None;
    }
    let is_number = |number: &str| {
        let digits = number.strip_prefix(['-', '+']).unwrap_or(number).as_bytes();
        !matches!(digits, [b'0', b'0'..=b'9', ..])
    };
    Some(match number_form(text) {
        NumberForm::Point(number) => is_number(&number),
        NumberForm::Comma(number) => is_number(&number),
        NumberForm::Grouped => true,
        NumberForm::Typographic(ascii, _) => is_number(&ascii),
        NumberForm::NotFinite | NumberForm::Other => false,
    })
}
