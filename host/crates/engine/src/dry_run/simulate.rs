//! Performs the dry run of a fleet.

use crate::dry_run::calendar::Calendar;
use crate::dry_run::result::{DryRun, DryRunOptions};
use crate::dry_run::sample::ORIGIN;
use crate::dry_run::simulated_group::SimulatedGroup;
use crate::dry_run::simulated_span::SimulatedSpan;
use crate::prepare::problem::problem;
use crate::prepare::{device_settings, groups, log_directory, transport_spec};
use crate::time::clock::micros;
use mockfleet_config::{Fleet, Problems, TickRate};
use mockfleet_plugin::{Console, Engine};
use mockfleet_sendlog::Identity;
use mockfleet_transport::RunNames;

/// Simulates some devices of each group of a fleet.
///
/// # Errors
/// All problems of the fleet, as a run reports them. Groups with `rate = "max"` too, because
/// only a run can measure their rate.
pub fn dry_run(
    fleet: &Fleet,
    engine: &Engine,
    console: &Console,
    how: DryRunOptions,
) -> Result<DryRun, Problems> {
    let mut problems = Problems::default();
    for group in &fleet.plan.groups {
        if group.schedule.tick_rate == TickRate::FlatOut {
            let text = format!(
                "group {:?} has rate = \"max\", whose speed only a run can measure; give --rate 100/s to assume that many ticks a second for each device",
                group.name
            );
            let place = ["groups", &group.name, "rate"];
            problems.push(problem(fleet, &place, text));
        }
    }
    let groups = groups::groups(fleet, engine, console, &mut problems);
    let names = RunNames {
        fleet: fleet.plan.name.as_str().into(),
        run: Identity::new().run.into(),
    };
    // Nothing is sent, but this reads the certificates.
    transport_spec::transports(fleet, &names, &mut problems);
    let mut create_errors = Vec::new();
    let mut results = Vec::new();
    let end = fleet.plan.duration.map(micros);
    let start = fleet.plan.clock.start.map(jiff::Timestamp::as_microsecond);
    let origin = start.and_then(|start| u64::try_from(start).ok());
    let origin = origin.unwrap_or(ORIGIN);
    for (number, group) in groups.iter().enumerate() {
        if group.schedule.is_flat_out() {
            continue;
        }
        let target = fleet.plan.targets.get(group.target);
        let settings = fleet.plan.groups.get(number).map(|group| &group.config);
        let calendar = settings.and_then(Calendar::read);
        let span = SimulatedSpan::new(group, how, calendar, end);
        let mut scene = SimulatedGroup::new(number, group, target, console, span, origin);
        scene.make(&mut create_errors);
        scene.simulate();
        results.push(scene.into_result(end));
    }
    device_settings::create_errors(fleet, &groups, create_errors, &mut problems);
    if problems.is_empty() {
        Ok(DryRun {
            directory: log_directory::directory(&fleet.plan, &groups),
            groups: results,
        })
    } else {
        Err(problems)
    }
}
