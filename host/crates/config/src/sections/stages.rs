//! Reads `[[groups.stages]]`.
//!
//! Stages change a group's rate and its share of active devices. A key that a stage lacks keeps
//! the value of the previous stage.

use crate::document::problem::ValueError;
use std::time::Duration;

use crate::document::node::{Node, Value};
use crate::document::suggest::did_you_mean;
use crate::document::table_reader::{ReadContext, TableReader, text};
use crate::document::units;
use crate::plan::stage::{AfterStages, Shape, Stage, Transition};

pub(crate) const KEYS: &[&str] = &["duration", "shape", "rate", "devices", "period"];

const LABEL: &str = "[[groups.stages]]";
const SHAPES: [&str; 4] = ["step", "ramp", "spike", "sine"];
const MIN_DURATION: Duration = Duration::from_millis(1);
const MAX_DURATION: Duration = Duration::from_secs(366 * 86_400);

/// Most ticks a second of one device, as for `rate` of the group.
const MAX_RATE: f64 = 1_000.0;

/// Most stages of a group, far more than a person writes. Each tick searches them.
const MAX_STAGES: usize = 1_000;

/// Reads the stages of a group; `own` is the group's rate in ticks per second and device.
pub(crate) fn read(context: &ReadContext<'_>, node: &Node, own: f64) -> Option<Vec<Stage>> {
    let Value::Array(entries) = &node.value else {
        let text = format!(
            "stages is a list of tables, not {}; begin each stage with {LABEL}",
            node.kind()
        );
        context.report(&node.at, text);
        return None;
    };
    if entries.is_empty() || entries.len() > MAX_STAGES {
        let text = format!(
            "there are 1 to {MAX_STAGES} stages, and here are {}",
            entries.len()
        );
        context.report(&node.at, text);
        return None;
    }
    let mut previous = PreviousStage::default();
    let stages: Vec<Option<Stage>> = entries
        .iter()
        .map(|entry| stage(context, entry, own, &mut previous))
        .collect();
    stages.into_iter().collect()
}

/// Reads the load after the last stage.
pub(crate) fn after_stages(node: &Node) -> Result<AfterStages, ValueError> {
    let text = text(node)?;
    match text.as_str() {
        "return" => Ok(AfterStages::Return),
        "hold" => Ok(AfterStages::Hold),
        "repeat" => Ok(AfterStages::Repeat),
        other => {
            let hint = did_you_mean(other, ["return", "hold", "repeat"].into_iter());
            Err(format!("{other:?} is neither \"return\" nor \"hold\" nor \"repeat\"{hint}").into())
        }
    }
}

/// The values at the end of the previous stage; `None` before the first.
#[derive(Default)]
struct PreviousStage {
    rate: Option<f64>,
    devices: Option<f64>,
}

fn stage(
    context: &ReadContext<'_>,
    node: &Node,
    own: f64,
    previous: &mut PreviousStage,
) -> Option<Stage> {
    let keys = TableReader::open(context, node, LABEL, KEYS)?;
    let duration = keys.require("duration", "\"30s\"", |_| Ok(()));
    let duration = duration.and_then(|()| keys.duration("duration", MIN_DURATION..=MAX_DURATION));
    let name = match keys.node("shape") {
        None => Some("step".to_owned()),
        Some(_) => keys.read("shape", shape),
    };
    let rate = read_transition(&keys, "rate", name.as_deref(), rate);
    let devices = read_transition(&keys, "devices", name.as_deref(), share);
    let period = period(&keys, name.as_deref(), duration);
    let name = name?;
    let (rate, devices) = (rate?, devices?);
    if name != "step" && rate.is_none() && devices.is_none() {
        let text = format!(
            "a {name} leads somewhere; say where with rate = \"50/s\" or devices = \"100%\""
        );
        keys.report("shape", text);
        return None;
    }
    let (duration, period) = (duration?, period?);
    let shape = match name.as_str() {
        "ramp" => Shape::Ramp,
        "spike" => Shape::Spike(period),
        "sine" => Shape::Sine(period),
        _ => Shape::Step,
    };
    let stage = Stage {
        duration,
        shape,
        rate: transition(rate, shape, previous.rate, own),
        devices: transition(devices, shape, previous.devices, 1.0),
    };
    *previous = PreviousStage {
        rate: Some(stage.rate_at_end()),
        devices: Some(stage.devices_at_end()),
    };
    Some(stage)
}

fn shape(node: &Node) -> Result<String, ValueError> {
    let text = text(node)?;
    if SHAPES.contains(&text.as_str()) {
        return Ok(text);
    }
    let hint = did_you_mean(&text, SHAPES.into_iter());
    Err(format!("{text:?} is no shape{hint}").into())
}

/// The start, if given, and the end of a transition.
type GivenTransition = (Option<f64>, f64);

/// Reads `TO` or `FROM..TO`. The outer `None` is a problem, the inner one a missing key.
fn read_transition(
    keys: &TableReader<'_>,
    key: &str,
    shape: Option<&str>,
    read: impl Fn(&str) -> Result<f64, ValueError>,
) -> Option<Option<GivenTransition>> {
    if keys.node(key).is_none() {
        return Some(None);
    }
    keys.read(key, |node| {
        let text = text(node)?;
        match text.split_once("..") {
            None => Ok(Some((None, read(text.trim())?))),
            Some(_) if shape == Some("step") => Err(format!(
                "{text:?} goes from one to another, and a step is at once where it goes; add shape = \"ramp\", \"spike\" or \"sine\""
            ).into()),
            Some((from, to)) => Ok(Some((Some(read(from.trim())?), read(to.trim())?))),
        }
    })
}

fn rate(text: &str) -> Result<f64, ValueError> {
    let rate = units::parse_rate_or_zero(text)
        .map_err(|wanted| format!("{text:?} is not understood; {wanted}; none is \"0/s\", and \"1/s..50/s\" goes from one to another"))?;
    if rate > MAX_RATE {
        return Err(
            format!("{text:?} is more than 1000/s for each device; use more devices").into(),
        );
    }
    Ok(rate)
}

fn share(text: &str) -> Result<f64, ValueError> {
    let share = units::parse_share(text).map_err(|wanted| {
        format!("{text:?} is not understood; {wanted}, and \"0%..100%\" goes from one to another")
    })?;
    if share > 1.0 {
        return Err(format!("{text:?} is more than all; it lies between 0% and 100%").into());
    }
    Ok(share)
}

fn period(
    keys: &TableReader<'_>,
    shape: Option<&str>,
    duration: Option<Duration>,
) -> Option<Duration> {
    if keys.node("period").is_none() {
        // The problem of the duration is already reported.
        return Some(duration.unwrap_or(MIN_DURATION));
    }
    let period = keys.duration("period", MIN_DURATION..=MAX_DURATION)?;
    if matches!(shape, Some("step" | "ramp")) {
        keys.report(
            "period",
            "only a spike and a sine come again and again; drop it",
        );
        return None;
    }
    if duration.is_some_and(|duration| period > duration) {
        keys.report(
            "period",
            "it is longer than the stage; give the stage a longer duration",
        );
        return None;
    }
    Some(period)
}

/// Returns the transition of a stage, with its start filled in.
fn transition(
    given: Option<GivenTransition>,
    shape: Shape,
    previous: Option<f64>,
    default: f64,
) -> Transition {
    match given {
        None => Transition::constant(previous.unwrap_or(default)),
        Some((_, to)) if shape == Shape::Step => Transition::constant(to),
        // The first stage begins at 0.
        Some((from, to)) => Transition {
            from: from.or(previous).unwrap_or(0.0),
            to,
        },
    }
}
