//! Joins one bucket of each side, and finds differences.

use mockfleet_files::counted::{agree, noun_for, plural};
use std::collections::{BTreeMap, HashMap};

use mockfleet_config::Problems;
use mockfleet_sendlog::Outcome;

use crate::findings::collected::{Example, Findings, Found};
use crate::findings::explain::{Faults, FindingKind, Kinds};
use crate::findings::gap::Gap;
use crate::key::content::Digest;
use crate::key::options::VerifyOptions;
use crate::key::resolution::ResolvedKeys;
use crate::messages::{problem, single};
use crate::order;
use crate::order::FirstArrival;
use crate::progress::{Progress, ProgressFn};
use crate::rows::buckets::{BUCKETS, Buckets};
use crate::rows::received::{Received, ReceivedRow};
use crate::rows::sent::{Errors, Log, SentRow};

/// Most ambiguous keys that are reported.
const MAX_NAMED: usize = 5;

/// The beginning of the error of a message that a fault dropped.
const INJECTED: &str = "injected fault: ";

/// Tolerance in microseconds. The clocks of one machine, or of two synchronized ones, differ
/// by less.
const CLOCK_TOLERANCE: i64 = 1_000_000;

pub(crate) fn join(
    log: Log,
    mut received: Received,
    options: &VerifyOptions,
    keys: &ResolvedKeys,
    findings: &mut Findings,
    report_progress: &mut ProgressFn<'_>,
) -> Result<(), Problems> {
    let full = |why: String| single(problem("TMPDIR", why));
    findings.rows = received.rows;
    findings.name_devices(log.devices.names);
    let mut sent = log.buckets;
    let mut joiner = Joiner {
        kinds: &log.kinds,
        errors: &log.errors,
        has_times: keys.received_at.is_some(),
        has_payloads: keys.payload.is_some() && !keys.is_by_payload(),
        late: i64::try_from(options.late.as_micros()).unwrap_or(i64::MAX),
        arrived: Buckets::new(),
        ambiguous: Ambiguous::default(),
        early: (0, 0),
        delivered_anyway: 0,
        findings,
    };
    for number in 0..BUCKETS {
        report_progress(Progress {
            doing: "comparing",
            done: number.into(),
            of: Some(BUCKETS.into()),
        });
        let sent_bucket = sent.take(number).map_err(full)?;
        let received_bucket = received.buckets.take(number).map_err(full)?;
        joiner
            .bucket(
                sent_bucket.records().collect(),
                received_bucket.records().collect(),
            )
            .map_err(full)?;
    }
    let Joiner {
        arrived,
        ambiguous,
        early,
        delivered_anyway,
        ..
    } = joiner;
    if !ambiguous.examples.is_empty() {
        return Err(ambiguous.refused(keys));
    }
    order::look(arrived, &log.kinds, keys, findings, report_progress).map_err(full)?;
    let sent = findings.sent;
    if keys.received_at.is_none() {
        findings.add_gap(FindingKind::Late, Gap::NoArrivalColumn, sent);
    }
    if keys.payload.is_none() {
        findings.add_gap(FindingKind::Altered, Gap::NoPayloadColumn, sent);
    } else if keys.is_by_payload() {
        findings.add_gap(FindingKind::Altered, Gap::PayloadIsKey, sent);
    }
    findings.note_gaps();
    if let Some((count, place)) = &log.unkeyed {
        findings.notes.push(format!(
            "{} of the log {} no {} (the first: {place}), and {} known by the payload",
            plural(*count, "message"),
            agree(*count, "has", "have"),
            keys.option(),
            agree(*count, "is", "are")
        ));
    }
    if received.unkeyed > 0 {
        findings.notes.push(format!(
            "{} {} no {}, and {} known by the payload",
            plural(received.unkeyed, "received row"),
            agree(received.unkeyed, "has", "have"),
            keys.option(),
            agree(received.unkeyed, "is", "are")
        ));
    }
    if delivered_anyway > 0 {
        findings.notes.push(format!(
            "{} arrived although the log has {} as failed, dropped or unconfirmed",
            plural(delivered_anyway, "message"),
            agree(delivered_anyway, "it", "them")
        ));
    }
    if let (count @ 1.., most) = early {
        findings.notes.push(format!(
            "{} arrived before {} sent, by up to {} s: the clocks differ",
            plural(count, "message"),
            agree(count, "it was", "they were"),
            most / 1_000_000
        ));
    }
    if findings.matched == 0
        && let (Some(sent_key), Some(received_key)) = (&log.first_key, &received.first_key)
    {
        findings.notes.push(format!(
            "no received row has the key of a message; is it the right key? The log begins with {sent_key}, the received rows with {received_key}"
        ));
    }
    Ok(())
}

struct Joiner<'a> {
    kinds: &'a Kinds,
    errors: &'a Errors,
    /// Whether a received column has times of arrival.
    has_times: bool,
    /// Whether a received column has payloads.
    has_payloads: bool,
    late: i64,
    /// First arrivals for the check of the order, by device.
    arrived: Buckets,
    ambiguous: Ambiguous,
    /// The count of messages that arrived before they were sent, and the largest difference.
    early: (u64, i64),
    /// The count of messages that arrived, although the log has them as not delivered.
    delivered_anyway: u64,
    findings: &'a mut Findings,
}

/// Keys that several messages share.
#[derive(Default)]
struct Ambiguous {
    keys: u64,
    examples: Vec<String>,
}

impl Ambiguous {
    fn refused(self, keys: &ResolvedKeys) -> Problems {
        let mut problems = Problems::default();
        let more = match self.keys.saturating_sub(1) {
            0 => String::new(),
            more => format!(" (and {more} {} more)", noun_for(more, "key")),
        };
        let (option, way) = if keys.option().starts_with("--key") {
            (
                "--key",
                "add a field that differs in each message, such as a number or a moment",
            )
        } else {
            (
                "--by",
                "take --key with a field that differs in each message, such as a number or a moment",
            )
        };
        for example in self.examples {
            problems.push(problem(
                option,
                format!(
                    "{} does not tell messages of the log apart: {example}{more}; a second one could not be told from one that came twice; {way}",
                    keys.option().trim_start_matches(option).trim_start()
                ),
            ));
        }
        problems
    }
}

/// The rows of one message: the message itself, and the copies that a fault sent.
type Rows<'r, 'a> = &'r [&'r SentRow<'a>];

impl Joiner<'_> {
    fn bucket(
        &mut self,
        sent_rows: Vec<SentRow<'_>>,
        received_rows: Vec<ReceivedRow<'_>>,
    ) -> Result<(), String> {
        let mut arrivals: HashMap<Digest, Vec<&ReceivedRow<'_>>> = HashMap::new();
        for arrival in &received_rows {
            arrivals.entry(arrival.key).or_default().push(arrival);
        }
        // Messages are in the order of the log, independent of hashes.
        let mut messages: BTreeMap<Digest, BTreeMap<(u32, u64), Vec<&SentRow<'_>>>> =
            BTreeMap::new();
        for sent in &sent_rows {
            let of_key = messages.entry(sent.key).or_default();
            of_key
                .entry((sent.device, sent.seq))
                .or_default()
                .push(sent);
        }
        for (key, of_key) in messages {
            let mut came = arrivals.remove(&key).unwrap_or_default();
            came.sort_by_key(|arrival| (arrival.at, arrival.order));
            self.findings.sent += wide(of_key.len());
            let own = of_key.values().flatten().all(|sent| sent.own_key);
            if of_key.len() > 1 && own {
                self.note_ambiguous(of_key.keys());
                continue;
            }
            // Equal payloads without another key: each message gets one arrival, in order.
            let mut left = came.as_slice();
            let mut rest = of_key.len();
            for rows in of_key.values() {
                rest -= 1;
                let mine = if rest == 0 {
                    left.len()
                } else {
                    left.len().min(1)
                };
                let (mine, others) = left.split_at_checked(mine).unwrap_or((left, &[]));
                left = others;
                self.message(rows, mine)?;
            }
        }
        for (_, strays) in arrivals {
            for stray in strays {
                self.stray(stray);
            }
        }
        Ok(())
    }

    fn note_ambiguous<'k>(&mut self, messages: impl Iterator<Item = &'k (u32, u64)>) {
        self.ambiguous.keys += 1;
        if self.ambiguous.examples.len() < MAX_NAMED {
            let shown: Vec<String> = messages
                .take(3)
                .map(|(device, seq)| {
                    let device = self.findings.device(*device).unwrap_or_default();
                    format!("seq {seq} of {device}")
                })
                .collect();
            self.ambiguous
                .examples
                .push(format!("{} share one", shown.join(" and ")));
        }
    }

    fn message(&mut self, rows: Rows<'_, '_>, came: &[&ReceivedRow<'_>]) -> Result<(), String> {
        let Some(main) = rows.first() else {
            return Ok(());
        };
        let faults = rows
            .iter()
            .fold(Faults::default(), |all, row| all.and(row.faults));
        let Some(first) = came.first() else {
            let reasons: Option<Vec<String>> =
                rows.iter().map(|row| self.explain_missing(row)).collect();
            let reason = reasons.and_then(|reasons| reasons.into_iter().next());
            let about = format!("{}, and not received", main.outcome.as_str());
            self.found(
                FindingKind::Missing,
                main,
                reason,
                main.at,
                main.head,
                about,
            );
            return Ok(());
        };
        self.findings.matched += 1;
        let gave_up = |row: &&SentRow<'_>| {
            matches!(
                row.outcome,
                Outcome::Failed | Outcome::Dropped | Outcome::Unconfirmed
            )
        };
        self.delivered_anyway += u64::from(rows.iter().all(gave_up));
        let again = rows.iter().map(|row| row.attempt).max().unwrap_or(0);
        let again = (again > 1).then(|| "sent again after a lost connection".to_owned());
        self.check_copies(rows, came, faults, again.as_ref());
        self.check_lateness(rows, first, faults, again);
        self.check_content(rows, came, faults);
        self.arrived.put(
            main.device,
            &FirstArrival {
                device: main.device,
                seq: main.seq,
                at: first.at,
                order: first.order,
                faults,
                sent_at: main.at,
                again: main.attempt > 1,
            },
        )
    }

    /// Explains a missing message by its row.
    fn explain_missing(&self, row: &SentRow<'_>) -> Option<String> {
        let error = self.errors.text(row.error);
        if let Some(fault) = error.and_then(|error| error.strip_prefix(INJECTED)) {
            let kind = self.kinds.explains(FindingKind::Missing, row.faults);
            return Some(kind.unwrap_or_else(|| format!("the injected fault {fault}")));
        }
        if let Some(kind) = self.kinds.explains(FindingKind::Missing, row.faults) {
            return Some(kind);
        }
        match row.outcome {
            // A row that was only written says nothing about what the backend has.
            Outcome::Acked | Outcome::Sent | Outcome::Written => None,
            outcome => Some(match error {
                Some(error) => format!("{} by the log: {error}", outcome.as_str()),
                None => format!("{} by the log", outcome.as_str()),
            }),
        }
    }

    fn check_copies(
        &mut self,
        rows: Rows<'_, '_>,
        came: &[&ReceivedRow<'_>],
        faults: Faults,
        again: Option<&String>,
    ) {
        let (Some(main), Some(second)) = (rows.first(), came.get(1)) else {
            return;
        };
        let reason = if came.len() <= rows.len() {
            let kind = self.kinds.explains(FindingKind::Doubled, faults);
            Some(kind.unwrap_or_else(|| "the log has it as often".into()))
        } else {
            again.cloned()
        };
        let about = match rows.len() {
            1 => format!("received {} times", came.len()),
            sent => format!("sent {sent} times, received {} times", came.len()),
        };
        let at = second.at.unwrap_or(main.at);
        self.found(FindingKind::Doubled, main, reason, at, second.head, about);
    }

    fn check_lateness(
        &mut self,
        rows: Rows<'_, '_>,
        first: &ReceivedRow<'_>,
        faults: Faults,
        again: Option<String>,
    ) {
        if !self.has_times {
            return;
        }
        let Some(at) = first.at else {
            for kind in [FindingKind::Late, FindingKind::OutOfOrder] {
                self.findings.add_gap(kind, Gap::NoArrivalTime, 1);
            }
            return;
        };
        let sent = rows.iter().filter(|row| row.was_sent);
        let Some(sent) = sent.min_by_key(|row| row.at) else {
            self.findings.add_gap(FindingKind::Late, Gap::NeverSent, 1);
            return;
        };
        let took = at.saturating_sub(sent.at);
        if took < -CLOCK_TOLERANCE {
            self.early = (self.early.0 + 1, self.early.1.max(-took));
        }
        if took <= self.late {
            return;
        }
        let reason = self.kinds.explains(FindingKind::Late, faults).or(again);
        let about = format!("received {} s after it was sent", seconds(took));
        self.found(FindingKind::Late, sent, reason, sent.at, sent.head, about);
    }

    fn check_content(&mut self, rows: Rows<'_, '_>, came: &[&ReceivedRow<'_>], faults: Faults) {
        if !self.has_payloads {
            return;
        }
        if let Some(row) = rows.iter().find(|row| !row.content.is_known()) {
            let gap = match row.head {
                "" => Gap::NoLoggedPayload,
                _ => Gap::CutPayload,
            };
            self.findings.add_gap(FindingKind::Altered, gap, 1);
            return;
        }
        let same = |arrival: &ReceivedRow<'_>| {
            rows.iter().any(|row| arrival.content.is_same(&row.content))
        };
        let other = came.iter().find(|arrival| !same(arrival));
        let (Some(other), Some(main)) = (other, rows.first()) else {
            return;
        };
        let reason = self.kinds.explains(FindingKind::Altered, faults);
        let about = match other.head {
            "" => "received without a payload".to_owned(),
            head => format!("received as {head}"),
        };
        self.found(
            FindingKind::Altered,
            main,
            reason,
            main.at,
            main.head,
            about,
        );
    }

    fn stray(&mut self, stray: &ReceivedRow<'_>) {
        let found = Found {
            cause: FindingKind::Unknown,
            device: stray.device,
            reason: None,
        };
        self.findings.add(found, |findings| Example {
            device: stray.device.and_then(|device| findings.device(device)),
            seq: None,
            at: stray.at,
            payload: stray.head.to_owned(),
            about: format!("received as row {}, and not in the log", stray.order),
        });
    }

    fn found(
        &mut self,
        cause: FindingKind,
        sent: &SentRow<'_>,
        reason: Option<String>,
        at: i64,
        head: &str,
        mut about: String,
    ) {
        let found = Found {
            cause,
            device: Some(sent.device),
            reason,
        };
        if let Some(faults) = self.kinds.shown(sent.faults) {
            about.push_str(&format!(" (fault {faults})"));
        }
        self.findings.add(found, |findings| Example {
            device: findings.device(sent.device),
            seq: Some(sent.seq),
            at: Some(at),
            payload: head.to_owned(),
            about,
        });
    }
}

/// Formats microseconds as seconds with one decimal.
pub(crate) fn seconds(micros: i64) -> String {
    format!("{}.{}", micros / 1_000_000, micros / 100_000 % 10)
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
