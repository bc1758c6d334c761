//! Accumulates rows into counts and histograms by time bucket.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch, StringArray};
use hdrhistogram::Histogram;
use rustc_hash::FxHashMap;

use crate::error::read_error::ReadError;
use crate::format::schema::LogTable;
use crate::read::timeline::bucket::BucketCounts;
use crate::read::timeline::bucket::BucketGrid;
use crate::read::timeline::bucket::add;
use crate::read::timeline::bucket::record;
use crate::read::timeline::model::EVENT_KINDS;
use crate::read::timeline::model::KindCounts;
use crate::read::timeline::model::LATE_MICROS;
use crate::read::timeline::model::LatencyStats;
use crate::read::timeline::model::MAX_WORST_DEVICES;
use crate::read::timeline::model::Timeline;
use crate::read::timeline::model::WorstDevice;

/// Maximum number of causes, of kinds of faults, and of pairs of group and channel that are
/// counted separately. A backend that returns a new text each time must not fill the host's
/// memory.
const MAX_CAUSES: usize = 200;
const MAX_FAULT_KINDS: usize = 24;
const MAX_CHANNELS: usize = 1_000;

/// Maximum number of devices with trouble that are remembered. A million takes about 200 MiB.
const MAX_DEVICES: usize = 1_000_000;

/// Returns the columns of a table that a timeline reads.
pub(crate) const fn columns(table: LogTable) -> &'static [&'static str] {
    match table {
        LogTable::Sends => &[
            "group",
            "device_id",
            "channel",
            "outcome",
            "error",
            "fault",
            "scheduled_at",
            "sent_at",
            "latency_us",
        ],
        LogTable::Events => &["device_id", "at", "kind", "detail"],
    }
}

/// One thread's part of a timeline.
#[derive(Debug)]
pub(crate) struct Partial {
    grid: BucketGrid,
    buckets: Vec<BucketCounts>,
    latency: Option<Histogram<u64>>,
    lag: Option<Histogram<u64>>,
    channels: FxHashMap<String, FxHashMap<String, [u64; 7]>>,
    pairs: usize,
    causes: FxHashMap<String, u64>,
    other_causes: u64,
    faults: FxHashMap<String, Vec<u64>>,
    devices: FxHashMap<String, WorstDevice>,
}

impl Partial {
    pub(crate) fn new(grid: BucketGrid) -> Self {
        let mut buckets = Vec::new();
        buckets.resize_with(grid.count, BucketCounts::default);
        Self {
            grid,
            buckets,
            latency: Histogram::new(3).ok(),
            lag: Histogram::new(3).ok(),
            channels: FxHashMap::default(),
            pairs: 0,
            causes: FxHashMap::default(),
            other_causes: 0,
            faults: FxHashMap::default(),
            devices: FxHashMap::default(),
        }
    }

    /// Adds rows.
    ///
    /// # Errors
    /// The problem with the columns.
    pub(crate) fn add(&mut self, table: LogTable, batch: &RecordBatch) -> Result<(), ReadError> {
        match table {
            LogTable::Sends => self.sends(batch),
            LogTable::Events => self.events(batch),
        }
        .ok_or(ReadError::Columns)
    }

    fn sends(&mut self, batch: &RecordBatch) -> Option<()> {
        let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
        let time = |name: &str| {
            let column = batch.column_by_name(name)?;
            column.as_primitive_opt::<TimestampMicrosecondType>()
        };
        let (due, sent) = (time("scheduled_at")?, time("sent_at")?);
        let latencies = batch.column_by_name("latency_us")?;
        let latencies = latencies.as_primitive_opt::<Int64Type>()?;
        let (outcomes, errors, faults) = (text("outcome")?, text("error")?, text("fault")?);
        let devices = text("device_id")?;
        let (groups, channels) = (text("group")?, text("channel")?);
        // Most rows of one group and channel follow each other.
        let (mut run, mut of_run): ((&str, &str), [u64; 7]) = (("", ""), [0; 7]);
        for row in 0..batch.num_rows() {
            let due = due.value(row);
            let place = self.grid.index(due);
            let word = outcomes.value(row);
            let error = errors.is_valid(row).then(|| errors.value(row));
            let outcome = outcome(word, error);
            let here = (groups.value(row), channels.value(row));
            if here != run {
                self.count_channel(run, &of_run);
                (run, of_run) = (here, [0; 7]);
            }
            *of_run.get_mut(outcome)? += 1;
            let bucket = self.buckets.get_mut(place)?;
            bucket.counts.due += 1;
            *bucket.counts.outcomes.get_mut(outcome)? += 1;
            let mut late = 0;
            // A message that a fault delayed measures neither the host nor the backend.
            let touched = faults.is_valid(row);
            if sent.is_valid(row) && !touched && self.grid.is_machine_clock {
                let lag = u64::try_from(sent.value(row) - due).unwrap_or(0);
                record(&mut bucket.lag, lag);
                if let Some(all) = &mut self.lag {
                    let _ = all.record(lag);
                }
                late = if lag > LATE_MICROS { lag } else { 0 };
            }
            if latencies.is_valid(row) && !touched {
                let latency = u64::try_from(latencies.value(row)).unwrap_or(0);
                record(&mut bucket.latency, latency);
                if let Some(all) = &mut self.latency {
                    let _ = all.record(latency);
                }
            }
            if sent.is_valid(row)
                && let Some(left) = self.grid.index_of_sent(sent.value(row))
            {
                self.buckets.get_mut(left)?.counts.sent += 1;
            }
            if touched {
                self.fault(faults.value(row), place);
            }
            let undelivered = matches!(outcome, 2..=4);
            if undelivered {
                self.cause(word, error);
            }
            if (undelivered || late > 0)
                && let Some(device) = self.device(devices.value(row))
            {
                match outcome {
                    2 => device.failed += 1,
                    3 => device.dropped += 1,
                    4 => device.unconfirmed += 1,
                    _ => {}
                }
                device.late += u64::from(late > 0);
                device.latest = device.latest.max(late);
            }
        }
        self.count_channel(run, &of_run);
        Some(())
    }

    fn events(&mut self, batch: &RecordBatch) -> Option<()> {
        let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
        let at = batch.column_by_name("at")?;
        let at = at.as_primitive_opt::<TimestampMicrosecondType>()?;
        let (devices, kinds, details) = (text("device_id")?, text("kind")?, text("detail")?);
        for row in 0..batch.num_rows() {
            let place = self.grid.index(at.value(row));
            let kind = kinds.value(row);
            let Some(number) = EVENT_KINDS.iter().position(|known| *known == kind) else {
                continue;
            };
            let detail = detail(details, row);
            let counts = &mut self.buckets.get_mut(place)?.counts;
            *counts.events.get_mut(number)? += 1;
            match kind {
                // The detail begins with the number of ticks: `3 ticks: ...`.
                "missed" => {
                    let digits = detail.split(' ').next().unwrap_or_default();
                    let ticks = digits.parse().unwrap_or(1);
                    counts.missed += ticks;
                    if let Some(device) = self.device(devices.value(row)) {
                        device.missed += ticks;
                    }
                }
                "failed" | "stopped" => {
                    if let Some(device) = self.device(devices.value(row)) {
                        device.errors += 1;
                    }
                }
                "disconnected" => {
                    // The end of a run closes all connections, so this counts only for devices
                    // that have other trouble.
                    if let Some(device) = self.devices.get_mut(devices.value(row)) {
                        device.disconnected += 1;
                    }
                }
                "fault" => self.fault(detail, place),
                _ => {}
            }
        }
        Some(())
    }

    fn device(&mut self, id: &str) -> Option<&mut WorstDevice> {
        if !self.devices.contains_key(id) {
            if self.devices.len() >= MAX_DEVICES {
                return None;
            }
            self.devices.insert(id.to_owned(), WorstDevice::default());
        }
        self.devices.get_mut(id)
    }

    fn cause(&mut self, outcome: &str, error: Option<&str>) {
        let cause = match error {
            Some(error) => format!("{outcome}: {}", cause_kind(error)),
            None => outcome.to_owned(),
        };
        self.count_cause(cause, 1);
    }

    fn count_cause(&mut self, cause: String, times: u64) {
        if let Some(known) = self.causes.get_mut(&cause) {
            *known += times;
        } else if self.causes.len() < MAX_CAUSES {
            self.causes.insert(cause, times);
        } else {
            self.other_causes += times;
        }
    }

    fn fault(&mut self, text: &str, place: usize) {
        for kind in text.split('+').map(fault_kind) {
            let kind = match self.faults.contains_key(kind) || self.faults.len() < MAX_FAULT_KINDS {
                true if !kind.is_empty() => kind,
                _ => "other faults",
            };
            if !self.faults.contains_key(kind) {
                self.faults
                    .insert(kind.to_owned(), vec![0; self.grid.count]);
            }
            let times = self
                .faults
                .get_mut(kind)
                .and_then(|times| times.get_mut(place));
            if let Some(times) = times {
                *times += 1;
            }
        }
    }

    fn count_channel(&mut self, (group, channel): (&str, &str), counts: &[u64; 7]) {
        if counts.iter().all(|count| *count == 0) {
            return;
        }
        let known = self
            .channels
            .get(group)
            .is_some_and(|channels| channels.contains_key(channel));
        if !known {
            if self.pairs >= MAX_CHANNELS {
                return;
            }
            self.pairs += 1;
            let channels = self.channels.entry(group.to_owned()).or_default();
            channels.insert(channel.to_owned(), [0; 7]);
        }
        let of = self.channels.get_mut(group);
        if let Some(sum) = of.and_then(|channels| channels.get_mut(channel)) {
            add(sum, counts);
        }
    }

    /// Adds another thread's part.
    pub(crate) fn merge(&mut self, other: Self) {
        for (mine, other) in self.buckets.iter_mut().zip(other.buckets) {
            mine.merge(other);
        }
        merge_all(&mut self.latency, other.latency);
        merge_all(&mut self.lag, other.lag);
        for (group, channels) in &other.channels {
            for (channel, counts) in channels {
                self.count_channel((group, channel), counts);
            }
        }
        for (cause, times) in other.causes {
            self.count_cause(cause, times);
        }
        self.other_causes += other.other_causes;
        for (kind, times) in other.faults {
            let mine = self
                .faults
                .entry(kind)
                .or_insert_with(|| vec![0; times.len()]);
            add(mine, &times);
        }
        for (id, device) in other.devices {
            let mine = self.devices.entry(id).or_default();
            mine.failed += device.failed;
            mine.dropped += device.dropped;
            mine.unconfirmed += device.unconfirmed;
            mine.late += device.late;
            mine.latest = mine.latest.max(device.latest);
            mine.missed += device.missed;
            mine.errors += device.errors;
            mine.disconnected += device.disconnected;
        }
    }

    /// Writes the counts into a timeline.
    pub(crate) fn finish(self, timeline: &mut Timeline) {
        timeline.buckets = self
            .buckets
            .into_iter()
            .map(BucketCounts::into_slice)
            .collect();
        for bucket in &timeline.buckets {
            add(&mut timeline.outcomes, &bucket.outcomes);
        }
        timeline.latency = times(self.latency.as_ref());
        timeline.lag = times(self.lag.as_ref());
        let mut causes: Vec<(String, u64)> = self.causes.into_iter().collect();
        causes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        timeline.causes = KindCounts {
            list: causes,
            others: self.other_causes,
        };
        timeline.faults = self.faults.into_iter().collect::<BTreeMap<_, _>>();
        for (group, channels) in self.channels {
            for (channel, counts) in channels {
                timeline.channels.insert((group.clone(), channel), counts);
            }
        }
        timeline.troubled_devices = u64::try_from(self.devices.len()).unwrap_or(u64::MAX);
        let mut worst: Vec<WorstDevice> = self
            .devices
            .into_iter()
            .map(|(id, device)| WorstDevice { id, ..device })
            .collect();
        worst.sort_by(|a, b| b.rank().cmp(&a.rank()).then_with(|| a.id.cmp(&b.id)));
        worst.truncate(MAX_WORST_DEVICES);
        timeline.worst = worst;
    }
}

fn merge_all(mine: &mut Option<Histogram<u64>>, other: Option<Histogram<u64>>) {
    if let (Some(mine), Some(other)) = (mine, other) {
        let _ = mine.add(other);
    }
}

fn times(histogram: Option<&Histogram<u64>>) -> LatencyStats {
    histogram
        .filter(|histogram| !histogram.is_empty())
        .map_or_else(LatencyStats::default, |histogram| LatencyStats {
            count: histogram.len(),
            percentiles: [0.5, 0.95, 0.99].map(|share| histogram.value_at_quantile(share)),
            max: histogram.max(),
        })
}

fn detail(details: &StringArray, row: usize) -> &str {
    match details.is_valid(row) {
        true => details.value(row),
        false => "",
    }
}

/// Returns the index of an outcome in [`OUTCOMES`]. Only this function separates messages lost
/// to a fault of the fleet file from messages lost by host and backend.
fn outcome(word: &str, error: Option<&str>) -> usize {
    match word {
        "acked" => 0,
        "sent" => 1,
        "written" => 6,
        _ if error.is_some_and(|error| error.starts_with("injected fault")) => 5,
        "failed" => 2,
        "dropped" => 3,
        _ => 4,
    }
}

/// Returns the kind of a fault: `delay` for `delay 2s`, `flapping` for `flapping: 3 times`.
fn fault_kind(text: &str) -> &str {
    let text = text.trim();
    let end = text.find([' ', ':']).unwrap_or(text.len());
    text.get(..end).unwrap_or(text)
}

/// Returns an error without the topic and the size of its message, which make no cause of their
/// own.
fn cause_kind(error: &str) -> &str {
    match error.rsplit_once(" (topic ") {
        Some((kind, message)) if message.ends_with(" bytes)") => kind,
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_and_size_of_a_message_are_no_cause() {
        let lost = "the connection was lost again when this message was sent alone: gone";
        for message in ["topic a/1, 3000 bytes", "topic a/2, 3001 bytes"] {
            assert_eq!(cause_kind(&format!("{lost} ({message})")), lost);
        }
        let full = "the outbox was full (of topic x)";
        assert_eq!(cause_kind(full), full);
    }

    #[test]
    fn faults_are_told_apart_by_their_kind() {
        for (text, kind) in [
            ("delay 2s", "delay"),
            ("flapping: 3 times down for 1s", "flapping"),
            ("truncate from 212 bytes", "truncate"),
            ("corrupt", "corrupt"),
            ("", ""),
        ] {
            assert_eq!(fault_kind(text), kind);
        }
    }
}
