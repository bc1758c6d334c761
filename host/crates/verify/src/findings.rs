//! What was found: by cause with what explains it, by device, and the first of each.

use std::collections::HashMap;

use crate::explain::{FindingKind, Reasons};
use crate::key_resolution::ResolvedKeys;

/// Examples that are kept of each cause.
const MAX_EXAMPLES: usize = 5;

/// Devices that are shown.
const MAX_DEVICES: usize = 10;

/// What a comparison has found.
#[derive(Debug)]
pub struct Findings {
    /// The run of the log.
    pub run: String,
    /// What was received, as people name it.
    pub received: String,
    /// The key, as the command line would say it.
    pub key: String,
    /// What a reader should know about how it was compared.
    pub notes: Vec<String>,
    /// Messages of the log that were compared.
    pub sent: u64,
    /// Devices of the log.
    pub devices: u64,
    /// Rows that were received.
    pub rows: u64,
    /// Messages that were received at least once.
    pub matched: u64,
    /// Whether the moments of arrival are known.
    pub timed: bool,
    /// Whether payloads could be compared.
    pub compared: bool,
    counts: [Counts; 6],
    worst: HashMap<u32, [u64; 6]>,
    names: Vec<String>,
}

/// How often something was found.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// In all.
    pub found: u64,
    /// What nothing explains.
    pub unexplained: u64,
    /// How much is explained, by what.
    pub explained: Reasons,
    /// The first that nothing explains.
    pub examples: Vec<Example>,
}

/// A message to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Its device, as far as it is known.
    pub device: Option<String>,
    /// Its number among those of its device.
    pub seq: Option<u64>,
    /// When it left, or arrived, in microseconds since 1970.
    pub at: Option<i64>,
    /// How the payload begins.
    pub payload: String,
    /// What is wrong with it, in a few words.
    pub about: String,
}

/// What nothing explains of one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCounts {
    /// Its id.
    pub device: String,
    /// In the order of [`FindingKind::ALL`].
    pub counts: [u64; 6],
}

/// A message that something was found of.
pub(crate) struct Found {
    pub(crate) cause: FindingKind,
    pub(crate) device: Option<u32>,
    /// What explains it.
    pub(crate) reason: Option<String>,
}

impl Findings {
    pub(crate) fn new(run: String, received: String, keys: &ResolvedKeys) -> Self {
        Self {
            run,
            received,
            key: keys.option(),
            notes: Vec::new(),
            sent: 0,
            devices: 0,
            rows: 0,
            matched: 0,
            timed: keys.received_at.is_some(),
            compared: keys.payload.is_some(),
            counts: Default::default(),
            worst: HashMap::new(),
            names: Vec::new(),
        }
    }

    pub(crate) fn name_devices(&mut self, names: Vec<String>) {
        self.devices = u64::try_from(names.len()).unwrap_or(u64::MAX);
        self.names = names;
    }

    /// A device's id.
    pub(crate) fn device(&self, number: u32) -> Option<String> {
        self.names.get(usize::try_from(number).ok()?).cloned()
    }

    /// What was found of a cause.
    #[must_use]
    pub fn of(&self, cause: FindingKind) -> &Counts {
        let [a, b, c, d, e, f] = &self.counts;
        match cause {
            FindingKind::Missing => a,
            FindingKind::Doubled => b,
            FindingKind::Late => c,
            FindingKind::Altered => d,
            FindingKind::OutOfOrder => e,
            FindingKind::Unknown => f,
        }
    }

    /// Counts something; `example` is made where it is one of the first.
    pub(crate) fn add(&mut self, found: Found, example: impl FnOnce(&Self) -> Example) {
        let index = found.cause.index();
        if let Some(reason) = found.reason {
            if let Some(counts) = self.counts.get_mut(index) {
                counts.found += 1;
                *counts.explained.entry(reason).or_default() += 1;
            }
            return;
        }
        if let Some(device) = found.device
            && let Some(count) = self.worst.entry(device).or_default().get_mut(index)
        {
            *count += 1;
        }
        let example = example(self);
        if let Some(counts) = self.counts.get_mut(index) {
            counts.found += 1;
            counts.unexplained += 1;
            let after = counts.examples.partition_point(|other| {
                (other.at, &other.device, other.seq) <= (example.at, &example.device, example.seq)
            });
            if after < MAX_EXAMPLES {
                counts.examples.insert(after, example);
                counts.examples.truncate(MAX_EXAMPLES);
            }
        }
    }

    /// The devices of which most is unexplained, and how many there are in all.
    #[must_use]
    pub fn worst(&self) -> (Vec<DeviceCounts>, usize) {
        let mut devices: Vec<DeviceCounts> = self
            .worst
            .iter()
            .filter_map(|(number, counts)| {
                let device = self.device(*number)?;
                let counts = *counts;
                Some(DeviceCounts { device, counts })
            })
            .collect();
        let all = devices.len();
        let sum = |device: &DeviceCounts| device.counts.iter().sum::<u64>();
        devices.sort_by(|a, b| sum(b).cmp(&sum(a)).then_with(|| a.device.cmp(&b.device)));
        devices.truncate(MAX_DEVICES);
        (devices, all)
    }
}
