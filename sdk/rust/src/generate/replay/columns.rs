//! Finds the columns that a replay takes.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::generate::data::format::{ColumnType, decides_numbers};
use crate::generate::data::table::Table;
use crate::generate::planning::check::Check;
use crate::generate::replay::options::Column;
use crate::generate::replay::playback::SelectedColumn;

/// The reason why a file's names are values, and the way out.
const NO_HEADER: &str = "the first line has values instead of names; write the names of the columns above it, or give them as header = [\"time\", \"value\"]";

/// The position of a column. `None` after reporting that there is none.
pub(crate) fn find(check: &mut Check<'_>, table: &Table, key: &str, name: &str) -> Option<usize> {
    if !table.is_csv() {
        let found = (0..table.len()).any(|row| table.json(row).member_or_part(name).is_some());
        check.require(
            found,
            key,
            format_args!(
                "no line of {} has {name:?}; its first one has {}",
                table.name(),
                table.column_names().join(", ")
            ),
        );
        return found.then_some(0);
    }
    let mut positions = table
        .columns()
        .iter()
        .enumerate()
        .filter(|(_, column)| ***column == *name)
        .map(|(position, _)| position);
    let position = positions.next();
    check.require(
        position.is_some(),
        key,
        format_args!(
            "{} has no column {name:?}; there are {}{}",
            table.name(),
            table.column_names().join(", "),
            if table.begins_with_data() {
                format!(", since {NO_HEADER}")
            } else {
                String::new()
            }
        ),
    );
    if let (Some(first), Some(second)) = (position, positions.next()) {
        let offsets = table.header_offsets();
        let place = |position: usize| {
            let offset = offsets.get(position).copied().unwrap_or_default();
            table.place(offset)
        };
        check.report(
            key,
            format_args!(
                "{} has two columns {name:?}, at {} and {}; give one of them another name",
                table.name(),
                place(first),
                place(second)
            ),
        );
        return None;
    }
    position
}

/// Whether the names of a CSV file's columns are the members of an object. Reports those
/// without a name, and those with the name of another one.
fn require_distinct_names(check: &mut Check<'_>, table: &Table) -> bool {
    let mut errors = table.errors();
    let offsets = table.header_offsets();
    if table.begins_with_data() {
        let first = offsets.first().copied().unwrap_or_default();
        errors.push(
            first,
            format_args!(
                "{NO_HEADER}; if these are names, list the columns that you need under columns"
            ),
        );
    }
    for (position, (name, offset)) in table.columns().iter().zip(&offsets).enumerate() {
        let mut before = table.columns().iter().take(position);
        if name.is_empty() {
            errors.push(
                *offset,
                "this column has no name; write one in the first line, or list the columns that you need under columns",
            );
        } else if let Some(other) = before.position(|other| other == name) {
            let other = offsets.get(other).copied().unwrap_or_default();
            errors.push(
                *offset,
                format_args!(
                    "this column is called {name:?}, as the one at {}; give it another name",
                    table.place(other)
                ),
            );
        }
    }
    let result = errors.finish(());
    let distinct = result.is_ok();
    if let Err(errors) = result {
        check.collect(|_, problems| errors.report("file", problems));
    }
    distinct
}

/// The one column that a specification takes, or the members of an object. `None` after reporting those that are not there.
pub(crate) fn select(
    column: Option<&Column>,
    columns: &BTreeMap<String, Column>,
    check: &mut Check<'_>,
    table: &Table,
) -> Option<Vec<SelectedColumn>> {
    let whole = column.is_none() && columns.is_empty();
    if whole && !table.is_csv() {
        return Some(Vec::new());
    }
    let all = || {
        table.column_names().into_iter().map(|name| {
            let column = Column::Name(name.to_string());
            (String::new(), name.to_string(), column)
        })
    };
    let asked: Vec<(String, String, Column)> = match column {
        Some(column) => vec![("column".to_owned(), String::new(), column.clone())],
        None if whole => {
            if !require_distinct_names(check, table) {
                return None;
            }
            all().collect()
        }
        None => columns
            .iter()
            .map(|(member, column)| (format!("columns.{member}"), member.clone(), column.clone()))
            .collect(),
    };
    let mut selected = Some(Vec::new());
    for (key, member, column) in asked {
        let position = if key.is_empty() {
            table
                .columns()
                .iter()
                .position(|name| **name == *column.name())
        } else {
            find(check, table, &key, column.name())
        };
        match (position, &mut selected) {
            (Some(position), Some(selected)) => selected.push(SelectedColumn {
                member: Rc::from(member),
                position,
                path: column.name().to_owned(),
                fractions: false,
                numbers: match column.kind() {
                    ColumnType::Number => true,
                    ColumnType::Text => false,
                    ColumnType::Auto => table.is_csv() && first_is_number(table, position),
                },
            }),
            _ => selected = None,
        }
    }
    selected
}

/// Whether the first value of a column that decides it is a number.
fn first_is_number(table: &Table, position: usize) -> bool {
    for row in 0..table.len() {
        let mut number = None;
        table.fields(row, |column, _, text| {
            if column == position {
                number = decides_numbers(text);
            }
        });
        if let Some(number) = number {
            return number;
        }
    }
    false
}
