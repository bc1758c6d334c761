//! `mockfleet logs ddl`: the statements that make a log known to an engine.

use super::super::describe::refused;
use super::{Ending, Failure};
use crate::cli::print::say;
use mockfleet_config::Store;
use mockfleet_sendlog::LogTable;

/// Prints the statements that make the tables `sends` and `events` known to an engine.
///
/// They run as they stand. Nothing is read: the store may be empty as yet, though
/// DuckDB wants to find a file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet logs ddl --engine duckdb | duckdb log.duckdb    # then: duckdb log.duckdb
  mockfleet logs ddl --engine spark > log.sql && spark-sql -f log.sql
  mockfleet logs ddl --engine athena s3://bucket/prefix
  aws athena start-query-execution --work-group primary --query-string \\
    \"$(mockfleet logs ddl --engine athena --table sends s3://bucket/prefix)\"

Athena takes one statement at a time: --table prints that of one table. docs/queries.md
has questions to ask the tables.")]
pub(super) struct Arguments {
    /// The engine that is to read the log.
    #[arg(long)]
    engine: Engine,
    /// This table only [default: both].
    #[arg(long)]
    table: Option<Table>,
    #[command(flatten)]
    log: super::Place,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Engine {
    /// Amazon Athena: external tables with partition projection; the log is in S3.
    Athena,
    /// DuckDB: views.
    Duckdb,
    /// Spark SQL 3 and 4: tables with partitions.
    Spark,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Table {
    /// One row a message.
    Sends,
    /// One row for what happened to a device.
    Events,
}

pub(super) fn ddl(arguments: &Arguments) -> Result<Ending, Failure> {
    let engine = match arguments.engine {
        Engine::Athena => mockfleet_sendlog::SqlEngine::Athena,
        Engine::Duckdb => mockfleet_sendlog::SqlEngine::DuckDb,
        Engine::Spark => mockfleet_sendlog::SqlEngine::Spark,
    };
    let tables: &[LogTable] = match arguments.table {
        None => &[LogTable::Sends, LogTable::Events],
        Some(Table::Sends) => &[LogTable::Sends],
        Some(Table::Events) => &[LogTable::Events],
    };
    let store = match engine {
        // It reads no folder, and says so of the one that was given.
        mockfleet_sendlog::SqlEngine::Athena => arguments.log.store().clone(),
        _ => findable(arguments.log.store())?,
    };
    let statements: Vec<String> = tables
        .iter()
        .map(|table| mockfleet_sendlog::ddl(engine, &store, *table))
        .collect::<Result<_, _>>()
        .map_err(|error| refused("STORE", error.to_string()))?;
    say!("{}", statements.join("\n\n"));
    Ok(Ending::Done)
}

/// The same store for a program that stands in another folder.
fn findable(store: &Store) -> Result<Store, Failure> {
    Ok(match store {
        Store::Folder(folder) => Store::Folder(std::path::absolute(folder).map_err(|error| {
            refused(
                "STORE",
                format!("{} cannot be found: {error}", folder.display()),
            )
        })?),
        Store::S3 { .. } => store.clone(),
    })
}
