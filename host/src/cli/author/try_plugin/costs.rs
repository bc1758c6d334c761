//! Computes the cost of a device.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::author::try_plugin::memory_probe::MemoryUse;
use mockfleet_config::format_duration;
use mockfleet_metrics::{bytes, micros, plural};
use mockfleet_plugin::Message;

/// Counts the cost during the simulation.
#[derive(Debug, Default)]
pub(crate) struct CostMeter {
    /// Duration of each tick in nanoseconds, in order. The ticks of a year at one a minute
    /// take 4 MiB.
    ticks: Vec<u64>,
    messages: u64,
    bytes: u64,
    /// Virtual time between ticks of a device: the sum in microseconds, and the count.
    passed: (u64, u64),
}

/// The costs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CostReport {
    ticks: u64,
    messages: u64,
    bytes: u64,
    /// Time of the first tick, in which interpreters warm up, in nanoseconds.
    first: Option<u64>,
    /// Mean and median of the other ticks.
    mean: Option<u64>,
    median: Option<u64>,
    memory: Option<MemoryUse>,
    /// Mean virtual time between two ticks of a device, and the configured interval, in
    /// microseconds; `None` if devices run flat out.
    every: Option<u64>,
    options: Option<u64>,
}

impl CostMeter {
    pub(crate) fn tick(&mut self, took: Duration) {
        self.ticks
            .push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Counts the time between two ticks of a device.
    pub(crate) fn gap(&mut self, before: Option<u64>, at: u64) {
        if let Some(before) = before {
            self.passed.0 = self.passed.0.saturating_add(at.saturating_sub(before));
            self.passed.1 += 1;
        }
    }

    pub(crate) fn messages(&mut self, messages: &[Message]) {
        for message in messages {
            self.messages += 1;
            self.bytes += u64::try_from(message.payload.len()).unwrap_or(u64::MAX);
        }
    }

    /// Returns the report. Devices may set their next tick, so the actual time between ticks
    /// counts.
    pub(crate) fn with(&self, memory: Option<MemoryUse>, every: Option<u64>) -> CostReport {
        let mut later = self.ticks.get(1..).unwrap_or_default().to_vec();
        later.sort_unstable();
        let number = u64::try_from(later.len()).unwrap_or(u64::MAX);
        let sum = later
            .iter()
            .fold(0, |sum: u64, tick| sum.saturating_add(*tick));
        CostReport {
            ticks: u64::try_from(self.ticks.len()).unwrap_or(u64::MAX),
            messages: self.messages,
            bytes: self.bytes,
            first: self.ticks.first().copied(),
            mean: sum.checked_div(number),
            median: later.get(later.len() / 2).copied(),
            memory,
            every: every.map(|every| self.passed.0.checked_div(self.passed.1).unwrap_or(every)),
            options: every,
        }
    }
}

impl CostReport {
    /// Returns the number of devices that one core can call on time, by their ticks alone, rounded
    /// down to two digits.
    fn devices(&self) -> Option<u64> {
        let tick = self.mean?.max(1);
        Some(two_digits(self.every?.saturating_mul(1_000) / tick))
    }

    /// Returns the ticks a second of one core, for flat-out devices.
    fn a_second(&self) -> Option<u64> {
        Some(two_digits(1_000_000_000 / self.mean?.max(1)))
    }

    /// Returns the lines for people.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = vec![format!(
            "{}, {}, {}",
            plural(self.ticks, "tick"),
            plural(self.messages, "message"),
            plural(self.bytes, "byte"),
        )];
        let first = self.first.map(time).unwrap_or_default();
        match (self.mean, self.median) {
            (Some(mean), Some(median)) => words.push(format!(
                "tick    {} on average, {} the median, {first} the first",
                time(mean),
                time(median)
            )),
            _ if self.first.is_some() => words.push(format!(
                "tick    {first} the first; more of them tell what a core can drive"
            )),
            _ => {}
        }
        if let Some(memory) = self.memory {
            let further = memory.further.map(bytes);
            let further = further.map(|size| format!(", {size} for each further device in it"));
            words.push(format!(
                "memory  {} a cell with one device{}",
                bytes(memory.cell),
                further.unwrap_or_default()
            ));
        }
        words.extend(self.core());
        words
    }

    fn core(&self) -> Option<String> {
        let alone = "by these ticks alone, without sending";
        let Some(every) = self.every else {
            return Some(format!(
                "core    {} a second, {alone}",
                plural(self.a_second()?, "tick")
            ));
        };
        let every = match self.options == Some(every) {
            true => format_duration(Duration::from_micros(every)),
            // Devices that set their next tick.
            false => format!("{} on average", micros(every)),
        };
        Some(match self.devices()? {
            0 => format!(
                "core    cannot drive one such device: a tick takes longer than the time to the next ({every})"
            ),
            devices => format!(
                "core    drives {} with a tick each {every}, {alone}",
                plural(devices, "such device")
            ),
        })
    }

    /// Returns one JSON object: times in microseconds, sizes in bytes.
    pub(crate) fn object(&self) -> Value {
        let micros = |nanos: Option<u64>| nanos.map(thousandth);
        json!({ "costs": {
            "ticks": self.ticks,
            "messages": self.messages,
            "bytes": self.bytes,
            "tick_us": micros(self.mean),
            "tick_median_us": micros(self.median),
            "first_tick_us": micros(self.first),
            "cell_bytes": self.memory.map(|memory| memory.cell),
            "device_bytes": self.memory.and_then(|memory| memory.further),
            "every_us": self.every,
            "devices_per_core": self.devices(),
        } })
    }
}

/// Rounds down to two digits: 81,345 becomes 81,000.
fn two_digits(n: u64) -> u64 {
    let mut power = 1;
    while n / power >= 100 {
        power *= 10;
    }
    n / power * power
}

fn time(nanos: u64) -> String {
    match nanos < 10_000 {
        true => format!("{:.1} µs", thousandth(nanos)),
        false => micros(nanos / 1_000),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a time to be read")]
fn thousandth(nanos: u64) -> f64 {
    nanos as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(ticks: &[u64]) -> CostMeter {
        let mut costs = CostMeter::default();
        for (nanos, at) in ticks.iter().zip((0u64..).step_by(2_000_000)) {
            costs.tick(Duration::from_nanos(*nanos));
            costs.gap(at.checked_sub(2_000_000), at);
        }
        costs
    }

    const MEMORY: Option<MemoryUse> = Some(MemoryUse {
        cell: 3 << 20,
        further: Some(2_048),
    });

    #[test]
    fn first_tick_is_reported_alone() {
        let told = costs(&[900_000, 12_000, 8_000, 40_000]).with(MEMORY, Some(1_000_000));
        assert_eq!(
            told.words(),
            [
                "4 ticks, 0 messages, 0 bytes",
                "tick    20 µs on average, 12 µs the median, 900 µs the first",
                "memory  3.0 MiB a cell with one device, 2.0 KiB for each further device in it",
                // 2 s between ticks is the devices' own interval.
                "core    drives 100,000 such devices with a tick each 2.00 s on average, by these ticks alone, without sending",
            ]
        );
        let object = told.object();
        assert_eq!(object["costs"]["tick_us"], 20.0);
        assert_eq!(object["costs"]["devices_per_core"], 100_000);
    }

    #[test]
    fn single_tick_gives_no_rate() {
        let words = costs(&[900]).with(None, Some(1)).words();
        assert_eq!(words.len(), 2);
        assert_eq!(
            words[1],
            "tick    0.9 µs the first; more of them tell what a core can drive"
        );
        assert_eq!(costs(&[]).with(None, Some(1)).words().len(), 1);
    }

    #[test]
    fn a_core_drives_whole_devices_and_flat_out_ticks() {
        let slow = costs(&[1, 3_000_000_000]).with(None, Some(1_000_000));
        let even = costs(&[1, 3_000]).with(None, Some(2_000_000));
        assert!(even.words()[2].contains("660,000 such devices with a tick each 2s,"));
        assert!(
            slow.words()[2].starts_with(
                "core    cannot drive one such device: a tick takes longer than the time to the next (2.00 s on average)"
            )
        );
        let flat = costs(&[1, 3_000]).with(None, None);
        assert!(flat.words()[2].starts_with("core    330,000 ticks a second,"));
        assert_eq!(two_digits(81_999), 81_000);
        assert_eq!(two_digits(99), 99);
    }
}
