//! Forecasts: what a fleet will send in an hour, what its log will weigh, and what that
//! costs, before anything runs. Rests on a rehearsal of some devices and on files that
//! the send log's own encoder made of what they said; knows no terminal.
//!
//! `weigh` encodes, `generations` counts files, [`bill`] multiplies with prices.

pub mod bill;
mod generations;
mod weigh;

use std::time::Duration;

use generations::{Circle, Rolls, files_within};
use mockfleet_config::{Log, Plan, Speed};
use mockfleet_engine::{Rehearsal, Rehearsed};
use mockfleet_sendlog::{EncodedSizes, LogError};
use weigh::Scale;

/// Why there is no forecast.
#[derive(Debug, thiserror::Error)]
pub enum ForecastError {
    /// The sampled rows cannot be encoded.
    #[error("the sampled rows cannot be encoded: {0}")]
    Log(#[from] LogError),
    /// There is no room for them.
    #[error("no temporary folder for the sampled rows: {0}; set TMPDIR to one that has room")]
    Folder(#[from] std::io::Error),
}

/// What a fleet does once all its devices are switched on, by the hour. Numbers are
/// means, and so no whole ones.
#[derive(Debug)]
pub struct Forecast {
    /// In the order of the fleet file.
    pub groups: Vec<GroupHour>,
    /// All groups together.
    pub hour: Hour,
    /// What the fleet does within its duration, if it has one.
    pub run: Option<Run>,
}

/// An hour of one group.
#[derive(Debug)]
pub struct GroupHour {
    /// Its name.
    pub name: String,
    /// Its devices.
    pub devices: u32,
    /// How many of them were rehearsed, for how long each, and what they said.
    pub sample: Sampled,
    /// Messages.
    pub messages: f64,
    /// Bytes of their payloads.
    pub payload: f64,
    /// Bytes of their rows in `sends`, as far as they are the group's own.
    pub bytes: f64,
    /// Rows of `events`: changes of a status.
    pub events: f64,
}

/// What a group's forecast rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sampled {
    /// Devices.
    pub devices: u32,
    /// Virtual time of each.
    pub time: Duration,
    /// Ticks that they had.
    pub ticks: u64,
    /// Messages that they returned.
    pub messages: u64,
    /// Of them, those that were encoded.
    pub encoded: u64,
    /// Calls that ended in an error.
    pub failed: u64,
    /// Devices whose cell fell.
    pub fallen: u64,
    /// Devices that retired.
    pub retired: u64,
    /// The first fault, in words.
    pub fault: Option<String>,
    /// Whether its rate has stages, which the figures of an hour leave out.
    pub stages: bool,
}

/// An hour of the whole fleet.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Hour {
    /// Messages: rows of `sends`.
    pub messages: f64,
    /// Bytes of their payloads.
    pub payload: f64,
    /// Rows of `events`.
    pub events: f64,
    /// Files of `sends`, each a PUT and a HEAD.
    pub sends_files: f64,
    /// Files of `events`.
    pub events_files: f64,
    /// Bytes of the files of `sends`.
    pub sends_bytes: f64,
    /// Bytes of the files of `events`.
    pub events_bytes: f64,
    /// The same rows as lines of JSON.
    pub json: f64,
    /// … as payload units of Kinesis.
    pub payload_units: f64,
    /// … as items of DynamoDB.
    pub items: f64,
    /// … as its write units.
    pub write_units: f64,
}

impl Hour {
    /// Rows of both tables.
    #[must_use]
    pub fn rows(&self) -> f64 {
        self.messages + self.events
    }

    /// Files of both tables.
    #[must_use]
    pub fn files(&self) -> f64 {
        self.sends_files + self.events_files
    }

    /// Bytes of both tables.
    #[must_use]
    pub fn bytes(&self) -> f64 {
        self.sends_bytes + self.events_bytes
    }
}

/// What a fleet does within its duration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Run {
    /// From its first to its last tick.
    pub duration: Duration,
    /// Messages: rows of `sends`.
    pub messages: f64,
    /// Files of `sends`.
    pub files: f64,
    /// Their bytes.
    pub bytes: f64,
}

/// Forecasts a fleet that was rehearsed.
///
/// # Errors
/// When the sampled rows cannot be encoded.
pub fn forecast(plan: &Plan, rehearsal: &Rehearsal) -> Result<Forecast, ForecastError> {
    let mut scales = Vec::new();
    for group in &rehearsal.groups {
        scales.push(Scale::new(plan, rehearsal, group)?);
    }
    let pairs = || rehearsal.groups.iter().zip(&scales);
    let circles: Vec<Circle<'_>> = rehearsal
        .groups
        .iter()
        .filter(|group| group.sample.messages() > 0)
        .map(|group| Circle::new(group.every, &group.phases))
        .collect();
    let second: f64 = pairs()
        .map(|(group, scale)| messages(group) / HOUR * scale.row())
        .sum();
    let rolls = Rolls::of(&on_its_clock(plan), second, &circles);
    let mut hour = Hour {
        sends_files: rolls.files,
        ..Hour::default()
    };
    let mut groups = Vec::new();
    let mut heads = Vec::new();
    for (group, scale) in pairs() {
        let messages = messages(group);
        let file = scale.sends(ratio(messages, rolls.files))?;
        let events = hours(group) * ratio(float(group.sample.changes()), float(group.due));
        hour.messages += messages;
        hour.payload += messages * ratio(float(group.sample.payload()), said(group));
        hour.events += events;
        add(&mut hour, messages, &scale.forms.0);
        add(&mut hour, events, &scale.forms.1);
        heads.push(scale.head());
        groups.push(GroupHour {
            name: group.name.clone(),
            devices: group.devices,
            sample: sampled(group),
            messages,
            payload: messages * ratio(float(group.sample.payload()), said(group)),
            bytes: rolls.files * (file - scale.head()).max(0.0),
            events,
        });
    }
    // Each file has one head, whatever groups its rows are of.
    let head = heads.iter().copied().fold(0.0, f64::max);
    hour.sends_bytes = rolls.files * head + groups.iter().map(|group| group.bytes).sum::<f64>();
    hour.events_files = rolls.with(hour.events);
    let (mut rows, mut own) = (0.0, 0.0_f64);
    for (scale, group) in scales.iter().zip(&groups) {
        let (head, row) = scale.events();
        rows += row * group.events;
        own = own.max(head);
    }
    hour.events_bytes = hour.events_files * own + rows;
    Ok(Forecast {
        run: run(plan, rehearsal, &scales, second, &circles)?,
        groups,
        hour,
    })
}

/// The log by the fleet's clock: the age at which files are ended is the machine's time.
fn on_its_clock(plan: &Plan) -> Log {
    let roll_every = match plan.clock.speed {
        Speed::Times(times) => {
            let seconds = plan.log.roll_every.as_secs_f64() * times;
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
        }
        Speed::Max => Duration::MAX,
    };
    Log {
        roll_every,
        ..plan.log.clone()
    }
}

fn run(
    plan: &Plan,
    rehearsal: &Rehearsal,
    scales: &[Scale<'_>],
    second: f64,
    circles: &[Circle<'_>],
) -> Result<Option<Run>, ForecastError> {
    let Some(duration) = plan.duration else {
        return Ok(None);
    };
    // A device that is switched on late may be the only one: there is a file even so.
    let files = files_within(&on_its_clock(plan), second, circles, duration).max(1.0);
    let (mut messages, mut bytes, mut head) = (0.0, 0.0, 0.0_f64);
    for (group, scale) in rehearsal.groups.iter().zip(scales) {
        let Some(span) = group.run else { continue };
        let share = if span.sampled_due > 0 {
            ratio(float(span.sampled_messages), float(span.sampled_due))
        } else {
            ratio(said(group), float(group.due))
        };
        let own = float(span.due) * share;
        messages += own;
        bytes += files * (scale.sends(own / files)? - scale.head()).max(0.0);
        head = head.max(scale.head());
    }
    Ok(Some(Run {
        duration,
        messages,
        files: if messages > 0.0 { files } else { 0.0 },
        bytes: if messages > 0.0 {
            bytes + files * head
        } else {
            0.0
        },
    }))
}

/// Seconds.
const HOUR: f64 = 3_600.0;

/// Ticks that the schedule of a whole group has in an hour.
fn hours(group: &Rehearsed) -> f64 {
    f64::from(group.devices) * HOUR / group.every.as_secs_f64()
}

/// Messages of a whole group in an hour: its ticks, and what a tick brought.
fn messages(group: &Rehearsed) -> f64 {
    hours(group) * ratio(said(group), float(group.due))
}

fn said(group: &Rehearsed) -> f64 {
    float(group.sample.messages())
}

fn sampled(group: &Rehearsed) -> Sampled {
    Sampled {
        devices: group.sampled,
        time: group.time,
        ticks: group.ticks,
        messages: group.sample.messages(),
        encoded: u64::try_from(group.sample.kept()).unwrap_or(u64::MAX),
        failed: group.failed,
        fallen: group.fallen,
        retired: group.retired,
        fault: group.fault.clone(),
        stages: group.stages,
    }
}

/// Adds rows in the forms that they have elsewhere.
fn add(hour: &mut Hour, rows: f64, forms: &EncodedSizes) {
    let of = |all: u64| rows * ratio(float(all), float(forms.rows));
    hour.json += of(forms.json);
    hour.payload_units += of(forms.payload_units);
    hour.items += of(forms.item);
    hour.write_units += of(forms.write_units);
}

/// A part of a whole that may be nothing.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

/// Exact below 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "a forecast has no sixteen digits"
)]
fn float(n: u64) -> f64 {
    n as f64
}
