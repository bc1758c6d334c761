//! Prints, plots and validates the messages of devices.

use std::time::Duration;

use serde_json::json;

use crate::cli::author::try_plugin::devices::TriedDevices;
use crate::cli::author::try_plugin::options::TryLimit;
use crate::cli::author::try_plugin::options::TryOptions;
use crate::cli::author::try_plugin::output::payload_schemas::PayloadSchemas;
use crate::cli::author::try_plugin::output::plots::PlotCollector;
use crate::cli::ui::out::err;
use crate::cli::ui::out::{out_json, out_line};
use mockfleet_config::{Problems, format_duration};
use mockfleet_metrics::{agree, count, plural};
use mockfleet_plugin::{Link, Message, Turn};
use mockfleet_report::Plot;

/// The output of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Json,
    /// Messages are plotted instead.
    Silent,
}

/// Receives the messages of devices.
pub(crate) struct MessageOutput<'a> {
    form: Form,
    devices: &'a TriedDevices,
    schemas: &'a PayloadSchemas,
    plots: PlotCollector<'a>,
    /// Payloads that were validated, and those that did not fit; and the channels of all messages.
    held: u64,
    unfit: u64,
    heard: Vec<String>,
}

impl<'a> MessageOutput<'a> {
    pub(crate) fn new(as_json: bool, devices: &'a TriedDevices, options: &'a TryOptions) -> Self {
        let length = match options.until {
            TryLimit::Time(end) => end,
            TryLimit::Ticks(_) => 0,
        };
        Self {
            form: match (as_json, options.fields.as_slice()) {
                (true, _) => Form::Json,
                (false, []) => Form::Text,
                (false, _) => Form::Silent,
            },
            devices,
            schemas: &options.schemas,
            plots: PlotCollector::new(&options.fields, length),
            held: 0,
            unfit: 0,
            heard: Vec::new(),
        }
    }

    /// Returns the id of a device.
    pub(crate) fn id(&self, number: usize) -> &str {
        let spec = self.devices.specs.get(number);
        spec.map_or("", |spec| spec.id.as_str())
    }

    fn is_one_of_several(&self) -> bool {
        self.devices.specs.len() > 1
    }

    /// Prints an event of a device.
    pub(crate) fn report(&self, number: usize, at: u64, what: &str) {
        match self.is_one_of_several() {
            true => err!("{}: {}: {what}", moment(at), self.id(number)),
            false => err!("{}: {what}", moment(at)),
        }
    }

    /// Handles the turn of a device.
    pub(crate) fn turn(&mut self, number: usize, at: u64, turn: Turn) {
        if let Some(status) = turn.status {
            self.report(number, at, &format!("status {status}"));
        }
        for message in &turn.messages {
            match self.form {
                Form::Text => out_line!("{}", self.text(number, at, message)),
                Form::Json => out_json!("{}", self.object(number, at, message)),
                Form::Silent => {}
            }
            self.plots.take(number, at, message);
            self.validate(number, at, message);
        }
        match turn.link {
            Some(Link::Reconnect) => {
                self.report(number, at, "closes its connection and opens it again");
            }
            Some(Link::Vanish(length)) => {
                let length = format_duration(Duration::from_micros(length));
                self.report(number, at, &format!("vanishes for {length}"));
            }
            None => {}
        }
    }

    /// Validates a payload by its schema.
    fn validate(&mut self, number: usize, at: u64, message: &Message) {
        if self.schemas.is_empty() {
            return;
        }
        if !self.heard.contains(&message.channel) {
            self.heard.push(message.channel.clone());
        }
        let Some(findings) = self.schemas.findings(message) else {
            return;
        };
        self.held += 1;
        self.unfit += u64::from(!findings.is_empty());
        for finding in findings {
            err!(
                "{}: device {}: {}: {finding}",
                moment(at),
                self.id(number),
                message.channel
            );
        }
    }

    /// Returns the number of payloads that did not fit.
    pub(crate) const fn unfit(&self) -> u64 {
        self.unfit
    }

    /// Prints the result of all validations.
    pub(crate) fn print_schema_result(&self) {
        if self.schemas.is_empty() {
            return;
        }
        let silent = |name: &&str| !self.heard.iter().any(|heard| heard == name);
        for channel in self.schemas.named().filter(silent) {
            err!("--schema: no message came on {channel}, so that its schema held for none");
        }
        let payloads = plural(self.held, "payload");
        match self.unfit {
            0 => err!("--schema: {payloads} {}", agree(self.held, "fits", "fit")),
            unfit => err!(
                "--schema: {} of {payloads} {} not fit",
                count(unfit),
                agree(unfit, "does", "do")
            ),
        }
    }

    /// Returns the plots, and the number of lines left out.
    pub(crate) fn plots(&mut self) -> Result<(Vec<Plot>, u64), Problems> {
        let ids: Vec<&str> = self.devices.specs.iter().map(|s| s.id.as_str()).collect();
        self.plots.drawn(&ids)
    }

    fn text(&self, number: usize, at: u64, message: &Message) -> String {
        let payload = match std::str::from_utf8(&message.payload) {
            // A trailing line break would print an empty line.
            Ok(text) => text.trim_end_matches(['\r', '\n']).to_owned(),
            Err(_) => format!(
                "{} that {} no text",
                plural(message.payload.len(), "byte"),
                agree(message.payload.len(), "is", "are")
            ),
        };
        let device = match self.is_one_of_several() {
            true => format!("{}  ", self.id(number)),
            false => String::new(),
        };
        format!(
            "{}  {device}{}  {:>5} B  {payload}",
            moment(at),
            message.channel,
            message.payload.len()
        )
    }

    fn object(&self, number: usize, at: u64, message: &Message) -> serde_json::Value {
        let mut object = json!({
            "seconds": Duration::from_micros(at).as_secs_f64(),
            "channel": message.channel,
            "size": message.payload.len(),
            "payload": String::from_utf8_lossy(&message.payload),
        });
        if let Some(keys) = object.as_object_mut().filter(|_| self.is_one_of_several()) {
            keys.insert("device".into(), self.id(number).into());
        }
        object
    }
}

/// Formats a virtual time, in microseconds since the start.
pub(crate) fn moment(at: u64) -> String {
    format!("{:>9.3} s", Duration::from_micros(at).as_secs_f64())
}
