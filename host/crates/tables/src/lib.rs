//! Reads tables from files and databases, row by row.
//!
//! Internal to mockfleet: other crates of the workspace use it, and it promises no stable API.
//!
//! Reads Parquet, CSV, JSON lines and JSON lists, and the result of a PostgreSQL query. The
//! columns of a table are texts, numbers, times or bytes. The caller decides their meaning.
//!
//! CSV and JSON use the grammar of `mockfleet-datafile`, one row at a time, as the SDK does. The
//! readers of Arrow fix the types by the first rows, and lose the line number of a bad value.
//!
//! | room | content |
//! |---|---|
//! | `table` | a table and its rows |
//! | `source`, `files` | the files and queries of a table |
//! | `csv`, `json`, `postgres` | one format each |
//! | `stream` | the bytes of a file or a database |
//! | `column_names` | common names of columns |

mod column_names;
mod csv;
mod files;
mod json;
mod postgres;
mod row;
mod source;
mod stream;
mod table;

pub use column_names::{
    ARRIVAL_COLUMNS, DEVICE_COLUMNS, NUMBER_COLUMNS, PAYLOAD_COLUMNS, TIME_COLUMNS, TOPIC_COLUMNS,
    find_column,
};
pub use files::kind_words;
pub use mockfleet_sendlog::FloatColumn;
pub use row::{Location, RowCallback};
pub use table::Table;
