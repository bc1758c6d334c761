//! Reads the result of a PostgreSQL query.
//!
//! The server writes it as CSV (`COPY … TO STDOUT`), so that values of all types arrive as
//! texts, row by row.

use std::error::Error as _;
use std::ops::ControlFlow;

use ::postgres::error::SqlState;
use ::postgres::types::Type;
use ::postgres::{Client, Config, NoTls};
use url::Url;

use crate::csv;
use crate::row::BadRowCallback;
use mockfleet_sendlog::{FloatColumn, RowVisitor};

/// Returns whether a text is the address of a PostgreSQL database.
pub(crate) fn is_url(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

/// A query of a database.
pub(crate) struct Query {
    config: Config,
    /// The address without user and password.
    shown: String,
    sql: String,
}

impl Query {
    pub(crate) fn new(url: &str, sql: &str) -> Result<Self, String> {
        // Messages show neither text: both may have the password.
        let parsed = Url::parse(url).map_err(|error| format!("this is no URL: {error}"))?;
        let mut config: Config = url
            .parse()
            .map_err(|error| format!("this is no address of a database: {error}"))?;
        if config.get_password().is_none()
            && let Ok(password) = std::env::var("PGPASSWORD")
        {
            config.password(password);
        }
        if config.get_user().is_none() {
            let user = ["PGUSER", "USER"]
                .into_iter()
                .find_map(|name| std::env::var(name).ok());
            config.user(&user.unwrap_or_else(|| "postgres".into()));
        }
        config.connect_timeout(std::time::Duration::from_secs(10));
        config.application_name("mockfleet");
        let host = parsed.host_str().unwrap_or("");
        let port = parsed.port().map_or_else(String::new, |n| format!(":{n}"));
        Ok(Self {
            config,
            shown: format!("{}://{host}{port}{}", parsed.scheme(), parsed.path()),
            sql: sql.trim().trim_end_matches(';').trim_end().to_owned(),
        })
    }

    pub(crate) fn shown(&self) -> String {
        self.shown.clone()
    }

    fn connect(&self) -> Result<Client, (String, String)> {
        let here = |text: String| (self.shown.clone(), text);
        let mut client = self.config.connect(NoTls).map_err(|error| {
            here(format!(
                "the database cannot be reached: {}; the login comes from the address or from PGPASSWORD, and TLS is not spoken",
                reason(&error)
            ))
        })?;
        // The session is read-only, and returns times with their zone.
        client
            .batch_execute(
                "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET bytea_output = 'hex'",
            )
            .map_err(|error| here(reason(&error)))?;
        Ok(client)
    }

    /// Returns the columns that are floats, or the place of a problem and its text.
    pub(crate) fn float_columns(&self) -> Result<Vec<FloatColumn>, (String, String)> {
        let mut client = self.connect()?;
        let prepared = client.prepare(&self.sql).map_err(|error| {
            let text = format!("the database refuses it: {}", reason(&error));
            ("--query".to_owned(), text)
        })?;
        let columns = prepared.columns().iter().filter_map(|column| {
            let is_single = match *column.type_() {
                Type::FLOAT4 => true,
                Type::FLOAT8 => false,
                _ => return None,
            };
            Some(FloatColumn {
                name: column.name().to_owned(),
                is_single,
            })
        });
        Ok(columns.collect())
    }

    /// Returns the names of the columns, or the place of a problem and its text.
    pub(crate) fn columns(&self) -> Result<Vec<String>, (String, String)> {
        let mut client = self.connect()?;
        let wrong = |text: String| ("--query".to_owned(), text);
        let prepared = client
            .prepare(&self.sql)
            .map_err(|error| wrong(format!("the database refuses it: {}", reason(&error))))?;
        let columns = prepared.columns().iter();
        let names: Vec<String> = columns.map(|column| column.name().to_owned()).collect();
        if names.is_empty() {
            return Err(wrong("it has no rows to give; wanted is a SELECT".into()));
        }
        Ok(names)
    }

    /// Reads all rows, or the first of them.
    pub(crate) fn read(
        &self,
        rows: Option<u32>,
        wanted: &[&str],
        take: &mut RowVisitor<'_>,
        bad: &mut BadRowCallback<'_>,
    ) -> Result<(), String> {
        let mut client = self.connect().map_err(|(_, text)| text)?;
        let sql = match rows {
            Some(rows) => format!("SELECT * FROM ({}) AS first_rows LIMIT {rows}", self.sql),
            None => self.sql.clone(),
        };
        let copy = format!(
            "COPY ({sql}) TO STDOUT WITH (FORMAT csv, HEADER true, NULL '{}')",
            csv::NULL
        );
        let rows = client.copy_out(&copy).map_err(|error| {
            let hint = match error.code() {
                // The database prepared the query but cannot copy its rows, so it is no
                // SELECT.
                Some(&SqlState::SYNTAX_ERROR) => "; wanted is a SELECT, which changes nothing",
                _ => "",
            };
            format!("{}{hint}", reason(&error))
        })?;
        let mut number = 0;
        csv::read_from(
            rows,
            b',',
            true,
            wanted,
            &mut |_, cells| {
                number += 1;
                take(number, cells)
            },
            &mut |_, text| match bad(0, text) {
                ControlFlow::Break(()) => ControlFlow::Break(()),
                ControlFlow::Continue(()) => ControlFlow::Continue(()),
            },
        )
    }
}

/// Returns the database's message, which the error has in its source.
fn reason(error: &::postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => {
            let hint = error
                .hint()
                .map_or_else(String::new, |hint| format!(" ({hint})"));
            format!("{}{hint}", error.message())
        }
        None => match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}
