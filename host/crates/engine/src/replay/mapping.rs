//! Maps columns of a recorded table to parts of a message.
//!
//! The user names a column, or a log of mockfleet has known columns, or the column's name
//! decides.

use std::collections::HashMap;

use mockfleet_config::{Problem, Problems, did_you_mean};
use mockfleet_tables::{
    ARRIVAL_COLUMNS, DEVICE_COLUMNS, PAYLOAD_COLUMNS, TIME_COLUMNS, TOPIC_COLUMNS, Table,
    find_column,
};

/// The column of each role, such as device, time or payload.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    pub(crate) columns: HashMap<&'static str, String>,
    /// Whether the table is a send log of mockfleet. Its rows are not in order, and it has
    /// more columns.
    pub(crate) is_log: bool,
}

/// The roles of columns.
const ROLES: [&str; 6] = ["device", "time", "payload", "topic", "channel", "group"];

/// The roles that a message needs, with the names of columns to guess them from.
const NEEDED: [(&str, &[&[&str]]); 3] = [
    ("device", &[DEVICE_COLUMNS]),
    ("time", &[TIME_COLUMNS, ARRIVAL_COLUMNS]),
    ("payload", &[PAYLOAD_COLUMNS]),
];

pub(crate) fn problem(place: &str, text: impl Into<String>) -> Problem {
    Problem {
        place: place.to_owned(),
        text: text.into(),
    }
}

impl Mapping {
    /// Maps the columns of a table. `given` has pairs of role and column. Other columns are
    /// guessed from their names, and the notes list these guesses.
    ///
    /// # Errors
    /// Columns that the table lacks, unknown roles, and needed roles without a column.
    pub fn new(
        table: &Table,
        is_log: bool,
        given: &[(String, String)],
    ) -> Result<(Self, Vec<String>), Problems> {
        let mut problems = Problems::default();
        let mut columns: HashMap<&'static str, String> = HashMap::new();
        if is_log {
            let own = [
                ("device", "device_id"),
                ("time", "scheduled_at"),
                ("payload", "payload"),
                ("topic", "topic"),
                ("channel", "channel"),
                ("group", "group"),
            ];
            columns.extend(own.map(|(role, column)| (role, column.to_owned())));
        }
        let names = || table.columns().iter().map(String::as_str);
        for (role, column) in given {
            let Some(known) = ROLES.into_iter().find(|known| known == role) else {
                let hint = did_you_mean(role, ROLES.into_iter());
                let text = format!(
                    "{role:?} is nothing that a column can be{hint} (known are {})",
                    ROLES.join(", ")
                );
                problems.push(problem("--columns", text));
                continue;
            };
            if !table.has(column) {
                let hint = did_you_mean(column, names());
                let text = format!(
                    "{} has no column {column:?}{hint} (it has {})",
                    table.shown(),
                    table.columns().join(", ")
                );
                problems.push(problem("--columns", text));
            }
            columns.insert(known, column.clone());
        }
        let mut guessed = Vec::new();
        // A wrong name from the user is not replaced by a guess.
        let guesses = problems.is_empty();
        for (role, lists) in NEEDED {
            if columns.contains_key(role) || !guesses {
                continue;
            }
            let found = lists
                .iter()
                .find_map(|list| find_column(table.columns(), list));
            match found {
                Some(column) => {
                    guessed.push(format!("{role}={column}"));
                    columns.insert(role, column);
                }
                None => problems.push(problem(
                    "--columns",
                    format!(
                        "no column of {} is known to be the {role}; name it with --columns {role}=COLUMN. It has {}",
                        table.shown(),
                        table.columns().join(", ")
                    ),
                )),
            }
        }
        for (role, names) in [
            ("topic", TOPIC_COLUMNS),
            ("channel", &["channel"]),
            ("group", &["group"]),
        ] {
            if let (false, Some(column)) = (
                columns.contains_key(role),
                find_column(table.columns(), names),
            ) {
                guessed.push(format!("{role}={column}"));
                columns.insert(role, column);
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let notes = match guessed.as_slice() {
            [] => Vec::new(),
            guessed => vec![format!(
                "guessed from the columns: --columns {}",
                guessed.join(",")
            )],
        };
        Ok((Self { columns, is_log }, notes))
    }

    /// Returns the columns to read: those of the roles, in their order, and those of a log
    /// only.
    pub(crate) fn wanted<'a>(&'a self) -> Vec<&'a str> {
        // A name that the table lacks gives null in each row.
        let named = |column: Option<&'a String>| column.map_or("", String::as_str);
        let roles = ROLES
            .into_iter()
            .map(move |role| named(self.columns.get(role)));
        let log = [
            "payload_bin",
            "payload_size",
            "outcome",
            "protocol",
            "plugin",
            "seq",
        ];
        let log = log.map(|name| if self.is_log { name } else { "" });
        roles.chain(log).collect()
    }
}
