//! A rehearsal: some devices of each group live for a while on a virtual clock, with
//! the fleet's own schedule and seeds, without network and log. What they say is kept
//! in a [`Sample`], so that it can be told beforehand what a run will send.

use std::time::Duration;

use super::clock::micros;
use super::prepare;
use super::sample::Sample;
use super::scene::Scene;
use mockfleet_config::{Fleet, Problems, TickRate};
use mockfleet_plugin::{Console, Engine};
use mockfleet_sendlog::{Directory, Identity};
use mockfleet_transport::RunNames;

/// How much of a fleet is rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rehearsing {
    /// Devices of each group, at most.
    pub devices: u32,
    /// Virtual time of each device; at least [`BEATS`] of its intervals.
    pub time: Duration,
}

/// A device that is called less often in the time is rehearsed for so many intervals.
pub const BEATS: u64 = 3;

/// What guests are told the start of the run is, where the fleet file does not say when
/// its clock starts: a fixed moment, so that the same seed forecasts the same. 2026-01-01T00:00:00Z in microseconds.
pub(super) const ORIGIN: u64 = 1_767_225_600_000_000;

/// A fleet that was rehearsed.
#[derive(Debug)]
pub struct Rehearsal {
    /// What rows refer to by number.
    pub directory: Directory,
    /// In the order of the fleet file.
    pub groups: Vec<Rehearsed>,
}

/// What was learned of a group.
#[derive(Debug)]
pub struct Rehearsed {
    /// Its name.
    pub name: String,
    /// How many devices it has.
    pub devices: u32,
    /// How many of them were rehearsed.
    pub sampled: u32,
    /// The virtual time for which they were.
    pub time: Duration,
    /// Ticks that their schedule has in that time.
    pub due: u64,
    /// Ticks that they had: fewer where they fell or retired, others where they name
    /// their next tick themselves.
    pub ticks: u64,
    /// Calls that ended in an error.
    pub failed: u64,
    /// Devices whose cell fell; they are silent from then on.
    pub fallen: u64,
    /// Devices that retired.
    pub retired: u64,
    /// The first fault, in words.
    pub fault: Option<String>,
    /// The interval of a device.
    pub every: Duration,
    /// Whether it has stages: their rates are in `run` only.
    pub stages: bool,
    /// Where in their interval the devices are due, in microseconds, in order.
    pub phases: Vec<u64>,
    /// What the whole group does within the fleet's duration.
    pub run: Option<Span>,
    /// What the devices said.
    pub sample: Sample,
}

/// Ticks within the fleet's duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// That the schedule of all devices has in it.
    pub due: u64,
    /// That the schedule of the rehearsed ones had in it, as far as it was rehearsed.
    pub sampled_due: u64,
    /// Messages of the rehearsed ones in them.
    pub sampled_messages: u64,
}

/// Rehearses a fleet.
///
/// # Errors
/// All that is wrong with the fleet, in the words of [`super::prepare`]; and groups
/// whose rate nobody can tell beforehand.
pub fn rehearse(
    fleet: &Fleet,
    engine: &Engine,
    console: &Console,
    how: Rehearsing,
) -> Result<Rehearsal, Problems> {
    let mut problems = Problems::default();
    for group in &fleet.plan.groups {
        if group.schedule.tick_rate == TickRate::FlatOut {
            let text = format!(
                "group {:?} has rate = \"max\": how fast that is, only a run can tell; give --rate 100/s to assume so many ticks a second of each device",
                group.name
            );
            let place = ["groups", &group.name, "rate"];
            problems.push(prepare::problem(fleet, &place, text));
        }
    }
    let groups = prepare::groups(fleet, engine, console, &mut problems);
    let names = RunNames {
        fleet: fleet.plan.name.as_str().into(),
        run: Identity::new().run.into(),
    };
    // Not to send anything: certificates are read here.
    prepare::lines(fleet, &names, &mut problems);
    let mut refusals = Vec::new();
    let mut rehearsed = Vec::new();
    let end = fleet.plan.duration.map(micros);
    let start = fleet.plan.clock.start.map(jiff::Timestamp::as_microsecond);
    let origin = start.and_then(|start| u64::try_from(start).ok());
    let origin = origin.unwrap_or(ORIGIN);
    for (number, group) in groups.iter().enumerate() {
        if group.beat.is_flat_out() {
            continue;
        }
        let target = fleet.plan.targets.get(group.target);
        let mut scene = Scene::new(number, group, target, console, how, origin);
        scene.make(&mut refusals);
        scene.play();
        rehearsed.push(scene.told(end));
    }
    prepare::refusals(fleet, &groups, refusals, &mut problems);
    if problems.is_empty() {
        Ok(Rehearsal {
            directory: prepare::directory(&fleet.plan, &groups),
            groups: rehearsed,
        })
    } else {
        Err(problems)
    }
}
