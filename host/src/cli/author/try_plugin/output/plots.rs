//! Collects the values of `--plot`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cli::author::try_plugin::output::json_path::JsonPath;
use crate::cli::author::try_plugin::output::json_path::numeric_paths;
use mockfleet_config::{Problem, Problems, did_you_mean};
use mockfleet_plugin::Message;
use mockfleet_report::{Line, MAX_LINES, Plot};

/// Maximum of known fields, for suggestions.
const MAX_KNOWN: usize = 1_000;

/// Maximum of fields in one message.
const MAX_NAMED: usize = 12;

/// The plots of all fields.
pub(crate) struct PlotCollector<'a> {
    figures: Vec<Figure<'a>>,
    /// Channel and path of each number that was received.
    known: BTreeSet<(String, String)>,
    /// Length of the time axis, microseconds.
    length: u64,
}

/// The values of one field.
struct Figure<'a> {
    field: &'a JsonPath,
    /// Points of each device and channel.
    lines: BTreeMap<(usize, String), Vec<(u64, f64)>>,
    /// The kind of value that was there instead of a number.
    instead: Option<String>,
}

impl<'a> PlotCollector<'a> {
    /// Creates the collector. `length` is the shortest length of the time axis, in
    /// microseconds.
    pub(crate) fn new(fields: &'a [JsonPath], length: u64) -> Self {
        let figures = fields.iter().map(|field| Figure {
            field,
            lines: BTreeMap::new(),
            instead: None,
        });
        Self {
            figures: figures.collect(),
            known: BTreeSet::new(),
            length,
        }
    }

    /// Adds a message of a device.
    pub(crate) fn take(&mut self, number: usize, at: u64, message: &Message) {
        if self.figures.is_empty() {
            return;
        }
        self.length = self.length.max(at);
        let Ok(payload) = serde_json::from_slice::<Value>(&message.payload) else {
            return;
        };
        for figure in &mut self.figures {
            figure.take(number, at, &message.channel, &payload);
        }
        // Names are needed only while a field is missing.
        let is_missing = |figure: &Figure<'_>| figure.lines.is_empty();
        if self.figures.iter().any(is_missing) && self.known.len() < MAX_KNOWN {
            let names = numeric_paths(&payload).into_iter();
            self.known
                .extend(names.map(|name| (message.channel.clone(), name)));
        }
    }

    /// Returns the plots, and the number of lines that are left out.
    ///
    /// # Errors
    /// Returns the fields that are in no message or are no numbers, with suggestions.
    pub(crate) fn drawn(&mut self, ids: &[&str]) -> Result<(Vec<Plot>, u64), Problems> {
        let mut problems = Problems::default();
        let mut plots = Vec::new();
        let mut left_out = 0;
        let figures = std::mem::take(&mut self.figures);
        for figure in figures {
            if figure.lines.is_empty() {
                problems.push(Problem {
                    place: "--plot".into(),
                    text: self.why_not(&figure),
                });
                continue;
            }
            left_out += figure.lines.len().saturating_sub(MAX_LINES);
            plots.push(figure.drawn(ids, self.length));
        }
        match problems.is_empty() {
            true => Ok((plots, u64::try_from(left_out).unwrap_or(u64::MAX))),
            false => Err(problems),
        }
    }

    fn why_not(&self, figure: &Figure<'_>) -> String {
        let field = &figure.field.shown;
        let several = self.known.iter().any(|(channel, _)| {
            let first = self.known.first();
            first.is_some_and(|(first, _)| first != channel)
        });
        let names: Vec<String> = self
            .known
            .iter()
            .map(|(channel, name)| match several {
                true => format!("{channel}:{name}"),
                false => name.clone(),
            })
            .collect();
        let what = match &figure.instead {
            Some(instead) => format!("{field} is no number but {instead}"),
            None => format!("no message has {field}"),
        };
        if names.is_empty() {
            return format!(
                "{what}, nor any other number in a JSON payload; there is nothing to draw"
            );
        }
        let more = match names.len().saturating_sub(MAX_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let hint = did_you_mean(field, names.iter().map(String::as_str));
        match hint.starts_with("; did you mean") {
            true => format!("{what}{hint}"),
            false => {
                let named: Vec<String> = names.into_iter().take(MAX_NAMED).collect();
                format!("{what}; these are numbers: {}{more}", named.join(", "))
            }
        }
    }
}

impl Figure<'_> {
    fn take(&mut self, number: usize, at: u64, channel: &str, payload: &Value) {
        let only = self.field.channel.as_deref();
        if only.is_some_and(|only| only != channel) {
            return;
        }
        let Some(value) = self.field.get(payload) else {
            return;
        };
        match value.as_f64() {
            Some(value) => {
                let line = (number, channel.to_owned());
                self.lines.entry(line).or_default().push((at, value));
            }
            None => {
                self.instead.get_or_insert_with(|| kind(value).to_owned());
            }
        }
    }

    fn drawn(self, ids: &[&str], length: u64) -> Plot {
        let several_channels = {
            let mut channels = self.lines.keys().map(|(_, channel)| channel);
            let first = channels.next();
            channels.any(|channel| Some(channel) != first)
        };
        let lines = self.lines.into_iter().take(MAX_LINES);
        let lines = lines.map(|((number, channel), points)| {
            let id = ids.get(number).copied().unwrap_or_default();
            let name = match (ids.len() > 1, several_channels) {
                (false, false) => String::new(),
                (false, true) => channel,
                (true, false) => id.to_owned(),
                (true, true) => format!("{id} {channel}"),
            };
            Line { name, points }
        });
        Plot {
            title: self.field.shown.clone(),
            lines: lines.collect(),
            length,
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(plots: &mut PlotCollector<'_>, number: usize, at: u64, channel: &str, payload: &str) {
        let message = Message {
            channel: channel.into(),
            payload: payload.into(),
            content_type: None,
            properties: Vec::new(),
        };
        plots.take(number, at, &message);
    }

    #[test]
    fn a_line_is_of_a_device_and_a_channel() {
        let fields = [
            JsonPath::parse("x").unwrap(),
            JsonPath::parse("b:x").unwrap(),
        ];
        let mut plots = PlotCollector::new(&fields, 0);
        said(&mut plots, 0, 0, "a", "{\"x\": 1}");
        said(&mut plots, 1, 5, "b", "{\"x\": 2.5}");
        said(&mut plots, 1, 9, "b", "{\"x\": null}");
        said(&mut plots, 1, 9, "b", "no JSON");
        let (drawn, left_out) = plots.drawn(&["d-0", "d-1"]).unwrap();
        assert_eq!(left_out, 0);
        let names: Vec<&str> = drawn[0].lines.iter().map(|l| l.name.as_str()).collect();
        assert_eq!(names, ["d-0 a", "d-1 b"]);
        assert_eq!(drawn[1].lines[0].name, "d-1");
        assert_eq!(drawn[1].lines[0].points, [(5, 2.5)]);
        assert_eq!(drawn[0].length, 9);
    }

    #[test]
    fn what_cannot_be_drawn_is_said_with_what_can() {
        let fields = ["temprature", "ok", "y"].map(|text| JsonPath::parse(text).unwrap());
        let mut plots = PlotCollector::new(&fields, 0);
        said(&mut plots, 0, 0, "a", "{\"temperature\": 1, \"ok\": true}");
        let text = plots.drawn(&["d"]).unwrap_err().to_string();
        assert_eq!(
            text,
            "--plot: no message has temprature; did you mean \"temperature\"?\n\
             --plot: ok is no number but true or false; these are numbers: temperature\n\
             --plot: no message has y; these are numbers: temperature"
        );
        let mut plots = PlotCollector::new(&fields[2..], 0);
        said(&mut plots, 0, 0, "a", "x;1");
        let text = plots.drawn(&["d"]).unwrap_err().to_string();
        assert!(text.ends_with("there is nothing to draw"), "{text}");
    }

    #[test]
    fn more_lines_than_can_be_told_apart_are_counted() {
        let fields = [JsonPath::parse("x").unwrap()];
        let mut plots = PlotCollector::new(&fields, 0);
        for number in 0..9 {
            said(&mut plots, number, 0, "a", "{\"x\": 1}");
        }
        let (drawn, left_out) = plots.drawn(&["d"; 9]).unwrap();
        assert_eq!((drawn[0].lines.len(), left_out), (6, 3));
    }
}
