//! Tests the reading of faults.

use std::time::Duration;

use crate::plan::fault::{FaultKind, FaultTimes};
use crate::tests::support::{SMALL, parse, refusal};

/// A fleet whose group has these faults, each with its keys apart by semicolons.
fn faulty(faults: &[&str]) -> String {
    let faults = faults.iter().map(|fault| {
        let keys: Vec<&str> = fault.split("; ").collect();
        format!("\n[[groups.faults]]\n{}\n", keys.join("\n"))
    });
    format!("{SMALL}{}", faults.collect::<String>())
}

/// A fleet whose group has a fault of the kind that a key belongs to.
pub(crate) fn fleet_with_fault(key: &str, example: &str) -> String {
    let rest = match key {
        "kind" => "probability = '1%'",
        "probability" | "channel" | "devices" | "from" | "until" => "kind = 'drop'",
        "at" | "every" | "rate" => "kind = 'drop'; duration = '1s'",
        "duration" => "kind = 'drop'; at = '1s'",
        "copies" => "kind = 'duplicate'",
        "delay" => "kind = 'delay'",
        "messages" => "kind = 'reorder'",
        "bytes" => "kind = 'corrupt'",
        "size" => "kind = 'truncate'",
        "topic" => "kind = 'wrong-topic'",
        "offset" | "drift" => "kind = 'clock-skew'",
        "vanish" => "kind = 'disconnect'; at = '1s'; duration = '1s'",
        "times" | "down" | "up" => "kind = 'flapping'; at = '1s'",
        _ => "kind = 'slow-link'",
    };
    let of_messages = !["clock", "disc", "flap", "slow"]
        .iter()
        .any(|word| rest.contains(word));
    let probability = match key {
        "probability" | "kind" => "",
        _ if of_messages => "; probability = '5%'",
        _ => "",
    };
    format!(
        "{SMALL}\n[[groups.faults]]\n{}\n",
        format!("{rest}{probability}; {example}").replace("; ", "\n")
    )
}

#[test]
fn faults_are_read_with_what_is_not_said() {
    let text = faulty(&[
        "kind = 'drop'; probability = '1%'; devices = '10%'; channel = 'telemetry'",
        "kind = 'delay'; delay = '1s..2s'; every = '1m'; duration = '5s'; from = '10s'",
        "kind = 'flapping'; times = 3; down = '2s'; up = '4s'; at = '30s'; every = '1m'",
        "kind = 'clock-skew'; offset = '-1m'; drift = '36s/h'; until = '1h'",
        "kind = 'slow-link'; bandwidth = '2 KiB/s'",
    ]);
    let plan = parse(&text, &[]).unwrap().plan;
    let faults = &plan.groups[0].faults;
    let seconds = Duration::from_secs;
    assert_eq!((faults[0].probability, faults[0].devices), (0.01, 0.1));
    assert_eq!(faults[0].channel.as_deref(), Some("telemetry"));
    assert_eq!(faults[0].schedule.times, FaultTimes::Always);
    assert_eq!(faults[1].probability, 1.0);
    let every = |first, every, duration| FaultTimes::Every {
        first: seconds(first),
        every: seconds(every),
        duration: seconds(duration),
    };
    assert_eq!(faults[1].schedule.times, every(70, 60, 5));
    assert_eq!(faults[2].schedule.times, every(30, 60, 14));
    let FaultKind::ClockSkew { offset, drift } = faults[3].kind else {
        panic!("{:?}", faults[3]);
    };
    assert_eq!((offset, drift), (-60_000_000, 0.01));
    let slow = FaultKind::SlowLink {
        bandwidth: Some(2048),
        latency: Duration::ZERO,
    };
    assert_eq!(faults[4].kind, slow);
}

#[test]
fn what_is_wrong_with_faults_is_said_all_at_once() {
    let text = faulty(&[
        "kind = 'dorp'; probability = '1%'",
        "kind = 'drop'",
        "kind = 'drop'; probability = '1%'; copies = 2",
        "kind = 'drop'; probability = '120%'",
        "kind = 'corrupt'; probability = '0%'",
        "kind = 'corrupt'; probability = '1%'; chanel = 'x'",
        "kind = 'corrupt'; probability = '1%'; channel = 'telemetri'",
        "kind = 'disconnect'; duration = '1s'",
        "kind = 'disconnect'; at = '30s'",
        "kind = 'disconnect'; at = '30s'; duration = '1s'; probability = '1%'",
        "kind = 'half-open'; rate = '1/min'; duration = '2m'",
        "kind = 'half-open'; rate = '1/min'; at = '1s'; duration = '2s'",
        "kind = 'reconnect-storm'; at = '2h'; duration = '2s'",
        "kind = 'clock-skew'; offset = '1s'; from = '2m'; until = '1m'",
        "kind = 'clock-skew'",
        "kind = 'flapping'; at = '1s'; duration = '1m'",
        "kind = 'reconnect-storm'; at = '1m'; duration = '1s'; until = '30s'",
        "kind = 'slow-link'; bandwidth = '5'",
        "kind = 'truncate'; probability = '1%'; size = '100%'",
        "kind = 'wrong-topic'; probability = '1%'; topic = 'a/#'",
        "kind = 'delay'; probability = '1%'; delay = '5s..1s'",
    ]);
    let text = format!("duration = '1h'\n{text}");
    let said = refusal(&text, &[]);
    let cut = refusal(&text, &["duration=1s"]);
    assert!(!cut.contains("into a run of"), "{cut}");
    for wanted in [
        "kind in [[groups.faults]]: \"dorp\" is no fault; did you mean \"drop\"?",
        "[[groups.faults]] (drop) lacks the key \"probability\"",
        "copies in [[groups.faults]] (drop): it belongs to duplicate; drop it",
        "\"120%\" is more than all",
        "none means that the fault never happens",
        "unknown key \"chanel\" in [[groups.faults]]; did you mean \"channel\"?",
        "targets.broker has no channel \"telemetri\"; did you mean \"telemetry\"?",
        "[[groups.faults]] (disconnect) lacks the key \"at\"",
        "[[groups.faults]] (disconnect) lacks the key \"duration\"",
        "probability in [[groups.faults]] (disconnect): disconnect touches a device",
        "it would begin again before it is over: it lasts 2m, and begins once in 1m",
        "rate in [[groups.faults]] (half-open): it draws moments",
        "at in [[groups.faults]] (reconnect-storm): it never happens: it begins 2h into a run of 1h",
        "until in [[groups.faults]] (clock-skew): the window ends before it begins",
        "[[groups.faults]] (clock-skew) lacks the key \"offset\"",
        "duration in [[groups.faults]] (flapping): times, down and up say",
        "at in [[groups.faults]] (reconnect-storm): it never happens: its first moment is 1m",
        "bandwidth in [[groups.faults]] (slow-link): \"5\" is not understood",
        "\"100%\" cuts nothing",
        "holds no + and no #",
        "\"5s..1s\" ends before it begins",
    ] {
        assert!(said.contains(wanted), "{wanted}\n\n{said}");
    }
    assert_eq!(said.lines().count(), 21, "{said}");
}

#[test]
fn faults_that_contradict_each_other_are_refused() {
    for (faults, wanted) in [
        (
            [
                "kind = 'drop'; probability = '60%'",
                "kind = 'drop'; probability = '50%'",
            ],
            "drop and drop exclude one another, and touch 110% of the messages from 0s on",
        ),
        (
            [
                "kind = 'truncate'; size = '1B'; probability = '60%'; from = '10s'",
                "kind = 'oversize'; size = '1KiB'; probability = '50%'; until = '20s'",
            ],
            "truncate and oversize exclude one another, and touch 110% of the messages from 10s on",
        ),
        (
            [
                "kind = 'disconnect'; at = '30s'; duration = '10s'",
                "kind = 'half-open'; every = '35s'; duration = '10s'",
            ],
            "half-open and disconnect (fleet.toml:13) contradict each other: both have the link at 35s",
        ),
    ] {
        let said = refusal(&faulty(&faults), &[]);
        assert!(said.contains(wanted), "{wanted}\n\n{said}");
    }
    for faults in [
        [
            "kind = 'drop'; probability = '60%'",
            "kind = 'corrupt'; probability = '60%'",
        ],
        [
            "kind = 'drop'; probability = '100%'; at = '10s'; duration = '5s'",
            "kind = 'drop'; probability = '100%'; at = '15s'; duration = '5s'",
        ],
        [
            "kind = 'disconnect'; at = '30s'; duration = '10s'",
            "kind = 'reconnect-storm'; at = '40s'; duration = '10s'",
        ],
    ] {
        parse(&faulty(&faults), &[]).unwrap();
    }
}

#[test]
fn what_a_way_to_the_target_cannot_do_is_refused() {
    let cut = faulty(&["kind = 'disconnect'; at = '1s'; duration = '1s'"]);
    let slow = faulty(&["kind = 'slow-link'; bandwidth = '1KiB/s'"]);
    let late = faulty(&["kind = 'slow-link'; latency = '1s'"]);
    let half = faulty(&["kind = 'half-open'; at = '1s'; duration = '1s'"]);
    let shared = ["targets.broker.connections=5"];
    let http = [
        "targets.broker.url=http://127.0.0.1:8080",
        "targets.broker.channels={ telemetry = { path = \"/x\" } }",
    ];
    for (text, changes, wanted) in [
        (&cut, &shared[..], "set connections = \"per-device\" there"),
        (&slow, &shared[..], "set connections = \"per-device\" there"),
        (
            &half,
            &http[..],
            "has no connection that could stay half open",
        ),
        (
            &slow,
            &http[..],
            "cannot be slowed down for one; use latency",
        ),
    ] {
        let said = refusal(text, changes);
        assert!(said.contains(wanted), "{said}");
    }
    for (text, changes) in [(&late, &shared[..]), (&late, &http[..]), (&cut, &http[..])] {
        parse(text, changes).unwrap();
    }
}
