//! Places a problem at a key of the fleet file.

use mockfleet_config::{Fleet, Problem};

/// Returns a problem at a key of the fleet file, without values of the environment.
pub(crate) fn problem(fleet: &Fleet, path: &[&str], text: String) -> Problem {
    Problem {
        place: fleet.place(path),
        text: fleet.without_environment(path, text),
    }
}
