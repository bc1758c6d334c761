//! Reads rows, numbers and times of data files.
//!
//! Internal to mockfleet: the SDK's generators and the host's tables read the same files with
//! it, and it promises no stable API. It has no files of its own: a caller passes the bytes, in
//! pieces of any length, and gives each row its meaning.
//!
//! | file | content |
//! |---|---|
//! | `input` | the bytes of a file, and places in it |
//! | `encoding` | files that are no text in UTF-8 |
//! | `format` | the format of a file, and the delimiter of CSV |
//! | `csv`, `json` | rows of one format each |
//! | `header` | first lines that are no header |
//! | `number`, `time` | the values of cells |

mod csv;
mod encoding;
mod format;
mod header;
mod input;
mod json;
mod number;
mod time;

pub use csv::{CsvReader, refuse_count};
pub use encoding::{NOT_UTF8, refuse_encoding};
pub use format::{Format, delimiter, sniff};
pub use header::looks_like_data;
pub use input::{Input, Position, ReadError};
pub use json::{JsonForm, JsonReader, find_nan, offset_of, refuse_nan};
pub use number::{NumberForm, is_placeholder, number_form, refuse_number};
pub use time::{TimeForm, TimeUnit, epoch_micros, parse_time};
