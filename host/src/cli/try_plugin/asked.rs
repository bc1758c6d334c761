//! What is asked of the devices: the options that do not depend on what they are, checked,
//! with all that is wrong with them.

use std::path::Path;

use super::Arguments;
use super::field::Field;
use super::happening::{Happening, happenings};
use super::schema::Schemas;
use mockfleet_config::{Problem, Problems, parse_duration};

/// What was asked for.
pub(super) struct Asked {
    pub(super) until: Until,
    /// In the order of time.
    pub(super) happenings: Vec<Happening>,
    pub(super) fields: Vec<Field>,
    pub(super) schemas: Schemas,
}

/// How long a device is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// So many ticks.
    Ticks(u64),
    /// All that is due before this, microseconds since it was made.
    Time(u64),
}

/// Where nothing is said.
const TICKS: u64 = 10;

impl Asked {
    pub(super) fn of(arguments: &Arguments) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let until = match &arguments.time {
            None => Some(Until::Ticks(arguments.ticks.unwrap_or(TICKS))),
            Some(text) => keep(&mut problems, "--for", micros(text).map(Until::Time)),
        };
        let happenings = happenings(arguments, &mut problems);
        let mut fields = Vec::new();
        for text in &arguments.plot {
            fields.extend(keep(&mut problems, "--plot", Field::parse(text)));
        }
        if let Some(file) = &arguments.output {
            keep(&mut problems, "--output", picture(file));
        }
        let schemas = Schemas::read(&arguments.schema, &mut problems);
        match until.filter(|_| problems.is_empty()) {
            Some(until) => Ok(Self {
                until,
                happenings,
                fields,
                schemas,
            }),
            None => Err(problems),
        }
    }
}

/// What came of an option, or one more problem.
pub(super) fn keep<T>(
    problems: &mut Problems,
    option: &str,
    found: Result<T, String>,
) -> Option<T> {
    found
        .map_err(|text| {
            problems.push(Problem {
                place: option.to_owned(),
                text,
            });
        })
        .ok()
}

/// A time in microseconds.
pub(super) fn micros(text: &str) -> Result<u64, String> {
    let length = parse_duration(text)?;
    Ok(u64::try_from(length.as_micros()).unwrap_or(u64::MAX / 2))
}

/// Nobody asks for a picture and means a file of another kind.
fn picture(file: &Path) -> Result<(), String> {
    match file.extension().is_some_and(|kind| kind == "svg") {
        true => Ok(()),
        false => Err(format!(
            "{} is no name of a picture; it is written as SVG, so name it for example plot.svg",
            file.display()
        )),
    }
}
