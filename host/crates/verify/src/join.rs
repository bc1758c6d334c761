//! One bucket of each side against the other: what came of each message.

use std::collections::{BTreeMap, HashMap};

use super::buckets::{BUCKETS, Buckets};
use super::content::Digest;
use super::explain::{Cause, Faults, Kinds};
use super::findings::{Example, Findings, Found};
use super::order::{self, Arrived};
use super::ours::{Errors, Log, Outcome, Sent};
use super::settle::Settled;
use super::theirs::{Arrival, Received};
use super::{Ask, Progress, Tell, only, problem};
use mockfleet_config::Problems;

/// Keys that mean more than one message and are named.
const NAMED: usize = 5;

/// How the error of a message begins that a fault has taken.
const INJECTED: &str = "injected fault: ";

/// Clocks of one machine, or of two that are kept, differ by less.
const CLOCKS: i64 = 1_000_000;

pub(super) fn join(
    log: Log,
    mut received: Received,
    ask: &Ask,
    settled: &Settled,
    findings: &mut Findings,
    tell: &mut Tell<'_>,
) -> Result<(), Problems> {
    let full = |why: String| only(problem("TMPDIR", why));
    findings.rows = received.rows;
    findings.name_devices(log.devices.names);
    let mut sent = log.buckets;
    let mut joining = Joining {
        kinds: &log.kinds,
        errors: &log.errors,
        late: i64::try_from(ask.late.as_micros()).unwrap_or(i64::MAX),
        arrived: Buckets::new(),
        ambiguous: Ambiguous::default(),
        early: (0, 0),
        anyway: 0,
        findings,
    };
    for number in 0..BUCKETS {
        tell(Progress {
            doing: "comparing",
            done: number.into(),
            of: Some(BUCKETS.into()),
        });
        let ours = sent.take(number).map_err(full)?;
        let theirs = received.buckets.take(number).map_err(full)?;
        joining
            .bucket(ours.records().collect(), theirs.records().collect())
            .map_err(full)?;
    }
    let Joining {
        arrived,
        ambiguous,
        early,
        anyway,
        ..
    } = joining;
    if !ambiguous.examples.is_empty() {
        return Err(ambiguous.refused(settled));
    }
    order::look(arrived, &log.kinds, settled, findings, tell).map_err(full)?;
    if let Some((count, place)) = &log.unkeyed {
        findings.notes.push(format!(
            "{count} messages of the log have no {} (the first: {place}), and are known by their payload",
            settled.option()
        ));
    }
    if received.unkeyed > 0 {
        findings.notes.push(format!(
            "{} received rows have no {}, and are known by their payload",
            received.unkeyed,
            settled.option()
        ));
    }
    if anyway > 0 {
        findings.notes.push(format!(
            "{anyway} messages arrived although the log has them as failed, dropped or unconfirmed"
        ));
    }
    if let (count @ 1.., most) = early {
        findings.notes.push(format!(
            "{count} messages arrived before they were sent, by up to {} s: the clocks differ",
            most / 1_000_000
        ));
    }
    if findings.matched == 0
        && let (Some(ours), Some(theirs)) = (&log.first_key, &received.first_key)
    {
        findings.notes.push(format!(
            "no received row has the key of a message; is it the right key? The log begins with {ours}, what was received with {theirs}"
        ));
    }
    Ok(())
}

struct Joining<'a> {
    kinds: &'a Kinds,
    errors: &'a Errors,
    late: i64,
    /// For the order, by device.
    arrived: Buckets,
    ambiguous: Ambiguous,
    /// How many arrived before they were sent, and by how much at most.
    early: (u64, i64),
    /// How many arrived that the log has given up.
    anyway: u64,
    findings: &'a mut Findings,
}

/// Keys that mean more than one message.
#[derive(Default)]
struct Ambiguous {
    keys: u64,
    examples: Vec<String>,
}

impl Ambiguous {
    fn refused(self, settled: &Settled) -> Problems {
        let mut problems = Problems::default();
        let more = match self.keys.saturating_sub(1) {
            0 => String::new(),
            more => format!(" (and {more} keys more)"),
        };
        let (option, way) = if settled.option().starts_with("--key") {
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
                    settled.option().trim_start_matches(option).trim_start()
                ),
            ));
        }
        problems
    }
}

/// The rows of one message: itself, and copies that a fault has sent of it.
type Rows<'r, 'a> = &'r [&'r Sent<'a>];

impl Joining<'_> {
    fn bucket(&mut self, ours: Vec<Sent<'_>>, theirs: Vec<Arrival<'_>>) -> Result<(), String> {
        let mut arrivals: HashMap<Digest, Vec<&Arrival<'_>>> = HashMap::new();
        for arrival in &theirs {
            arrivals.entry(arrival.key).or_default().push(arrival);
        }
        // In the order of the log, whatever a hash does.
        let mut messages: BTreeMap<Digest, BTreeMap<(u32, u64), Vec<&Sent<'_>>>> = BTreeMap::new();
        for sent in &ours {
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
            // Payloads that are alike, and have no other key: one for each, as they came.
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
        if self.ambiguous.examples.len() < NAMED {
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

    fn message(&mut self, rows: Rows<'_, '_>, came: &[&Arrival<'_>]) -> Result<(), String> {
        let Some(main) = rows.first() else {
            return Ok(());
        };
        let faults = rows
            .iter()
            .fold(Faults::default(), |all, row| all.and(row.faults));
        let Some(first) = came.first() else {
            let reasons: Option<Vec<String>> =
                rows.iter().map(|row| self.why_missing(row)).collect();
            let reason = reasons.and_then(|reasons| reasons.into_iter().next());
            let about = format!("{}, and not received", main.outcome.word());
            self.found(Cause::Missing, main, reason, main.at, main.head, about);
            return Ok(());
        };
        self.findings.matched += 1;
        let gave_up = |row: &&Sent<'_>| !matches!(row.outcome, Outcome::Acked | Outcome::Sent);
        self.anyway += u64::from(rows.iter().all(gave_up));
        let again = rows.iter().map(|row| row.attempt).max().unwrap_or(0);
        let again = (again > 1).then(|| "sent again after a lost connection".to_owned());
        self.look_at_copies(rows, came, faults, again.as_ref());
        self.look_at_time(rows, first, faults, again);
        self.look_at_content(rows, came, faults);
        self.arrived.put(
            main.device,
            &Arrived {
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

    /// What explains that a row's message did not arrive.
    fn why_missing(&self, row: &Sent<'_>) -> Option<String> {
        let error = self.errors.text(row.error);
        if let Some(fault) = error.and_then(|error| error.strip_prefix(INJECTED)) {
            let kind = self.kinds.explains(Cause::Missing, row.faults);
            return Some(kind.unwrap_or_else(|| format!("the injected fault {fault}")));
        }
        if let Some(kind) = self.kinds.explains(Cause::Missing, row.faults) {
            return Some(kind);
        }
        match row.outcome {
            Outcome::Acked | Outcome::Sent => None,
            outcome => Some(match error {
                Some(error) => format!("{} by the log: {error}", outcome.word()),
                None => format!("{} by the log", outcome.word()),
            }),
        }
    }

    fn look_at_copies(
        &mut self,
        rows: Rows<'_, '_>,
        came: &[&Arrival<'_>],
        faults: Faults,
        again: Option<&String>,
    ) {
        let (Some(main), Some(second)) = (rows.first(), came.get(1)) else {
            return;
        };
        let reason = if came.len() <= rows.len() {
            let kind = self.kinds.explains(Cause::Doubled, faults);
            Some(kind.unwrap_or_else(|| "the log has it as often".into()))
        } else {
            again.cloned()
        };
        let about = match rows.len() {
            1 => format!("received {} times", came.len()),
            sent => format!("sent {sent} times, received {} times", came.len()),
        };
        let at = second.at.unwrap_or(main.at);
        self.found(Cause::Doubled, main, reason, at, second.head, about);
    }

    fn look_at_time(
        &mut self,
        rows: Rows<'_, '_>,
        first: &Arrival<'_>,
        faults: Faults,
        again: Option<String>,
    ) {
        let sent = rows.iter().min_by_key(|row| row.at);
        let (Some(sent), Some(at)) = (sent, first.at) else {
            return;
        };
        let took = at.saturating_sub(sent.at);
        if took < -CLOCKS {
            self.early = (self.early.0 + 1, self.early.1.max(-took));
        }
        if took <= self.late {
            return;
        }
        let reason = self.kinds.explains(Cause::Late, faults).or(again);
        let about = format!("received {} s after it was sent", seconds(took));
        self.found(Cause::Late, sent, reason, sent.at, sent.head, about);
    }

    fn look_at_content(&mut self, rows: Rows<'_, '_>, came: &[&Arrival<'_>], faults: Faults) {
        let same =
            |arrival: &Arrival<'_>| rows.iter().any(|row| arrival.content.is_same(&row.content));
        let other = came.iter().find(|arrival| !same(arrival));
        let (Some(other), Some(main)) = (other, rows.first()) else {
            return;
        };
        let reason = self.kinds.explains(Cause::Altered, faults);
        let about = format!("received as {}", other.head);
        self.found(Cause::Altered, main, reason, main.at, main.head, about);
    }

    fn stray(&mut self, stray: &Arrival<'_>) {
        let found = Found {
            cause: Cause::Unknown,
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
        cause: Cause,
        sent: &Sent<'_>,
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

/// Microseconds as seconds with a digit.
pub(super) fn seconds(micros: i64) -> String {
    format!("{}.{}", micros / 1_000_000, micros / 100_000 % 10)
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
