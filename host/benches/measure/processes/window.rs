//! Measures rate and processor time in the steady part of a load.
//!
//! Messages are counted at the receiver. The first seconds are the warm-up, in which
//! connections are opened and the buffers of the sockets fill. The part after the sender's end
//! is none of its rate either: the receiver still reads what lies in the buffers.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::measure::{Usage, float, short};

/// The longest warm-up, 2 s; a quarter of a shorter load.
const WARM_UP: Duration = Duration::from_secs(2);

/// A count of the receiver, with its time.
pub(crate) type Sample = (Instant, u64);

/// A load, as the receiver and the kernel counted it.
pub(crate) struct Load {
    /// Messages a second in the window.
    pub(crate) rate: f64,
    /// Processor time of the sender for each message of the window, in microseconds.
    pub(crate) cpu: f64,
    /// Everything that was counted.
    pub(crate) details: Value,
}

/// Returns the figures of a load that sent for this number of seconds. `counts` are the
/// counts of the receiver, and the first of them is from before the load.
pub(crate) fn load(counts: &[Sample], usage: &Usage, seconds: u32) -> Load {
    let (from, to) = window(counts, seconds);
    let (begin, end) = (from.0, to.0);
    let took = end.duration_since(begin).as_secs_f64();
    let messages = to.1 - from.1;
    let cpu = usage.cpu_at(end) - usage.cpu_at(begin);
    Load {
        rate: float(messages) / took,
        cpu: cpu * 1e6 / float(messages),
        details: json!({
            "counted": counted(counts),
            "window_messages": messages,
            "window_seconds": took,
            "window_cpu_seconds": cpu,
            "peak_kib": usage.peak,
            "cpu_seconds": usage.cpu,
        }),
    }
}

/// Returns the number of messages that were received in all.
pub(crate) fn counted(counts: &[Sample]) -> u64 {
    let ends = counts.first().zip(counts.last());
    ends.map_or(0, |(first, last)| last.1 - first.1)
}

/// Returns the first and the last count of the window.
fn window(counts: &[Sample], seconds: u32) -> (Sample, Sample) {
    let before = counts.first().expect("a count before the load").1;
    let begun = counts.iter().position(|(_, count)| *count > before);
    let begun = begun.expect("a message was received");
    let load = counts.get(begun - 1..).unwrap_or_default();
    let sent = Duration::from_secs(seconds.into());
    let begin = load.first().expect("the count before the first message").0;
    let (open, close) = (begin + WARM_UP.min(sent / 4), begin + sent);
    let is_inside = |(at, _): &&Sample| *at >= open && *at <= close;
    let mut inside = load.iter().filter(is_inside);
    if let (Some(first), Some(last)) = (inside.next(), inside.next_back())
        && last.1 > first.1
    {
        return (*first, *last);
    }
    // A second is too short for a window, and only proves that the benchmark runs.
    assert!(short(), "{seconds} s are too short for a steady load");
    let ends = load.first().zip(load.last());
    ends.map(|(first, last)| (*first, *last)).expect("counts")
}
