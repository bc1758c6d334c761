//! What a user may rely on when rates change: counts are the integral of the rate, no
//! tick comes twice or in a burst, and all of it follows from the seed and the plan.

use std::time::Duration;

use proptest::prelude::*;

use super::super::schedule::{Beat, Moment, Owner};
use super::super::seed;
use super::*;
use mockfleet_config::{Schedule, Start, TickRate};

const SECOND: Micros = 1_000_000;

fn stage(seconds: u64, shape: Shape, rate: (f64, f64)) -> Stage {
    Stage {
        duration: Duration::from_secs(seconds),
        shape,
        rate: Way {
            from: rate.0,
            to: rate.1,
        },
        devices: Way::level(1.0),
    }
}

fn schedule(stages: Vec<Stage>, after: After, start: Start, jitter: f64) -> Schedule {
    Schedule {
        pace: TickRate::Every(Duration::from_secs(1)),
        start,
        jitter,
        ramp: None,
        stages,
        after,
    }
}

fn together(stages: Vec<Stage>, after: After) -> Beat {
    Beat::of(&schedule(stages, after, Start::Together, 0.0))
}

fn owner(seed: u64, turn: f64) -> Owner {
    Owner {
        born: 0,
        seed,
        turn,
    }
}

/// All moments before `end` of a device that is never late.
fn moments(beat: &Beat, owner: Owner, end: Micros) -> Vec<Moment> {
    let mut moment = beat.first(owner);
    let mut moments = Vec::new();
    while moment.due < end && moments.len() < 200_000 {
        moments.push(moment);
        moment = beat.following(moment.nominal, None, owner);
    }
    moments
}

fn dues(beat: &Beat, owner: Owner, end: Micros) -> Vec<Micros> {
    let all = moments(beat, owner, end);
    all.iter().map(|moment| moment.due).collect()
}

#[test]
fn steps_are_as_even_as_a_rate_of_their_own_and_the_next_follows_without_a_gap() {
    let stages = vec![
        stage(1, Shape::Step, (5.0, 5.0)),
        stage(1, Shape::Step, (0.0, 0.0)),
        stage(1, Shape::Step, (2.0, 2.0)),
    ];
    let beat = together(stages, After::Return);
    let wanted = [0, 200_000, 400_000, 600_000, 800_000, 2_000_000, 2_500_000];
    let found = dues(&beat, owner(1, 0.0), 5 * SECOND);
    assert_eq!(found, [&wanted[..], &[3_000_000, 4_000_000]].concat());
}

#[test]
fn a_ramp_from_none_brings_half_of_what_its_end_would() {
    let beat = together(vec![stage(10, Shape::Ramp, (0.0, 10.0))], After::Hold);
    let found = dues(&beat, owner(1, 0.0), 12 * SECOND);
    // t²/2 = k, and then a tenth of a second each.
    assert_eq!(found[..3], [0, 1_414_214, 2_000_000]);
    assert_eq!(found.iter().filter(|due| **due < 10 * SECOND).count(), 50);
    assert_eq!(found[50..52], [10 * SECOND, 10 * SECOND + 100_000]);
    assert_eq!(found.len(), 70);
}

#[test]
fn a_sine_brings_the_mean_of_its_rates_in_each_period() {
    let wave = Shape::Sine(Duration::from_secs(2));
    let beat = together(vec![stage(8, wave, (0.0, 20.0))], After::Repeat);
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
fn devices_come_one_after_the_other_and_go_in_the_opposite_order() {
    let gated = |seconds, from, to| Stage {
        devices: Way { from, to },
        ..stage(seconds, Shape::Ramp, (10.0, 10.0))
    };
    let stages = vec![gated(10, 0.0, 1.0), gated(10, 1.0, 0.0)];
    let stages = Stages::of(&stages, After::Hold, 1.0).unwrap();
    for index in 0..10 {
        let born = stages.born(index, 10, 0, Duration::ZERO);
        assert_eq!(born, u64::from(index) * SECOND);
        let ticks = stages.parts(Micros::MAX / 2, turn(index, 10)) / TICK;
        assert_eq!(ticks, 200 - 20 * u64::from(index), "{index}");
    }
}

#[test]
fn devices_that_come_at_once_connect_as_fast_as_the_target_allows() {
    let some = |seconds, share| Stage {
        devices: Way::level(share),
        ..stage(seconds, Shape::Step, (1.0, 1.0))
    };
    let stages = vec![some(10, 0.0), some(10, 0.5), some(10, 1.0)];
    let stages = Stages::of(&stages, After::Hold, 1.0).unwrap();
    let born = |index| stages.born(index, 100, 7, Duration::from_millis(2));
    assert_eq!(
        [born(0), born(1), born(49)],
        [10 * SECOND, 10_002_000, 10_098_000]
    );
    assert_eq!([born(50), born(99)], [20 * SECOND, 20_098_000]);
    let never = Stages::of(&[some(10, 0.0)], After::Hold, 1.0).unwrap();
    assert_eq!(never.born(0, 100, 0, Duration::ZERO), Micros::MAX);
}

#[test]
fn a_device_that_asks_for_its_next_tick_gets_it_and_silence_stays_silence() {
    let stages = vec![
        stage(1, Shape::Step, (10.0, 10.0)),
        stage(9, Shape::Step, (0.0, 0.0)),
    ];
    let beat = together(stages, After::Return);
    let owner = owner(1, 0.0);
    let first = beat.first(owner);
    let asked = beat.following(first.nominal, Some(250_000), owner);
    assert_eq!(asked.due, 250_000);
    assert_eq!(beat.following(asked.nominal, None, owner).due, 350_000);
    // The silence of a stage is that of the fleet file, which a device cannot break.
    let silent = beat.following(first.nominal, Some(5 * SECOND), owner);
    assert_eq!(silent.due, 10 * SECOND);
}

#[test]
fn moments_know_their_stage_and_stages_their_words() {
    let spike = Shape::Spike(Duration::from_secs(4));
    let stages = vec![
        stage(10, Shape::Ramp, (0.0, 50.0)),
        Stage {
            devices: Way { from: 0.1, to: 1.0 },
            ..stage(4, spike, (50.0, 0.5))
        },
    ];
    let once = Stages::of(&stages, After::Return, 1.0).unwrap();
    assert_eq!(once.words(0), "ramp 0/s..50/s for 10s");
    assert_eq!(
        once.words(1),
        "spike 50/s..0.5/s with 10%..100% of devices for 4s"
    );
    assert_eq!(once.asked(5 * SECOND).rate, 25.0);
    let top = once.asked(12 * SECOND);
    assert_eq!(
        (top.stage, top.since, top.rate, top.devices),
        (1, 2 * SECOND, 0.5, 1.0)
    );
    assert_eq!(once.asked(60 * SECOND).stage, 2);
    assert_eq!(once.end_of_stage(3), 10 * SECOND);
    assert_eq!(
        [0, 1, 2].map(|n| once.lasted(n, 20 * SECOND) / SECOND),
        [10, 4, 6]
    );
    let round = Stages::of(&stages, After::Repeat, 1.0).unwrap();
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
                rate: Way {
                    from: if step { to } else { rate },
                    to,
                },
                devices: Way {
                    from: if step { devices } else { share },
                    to: devices,
                },
            }
        },
    )
}

fn any_after() -> impl Strategy<Value = After> {
    prop_oneof![Just(After::Return), Just(After::Hold), Just(After::Repeat)]
}

fn any_stages() -> impl Strategy<Value = Vec<Stage>> {
    proptest::collection::vec(any_stage(), 1..6)
}

/// The integral of the rate of a device between two moments, by adding up.
fn sum(stages: &Stages, from: Micros, to: Micros, turn: f64) -> f64 {
    let steps = 4_000;
    let step = (to - from) as f64 / f64::from(steps);
    let rates = (0..steps).map(|n| {
        let asked = stages.asked(from + ((f64::from(n) + 0.5) * step) as u64);
        if asked.devices > turn {
            asked.rate
        } else {
            0.0
        }
    });
    rates.sum::<f64>() * step / 1e6
}

proptest! {
    #[test]
    fn each_stage_has_as_many_ticks_as_the_integral_of_its_rate_within_one(
        list in any_stages(), after in any_after(), turn in 0.0..1.0f64, seed in 0u64..1_000,
        spread in any::<bool>(),
    ) {
        let start = if spread { Start::Spread } else { Start::Together };
        let beat = Beat::of(&schedule(list, after, start, 0.0));
        let stages = beat.stages().unwrap();
        let end = stages.length * 3;
        let found = dues(&beat, owner(seed, turn), end);
        let mut from = 0;
        while from < end {
            let to = stages.end_of_stage(from).min(end);
            let ticks = found.iter().filter(|due| (from..to).contains(due)).count() as f64;
            let parts = stages.parts(to, turn) - stages.parts(from, turn);
            let exact = parts as f64 / TICK as f64;
            prop_assert!((ticks - exact).abs() <= 1.001, "{from}..{to}: {ticks} of {exact}");
            // And that is the integral: adding up errs by a step at each turn of a wave.
            let added = sum(stages, from, to, turn);
            if (to - from) < 4 * SECOND && stages.list.iter().all(|leg| leg.period > SECOND) {
                prop_assert!((exact - added).abs() < 0.1 + added * 0.01, "{exact} {added}");
            }
            from = to;
        }
    }

    #[test]
    fn ticks_never_come_faster_than_the_fastest_rate_of_the_plan(
        list in any_stages(), after in any_after(), turn in 0.0..1.0f64, seed in 0u64..1_000,
    ) {
        let fastest = list.iter().map(|stage| stage.rate.from.max(stage.rate.to)).fold(1.0, f64::max);
        let beat = Beat::of(&schedule(list, after, Start::Spread, 0.0));
        let end = beat.stages().unwrap().length * 3;
        let found = dues(&beat, owner(seed, turn), end);
        let shortest = (1e6 / fastest) as u64;
        for pair in found.windows(2) {
            prop_assert!(pair[1] + 2 >= pair[0] + shortest, "{pair:?}, not {shortest} apart");
        }
    }

    #[test]
    fn jitter_keeps_ticks_within_the_share_of_their_interval_that_it_says(
        list in any_stages(), after in any_after(), turn in 0.0..1.0f64, seed in 0u64..1_000,
        jitter in 0.0..0.5f64,
    ) {
        let beat = Beat::of(&schedule(list, after, Start::Spread, jitter));
        let stages = beat.stages().unwrap();
        let owner = owner(seed, turn);
        let end = stages.length * 3;
        for moment in moments(&beat, owner, end) {
            let span = (TICK as f64 * jitter) as u64 + 1;
            let earliest = stages.moment(moment.nominal.saturating_sub(span), turn);
            let latest = stages.moment(moment.nominal + span, turn);
            prop_assert!((earliest..=latest).contains(&moment.due));
        }
    }

    #[test]
    fn ticks_run_and_missed_add_up_to_the_ticks_that_were_due_in_each_stage(
        list in any_stages(), after in any_after(), turn in 0.0..1.0f64, seed in 0u64..1_000,
        jitter in prop_oneof![Just(0.0), 0.0..0.5], pauses in 1u64..10,
    ) {
        let beat = Beat::of(&schedule(list, after, Start::Spread, jitter));
        let end = beat.stages().unwrap().length * 2;
        let owner = owner(seed, turn);
        let all = moments(&beat, owner, end);
        let due = all.iter().filter(|moment| moment.due < end).count() as u64;
        let mut moment = beat.first(owner);
        let (mut now, mut ran, mut missed) = (0, 0, 0);
        while moment.due < end {
            let pause = seed::unit(seed, now) * (pauses * SECOND) as f64;
            now = (now + pause as u64).max(moment.due);
            let catch = beat.catch_up(moment, now, end, owner);
            prop_assert!(catch.moment.due <= now);
            prop_assert_eq!(beat.skip(moment, catch.missed, owner), catch.moment);
            ran += 1;
            missed += catch.missed;
            moment = beat.following(catch.moment.nominal, None, owner);
        }
        // Jitter may put the last tick on either side of the end.
        prop_assert!((ran + missed).abs_diff(due) <= u64::from(jitter > 0.0), "{ran} + {missed}, {due}");
    }

    #[test]
    fn moments_and_parts_are_each_others_inverse(
        list in any_stages(), after in any_after(), turn in 0.0..1.0f64, part in 0.0..1.0f64,
    ) {
        let stages = Stages::of(&list, after, 1.0).unwrap();
        let all = stages.parts(stages.length * 2, turn);
        let parts = (all as f64 * part) as u64;
        let at = stages.moment(parts, turn);
        if at != Micros::MAX {
            // What a microsecond holds at a hundred ticks a second.
            let slack = TICK / 5_000;
            prop_assert!(stages.parts(at, turn).abs_diff(parts) <= slack, "{parts} at {at}");
        }
    }
}
