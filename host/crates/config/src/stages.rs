//! The keys of `[[groups.stages]]`: how a group's rate, and the share of its devices
//! that are switched on, change while the run goes. What a stage does not say goes on
//! as the stage before left it.

use std::time::Duration;

use super::keys::{Context, Keys, text};
use super::plan::{After, Shape, Stage, Way};
use super::suggest;
use super::tree::{Node, Value};
use super::units;

pub(super) const KEYS: &[&str] = &["duration", "shape", "rate", "devices", "period"];

const LABEL: &str = "[[groups.stages]]";
const SHAPES: [&str; 4] = ["step", "ramp", "spike", "sine"];
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// Ticks a second of one device, at most; as for `rate` of the group.
const FASTEST: f64 = 1_000.0;

/// Far more than a person writes; each is looked at for each tick.
const MOST: usize = 1_000;

/// Reads the stages of a group whose own rate is `own`, in ticks a second and device.
pub(super) fn read(context: &Context<'_>, node: &Node, own: f64) -> Option<Vec<Stage>> {
    let Value::Array(entries) = &node.value else {
        let text = format!(
            "stages is a list of tables, not {}; begin each stage with {LABEL}",
            node.kind()
        );
        context.problem(&node.at, text);
        return None;
    };
    if entries.is_empty() || entries.len() > MOST {
        let text = format!(
            "there are 1 to {MOST} stages, and here are {}",
            entries.len()
        );
        context.problem(&node.at, text);
        return None;
    }
    let mut before = Before::default();
    let stages: Vec<Option<Stage>> = entries
        .iter()
        .map(|entry| stage(context, entry, own, &mut before))
        .collect();
    stages.into_iter().collect()
}

/// What comes when the stages are over.
pub(super) fn after(node: &Node) -> Result<After, String> {
    let text = text(node)?;
    match text.as_str() {
        "return" => Ok(After::Return),
        "hold" => Ok(After::Hold),
        "repeat" => Ok(After::Repeat),
        other => {
            let hint = suggest::among(other, ["return", "hold", "repeat"].into_iter());
            Err(format!(
                "{other:?} is neither \"return\" nor \"hold\" nor \"repeat\"{hint}"
            ))
        }
    }
}

/// Where the stage before ended; before the first, nothing has been said.
#[derive(Default)]
struct Before {
    rate: Option<f64>,
    devices: Option<f64>,
}

fn stage(context: &Context<'_>, node: &Node, own: f64, before: &mut Before) -> Option<Stage> {
    let keys = Keys::open(context, node, LABEL, KEYS)?;
    let duration = keys.need("duration", "\"30s\"", |_| Ok(()));
    let duration = duration.and_then(|()| keys.duration("duration", SHORTEST..=LONGEST));
    let name = match keys.node("shape") {
        None => Some("step".to_owned()),
        Some(_) => keys.read("shape", shape),
    };
    let rate = given(&keys, "rate", name.as_deref(), rate);
    let devices = given(&keys, "devices", name.as_deref(), share);
    let period = period(&keys, name.as_deref(), duration);
    let name = name?;
    let (rate, devices) = (rate?, devices?);
    if name != "step" && rate.is_none() && devices.is_none() {
        let text = format!(
            "a {name} leads somewhere; say where with rate = \"50/s\" or devices = \"100%\""
        );
        keys.wrong("shape", text);
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
        rate: way(rate, shape, before.rate, own),
        devices: way(devices, shape, before.devices, 1.0),
    };
    *before = Before {
        rate: Some(stage.rate_at_end()),
        devices: Some(stage.devices_at_end()),
    };
    Some(stage)
}

fn shape(node: &Node) -> Result<String, String> {
    let text = text(node)?;
    if SHAPES.contains(&text.as_str()) {
        return Ok(text);
    }
    let hint = suggest::among(&text, SHAPES.into_iter());
    Err(format!("{text:?} is no shape{hint}"))
}

/// What a stage says of where it begins, and where it goes.
type Said = (Option<f64>, f64);

/// `TO` or `FROM..TO`. The outer `None` is a problem, the inner one a key that is not
/// there.
fn given(
    keys: &Keys<'_>,
    key: &str,
    shape: Option<&str>,
    read: impl Fn(&str) -> Result<f64, String>,
) -> Option<Option<Said>> {
    if keys.node(key).is_none() {
        return Some(None);
    }
    keys.read(key, |node| {
        let text = text(node)?;
        match text.split_once("..") {
            None => Ok(Some((None, read(text.trim())?))),
            Some(_) if shape == Some("step") => Err(format!(
                "{text:?} goes from one to another, and a step is at once where it goes; add shape = \"ramp\", \"spike\" or \"sine\""
            )),
            Some((from, to)) => Ok(Some((Some(read(from.trim())?), read(to.trim())?))),
        }
    })
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = units::rate_or_none(text)
        .map_err(|wanted| format!("{text:?} is not understood; {wanted}; none is \"0/s\", and \"1/s..50/s\" goes from one to another"))?;
    if rate > FASTEST {
        return Err(format!(
            "{text:?} is more than 1000/s for each device; use more devices"
        ));
    }
    Ok(rate)
}

fn share(text: &str) -> Result<f64, String> {
    let share = units::share(text).map_err(|wanted| {
        format!("{text:?} is not understood; {wanted}, and \"0%..100%\" goes from one to another")
    })?;
    if share > 1.0 {
        return Err(format!(
            "{text:?} is more than all; it lies between 0% and 100%"
        ));
    }
    Ok(share)
}

fn period(keys: &Keys<'_>, shape: Option<&str>, duration: Option<Duration>) -> Option<Duration> {
    if keys.node("period").is_none() {
        // What is wrong with the duration has been said.
        return Some(duration.unwrap_or(SHORTEST));
    }
    let period = keys.duration("period", SHORTEST..=LONGEST)?;
    if matches!(shape, Some("step" | "ramp")) {
        keys.wrong(
            "period",
            "only a spike and a sine come again and again; drop it",
        );
        return None;
    }
    if duration.is_some_and(|duration| period > duration) {
        keys.wrong(
            "period",
            "it is longer than the stage; give the stage a longer duration",
        );
        return None;
    }
    Some(period)
}

/// The way of a stage, where it begins filled in.
fn way(said: Option<Said>, shape: Shape, before: Option<f64>, unsaid: f64) -> Way {
    match said {
        None => Way::level(before.unwrap_or(unsaid)),
        Some((_, to)) if shape == Shape::Step => Way::level(to),
        // A run begins with nothing.
        Some((from, to)) => Way {
            from: from.or(before).unwrap_or(0.0),
            to,
        },
    }
}
