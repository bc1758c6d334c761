//! Checks a fleet against its clock, search and open-file limit.

use crate::prepare::fd_limit;
use crate::prepare::problem::problem;
use crate::time::clock::{micros, unix_now};
use mockfleet_config::{Fleet, Problems, Speed, TickRate};

/// Reports settings that conflict with the run's clock.
pub(crate) fn check_clock(fleet: &Fleet, problems: &mut Problems) {
    let clock = &fleet.plan.clock;
    if clock.speed == Speed::Max {
        for group in &fleet.plan.groups {
            if group.schedule.tick_rate == TickRate::FlatOut {
                let text = format!(
                    "group {:?} is called as fast as it goes and has no time of its own, which speed = \"max\" of the clock would follow; give it a rate, such as rate = \"1/s\"",
                    group.name
                );
                problems.push(problem(fleet, &["groups", &group.name, "rate"], text));
            }
        }
        if fleet.plan.duration.is_none() {
            let text = "with speed = \"max\" a run without end goes through all years there are; say how much time is to pass, such as duration = \"30d\"";
            problems.push(problem(fleet, &["clock", "speed"], text.into()));
        }
    }
    let (Some(start), Some(retention)) = (clock.start, fleet.plan.log.retention) else {
        return;
    };
    let now = i128::from(unix_now());
    let age = now - i128::from(start.as_microsecond());
    if age > i128::from(micros(retention)) {
        let text = format!(
            "the clock starts at {start}, which is longer ago than retention: what is written would be deleted at once; leave retention out, or make it longer"
        );
        problems.push(problem(fleet, &["log", "retention"], text));
    }
}

/// Raises the limit of open files to the number that the plan needs, or reports a problem.
pub(crate) fn check_open_files(fleet: &Fleet, problems: &mut Problems) {
    if let Err(error) = fd_limit::raise_fd_limit(&fleet.plan) {
        problems.push(problem(fleet, &["groups"], error.to_string()));
    }
}

/// Reports settings without an even rate that a breakpoint search can raise.
pub(crate) fn check_variable_rate(fleet: &Fleet, problems: &mut Problems) {
    if fleet.plan.clock.speed != Speed::Times(1.0) {
        let text = "--until raises the rate by itself, as the machine's time goes by, and the clock has a speed of its own; use one of them";
        problems.push(problem(fleet, &["clock", "speed"], text.into()));
    }
    for group in &fleet.plan.groups {
        let schedule = &group.schedule;
        if schedule.tick_rate == TickRate::FlatOut {
            let text = format!(
                "group {:?} is called as fast as it goes, and --until raises a rate; give it one, such as rate = \"1/s\"",
                group.name
            );
            problems.push(problem(fleet, &["groups", &group.name, "rate"], text));
        }
        if !schedule.stages.is_empty() {
            let text = format!(
                "group {:?} has stages, and --until raises the rate by itself; use one of them",
                group.name
            );
            problems.push(problem(fleet, &["groups", &group.name, "stages"], text));
        }
    }
}
