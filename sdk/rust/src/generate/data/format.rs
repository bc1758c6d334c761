//! Describes data files and their columns, and parses cells.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::generate::common::decimal::parse_number;

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
}

/// The type of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ColumnType {
    /// Numbers if the first value that is not empty is one, else texts.
    #[default]
    Auto,
    /// Numbers. An empty one is missing.
    Number,
    /// Texts, empty ones included.
    Text,
}

/// Whether a text is a number as people and programs write it: `007` is the text of an id.
pub(crate) fn looks_like_number(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text).as_bytes();
    !matches!(digits, [b'0', b'0'..=b'9', ..]) && parse_number(text).is_some()
}

/// The first byte after a byte order mark and white space. It tells formats apart.
pub(crate) fn first_character(bytes: &[u8]) -> Option<u8> {
    let text = bytes.get(text_start(bytes)..)?;
    text.trim_ascii_start().first().copied()
}

/// The offset of the text: after a byte order mark, if there is one.
pub(crate) fn text_start(bytes: &[u8]) -> usize {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    if bytes.starts_with(MARK) {
        MARK.len()
    } else {
        0
    }
}
