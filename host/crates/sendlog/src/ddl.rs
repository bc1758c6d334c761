//! The tables as engines are told of them: a statement for each, its columns from the
//! one schema in `schema`.

use arrow_schema::{DataType, Field};

use super::schema::Table;
use mockfleet_config::Store;

/// What reads the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Amazon Athena, which finds partitions by projection.
    Athena,
    /// DuckDB, by a view.
    DuckDb,
    /// Spark SQL, 3 and later.
    Spark,
}

/// One of the two tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogTable {
    /// One row a message.
    Sends,
    /// One row for what happened to a device.
    Events,
}

/// Athena was asked to read a folder.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Athena reads only what is in S3, and {0} is a folder; give the bucket that the log is in: s3://bucket/prefix"
)]
pub struct NotOnS3(String);

/// Columns of the tables that are words of SQL.
const RESERVED: [&str; 2] = ["group", "at"];

/// How wide a list of columns may become.
const WIDTH: usize = 88;

/// The first day of Athena's partitions: no log is older than mockfleet.
const FIRST_DAY: &str = "2026-01-01";

/// The statement that makes a table known to an engine. A folder should be absolute:
/// Spark takes others for a place in its own warehouse.
///
/// # Errors
/// When the engine cannot read such a store.
pub fn ddl(engine: Engine, store: &Store, table: LogTable) -> Result<String, NotOnS3> {
    let table = match table {
        LogTable::Sends => Table::Sends,
        LogTable::Events => Table::Events,
    };
    let place = format!("{}/{}", super::location(store), table.name());
    match (engine, store) {
        (Engine::Athena, Store::Folder(_)) => Err(NotOnS3(super::location(store))),
        (Engine::Athena, Store::S3 { .. }) => Ok(athena(table, &place)),
        (Engine::DuckDb, _) => Ok(duckdb(table, &place)),
        (Engine::Spark, _) => Ok(spark(table, &place)),
    }
}

/// The columns of the files, as `column` writes each, in lines.
fn columns(table: Table, more: &[&str], column: impl Fn(&Field) -> String) -> String {
    let schema = table.schema();
    let own = schema.fields().iter().map(|field| column(field));
    let all: Vec<String> = own
        .chain(more.iter().map(|&word| word.to_owned()))
        .collect();
    let mut lines = vec![String::new()];
    for (number, text) in all.iter().enumerate() {
        let comma = if number + 1 < all.len() { "," } else { "" };
        match lines.last_mut() {
            Some(line) if line.is_empty() || line.len() + text.len() + 2 <= WIDTH => {
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

/// A type's name in Hive's SQL, which Athena and Spark share.
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

/// A text in Hive's SQL, without the quotes around it.
fn hive_text(text: &str) -> String {
    text.replace('\\', r"\\").replace('\'', r"\'")
}

fn athena(table: Table, place: &str) -> String {
    let place = hive_text(place);
    format!(
        "CREATE EXTERNAL TABLE {} (\n{})
PARTITIONED BY (dt string, hour int)
STORED AS PARQUET
LOCATION '{place}/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date', 'projection.dt.format' = 'yyyy-MM-dd', 'projection.dt.range' = '{FIRST_DAY},NOW',
  'projection.hour.type' = 'integer', 'projection.hour.range' = '0,23', 'projection.hour.digits' = '2',
  'storage.location.template' = '{place}/dt=${{dt}}/hour=${{hour}}/'
);",
        table.name(),
        columns(table, &[], hive_column),
    )
}

fn duckdb(table: Table, place: &str) -> String {
    // Signs of a pattern stand for themselves in brackets.
    let place: String = place
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
        place.replace('\'', "''"),
    )
}

fn spark(table: Table, place: &str) -> String {
    // The name by which Hadoop knows S3.
    let place = match place.strip_prefix("s3://") {
        Some(rest) => format!("s3a://{rest}"),
        None => place.to_owned(),
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
        hive_text(&place),
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
        let text = ddl(Engine::Athena, &bucket("a/b"), LogTable::Events).unwrap();
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
        let text = ddl(Engine::Athena, &bucket(""), LogTable::Sends).unwrap();
        assert!(text.contains("LOCATION 's3://bucket/sends/'"), "{text}");
    }

    #[test]
    fn athena_does_not_read_folders() {
        let refused = ddl(
            Engine::Athena,
            &Store::Folder("logs".into()),
            LogTable::Sends,
        );
        assert_eq!(refused, Err(NotOnS3("logs".into())));
    }

    #[test]
    fn every_column_of_the_schema_is_in_every_statement() {
        for (table, named) in [
            (Table::Sends, LogTable::Sends),
            (Table::Events, LogTable::Events),
        ] {
            for engine in [Engine::Athena, Engine::DuckDb, Engine::Spark] {
                let text = ddl(engine, &bucket("p"), named).unwrap();
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
        let text = ddl(Engine::DuckDb, &folder, LogTable::Sends).unwrap();
        assert!(
            text.contains("'/it''s [[]new]/sends/dt=*/hour=*/*.parquet'"),
            "{text}"
        );
        let text = ddl(Engine::Spark, &folder, LogTable::Sends).unwrap();
        assert!(text.contains(r"LOCATION '/it\'s [new]/sends'"), "{text}");
    }
}
