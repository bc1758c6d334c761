//! Writes the statements that create the tables in an engine.

use arrow_schema::{DataType, Field};

use mockfleet_config::Store;

use crate::format::location::location;
use crate::format::schema::LogTable;

/// A query engine that reads the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlEngine {
    /// Amazon Athena, which finds partitions by projection.
    Athena,
    /// DuckDB, which reads the files through a view.
    DuckDb,
    /// Spark SQL, 3 and later.
    Spark,
}

/// Athena cannot read a folder.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Athena reads only what is in S3, and {0} is a folder; give the bucket that the log is in: s3://bucket/prefix"
)]
pub struct NotOnS3(String);

/// Names of columns that are keywords of SQL.
const RESERVED: [&str; 2] = ["group", "at"];

/// Maximum length of a line of columns, in characters.
const MAX_LINE_WIDTH: usize = 88;

/// First day of Athena's partitions. No log is older than mockfleet.
const FIRST_DAY: &str = "2026-01-01";

/// Returns the statement that creates a table in an engine.
///
/// The path of a folder should be absolute. Spark resolves a relative path in its own
/// warehouse.
///
/// # Errors
/// The engine cannot read this kind of store.
pub fn ddl(engine: SqlEngine, store: &Store, table: LogTable) -> Result<String, NotOnS3> {
    let location_text = format!("{}/{}", location(store), table.name());
    match (engine, store) {
        (SqlEngine::Athena, Store::Folder(_)) => Err(NotOnS3(location(store))),
        (SqlEngine::Athena, Store::S3 { .. }) => Ok(athena(table, &location_text)),
        (SqlEngine::DuckDb, _) => Ok(duckdb(table, &location_text)),
        (SqlEngine::Spark, _) => Ok(spark(table, &location_text)),
    }
}

/// Returns the columns of the files in lines, each as `column` renders it.
fn columns(table: LogTable, more: &[&str], column: impl Fn(&Field) -> String) -> String {
    let schema = table.schema();
    let own = schema.fields().iter().map(|field| column(field));
    let all: Vec<String> = own
        .chain(more.iter().map(|&word| word.to_owned()))
        .collect();
    let mut lines = vec![String::new()];
    for (number, text) in all.iter().enumerate() {
        let comma = if number + 1 < all.len() { "," } else { "" };
        match lines.last_mut() {
            Some(line) if line.is_empty() || line.len() + text.len() + 2 <= MAX_LINE_WIDTH => {
                line.push(' ');
                line.push_str(text);
                line.push_str(comma);
            }
            _ => lines.push(format!(" {text}{comma}")),
        }
    }
    lines.iter().map(|line| format!(" {line}\n")).collect()
}

fn name(field: &Field, quote: char) -> String {
    if RESERVED.contains(&field.name().as_str()) {
        format!("{quote}{}{quote}", field.name())
    } else {
        field.name().clone()
    }
}

/// Returns the name of a type in Hive's SQL, which Athena and Spark share.
fn kind(field: &Field) -> &'static str {
    match field.data_type() {
        DataType::Int32 => "int",
        DataType::Int64 => "bigint",
        DataType::Timestamp(..) => "timestamp",
        DataType::Binary => "binary",
        _ => "string",
    }
}

fn hive_column(field: &Field) -> String {
    format!("{} {}", name(field, '`'), kind(field))
}

/// Escapes a text for Hive's SQL, without the quotes around it.
fn hive_text(text: &str) -> String {
    text.replace('\\', r"\\").replace('\'', r"\'")
}

fn athena(table: LogTable, location_text: &str) -> String {
    let location_text = hive_text(location_text);
    format!(
        "CREATE EXTERNAL TABLE {} (\n{})
PARTITIONED BY (dt string, hour int)
STORED AS PARQUET
LOCATION '{location_text}/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date', 'projection.dt.format' = 'yyyy-MM-dd', 'projection.dt.range' = '{FIRST_DAY},NOW',
  'projection.hour.type' = 'integer', 'projection.hour.range' = '0,23', 'projection.hour.digits' = '2',
  'storage.location.template' = '{location_text}/dt=${{dt}}/hour=${{hour}}/'
);",
        table.name(),
        columns(table, &[], hive_column),
    )
}

fn duckdb(table: LogTable, location_text: &str) -> String {
    // Brackets make the special characters of a pattern literal.
    let location_text: String = location_text
        .chars()
        .map(|sign| match sign {
            '*' | '?' | '[' => format!("[{sign}]"),
            other => other.to_string(),
        })
        .collect();
    format!(
        "CREATE OR REPLACE VIEW {} AS SELECT\n{}FROM read_parquet(
  '{}/dt=*/hour=*/*.parquet',
  hive_partitioning = true, hive_types = {{'dt': DATE, 'hour': INTEGER}}
);",
        table.name(),
        columns(table, &["dt", "hour"], |field| name(field, '"')),
        location_text.replace('\'', "''"),
    )
}

fn spark(table: LogTable, location_text: &str) -> String {
    // Hadoop names S3 `s3a`.
    let location_text = match location_text.strip_prefix("s3://") {
        Some(rest) => format!("s3a://{rest}"),
        None => location_text.to_owned(),
    };
    format!(
        "CREATE TABLE {0} (\n{1})
USING parquet
PARTITIONED BY (dt, hour)
LOCATION '{2}';
-- Finds the hours, and is due again when there are new ones.
MSCK REPAIR TABLE {0};",
        table.name(),
        columns(table, &["dt date", "hour int"], hive_column),
        hive_text(&location_text),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(prefix: &str) -> Store {
        Store::S3 {
            bucket: "bucket".into(),
            prefix: prefix.into(),
        }
    }

    #[test]
    fn athena_is_told_the_columns_and_where_an_hour_lies() {
        let text = ddl(SqlEngine::Athena, &bucket("a/b"), LogTable::Events).unwrap();
        assert_eq!(
            text,
            "CREATE EXTERNAL TABLE events (
  run_id string, host_id string, log_seq bigint, `group` string, device_id string,
  `at` timestamp, kind string, detail string
)
PARTITIONED BY (dt string, hour int)
STORED AS PARQUET
LOCATION 's3://bucket/a/b/events/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date', 'projection.dt.format' = 'yyyy-MM-dd', 'projection.dt.range' = '2026-01-01,NOW',
  'projection.hour.type' = 'integer', 'projection.hour.range' = '0,23', 'projection.hour.digits' = '2',
  'storage.location.template' = 's3://bucket/a/b/events/dt=${dt}/hour=${hour}/'
);"
        );
        let text = ddl(SqlEngine::Athena, &bucket(""), LogTable::Sends).unwrap();
        assert!(text.contains("LOCATION 's3://bucket/sends/'"), "{text}");
    }

    #[test]
    fn athena_does_not_read_folders() {
        let refused = ddl(
            SqlEngine::Athena,
            &Store::Folder("logs".into()),
            LogTable::Sends,
        );
        assert_eq!(refused, Err(NotOnS3("logs".into())));
    }

    #[test]
    fn every_column_of_the_schema_is_in_every_statement() {
        for table in [LogTable::Sends, LogTable::Events] {
            for engine in [SqlEngine::Athena, SqlEngine::DuckDb, SqlEngine::Spark] {
                let text = ddl(engine, &bucket("p"), table).unwrap();
                for field in table.schema().fields() {
                    let words: Vec<&str> = text
                        .split(|c: char| !c.is_alphanumeric() && c != '_')
                        .collect();
                    assert!(words.contains(&field.name().as_str()), "{engine:?} {field}");
                }
            }
        }
    }

    #[test]
    fn what_is_special_in_a_path_is_taken_as_it_is() {
        let folder = Store::Folder("/it's [new]".into());
        let text = ddl(SqlEngine::DuckDb, &folder, LogTable::Sends).unwrap();
        assert!(
            text.contains("'/it''s [[]new]/sends/dt=*/hour=*/*.parquet'"),
            "{text}"
        );
        let text = ddl(SqlEngine::Spark, &folder, LogTable::Sends).unwrap();
        assert!(text.contains(r"LOCATION '/it\'s [new]/sends'"), "{text}");
    }
}
