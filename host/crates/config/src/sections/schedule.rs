//! Reads the schedule of a group: rate, start, jitter, ramp and stages.

use crate::document::problem::ValueError;
use std::time::Duration;

use crate::document::node::Node;
use crate::document::table_reader::{ReadContext, TableReader, text};
use crate::document::units::{self, Rate};
use crate::plan::group::{Schedule, Start, TickRate};
use crate::plan::stage::{AfterStages, Stage, Transition};
use crate::sections::stages;

pub(crate) fn read(context: &ReadContext<'_>, keys: &TableReader<'_>) -> Option<Schedule> {
    let tick_rate = match (keys.node("every"), keys.node("rate")) {
        (Some(_), Some(_)) => {
            keys.report(
                "rate",
                "every says the same in another way; keep one of them",
            );
            None
        }
        (Some(_), None) => keys
            .duration("every", MIN_INTERVAL..=MAX_DURATION)
            .map(TickRate::Every),
        (None, Some(_)) => keys.read("rate", rate),
        (None, None) => {
            keys.report_missing("every", "\"1s\" (or rate = \"60/min\", or rate = \"max\")");
            None
        }
    };
    let start = match keys.node("start") {
        None => Some(Start::Spread),
        Some(_) => keys.read("start", |node| {
            let text = text(node)?;
            match text.as_str() {
                "spread" => Ok(Start::Spread),
                "together" => Ok(Start::Together),
                other => Err(format!("{other:?} is neither \"spread\" nor \"together\"").into()),
            }
        }),
    };
    let jitter = match keys.node("jitter") {
        None => Some(0.0),
        Some(_) => keys.read("jitter", |node| {
            let share = units::parse_share(&text(node)?)?;
            if share > 0.5 {
                return Err(
                    "above \"50%\" a tick could come before the one it follows; it lies between \"0%\" and \"50%\"".into(),
                );
            }
            Ok(share)
        }),
    };
    let ramp = keys.duration("ramp", Duration::ZERO..=MAX_DURATION);
    let stages = read_stages(context, keys, tick_rate, ramp.is_some());
    let after_stages = match keys.node("after-stages") {
        None => Some(AfterStages::Return),
        Some(_) => keys.read("after-stages", stages::after_stages),
    };
    if keys.node("stages").is_none() && keys.node("after-stages").is_some() {
        keys.report(
            "after-stages",
            "the group has no stages; add [[groups.stages]], or drop it",
        );
    }
    Some(Schedule {
        tick_rate: tick_rate?,
        start: start?,
        jitter: jitter?,
        ramp,
        stages: stages?,
        after_stages: after_stages?,
    })
}

/// Reads the stages, and reports the keys that exclude them.
fn read_stages(
    context: &ReadContext<'_>,
    keys: &TableReader<'_>,
    tick_rate: Option<TickRate>,
    ramp: bool,
) -> Option<Vec<Stage>> {
    let Some(node) = keys.node("stages") else {
        return Some(Vec::new());
    };
    let own = match tick_rate {
        Some(TickRate::Every(interval)) => interval.as_secs_f64().recip(),
        // Other problems of the stages are still reported.
        Some(TickRate::FlatOut) | None => 1.0,
    };
    let stages = stages::read(context, node, own);
    if tick_rate == Some(TickRate::FlatOut) {
        keys.report(
            "stages",
            "rate = \"max\" has no schedule that stages could change; give the group its own rate, such as rate = \"1/s\"",
        );
        return None;
    }
    let gated = |stages: &Vec<Stage>| {
        stages
            .iter()
            .any(|stage| stage.devices != Transition::constant(1.0))
    };
    if ramp && stages.as_ref().is_some_and(gated) {
        keys.report(
            "ramp",
            "the stages say when devices are switched on; keep devices in the stages, or ramp",
        );
        return None;
    }
    stages
}

/// Shortest interval: 1,000 ticks a second of one device. Faster devices use `rate = "max"`.
const MIN_INTERVAL: Duration = Duration::from_millis(1);
const MAX_DURATION: Duration = Duration::from_secs(366 * 86_400);

fn rate(node: &Node) -> Result<TickRate, ValueError> {
    let text = text(node)?;
    if text == "max" {
        return Ok(TickRate::FlatOut);
    }
    let rate = Rate::parse(&text)
        .map_err(|wanted| format!("{text:?} is not understood; {wanted}, or \"max\""))?;
    if rate.interval() < MIN_INTERVAL {
        return Err(format!(
            "{text:?} is more than 1000/s for each device; use more devices, or \"max\" for as fast as it goes"
        ).into());
    }
    Ok(TickRate::Every(rate.interval()))
}
