//! Parses and checks the options that are independent of the devices.

use std::path::Path;

use crate::cli::author::try_plugin::arguments::Arguments;
use crate::cli::author::try_plugin::events::TimedEvent;
use crate::cli::author::try_plugin::events::timed_events;
use crate::cli::author::try_plugin::option_parsing::{micros, value_or_problem};
use crate::cli::author::try_plugin::output::json_path::JsonPath;
use crate::cli::author::try_plugin::output::payload_schemas::PayloadSchemas;
use mockfleet_config::Problems;

/// The parsed options.
pub(crate) struct TryOptions {
    pub(crate) until: TryLimit,
    /// Events in order of time.
    pub(crate) timed_events: Vec<TimedEvent>,
    pub(crate) fields: Vec<JsonPath>,
    pub(crate) schemas: PayloadSchemas,
}

/// The end of the simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TryLimit {
    /// A number of ticks.
    Ticks(u64),
    /// A time in microseconds since the start.
    Time(u64),
}

/// Ticks without an option.
const DEFAULT_TICKS: u64 = 10;

impl TryOptions {
    pub(crate) fn parse(arguments: &Arguments) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let until = match &arguments.time {
            None => Some(TryLimit::Ticks(arguments.ticks.unwrap_or(DEFAULT_TICKS))),
            Some(text) => {
                value_or_problem(&mut problems, "--for", micros(text).map(TryLimit::Time))
            }
        };
        let timed_events = timed_events(arguments, &mut problems);
        let mut fields = Vec::new();
        for text in &arguments.plot {
            fields.extend(value_or_problem(
                &mut problems,
                "--plot",
                JsonPath::parse(text),
            ));
        }
        if let Some(file) = &arguments.output {
            value_or_problem(&mut problems, "--output", picture(file));
        }
        let schemas = PayloadSchemas::read(&arguments.schema, &mut problems);
        match until.filter(|_| problems.is_empty()) {
            Some(until) => Ok(Self {
                until,
                timed_events,
                fields,
                schemas,
            }),
            None => Err(problems),
        }
    }
}

/// Checks the name of the SVG file.
fn picture(file: &Path) -> Result<(), String> {
    match file.extension().is_some_and(|kind| kind == "svg") {
        true => Ok(()),
        false => Err(format!(
            "{} is no name of an SVG file; give a name such as plot.svg",
            file.display()
        )),
    }
}
