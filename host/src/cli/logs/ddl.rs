//! `mockfleet logs ddl`: prints the statements that create the tables.

use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::exit::refused;
use crate::cli::support::log_location::require_log;
use crate::cli::ui::out::out;
use mockfleet_config::Store;
use mockfleet_sendlog::LogTable;

/// Prints the statements that create the tables `sends` and `events` in an engine.
///
/// The statements need no change. The log is not read, and need not exist yet, though DuckDB needs
/// a file. A folder with other content is no log (exit code 2).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet logs ddl --engine duckdb | duckdb log.duckdb    # then: duckdb log.duckdb
  mockfleet logs ddl --engine spark > log.sql && spark-sql -f log.sql
  mockfleet logs ddl --engine athena s3://bucket/prefix
  aws athena start-query-execution --work-group primary --query-string \\
    \"$(mockfleet logs ddl --engine athena --table sends s3://bucket/prefix)\"

Athena takes one statement at a time: --table prints that of one table. docs/queries.md
has questions to ask the tables.")]
pub(crate) struct Arguments {
    /// The engine that will read the log.
    #[arg(long)]
    engine: Engine,
    /// This table only [default: both].
    #[arg(long)]
    table: Option<Table>,
    #[command(flatten)]
    log: crate::cli::logs::log_argument::LogArgument,
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
    /// One row for each event of a device.
    Events,
}

pub(crate) fn ddl(arguments: &Arguments) -> Result<Ending, Failure> {
    if let Store::Folder(folder) = arguments.log.store()
        && folder.exists()
    {
        require_log("LOG", arguments.log.store())?;
    }
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
        // Athena reads no folder: its statements refuse one, and name it as it was given.
        mockfleet_sendlog::SqlEngine::Athena => arguments.log.store().clone(),
        _ => findable(arguments.log.store())?,
    };
    let statements: Vec<String> = tables
        .iter()
        .map(|table| mockfleet_sendlog::ddl(engine, &store, *table))
        .collect::<Result<_, _>>()
        .map_err(|error| refused("LOG", error.to_string()))?;
    out!("{}", statements.join("\n\n"));
    Ok(Ending::Done)
}

/// Returns the store with an absolute path, for a program in another folder.
fn findable(store: &Store) -> Result<Store, Failure> {
    Ok(match store {
        Store::Folder(folder) => Store::Folder(std::path::absolute(folder).map_err(|error| {
            refused(
                "LOG",
                format!(
                    "{} cannot be found: {error}; give the absolute path of the folder",
                    folder.display()
                ),
            )
        })?),
        Store::S3 { .. } => store.clone(),
    })
}
