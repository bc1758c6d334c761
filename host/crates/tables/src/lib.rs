//! Tables from outside: what a backend has received, what was recorded elsewhere.
//! Parquet, CSV and JSON lines in files, and the answer of a PostgreSQL query, all as
//! rows of [`TableValue`]s that come one after the other. Knows nothing of what they mean.
//!
//! CSV is `csv-core`, JSON `serde_json`, a line at a time: the readers of Arrow
//! fix types by the first rows and lose the line that a bad value stands in.

mod csv;
mod files;
mod guess;
mod json;
mod postgres;

use std::ops::ControlFlow;
use std::path::PathBuf;

use mockfleet_config::{Problem, Problems};
use mockfleet_sendlog::{LogFile, ParquetFile, TableValue};

pub use files::kind_words;
pub use guess::{ARRIVAL, DEVICE, NUMBER, PAYLOAD, TIME, TOPIC, guess};

/// A table that is open: its columns are known.
pub struct Table {
    shown: String,
    parts: Vec<Part>,
    columns: Vec<String>,
    rows: Option<u64>,
}

/// A file of a table, or a query.
enum Part {
    Parquet(PathBuf),
    Log(LogFile),
    Csv(PathBuf, u8),
    Json(PathBuf),
    Query(Box<postgres::Query>),
}

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Which file of the table.
    pub file: u32,
    /// Its line, or its row from one where the file has no lines.
    pub line: u64,
}

/// Lines that cannot be read and are named; then reading ends.
const NAMED: usize = 10;

/// Takes a row: where it stands, and its cells in the order that was asked for.
pub type Take<'a> = dyn FnMut(Place, &[TableValue<'_>]) -> ControlFlow<()> + 'a;

/// What a part is told of while it is read: the lines that are none.
type Bad<'a> = dyn FnMut(u64, String) -> ControlFlow<()> + 'a;

impl Table {
    /// Opens files (a path, a folder, a pattern with `*`), or a PostgreSQL database that
    /// is asked `query`. `option` is where the user said so.
    ///
    /// # Errors
    /// All that cannot be opened.
    pub fn open(text: &str, query: Option<&str>, option: &str) -> Result<Self, Problems> {
        let is_database = postgres::is_url(text);
        let problem = |text: String| {
            let mut problems = Problems::default();
            problems.push(Problem {
                place: option.to_owned(),
                text,
            });
            problems
        };
        match (is_database, query) {
            (true, Some(query)) => {
                let query = postgres::Query::new(text, query).map_err(problem)?;
                let columns = query.columns().map_err(|(place, text)| {
                    let mut problems = Problems::default();
                    problems.push(Problem { place, text });
                    problems
                })?;
                Ok(Self {
                    shown: query.shown(),
                    parts: vec![Part::Query(Box::new(query))],
                    columns,
                    rows: None,
                })
            }
            (true, None) => Err(problem(
                "a database needs a query; add --query 'SELECT device_id, payload, received_at FROM telemetry'".into(),
            )),
            (false, Some(_)) => Err(problem(format!(
                "{text:?} is no database, and --query asks one; give postgres://user@host/database, or leave --query out"
            ))),
            (false, None) => Self::of_files(text, files::find(text).map_err(problem)?),
        }
    }

    fn of_files(text: &str, parts: Vec<Part>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut columns: Vec<String> = Vec::new();
        let (mut rows, mut counted) = (0, true);
        for part in &parts {
            match part.head() {
                Ok((head, n)) => {
                    let more = head.into_iter().filter(|name| !columns.contains(name));
                    columns.extend(more.collect::<Vec<_>>());
                    rows += n.unwrap_or(0);
                    counted &= n.is_some();
                }
                Err(text) => problems.push(Problem {
                    place: part.shown(),
                    text,
                }),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            shown: text.to_owned(),
            parts,
            columns,
            rows: counted.then_some(rows),
        })
    }

    /// The table `sends` of one run of a log.
    ///
    /// # Errors
    /// Which files cannot be read.
    pub fn of_log(location: &str, files: Vec<LogFile>) -> Result<Self, Problems> {
        Self::of_files(location, files.into_iter().map(Part::Log).collect())
    }

    /// As people name it.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// All columns, in the order in which they stand.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether there is such a column.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column == name)
    }

    /// How many rows there are, where that can be told without reading them.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// A place as people find it: `received.csv:17`.
    #[must_use]
    pub fn place(&self, place: Place) -> String {
        let file = usize::try_from(place.file).unwrap_or(usize::MAX);
        let part = self.parts.get(file);
        let shown = part.map_or_else(|| self.shown.clone(), Part::shown);
        match part {
            Some(Part::Csv(..) | Part::Json(_)) => format!("{shown}:{}", place.line),
            _ => format!("{shown}, row {}", place.line),
        }
    }

    /// Reads these columns of all rows; one that a file does not have is null there.
    ///
    /// # Errors
    /// The lines that cannot be read, the first ten of them.
    pub fn read(&self, wanted: &[&str], take: &mut Take<'_>) -> Result<(), Problems> {
        self.read_first(None, wanted, take)
    }

    /// The same of the first rows only. A database would send all others too before it
    /// hears that they are not wanted.
    ///
    /// # Errors
    /// As `read`.
    pub fn peek(&self, rows: u32, wanted: &[&str], take: &mut Take<'_>) -> Result<(), Problems> {
        let mut left = rows;
        self.read_first(Some(rows), wanted, &mut |place, cells| {
            left = left.saturating_sub(1);
            let flow = take(place, cells);
            if left == 0 {
                ControlFlow::Break(())
            } else {
                flow
            }
        })
    }

    fn read_first(
        &self,
        rows: Option<u32>,
        wanted: &[&str],
        take: &mut Take<'_>,
    ) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let mut left = NAMED;
        for (file, part) in (0..).zip(&self.parts) {
            let mut stopped = false;
            let mut bad = |line: u64, text: String| {
                let place = self.place(Place { file, line });
                problems.push(Problem { place, text });
                left = left.saturating_sub(1);
                if left == 0 {
                    stopped = true;
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            };
            let mut over = false;
            let mut take = |line: u64, cells: &[TableValue<'_>]| {
                let flow = take(Place { file, line }, cells);
                over |= flow.is_break();
                flow
            };
            let read = match part {
                Part::Parquet(path) => {
                    ParquetFile::open(path).and_then(|file| file.read(wanted, &mut take))
                }
                Part::Log(log) => log.open().and_then(|file| file.read(wanted, &mut take)),
                Part::Csv(path, delimiter) => {
                    csv::read(path, *delimiter, wanted, &mut take, &mut bad)
                }
                Part::Json(path) => json::read(path, wanted, &mut take, &mut bad),
                Part::Query(query) => query.read(rows, wanted, &mut take, &mut bad),
            };
            if let Err(text) = read {
                problems.push(Problem {
                    place: part.shown(),
                    text,
                });
            }
            if over || stopped {
                break;
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }
}

impl Part {
    fn shown(&self) -> String {
        match self {
            Self::Parquet(path) | Self::Csv(path, _) | Self::Json(path) => {
                path.display().to_string()
            }
            Self::Log(file) => file.display_name.clone(),
            Self::Query(query) => query.shown(),
        }
    }

    /// Its columns, and how many rows it has where the file says so.
    fn head(&self) -> Result<(Vec<String>, Option<u64>), String> {
        match self {
            Self::Parquet(path) => {
                ParquetFile::open(path).map(|file| (file.columns(), Some(file.rows())))
            }
            Self::Log(file) => file.open().map(|file| (file.columns(), Some(file.rows()))),
            Self::Csv(path, delimiter) => csv::head(path, *delimiter).map(|head| (head, None)),
            Self::Json(path) => json::head(path).map(|head| (head, None)),
            Self::Query(query) => query
                .columns()
                .map(|head| (head, None))
                .map_err(|(_, text)| text),
        }
    }
}
