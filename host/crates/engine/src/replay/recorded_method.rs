//! Holds the HTTP methods of a recorded channel.

use mockfleet_tables::Location;

/// A method of a recorded channel.
#[derive(Debug)]
pub(crate) struct RecordedMethod {
    pub(crate) method: String,
    /// The first row that has it.
    pub(crate) first: Location,
    pub(crate) rows: u64,
}

/// Counts a row of a channel with a method.
pub(crate) fn note_method(methods: &mut Vec<RecordedMethod>, method: String, place: Location) {
    match methods.iter_mut().find(|known| known.method == method) {
        Some(known) => known.rows += 1,
        None => methods.push(RecordedMethod {
            method,
            first: place,
            rows: 1,
        }),
    }
}
