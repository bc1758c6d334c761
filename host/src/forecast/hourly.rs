//! Forecasts a fleet by the hour, from a dry run.

use std::time::Duration;

use mockfleet_config::{Log, Plan, Speed};
use mockfleet_engine::{DryRun, GroupResult};
use mockfleet_sendlog::EncodedSizes;

use crate::forecast::error::ForecastError;
use crate::forecast::figures::{Forecast, GroupHour, Hour, Run, Sampled};
use crate::forecast::file_count::{RollPolicy, TickPhases, files_within};
use crate::forecast::size_sampling::SizeSampler;
use crate::num::{as_f64, ratio};

/// Forecasts a fleet from its dry run.
///
/// # Errors
/// Returns an error if the sampled rows cannot be encoded.
pub(crate) fn forecast(plan: &Plan, dry_run: &DryRun) -> Result<Forecast, ForecastError> {
    let mut scales = Vec::new();
    for group in &dry_run.groups {
        scales.push(SizeSampler::new(plan, dry_run, group)?);
    }
    let pairs = || dry_run.groups.iter().zip(&scales);
    let groups_due: Vec<TickPhases<'_>> = dry_run
        .groups
        .iter()
        .filter(|group| group.steady.messages > 0.0)
        .map(|group| TickPhases::new(group.cycle, &group.phases))
        .collect();
    let second: f64 = pairs()
        .map(|(group, scale)| messages(group) / HOUR * scale.row())
        .sum();
    let rolls = RollPolicy::simulate(&on_its_clock(plan), second, &groups_due);
    let mut hour = Hour {
        sends_files: rolls.files,
        ..Hour::default()
    };
    let mut groups = Vec::new();
    let mut heads = Vec::new();
    for (group, scale) in pairs() {
        let messages = messages(group);
        let file = scale.sends(ratio(messages, rolls.files))?;
        let events = hours(group) * ratio(as_f64(group.sample.changes()), as_f64(group.due));
        hour.messages += messages;
        hour.payload += messages * ratio(as_f64(group.sample.payload()), sampled_messages(group));
        hour.events += events;
        add(&mut hour, messages, &scale.forms.0);
        add(&mut hour, events, &scale.forms.1);
        heads.push(scale.head());
        groups.push(GroupHour {
            name: group.name.clone(),
            devices: group.devices,
            sample: sampled(group),
            messages,
            payload: messages * ratio(as_f64(group.sample.payload()), sampled_messages(group)),
            bytes: rolls.files * (file - scale.head()).max(0.0),
            events,
        });
    }
    // Each file has one head, for any number of groups.
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
        run: run(plan, dry_run, &scales, second, &groups_due)?,
        groups,
        hour,
    })
}

/// Returns the log settings in fleet time, since `roll_every` counts the machine's time.
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
    dry_run: &DryRun,
    scales: &[SizeSampler<'_>],
    second: f64,
    groups_due: &[TickPhases<'_>],
) -> Result<Option<Run>, ForecastError> {
    let Some(duration) = plan.duration else {
        return Ok(None);
    };
    // A device that is switched on late may be the only one, so count at least one file.
    let files = files_within(&on_its_clock(plan), second, groups_due, duration).max(1.0);
    let (mut messages, mut bytes, mut head) = (0.0, 0.0, 0.0_f64);
    for (group, scale) in dry_run.groups.iter().zip(scales) {
        let Some(span) = group.run else { continue };
        let share = if span.is_extrapolated || span.sampled_due == 0 {
            ratio(group.steady.messages, as_f64(group.steady.due))
        } else {
            ratio(as_f64(span.sampled_messages), as_f64(span.sampled_due))
        };
        let own = as_f64(span.due) * share + as_f64(span.start_messages);
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

/// An hour in seconds.
const HOUR: f64 = 3_600.0;

/// Returns the ticks of a whole group in an hour, by its schedule.
fn hours(group: &GroupResult) -> f64 {
    f64::from(group.devices) * HOUR / group.every.as_secs_f64()
}

/// Returns the messages of a whole group in an hour: its ticks, times the messages of a tick.
fn messages(group: &GroupResult) -> f64 {
    hours(group) * ratio(group.steady.messages, as_f64(group.steady.due))
}

fn sampled_messages(group: &GroupResult) -> f64 {
    as_f64(group.sample.messages())
}

fn sampled(group: &GroupResult) -> Sampled {
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
        uncovered: group.uncovered,
    }
}

/// Adds the size of rows in other formats.
fn add(hour: &mut Hour, rows: f64, forms: &EncodedSizes) {
    let of = |all: u64| rows * ratio(as_f64(all), as_f64(forms.rows));
    hour.json += of(forms.json);
    hour.payload_units += of(forms.payload_units);
    hour.items += of(forms.item);
    hour.write_units += of(forms.write_units);
}
