use super::*;

/// Returns the counters of a good run: ten seconds, two workers.
fn good_run() -> Counters {
    let mut counters = Counters {
        ticks: 10_000,
        messages: 10_000,
        acked: 10_000,
        busy_us: 1_000_000,
        last_delivered_us: 9_990_000,
        ..Counters::default()
    };
    for _ in 0..10_000 {
        counters.delay.record(500);
        counters.lag.record(1_000);
        counters.latency.record(2_000);
    }
    counters
}

fn slow(spread: &mut crate::counters::histogram::LatencyHistogram, micros: u64) {
    (0..10_000).for_each(|_| spread.record(micros));
}

fn verdict_of(counters: &Counters) -> (Bottleneck, String) {
    Evidence {
        counters,
        workers: 2,
        ran: Duration::from_secs(10),
        flat_out: false,
        full_speed: false,
        lost_rows: 0,
    }
    .verdict()
}

#[track_caller]
fn assert_verdict(counters: &Counters, expected: Bottleneck, texts: &[&str]) {
    let (found, text) = verdict_of(counters);
    assert_eq!(found, expected, "{text}");
    for expected in texts {
        assert!(text.contains(expected), "{expected:?} is not in {text:?}");
    }
}

#[test]
fn good_run_has_no_bottleneck() {
    assert_verdict(
        &good_run(),
        Bottleneck::None,
        &["busy 5 % of the time", "p99 2.0 ms"],
    );
}

#[test]
fn slow_backend_without_losses_is_reported() {
    let mut counters = good_run();
    slow(&mut counters.latency, 3_000_000);
    counters.max_open = 3_000;
    assert_verdict(
        &counters,
        Bottleneck::None,
        &["was slow", "3.0", "3,000 messages"],
    );
}

#[test]
fn waiting_messages_show_the_backend() {
    let mut counters = good_run();
    slow(&mut counters.lag, 900_000);
    counters.outbox_full = 1_234;
    counters.dropped = 1_234;
    counters.fullest_outbox = crate::counters::queue_depth::QueueDepth { open: 100, of: 100 };
    let words = [
        "waited p99",
        "100 of one device (outbox 100)",
        "1,234 messages found it full",
    ];
    assert_verdict(&counters, Bottleneck::Backend, &words);
}

#[test]
fn wait_for_the_first_connection_is_no_lag_of_the_backend() {
    let mut counters = good_run();
    for _ in 0..500 {
        counters.lag.record(900_000);
        counters.connect_lag.record(900_000);
    }
    assert_verdict(&counters, Bottleneck::None, &["none: its 2 workers"]);
    slow(&mut counters.lag, 900_000);
    assert_verdict(&counters, Bottleneck::Backend, &["waited p99 899.6 ms"]);
}

#[test]
fn silent_backend_has_stopped() {
    let mut counters = good_run();
    counters.unconfirmed = 500;
    counters.last_delivered_us = 4_000_000;
    assert_verdict(
        &counters,
        Bottleneck::Backend,
        &["stopped taking messages", "the last 6.00 s"],
    );
}

#[test]
fn late_calls_of_busy_workers_show_the_host() {
    let mut counters = good_run();
    slow(&mut counters.delay, 800_000);
    slow(&mut counters.lag, 800_000);
    counters.busy_us = 19_800_000;
    assert_verdict(
        &counters,
        Bottleneck::Host,
        &["the host, not the backend", "busy 99 %", "2.0 ms a tick"],
    );
    counters.busy_us = 1_000_000;
    assert_verdict(
        &counters,
        Bottleneck::Host,
        &["something else had the machine"],
    );
}

#[test]
fn own_work_that_delays_calls_is_not_blamed_on_others() {
    let mut counters = good_run();
    (
        counters.missed_ticks,
        counters.received,
        counters.received_bytes,
    ) = (361, 3, 120 << 20);
    counters.io_us = 1_000_000;
    counters.late = crate::counters::late_time::LateTime {
        waited_us: 4_700_000,
        calls_us: 100_000,
        io_us: 4_500_000,
        work_us: 4_600_000,
        cpu_us: 4_550_000,
    };
    let words = [
        "361 ticks were missed, since its workers were busy themselves",
        "4.50 s with connections (3 messages from the backend, 120.0 MiB)",
        "100.0 ms with calls of devices, of the 4.70 s in which calls were due",
        "busy 10 % of the time; receive and send less at once",
    ];
    assert_verdict(&counters, Bottleneck::Host, &words);
    let (_, text) = verdict_of(&counters);
    assert!(!text.contains("something else"), "{text}");
    std::mem::swap(&mut counters.late.io_us, &mut counters.late.calls_us);
    let words = ["make the devices' calls shorter"];
    assert_verdict(&counters, Bottleneck::Host, &words);
    // Other programs had the processor while the worker was at its work.
    counters.late.cpu_us = 900_000;
    let words = ["something else had the machine"];
    assert_verdict(&counters, Bottleneck::Host, &words);
}

#[test]
fn missed_ticks_do_not_excuse_a_lossy_backend() {
    let mut counters = good_run();
    counters.missed_ticks = 100;
    assert_verdict(&counters, Bottleneck::Host, &["100 ticks were missed"]);
    (counters.dropped, counters.acked) = (3_000, 7_000);
    assert_verdict(&counters, Bottleneck::Backend, &["the way to it"]);
}

#[test]
fn waiting_for_the_log_shows_the_log() {
    let mut counters = good_run();
    slow(&mut counters.delay, 800_000);
    counters.log_blocked_us = 8_000_000;
    counters.missed_ticks = 40;
    assert_verdict(
        &counters,
        Bottleneck::Log,
        &["the send log", "waited 4.00 s", "40 ticks"],
    );
}

#[test]
fn crashed_cells_show_the_plugin() {
    let mut counters = good_run();
    (counters.cell_restarts, counters.missed_ticks) = (2, 10);
    assert_verdict(&counters, Bottleneck::Plugin, &["cells crashed"]);
}

#[test]
fn drain_is_neither_silence_nor_idle_time() {
    let mut counters = good_run();
    counters.unconfirmed = 1;
    counters.last_delivered_us = 4_900_000;
    // The run ended after five seconds, and one message was open for the five of the drain.
    counters.drained_from_us = 5_000_000;
    assert_verdict(
        &counters,
        Bottleneck::Backend,
        &["messages waited p99", "busy 10 % of the time"],
    );
    counters.last_delivered_us = 1_000_000;
    assert_verdict(
        &counters,
        Bottleneck::Backend,
        &["stopped taking messages", "the last 4.00 s"],
    );
}

#[test]
fn times_that_were_never_measured_are_not_zero() {
    let counters = Counters {
        ticks: 10,
        messages: 10,
        sent: 10,
        ..Counters::default()
    };
    assert_verdict(&counters, Bottleneck::None, &[]);
    assert_eq!(
        verdict_of(&counters).1,
        "none: its 2 workers were busy 0 % of the time"
    );
    let failed = Counters {
        failed: 10,
        sent: 1,
        messages: 11,
        ..counters
    };
    let (_, text) = verdict_of(&failed);
    assert_eq!(
        text,
        "the backend or the way to it: its 2 workers were busy 0 % of the time"
    );
}

#[test]
fn busy_time_is_divided_by_all_calls() {
    let mut counters = good_run();
    slow(&mut counters.delay, 800_000);
    counters.busy_us = 19_800_000;
    counters.event_calls = 980_000;
    assert_verdict(
        &counters,
        Bottleneck::Host,
        &["busy 99 %", "20 µs a call (ticks and events)"],
    );
    (counters.ticks, counters.event_calls) = (0, 0);
    let (_, text) = verdict_of(&counters);
    assert!(!text.contains(" a tick"), "{text}");
}

#[test]
fn host_without_ports_is_no_stopped_broker() {
    let mut counters = good_run();
    counters.last_delivered_us = 4_000_000;
    (counters.dropped, counters.lost_to_host) = (500, 500);
    (counters.to_connect, counters.connected_once) = (30_000, 28_232);
    assert_verdict(
        &counters,
        Bottleneck::Host,
        &[
            "no free port or file for the connections of 500 messages",
            "1,768 of 30,000 devices never connected",
            "net.ipv4.ip_local_port_range",
        ],
    );
    let unusable_address = Counters {
        messages: 500,
        dropped: 500,
        lost_to_host: 500,
        ..Counters::default()
    };
    assert_verdict(
        &unusable_address,
        Bottleneck::Backend,
        &["no message arrived"],
    );
    // A few of many losses do not excuse the backend.
    counters.lost_to_host = 20;
    assert_verdict(&counters, Bottleneck::Backend, &["stopped taking messages"]);
}
