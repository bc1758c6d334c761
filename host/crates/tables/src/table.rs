//! Opens a table and reads its rows.

use std::collections::HashMap;
use std::ops::ControlFlow;

use mockfleet_config::{Problem, Problems};
use mockfleet_sendlog::{FloatColumn, LogFile, ParquetFile, TableValue};

use crate::row::{Location, RowCallback};
use crate::source::Source;
use crate::{csv, files, json, postgres};

/// An open table with known columns.
pub struct Table {
    shown: String,
    parts: Vec<Source>,
    columns: Vec<String>,
    /// The names that two columns of one part have.
    repeated: Vec<RepeatedName>,
    rows: Option<u64>,
}

/// A name that two columns of a part have.
struct RepeatedName {
    /// The number of the part.
    part: usize,
    name: String,
    /// The positions of the first two columns, from 1.
    positions: [usize; 2],
}

/// Most unreadable lines that are reported. Then reading ends.
const MAX_BAD_LINES: usize = 10;

impl Table {
    /// Opens files (a path, a folder, a pattern with `*`), or the result of `query` from a
    /// PostgreSQL database. `option` is the place of problems.
    ///
    /// # Errors
    /// Returns all files that cannot be opened.
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
                    parts: vec![Source::Query(Box::new(query))],
                    repeated: repeated_names(0, &columns).collect(),
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
            (false, None) => Self::from_sources(text, files::find(text).map_err(problem)?),
        }
    }

    fn from_sources(text: &str, parts: Vec<Source>) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut columns: Vec<String> = Vec::new();
        let mut repeated = Vec::new();
        let (mut rows, mut counted) = (0, true);
        for (number, part) in parts.iter().enumerate() {
            match part.head() {
                Ok((head, n)) => {
                    repeated.extend(repeated_names(number, &head));
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
            repeated,
            rows: counted.then_some(rows),
        })
    }

    /// Opens the table `sends` of one run of a log.
    ///
    /// # Errors
    /// Returns the files that cannot be read.
    pub fn from_log(location: &str, files: Vec<LogFile>) -> Result<Self, Problems> {
        Self::from_sources(location, files.into_iter().map(Source::Log).collect())
    }

    /// Returns the name of the table in messages.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns all columns in order.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Returns whether there is a column of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column == name)
    }

    /// Returns the columns that are floats, which hold some numbers only.
    ///
    /// # Errors
    /// A file or query whose columns cannot be read.
    pub fn float_columns(&self) -> Result<Vec<FloatColumn>, Problems> {
        let mut floats: Vec<FloatColumn> = Vec::new();
        for part in &self.parts {
            let found = part
                .float_columns()
                .map_err(|text| Problems::one(part.shown(), text))?;
            for column in found {
                match floats.iter_mut().find(|known| known.name == column.name) {
                    Some(known) => known.is_single |= column.is_single,
                    None => floats.push(column),
                }
            }
        }
        Ok(floats)
    }

    /// Returns the number of rows, if it is known without reading them.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// Formats a location for messages: `received.csv:17`.
    #[must_use]
    pub fn location(&self, place: Location) -> String {
        let file = usize::try_from(place.file).unwrap_or(usize::MAX);
        let part = self.parts.get(file);
        let shown = part.map_or_else(|| self.shown.clone(), Source::shown);
        match part {
            Some(Source::Csv(..) | Source::Json(..)) => format!("{shown}:{}", place.line),
            _ => format!("{shown}, row {}", place.line),
        }
    }

    /// Reads these columns of all rows. A column that a file lacks is null.
    ///
    /// # Errors
    /// Returns the first ten lines that cannot be read.
    pub fn read(&self, wanted: &[&str], take: &mut RowCallback<'_>) -> Result<(), Problems> {
        self.read_first(None, wanted, take)
    }

    /// Reads the first rows only. A query gets a LIMIT, so that the database does not send the
    /// others.
    ///
    /// # Errors
    /// Returns the errors of [`Self::read`].
    pub fn peek(
        &self,
        rows: u32,
        wanted: &[&str],
        take: &mut RowCallback<'_>,
    ) -> Result<(), Problems> {
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
        take: &mut RowCallback<'_>,
    ) -> Result<(), Problems> {
        let mut problems = self.ambiguous(wanted);
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut left = MAX_BAD_LINES;
        for (file, part) in (0..).zip(&self.parts) {
            let mut stopped = false;
            let mut bad = |line: u64, text: String| {
                let place = self.location(Location { file, line });
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
                let flow = take(Location { file, line }, cells);
                over |= flow.is_break();
                flow
            };
            let read = match part {
                Source::Parquet(path) => ParquetFile::open(path)
                    .and_then(|file| file.read(wanted, &mut take))
                    .map_err(|error| error.to_string()),
                Source::Log(log) => log
                    .open()
                    .and_then(|file| file.read(wanted, &mut take))
                    .map_err(|error| error.to_string()),
                Source::Csv(path, delimiter) => {
                    csv::read(path, *delimiter, wanted, &mut take, &mut bad)
                }
                Source::Json(path, form) => json::read(path, *form, wanted, &mut take, &mut bad),
                Source::Query(query) => query.read(rows, wanted, &mut take, &mut bad),
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

    /// Returns the wanted names that two columns have.
    fn ambiguous(&self, wanted: &[&str]) -> Problems {
        let mut problems = Problems::default();
        for repeated in &self.repeated {
            if !wanted.contains(&repeated.name.as_str()) {
                continue;
            }
            let [first, second] = repeated.positions;
            let part = self.parts.get(repeated.part);
            problems.push(Problem {
                place: part.map_or_else(|| self.shown.clone(), Source::shown),
                text: format!(
                    "its columns {first} and {second} are both called {:?}; give one of them another name",
                    repeated.name
                ),
            });
        }
        problems
    }
}

/// Returns the names that two columns of a part have.
fn repeated_names(part: usize, columns: &[String]) -> impl Iterator<Item = RepeatedName> {
    let columns = columns.iter().enumerate();
    let mut seen: HashMap<&str, (usize, usize)> = HashMap::new();
    let mut repeated = Vec::new();
    for (position, name) in columns {
        let (first, count) = seen.entry(name).or_insert((position + 1, 0));
        *count += 1;
        if *count == 2 {
            repeated.push(RepeatedName {
                part,
                name: name.clone(),
                positions: [*first, position + 1],
            });
        }
    }
    repeated.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_is_refused_if_wanted_and_its_name_is_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("twice.csv");
        std::fs::write(&path, "a,a,b,\n1,2,3,4\n").unwrap();
        let shown = path.display().to_string();
        let table = Table::open(&shown, None, "--received").unwrap();
        let mut read = |_, cells: &[TableValue<'_>]| {
            assert_eq!(cells, [TableValue::Text("3".into())]);
            ControlFlow::Continue(())
        };
        assert!(table.read(&["b"], &mut read).is_ok());
        let problems = table.read(&["b", "a"], &mut read).unwrap_err();
        let problems: Vec<String> = problems
            .into_iter()
            .map(|problem| problem.to_string())
            .collect();
        assert_eq!(
            problems,
            [format!(
                "{shown}: its columns 1 and 2 are both called \"a\"; give one of them another name"
            )]
        );
    }

    /// Reads all rows of a file with these bytes as texts, with their places.
    fn rows(name: &str, content: &[u8], wanted: &[&str]) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let shown = path.display().to_string();
        let mut rows = Vec::new();
        let read = Table::open(&shown, None, "--received").and_then(|table| {
            table.read(wanted, &mut |place, cells| {
                let cells = cells.iter().map(|cell| match cell.time() {
                    Some(at) if at > 1_000_000_000_000_000 => format!("at {at}"),
                    _ => cell.text().unwrap_or_default().into_owned(),
                });
                let cells: Vec<String> = cells.collect();
                rows.push(format!("{}: {}", place.line, cells.join(" ")));
                ControlFlow::Continue(())
            })
        });
        let said = |problems: Problems| {
            let texts = problems.into_iter().map(|problem| problem.to_string());
            texts.collect::<Vec<_>>().join("\n").replace(&shown, name)
        };
        read.map(|()| rows).map_err(said)
    }

    #[test]
    fn files_of_all_grammars_have_the_same_rows() {
        let expected = ["at 1604829725000000 21.5", "at 1604829726000000 22"];
        for (name, content) in [
            (
                "a.csv",
                "at,t\n2020-11-08T10:02:05Z,21.5\n2020-11-08T10:02:06Z,22\n",
            ),
            (
                "b.csv",
                "\u{feff}at;t\r\n2020-11-08 12:02:05+02;21.5\r\n2020-11-08 12:02:06+02;22\r\n",
            ),
            ("c.csv", "at|t\n1604829725000|21.5\n1604829726000|22\n"),
            ("d.txt", "at\tt\n1604829725,0\t21.5\n1604829726\t22\n"),
            (
                "e.json",
                "{\"at\":1604829725000,\"t\":21.5}\n\n{\"at\":1604829726000,\"t\":22}\n",
            ),
            (
                "f.json",
                "\u{feff}[\n {\"at\": 1604829725000, \"t\": 21.5},\n {\"t\": 22, \"at\": \"2020-11-08 12:02:06+02\"}\n]",
            ),
            (
                "g.jsonl",
                "[{\"at\":1604829725000,\"t\":21.5},{\"at\":1604829726,\"t\":22}]",
            ),
            (
                "h",
                "[{\"at\":1604829725000,\"t\":21.5},{\"at\":1604829726,\"t\":22}]",
            ),
        ] {
            let rows = rows(name, content.as_bytes(), &["at", "t"]).unwrap();
            let found: Vec<&str> = rows
                .iter()
                .map(|row| row.split_once(": ").unwrap().1)
                .collect();
            assert_eq!(found, expected, "{name}");
        }
        let lists = b"[\n\n{\"t\":28.20},\n{\"t\":18446744073709551616}]";
        let found = rows("i.json", lists, &["t"]).unwrap();
        assert_eq!(found, ["3: 28.20", "4: 18446744073709551616"]);
    }

    #[test]
    fn file_that_is_no_table_is_refused_with_the_way_out() {
        let said = |name: &str, content: &[u8]| rows(name, content, &["t"]).unwrap_err();
        let utf16: Vec<u8> = "\u{feff}at,t\n1,2\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(
            said("u.csv", &utf16),
            "--received: u.csv: this is UTF-16 (its first bytes are FE FF), and a data file is UTF-8; iconv -f utf-16 -t utf-8 OLD > NEW converts it"
        );
        assert_eq!(
            said(
                "n.csv",
                b"2020-11-08T10:02:05Z;s-1;21,5\n2020-11-08T10:02:06Z;s-1;22\n"
            ),
            "n.csv: its first line has values instead of names; write the names of the columns above it, such as: sed -i '1i device;time;payload' n.csv"
        );
        assert_eq!(
            said("n.jsonl", b"{\"t\":1}\n{\"t\":NaN}\n"),
            "n.jsonl:2: NaN is no JSON, which has no such number (RFC 8259); write null, or leave the member out"
        );
        assert_eq!(
            said("n.json", b"[{\"t\":1},\n{\"t\":\n-Infinity}]"),
            "n.json:3: -Infinity is no JSON, which has no such number (RFC 8259); write null, or leave the member out"
        );
        assert_eq!(
            said("a.jsonl", b"\n{\"t\":NaN}\n"),
            "a.jsonl: line 2: NaN is no JSON, which has no such number (RFC 8259); write null, or leave the member out"
        );
        assert_eq!(
            said("a.json", b"[{\"t\":\nNaN}]"),
            "a.json: line 2: NaN is no JSON, which has no such number (RFC 8259); write null, or leave the member out"
        );
        let not_utf8 = "this is not UTF-8; save the file as UTF-8, or convert it from its encoding, such as: iconv -f latin1 -t utf-8 OLD > NEW";
        for (name, content, place) in [
            ("c.csv", &b"a,t\n1,2\n\xe4,3\n"[..], "c.csv:3"),
            ("h.csv", b"\xe4,t\n1,2\n", "h.csv: line 1"),
            ("c.jsonl", b"{\"t\":1}\n{\"t\":\"\xe4\"}\n", "c.jsonl:2"),
            ("h.jsonl", b"{\"t\":\"\xe4\"}\n", "h.jsonl: line 1"),
        ] {
            assert_eq!(said(name, content), format!("{place}: {not_utf8}"));
        }
        assert_eq!(
            said("l.json", b"[{\"t\":1},\n 7]"),
            "l.json:2: this is no list of JSON objects: invalid type: integer `7`, expected a map, at column 1"
        );
        assert_eq!(
            said("e.json", b"[{\"t\":1}\n{\"t\":1}]"),
            "e.json:2: a comma between two objects is missing"
        );
    }
}
