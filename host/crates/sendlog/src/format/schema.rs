//! Defines the two tables, their columns and their Parquet encoding.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::format::identity::Identity;

/// Version of the schema, written into every file. It grows when a column changes its name or
/// meaning.
pub(crate) const SCHEMA_VERSION: &str = "1";

/// One of the two tables of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogTable {
    /// One row for each message.
    Sends,
    /// One row for each event of a device.
    Events,
}

impl LogTable {
    pub(crate) const ALL: [Self; 2] = [Self::Sends, Self::Events];

    /// Returns the name of the table, which is also its folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sends => "sends",
            Self::Events => "events",
        }
    }

    pub(crate) fn schema(self) -> Arc<Schema> {
        Arc::new(Schema::new(match self {
            Self::Sends => sends(),
            Self::Events => events(),
        }))
    }
}

fn text(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Utf8, nullable)
}

/// Creates a column of times in microseconds, UTC. Spark and older readers fail on
/// nanoseconds.
fn time(name: &str, nullable: bool) -> Field {
    let kind = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Field::new(name, kind, nullable)
}

fn sends() -> Vec<Field> {
    vec![
        text("run_id", false),
        text("host_id", false),
        Field::new("log_seq", DataType::Int64, false),
        text("group", false),
        text("device_id", false),
        text("plugin", false),
        Field::new("seq", DataType::Int64, false),
        Field::new("attempt", DataType::Int32, false),
        text("channel", false),
        text("protocol", false),
        text("destination", false),
        text("topic", true),
        text("outcome", false),
        Field::new("code", DataType::Int32, true),
        text("error", true),
        text("fault", true),
        text("device_status", true),
        time("scheduled_at", false),
        time("sent_at", true),
        time("acked_at", true),
        Field::new("latency_us", DataType::Int64, true),
        Field::new("payload_size", DataType::Int32, false),
        text("payload", true),
        Field::new("payload_bin", DataType::Binary, true),
    ]
}

fn events() -> Vec<Field> {
    vec![
        text("run_id", false),
        text("host_id", false),
        Field::new("log_seq", DataType::Int64, false),
        text("group", false),
        text("device_id", false),
        time("at", false),
        text("kind", false),
        text("detail", true),
    ]
}

/// Maximum rows of a row group, the unit that readers skip or read.
const ROW_GROUP_ROWS: usize = 100_000;
/// Maximum bytes of a row group, for rows with large payloads: a reader holds it in memory.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// Columns of numbers that grow or are close together. Each number is stored as the difference
/// to the one before. A dictionary would store every value once, and save nothing.
const DELTA_COLUMNS: [&str; 7] = [
    "log_seq",
    "seq",
    "scheduled_at",
    "sent_at",
    "acked_at",
    "at",
    "latency_us",
];

/// Columns of texts that hardly repeat.
const NO_DICTIONARY_COLUMNS: [&str; 4] = ["payload", "payload_bin", "error", "detail"];

/// Returns the options with which the files of a run are written.
///
/// zstd 1 halves the bytes of JSON again after the encodings. The encoder's thread has the
/// time for it.
pub(crate) fn options(identity: &Identity, fleet: &str) -> ArrowWriterOptions {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("mockfleet ", env!("CARGO_PKG_VERSION")).into())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_key_value_metadata(Some(vec![
            pair("mockfleet.schema", SCHEMA_VERSION),
            pair("mockfleet.host", &identity.host),
            pair("mockfleet.run", &identity.run),
            pair("mockfleet.fleet", fleet),
        ]));
    for column in DELTA_COLUMNS {
        let path = ColumnPath::from(column);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    for column in NO_DICTIONARY_COLUMNS {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(column), false);
    }
    for column in ["payload", "payload_bin"] {
        // No query needs the smallest and largest payload, and both may be large.
        let path = ColumnPath::from(column);
        properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
    }
    // Parquet has the schema already; Arrow's own copy could only contradict it.
    ArrowWriterOptions::new()
        .with_properties(properties.build())
        .with_skip_arrow_metadata(true)
}

pub(crate) fn pair(key: &str, value: impl ToString) -> KeyValue {
    KeyValue::new(key.to_owned(), value.to_string())
}
