//! Collects findings by kind and device, with examples.

use std::collections::{BTreeMap, HashMap};

use crate::findings::explain::{FindingKind, Reasons};
use crate::findings::gap::{ColumnNames, Gap};
use crate::key::resolution::ResolvedKeys;

/// Most examples of each kind.
const MAX_EXAMPLES: usize = 5;

/// Most devices in the list of the worst devices.
const MAX_DEVICES: usize = 10;

/// The findings of a comparison.
#[derive(Debug)]
pub struct Findings {
    /// The run of the log.
    pub run: String,
    /// The name of the received table in messages.
    pub received: String,
    /// The key, as an option of the command line.
    pub key: String,
    /// Notes on the comparison, for the reader.
    pub notes: Vec<String>,
    /// Messages of the log that were compared.
    pub sent: u64,
    /// Devices of the log.
    pub devices: u64,
    /// Rows that were received.
    pub rows: u64,
    /// Messages that were received at least once.
    pub matched: u64,
    counts: [Counts; 6],
    /// Messages of which a kind cannot be told, by index of the kind and reason.
    gaps: BTreeMap<(usize, Gap), u64>,
    columns: ColumnNames,
    worst: HashMap<u32, [u64; 6]>,
    names: Vec<String>,
}

/// The count of findings of one kind.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Number of all findings.
    pub found: u64,
    /// Findings without an explanation.
    pub unexplained: u64,
    /// Explanations, with their counts.
    pub explained: Reasons,
    /// The first findings without an explanation.
    pub examples: Vec<Example>,
}

/// An example of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Device of the message, if it is known.
    pub device: Option<String>,
    /// Sequence number of the message, if it is known.
    pub seq: Option<u64>,
    /// The time of sending or of arrival, in microseconds since 1970.
    pub at: Option<i64>,
    /// The beginning of the payload.
    pub payload: String,
    /// A short description of the finding.
    pub about: String,
}

/// The unexplained findings of one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCounts {
    /// Id of the device.
    pub device: String,
    /// Counts in the order of [`FindingKind::ALL`].
    pub counts: [u64; 6],
}

/// A finding with its message.
pub(crate) struct Found {
    pub(crate) cause: FindingKind,
    pub(crate) device: Option<u32>,
    /// The explanation.
    pub(crate) reason: Option<String>,
}

impl Findings {
    pub(crate) fn new(run: String, received: String, keys: &ResolvedKeys) -> Self {
        let columns = ColumnNames {
            received: received.clone(),
            received_at: keys.received_at.clone(),
        };
        Self {
            run,
            received,
            key: keys.option(),
            notes: Vec::new(),
            sent: 0,
            devices: 0,
            rows: 0,
            matched: 0,
            counts: Default::default(),
            gaps: BTreeMap::new(),
            columns,
            worst: HashMap::new(),
            names: Vec::new(),
        }
    }

    pub(crate) fn name_devices(&mut self, names: Vec<String>) {
        self.devices = u64::try_from(names.len()).unwrap_or(u64::MAX);
        self.names = names;
    }

    /// Returns the id of a device.
    pub(crate) fn device(&self, number: u32) -> Option<String> {
        self.names.get(usize::try_from(number).ok()?).cloned()
    }

    /// Returns the counts of one kind.
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

    /// Counts messages of which a kind of finding cannot be told.
    pub(crate) fn add_gap(&mut self, kind: FindingKind, gap: Gap, messages: u64) {
        *self.gaps.entry((kind.index(), gap)).or_default() += messages;
    }

    fn gaps(&self, kind: FindingKind) -> impl Iterator<Item = (Gap, u64)> {
        let all = self.gaps.iter();
        all.filter(move |((index, _), _)| *index == kind.index())
            .map(|((_, gap), messages)| (*gap, *messages))
    }

    /// Returns the number of messages of which a kind of finding cannot be told.
    #[must_use]
    pub fn undecided(&self, kind: FindingKind) -> u64 {
        let messages: u64 = self.gaps(kind).map(|(_, messages)| messages).sum();
        messages.min(self.sent)
    }

    /// Returns whether a kind of finding can be told of any message.
    #[must_use]
    pub fn is_known(&self, kind: FindingKind) -> bool {
        let undecided = self.undecided(kind);
        undecided == 0 || undecided < self.matched
    }

    /// Returns why a kind of finding cannot be told of all messages, with the ways out.
    #[must_use]
    pub fn why_undecided(&self, kind: FindingKind) -> Vec<String> {
        self.gaps(kind)
            .map(|(gap, messages)| gap.text(messages, &self.columns))
            .collect()
    }

    /// Returns the shortest form of the ways out for a kind that cannot be told.
    #[must_use]
    pub fn missing_options(&self, kind: FindingKind) -> String {
        let ways: Vec<&str> = self.gaps(kind).map(|(gap, _)| gap.way_out()).collect();
        ways.join(", ")
    }

    /// Adds a note for each reason that concerns some of the messages. Total ones have a note
    /// of the key already.
    pub(crate) fn note_gaps(&mut self) {
        for kind in FindingKind::ALL {
            let partial = self.gaps(kind).filter(|(gap, _)| !gap.is_total());
            let notes: Vec<String> = partial
                .map(|(gap, messages)| {
                    let why = gap.text(messages, &self.columns);
                    format!("{} cannot be told of all messages: {why}", kind.word())
                })
                .collect();
            self.notes.extend(notes);
        }
    }

    /// Counts a finding. It calls `example` for the first findings only.
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

    /// Returns the devices with the most unexplained findings, and the number of all such
    /// devices.
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
