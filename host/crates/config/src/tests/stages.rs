//! Tests the reading of load stages.

use std::time::Duration;

use crate::plan::stage::{AfterStages, Shape, Transition};
use crate::tests::support::{parse, refusal, staged};

#[test]
fn a_stage_goes_on_where_the_one_before_ended() {
    let text = staged(
        "duration = '10s'; shape = 'ramp'; rate = '50/s' | duration = '5s' | \
         duration = '6s'; shape = 'sine'; rate = '1/s..20/s'; devices = '50%'; period = '4s' | \
         duration = '1s'; shape = 'spike'; devices = '100%' | duration = '1s'; rate = '0/s'",
    );
    let plan = parse(&text, &[]).unwrap().plan;
    let stages = &plan.groups[0].schedule.stages;
    let ways: Vec<_> = stages
        .iter()
        .map(|stage| (stage.rate, stage.devices))
        .collect();
    let way = |from, to| Transition { from, to };
    assert_eq!(
        ways,
        [
            (way(0.0, 50.0), Transition::constant(1.0)),
            (Transition::constant(50.0), Transition::constant(1.0)),
            // The stage ends in the middle of its second wave.
            (way(1.0, 20.0), way(1.0, 0.5)),
            (Transition::constant(20.0), way(0.5, 1.0)),
            (Transition::constant(0.0), Transition::constant(0.5)),
        ]
    );
    assert_eq!(stages[2].shape, Shape::Sine(Duration::from_secs(4)));
    assert_eq!(stages[3].shape, Shape::Spike(Duration::from_secs(1)));
    assert_eq!(plan.groups[0].schedule.after_stages, AfterStages::Return);
}

#[test]
fn first_stage_without_start_begins_at_zero() {
    let first = |stages: &str| {
        let plan = parse(&staged(stages), &[]).unwrap().plan;
        let stage = plan.groups[0].schedule.stages[0];
        (stage.rate, stage.devices)
    };
    let all = Transition::constant(1.0);
    let nothing = Transition { from: 0.0, to: 1.0 };
    assert_eq!(
        first("duration = '1s'; shape = 'ramp'; rate = '1/s'"),
        (nothing, all)
    );
    assert_eq!(
        first("duration = '1s'; shape = 'ramp'; devices = '100%'"),
        (all, nothing)
    );
    assert_eq!(first("duration = '1s'"), (all, all));
    let rates = Transition { from: 0.5, to: 2.0 };
    assert_eq!(
        first("duration = '1s'; shape = 'ramp'; rate = '30/min .. 2/s'"),
        (rates, all)
    );
}

#[test]
fn what_is_wrong_with_stages_is_said_all_at_once() {
    let text = staged(
        "shape = 'rmap'; rate = '1/s' | duration = '1s'; shape = 'ramp' | \
         duration = '1s'; rate = '1/s..2/s' | duration = '1s'; rate = '2000/s' | \
         duration = '1s'; shape = 'sine'; rate = '1'; period = '2s' | \
         duration = '1s'; devices = '120%' | duration = '1s'; period = '1s' | dauer = '1s'",
    );
    let said = refusal(&text, &["groups.a.after-stages=again"]);
    let wanted = [
        "fleet.toml:13: [[groups.stages]] lacks the key \"duration\"",
        "fleet.toml:14: shape in [[groups.stages]]: \"rmap\" is no shape; did you mean \"ramp\"?",
        "fleet.toml:19: shape in [[groups.stages]]: a ramp leads somewhere; say where with rate = \"50/s\" or devices = \"100%\"",
        "fleet.toml:23: rate in [[groups.stages]]: \"1/s..2/s\" goes from one to another, and a step is at once where it goes; add shape = \"ramp\", \"spike\" or \"sine\"",
        "fleet.toml:27: rate in [[groups.stages]]: \"2000/s\" is more than 1000/s for each device; use more devices",
        "fleet.toml:32: rate in [[groups.stages]]: \"1\" is not understood; a rate is a number over a period",
        "fleet.toml:33: period in [[groups.stages]]: it is longer than the stage",
        "fleet.toml:37: devices in [[groups.stages]]: \"120%\" is more than all; it lies between 0% and 100%",
        "fleet.toml:41: period in [[groups.stages]]: only a spike and a sine come again and again; drop it",
        "fleet.toml:44: unknown key \"dauer\" in [[groups.stages]]",
        "--set groups.a.after-stages: after-stages in [[groups]]: \"again\" is neither \"return\" nor \"hold\" nor \"repeat\"",
    ];
    for wanted in wanted {
        assert!(said.contains(wanted), "{wanted:?} is not in\n{said}");
    }
}

#[test]
fn stages_want_a_schedule_and_no_second_word_on_births() {
    let ramp = staged("duration = '1s'; devices = '50%'")
        .replace("every = \"1s\"", "every = \"1s\"\nramp = \"5s\"");
    assert!(refusal(&ramp, &[]).contains("ramp in [[groups]]: the stages say when"));
    let max = staged("duration = '1s'; rate = '5/s'").replace("every = \"1s\"", "rate = \"max\"");
    assert!(refusal(&max, &[]).contains("has no schedule that stages could change"));
}
