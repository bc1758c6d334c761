//! Holds the messages of a dry run and writes them as rows.
//!
//! The rows are those of the whole group. The few simulated devices take turns in representing
//! all devices.

use std::rc::Rc;
use std::time::Instant;

use crate::group::device_group::Group;
use crate::time::clock::Micros;
use crate::time::seed;
use mockfleet_config::{Protocol, Qos, Target};
use mockfleet_sendlog::{Appender, EventKind, EventRow, MessageRow, Outcome, OutcomeRow};

/// Start of the run that guests receive, where the fleet file sets no start of its clock. This
/// is 2026-01-01T00:00:00Z, in microseconds since 1970. It is fixed, so that the same seed
/// gives the same forecast.
pub(crate) const ORIGIN: u64 = 1_767_225_600_000_000;

/// Largest number of messages that are kept. It gives a stable compression ratio in the
/// encoder, and fits into memory.
const MAX_MESSAGES: usize = 200_000;
/// An hour in microseconds. A file has the rows of one hour.
const HOUR: Micros = 3_600_000_000;

/// Largest number of payload bytes that are kept.
const MAX_BYTES: u64 = 64 << 20;

/// Messages and statuses of simulated devices, in the order of time.
#[derive(Debug)]
pub struct Sample {
    /// The first messages, up to the limits.
    messages: Vec<SampledMessage>,
    statuses: Vec<SampledStatus>,
    /// Number of all messages, kept or not.
    message_count: u64,
    payload: u64,
    /// Number of messages of each device so far.
    counts: Vec<u64>,
    /// The seed and index of each simulated device.
    devices: Vec<(u64, u32)>,
    /// The number of the group's first device in the fleet.
    first: u32,
    /// The number of its target's first route. `answers` has an entry for each of its routes.
    route_base: u16,
    answers: Vec<Answer>,
    /// Number of devices that each simulated device represents.
    stands_for: u64,
    /// The factor by which times of rows are denser.
    denser: u64,
}

/// The backend's answer to the messages of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// No answer: MQTT with QoS 0.
    Nothing,
    /// An acknowledgement.
    Acked,
    /// An HTTP status.
    Code(i32),
}

impl Answer {
    /// Returns the answer of each channel of a target, in the order of channel numbers.
    fn of_channels(target: Option<&Target>) -> Vec<Self> {
        match target.map(|target| &target.protocol) {
            Some(Protocol::Mqtt(mqtt)) => mqtt
                .channels
                .values()
                .map(|channel| match channel.qos {
                    Qos::AtMostOnce => Self::Nothing,
                    Qos::AtLeastOnce | Qos::ExactlyOnce => Self::Acked,
                })
                .collect(),
            Some(Protocol::Http(http)) => vec![Self::Code(200); http.channels.len()],
            None => Vec::new(),
        }
    }
}

#[derive(Debug)]
struct SampledMessage {
    at: Micros,
    slot: u32,
    /// The message's number among those of its device.
    number: u64,
    /// Its channel's number in its target.
    route: u16,
    status: Option<Rc<str>>,
    payload: Vec<u8>,
}

#[derive(Debug)]
struct SampledStatus {
    at: Micros,
    slot: u32,
    status: Rc<str>,
}

/// The row of a message whose delivery succeeds.
struct Row<'a> {
    message_count: &'a SampledMessage,
    due: i64,
    sent_at: i64,
    acked_at: i64,
}

/// Delays in microseconds, from the due time to sending, and from sending to the
/// acknowledgement. They assume a host that keeps up and a backend nearby.
const LAG: f64 = 2_000.0;
const LATENCY: (f64, f64) = (500.0, 19_500.0);

/// Salts for the random numbers of these delays.
const LAG_SALT: u64 = 0x6c_6167;
const LATENCY_SALT: u64 = 0x6c61_7465_6e63 << 8;

/// Number of rows that are appended between two flushes.
const ROWS_PER_BATCH: usize = 1_000;

impl Sample {
    pub(crate) fn new(group: &Group, target: Option<&Target>, sampled: u32) -> Self {
        let place = |n: u32| u64::from(n) * u64::from(group.count) / u64::from(sampled.max(1));
        let devices = (0..sampled).map(|n| {
            let index = u32::try_from(place(n)).unwrap_or(u32::MAX);
            (group.seed(index), index)
        });
        Self {
            messages: Vec::new(),
            statuses: Vec::new(),
            message_count: 0,
            payload: 0,
            counts: vec![0; usize::try_from(sampled).unwrap_or(0)],
            devices: devices.collect(),
            first: group.first,
            route_base: group.route_base,
            answers: Answer::of_channels(target),
            stands_for: u64::from((group.count / sampled.max(1)).max(1)),
            denser: u64::from((group.count / sampled.max(1)).max(1)),
        }
    }

    /// Makes the times of rows dense enough for one file of an hour, if `reached` is longer.
    pub(crate) fn fit_into_an_hour(&mut self, reached: Micros) {
        self.denser = self.denser.max(reached.div_ceil(HOUR));
    }

    pub(crate) fn message(
        &mut self,
        at: Micros,
        slot: u32,
        route: u16,
        status: Option<Rc<str>>,
        payload: Vec<u8>,
    ) {
        let place = usize::try_from(slot).unwrap_or(usize::MAX);
        let Some(count) = self.counts.get_mut(place) else {
            return;
        };
        let bytes = u64::try_from(payload.len()).unwrap_or(u64::MAX);
        let number = *count;
        *count += 1;
        if !self.is_full() {
            self.messages.push(SampledMessage {
                at,
                slot,
                number,
                route,
                status,
                payload,
            });
        }
        self.message_count += 1;
        self.payload += bytes;
    }

    /// Returns whether the sample has reached one of its limits.
    pub(crate) fn is_full(&self) -> bool {
        self.messages.len() >= MAX_MESSAGES || self.payload >= MAX_BYTES
    }

    pub(crate) fn status(&mut self, at: Micros, slot: u32, status: Rc<str>) {
        self.statuses.push(SampledStatus { at, slot, status });
    }

    /// Number of messages of the simulated devices.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.message_count
    }

    /// Number of messages that are kept, and can be written as rows.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.messages.len()
    }

    /// Number of status reports that differ from the device's last one, including its first.
    #[must_use]
    pub fn statuses(&self) -> usize {
        self.statuses.len()
    }

    /// Number of status reports that differ from the device's last one, without its first.
    #[must_use]
    pub fn changes(&self) -> u64 {
        let mut seen = vec![false; self.devices.len()];
        let mut changes = 0;
        for reported in &self.statuses {
            let place = usize::try_from(reported.slot).unwrap_or(usize::MAX);
            if let Some(seen) = seen.get_mut(place) {
                changes += u64::from(std::mem::replace(seen, true));
            }
        }
        changes
    }

    /// Bytes of all payloads.
    #[must_use]
    pub fn payload(&self) -> u64 {
        self.payload
    }

    /// Appends the first `rows` messages as rows of the whole group. Their times cover the
    /// period in which all devices send this number of messages. Each message is confirmed.
    pub fn write_messages(&self, rows: usize, appender: &mut Appender) {
        let mut rows: Vec<Row<'_>> = self
            .messages
            .iter()
            .take(rows)
            .map(|message_count| self.row(message_count))
            .collect();
        // A row is written when its message is confirmed.
        rows.sort_by_key(|row| row.acked_at);
        for (number, row) in rows.iter().enumerate() {
            let device = self.device(row.message_count.slot, row.message_count.number);
            let seq = row.message_count.number / self.stands_for;
            let place = usize::from(row.message_count.route);
            let answer = self.answers.get(place).copied().unwrap_or(Answer::Acked);
            let confirmed = answer != Answer::Nothing;
            appender.append_message(&MessageRow {
                device,
                seq,
                copy: 0,
                route: self.route_base + row.message_count.route,
                topic: None,
                fault: None,
                status: row.message_count.status.as_deref(),
                scheduled_at: row.due,
                payload: &row.message_count.payload,
            });
            appender.append_outcome(&OutcomeRow {
                device,
                seq,
                copy: 0,
                attempt: 1,
                outcome: match confirmed {
                    true => Outcome::Acked,
                    false => Outcome::Sent,
                },
                code: match answer {
                    Answer::Code(code) => Some(code),
                    Answer::Nothing | Answer::Acked => None,
                },
                error: None,
                sent_at: Some(row.sent_at),
                acked_at: confirmed.then_some(row.acked_at),
            });
            if number % ROWS_PER_BATCH == 0 {
                appender.flush(Instant::now());
            }
        }
    }

    /// Appends `rows` status reports in the same way.
    pub fn write_statuses(&self, rows: usize, appender: &mut Appender) {
        for (number, reported) in (0u64..).zip(self.statuses.iter().take(rows)) {
            appender.append_event(&EventRow {
                device: self.device(reported.slot, number),
                at: self.moment(reported.at),
                kind: EventKind::Status,
                detail: Some(&reported.status),
            });
        }
    }

    fn row<'a>(&self, message_count: &'a SampledMessage) -> Row<'a> {
        let place = usize::try_from(message_count.slot).unwrap_or(usize::MAX);
        let own = self.devices.get(place).map_or(0, |(seed, _)| *seed);
        let due = self.moment(message_count.at);
        let sent_at = due + whole(LAG * seed::unit(own, LAG_SALT ^ message_count.number));
        let latency = LATENCY.0 + LATENCY.1 * seed::unit(own, LATENCY_SALT ^ message_count.number);
        Row {
            message_count,
            due,
            sent_at,
            acked_at: sent_at + whole(latency),
        }
    }

    /// Returns the device that a simulated device represents in its message `number`.
    fn device(&self, slot: u32, number: u64) -> u32 {
        let place = usize::try_from(slot).unwrap_or(usize::MAX);
        let index = self.devices.get(place).map_or(0, |(_, index)| *index);
        let turn = u32::try_from(number % self.stands_for).unwrap_or(0);
        self.first.saturating_add(index).saturating_add(turn)
    }

    /// Returns the time of a message if all devices were simulated, which is earlier by the
    /// factor `denser`.
    fn moment(&self, at: Micros) -> i64 {
        i64::try_from(ORIGIN + at / self.denser).unwrap_or(i64::MAX)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a fraction of a second, in microseconds"
)]
fn whole(length: f64) -> i64 {
    length as i64
}
