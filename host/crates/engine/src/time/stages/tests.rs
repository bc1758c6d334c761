//! Tests the guarantees under changing rates.
//!
//! Counts are the integral of the rate, and no tick occurs twice or in a burst. All of it follows
//! from the seed and the plan.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::time::seed;
use crate::time::tick_schedule::{DevicePhase, TickSchedule, TickTime};
use mockfleet_config::{AfterStages, Schedule, Start, TickRate, Transition};

const SECOND: Micros = 1_000_000;

fn stage(seconds: u64, shape: Shape, rate: (f64, f64)) -> Stage {
    Stage {
        duration: Duration::from_secs(seconds),
        shape,
        rate: Transition {
            from: rate.0,
            to: rate.1,
        },
        devices: Transition::constant(1.0),
    }
}

fn schedule(stages: Vec<Stage>, after_stages: AfterStages, start: Start, jitter: f64) -> Schedule {
    Schedule {
        tick_rate: TickRate::Every(Duration::from_secs(1)),
        start,
        jitter,
        ramp: None,
        stages,
        after_stages,
    }
}

fn together(stages: Vec<Stage>, after_stages: AfterStages) -> TickSchedule {
    TickSchedule::new(&schedule(stages, after_stages, Start::Together, 0.0))
}

fn owner(seed: u64, rank: f64) -> DevicePhase {
    DevicePhase {
        born: 0,
        seed,
        rank,
    }
}

/// Returns all ticks before `end` of a device that is never late.
fn moments(beat: &TickSchedule, owner: DevicePhase, end: Micros) -> Vec<TickTime> {
    let mut moment = beat.first(owner);
    let mut moments = Vec::new();
    while moment.due < end && moments.len() < 200_000 {
        moments.push(moment);
        moment = beat.following(moment, None, owner);
    }
    moments
}

fn dues(beat: &TickSchedule, owner: DevicePhase, end: Micros) -> Vec<Micros> {
    let all = moments(beat, owner, end);
    all.iter().map(|moment| moment.due).collect()
}

#[test]
fn steps_are_as_even_as_a_constant_rate_and_leave_no_gap() {
    let stages = vec![
        stage(1, Shape::Step, (5.0, 5.0)),
        stage(1, Shape::Step, (0.0, 0.0)),
        stage(1, Shape::Step, (2.0, 2.0)),
    ];
    let beat = together(stages, AfterStages::Return);
    let wanted = [0, 200_000, 400_000, 600_000, 800_000, 2_000_000, 2_500_000];
    let found = dues(&beat, owner(1, 0.0), 5 * SECOND);
    assert_eq!(found, [&wanted[..], &[3_000_000, 4_000_000]].concat());
}

#[test]
fn a_ramp_from_none_brings_half_of_what_its_end_would() {
    let beat = together(vec![stage(10, Shape::Ramp, (0.0, 10.0))], AfterStages::Hold);
    let found = dues(&beat, owner(1, 0.0), 12 * SECOND);
    // t²/2 = k on the ramp, then one tick each 0.1 s.
    assert_eq!(found[..3], [0, 1_414_214, 2_000_000]);
    assert_eq!(found.iter().filter(|due| **due < 10 * SECOND).count(), 50);
    assert_eq!(found[50..52], [10 * SECOND, 10 * SECOND + 100_000]);
    assert_eq!(found.len(), 70);
}

#[test]
fn a_sine_brings_the_mean_of_its_rates_in_each_period() {
    let shape = Shape::Sine(Duration::from_secs(2));
    let beat = together(vec![stage(8, shape, (0.0, 20.0))], AfterStages::Repeat);
    let found = dues(&beat, owner(1, 0.0), 80 * SECOND);
    for period in 0..40 {
        let within =
            |due: &&Micros| **due >= period * 2 * SECOND && **due < (period + 1) * 2 * SECOND;
        let ticks = found.iter().filter(within).count();
        assert!((19..=21).contains(&ticks), "{period}: {ticks}");
    }
    assert_eq!(found.len(), 800);
}

#[test]
fn devices_start_one_by_one_and_stop_in_reverse_order() {
    let gated = |seconds, from, to| Stage {
        devices: Transition { from, to },
        ..stage(seconds, Shape::Ramp, (10.0, 10.0))
    };
    let stages = vec![gated(10, 0.0, 1.0), gated(10, 1.0, 0.0)];
    let stages = Stages::new(&stages, AfterStages::Hold, 1.0).unwrap();
    for index in 0..10 {
        let born = stages.born(index, 10);
        assert_eq!(born, u64::from(index) * SECOND);
        let ticks = stages.parts(Micros::MAX / 2, rank(index, 10)) / PARTS_PER_TICK;
        assert_eq!(ticks, 200 - 20 * u64::from(index), "{index}");
    }
}

#[test]
fn devices_of_a_step_are_switched_on_together() {
    let some = |seconds, share| Stage {
        devices: Transition::constant(share),
        ..stage(seconds, Shape::Step, (1.0, 1.0))
    };
    let stages = vec![some(10, 0.0), some(10, 0.5), some(10, 1.0)];
    let stages = Stages::new(&stages, AfterStages::Hold, 1.0).unwrap();
    let born = |index| stages.born(index, 100);
    assert_eq!([born(0), born(49)], [10 * SECOND; 2]);
    assert_eq!([born(50), born(99)], [20 * SECOND; 2]);
    let never = Stages::new(&[some(10, 0.0)], AfterStages::Hold, 1.0).unwrap();
    assert_eq!(never.born(0, 100), Micros::MAX);
}

#[test]
fn next_tick_of_a_device_is_kept_and_rate_zero_stays_silent() {
    let stages = vec![
        stage(1, Shape::Step, (10.0, 10.0)),
        stage(9, Shape::Step, (0.0, 0.0)),
    ];
    let beat = together(stages, AfterStages::Return);
    let owner = owner(1, 0.0);
    let first = beat.first(owner);
    let target_load = beat.following(first, Some(250_000), owner);
    assert_eq!(target_load.due, 250_000);
    assert_eq!(beat.following(target_load, None, owner).due, 350_000);
    // A device cannot set a tick while the fleet file's rate is 0.
    let silent = beat.following(first, Some(5 * SECOND), owner);
    assert_eq!(silent.due, 10 * SECOND);
}

#[test]
fn moments_know_their_stage_and_stages_their_words() {
    let spike = Shape::Spike(Duration::from_secs(4));
    let stages = vec![
        stage(10, Shape::Ramp, (0.0, 50.0)),
        Stage {
            devices: Transition { from: 0.1, to: 1.0 },
            ..stage(4, spike, (50.0, 0.5))
        },
    ];
    let once = Stages::new(&stages, AfterStages::Return, 1.0).unwrap();
    assert_eq!(once.description(0), "ramp 0/s..50/s for 10s");
    assert_eq!(
        once.description(1),
        "spike 50/s..0.5/s with 10%..100% of devices for 4s"
    );
    assert_eq!(once.target_load(5 * SECOND).rate, 25.0);
    let top = once.target_load(12 * SECOND);
    assert_eq!(
        (top.stage, top.since, top.rate, top.devices),
        (1, 2 * SECOND, 0.5, 1.0)
    );
    assert_eq!(once.target_load(60 * SECOND).stage, 2);
    assert_eq!(once.end_of_stage(3), 10 * SECOND);
    assert_eq!(
        [0, 1, 2].map(|n| once.lasted(n, 20 * SECOND) / SECOND),
        [10, 4, 6]
    );
    let round = Stages::new(&stages, AfterStages::Repeat, 1.0).unwrap();
    assert_eq!(round.stage(15 * SECOND), 0);
    assert_eq!(round.end_of_stage(15 * SECOND), 24 * SECOND);
    assert_eq!(
        [0, 1, 2].map(|n| round.lasted(n, 29 * SECOND) / SECOND),
        [21, 8, 0]
    );
}

fn any_stage() -> impl Strategy<Value = Stage> {
    let rate = || prop_oneof![Just(0.0), Just(100.0), 0.001..100.0];
    let share = || prop_oneof![Just(0.0), Just(1.0), 0.0..1.0];
    let shape = prop_oneof![
        Just(Shape::Step),
        Just(Shape::Ramp),
        (1u64..5_000).prop_map(|ms| Shape::Spike(Duration::from_millis(ms))),
        (1u64..5_000).prop_map(|ms| Shape::Sine(Duration::from_millis(ms))),
    ];
    (1u64..20_000, shape, (rate(), rate()), (share(), share())).prop_map(
        |(ms, shape, (rate, to), (share, devices))| {
            let step = shape == Shape::Step;
            Stage {
                duration: Duration::from_millis(ms),
                shape,
                rate: Transition {
                    from: if step { to } else { rate },
                    to,
                },
                devices: Transition {
                    from: if step { devices } else { share },
                    to: devices,
                },
            }
        },
    )
}

fn any_after() -> impl Strategy<Value = AfterStages> {
    prop_oneof![
        Just(AfterStages::Return),
        Just(AfterStages::Hold),
        Just(AfterStages::Repeat)
    ]
}

fn any_stages() -> impl Strategy<Value = Vec<Stage>> {
    proptest::collection::vec(any_stage(), 1..6)
}

/// Integrates the rate of a device between two times numerically.
fn sum(stages: &Stages, from: Micros, to: Micros, rank: f64) -> f64 {
    let steps = 4_000;
    let step = (to - from) as f64 / f64::from(steps);
    let rates = (0..steps).map(|n| {
        let target_load = stages.target_load(from + ((f64::from(n) + 0.5) * step) as u64);
        if target_load.devices > rank {
            target_load.rate
        } else {
            0.0
        }
    });
    rates.sum::<f64>() * step / 1e6
}

proptest! {
    #[test]
    fn ticks_of_a_stage_equal_the_integral_of_its_rate(
        list in any_stages(), after in any_after(), rank in 0.0..1.0f64, seed in 0u64..1_000,
        spread in any::<bool>(),
    ) {
        let start = if spread { Start::Spread } else { Start::Together };
        let beat = TickSchedule::new(&schedule(list, after, start, 0.0));
        let stages = beat.stages().unwrap();
        let end = stages.length * 3;
        let found = dues(&beat, owner(seed, rank), end);
        let mut from = 0;
        while from < end {
            let to = stages.end_of_stage(from).min(end);
            let ticks = found.iter().filter(|due| (from..to).contains(due)).count() as f64;
            let parts = stages.parts(to, rank) - stages.parts(from, rank);
            let exact = parts as f64 / PARTS_PER_TICK as f64;
            prop_assert!((ticks - exact).abs() <= 1.001, "{from}..{to}: {ticks} of {exact}");
            // The count equals the integral. The numeric sum errs by one step at each wave.
            let added = sum(stages, from, to, rank);
            if (to - from) < 4 * SECOND && stages.list.iter().all(|leg| leg.period > SECOND) {
                prop_assert!((exact - added).abs() < 0.1 + added * 0.01, "{exact} {added}");
            }
            from = to;
        }
    }

    #[test]
    fn ticks_never_come_faster_than_the_fastest_rate_of_the_plan(
        list in any_stages(), after in any_after(), rank in 0.0..1.0f64, seed in 0u64..1_000,
    ) {
        let fastest = list.iter().map(|stage| stage.rate.from.max(stage.rate.to)).fold(1.0, f64::max);
        let beat = TickSchedule::new(&schedule(list, after, Start::Spread, 0.0));
        let end = beat.stages().unwrap().length * 3;
        let found = dues(&beat, owner(seed, rank), end);
        let shortest = (1e6 / fastest) as u64;
        for pair in found.windows(2) {
            prop_assert!(pair[1] + 2 >= pair[0] + shortest, "{pair:?}, not {shortest} apart");
        }
    }

    #[test]
    fn jitter_keeps_ticks_within_its_share_of_the_interval(
        list in any_stages(), after in any_after(), rank in 0.0..1.0f64, seed in 0u64..1_000,
        jitter in 0.0..0.5f64,
    ) {
        let beat = TickSchedule::new(&schedule(list, after, Start::Spread, jitter));
        let stages = beat.stages().unwrap();
        let owner = owner(seed, rank);
        let end = stages.length * 3;
        for moment in moments(&beat, owner, end) {
            let span = (PARTS_PER_TICK as f64 * jitter) as u64 + 1;
            let earliest = stages.moment(moment.nominal.saturating_sub(span), rank);
            let latest = stages.moment(moment.nominal + span, rank);
            prop_assert!((earliest..=latest).contains(&moment.due));
        }
    }

    #[test]
    fn run_and_missed_ticks_add_up_to_the_due_ticks_of_a_stage(
        list in any_stages(), after in any_after(), rank in 0.0..1.0f64, seed in 0u64..1_000,
        jitter in prop_oneof![Just(0.0), 0.0..0.5], pauses in 1u64..10,
    ) {
        let beat = TickSchedule::new(&schedule(list, after, Start::Spread, jitter));
        let end = beat.stages().unwrap().length * 2;
        let owner = owner(seed, rank);
        let all = moments(&beat, owner, end);
        let due = all.iter().filter(|moment| moment.due < end).count() as u64;
        let mut moment = beat.first(owner);
        let (mut now, mut ran, mut missed) = (0, 0, 0);
        while moment.due < end {
            let pause = seed::unit(seed, now) * (pauses * SECOND) as f64;
            now = (now + pause as u64).max(moment.due);
            let catch = beat.catch_up(moment, now, end, owner);
            prop_assert!(catch.tick.due <= now);
            prop_assert_eq!(beat.skip(moment, catch.missed, owner), catch.tick);
            ran += 1;
            missed += catch.missed;
            moment = beat.following(catch.tick, None, owner);
        }
        // Jitter may move the last tick to either side of the end.
        prop_assert!((ran + missed).abs_diff(due) <= u64::from(jitter > 0.0), "{ran} + {missed}, {due}");
    }

    #[test]
    fn moments_and_parts_are_each_others_inverse(
        list in any_stages(), after in any_after(), rank in 0.0..1.0f64, part in 0.0..1.0f64,
    ) {
        let stages = Stages::new(&list, after, 1.0).unwrap();
        let all = stages.parts(stages.length * 2, rank);
        let parts = (all as f64 * part) as u64;
        let at = stages.moment(parts, rank);
        if at != Micros::MAX {
            // Parts of 2 µs at 100 ticks a second.
            let slack = PARTS_PER_TICK / 5_000;
            prop_assert!(stages.parts(at, rank).abs_diff(parts) <= slack, "{parts} at {at}");
        }
    }
}
