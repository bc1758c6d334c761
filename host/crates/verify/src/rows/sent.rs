//! Reads the rows of the log by key, with their explanations.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use mockfleet_config::{Problems, fill_references};
use mockfleet_sendlog::{Outcome, TableValue};
use mockfleet_tables::{Location, Table};

use crate::findings::explain::{Faults, Kinds};
use crate::key::content::{Content, Digest};
use crate::key::decimal::{canonical, fits_float};
use crate::key::json::Json;
use crate::key::options::VerifyOptions;
use crate::key::parts;
use crate::key::parts::{Payload, ReceivedSide, SentSide};
use crate::key::resolution::ResolvedKeys;
use crate::messages::{problem, single};
use crate::progress::{Progress, ProgressFn};
use crate::rows::buckets;
use crate::rows::buckets::Buckets;

/// The rows of the log in buckets by key.
pub(crate) struct Log {
    pub(crate) buckets: Buckets,
    pub(crate) devices: Devices,
    pub(crate) kinds: Kinds,
    pub(crate) errors: Errors,
    /// The count of rows without a key, and the location of the first.
    pub(crate) unkeyed: Option<(u64, String)>,
    /// The first key, in messages.
    pub(crate) first_key: Option<String>,
    /// The count of rows without a key and without a whole payload, and the location of the
    /// first.
    unknown: Option<(u64, String)>,
    /// The count of rows with a number that a received float column cannot hold.
    unheld: Option<Unheld>,
}

/// Rows with a number that a received float column cannot hold.
struct Unheld {
    rows: u64,
    /// The first such number, its column, and the row.
    number: String,
    column: String,
    place: Location,
}

/// A row of the log.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SentRow<'a> {
    pub(crate) key: Digest,
    /// Whether the row has the requested key. Otherwise its key is the payload.
    pub(crate) own_key: bool,
    pub(crate) device: u32,
    pub(crate) seq: u64,
    pub(crate) outcome: Outcome,
    pub(crate) attempt: i64,
    pub(crate) faults: Faults,
    pub(crate) error: Option<u32>,
    /// The time of sending, or else the due time.
    pub(crate) at: i64,
    /// Whether the row has a time of sending. A row that was only written has none.
    pub(crate) was_sent: bool,
    pub(crate) content: Content,
    pub(crate) head: &'a str,
}

/// Devices with their numbers in this comparison.
#[derive(Default)]
pub(crate) struct Devices {
    numbers: HashMap<String, u32>,
    pub(crate) names: Vec<String>,
}

impl Devices {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.numbers.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        number
    }

    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }
}

/// The maximum of different errors that are stored. A later one is not stored.
const MAX_ERRORS: usize = 100;

/// The texts of the column `error`, by number.
#[derive(Default)]
pub(crate) struct Errors(Vec<String>);

impl Errors {
    fn number(&mut self, text: &str) -> Option<u32> {
        let place = match self.0.iter().position(|known| known == text) {
            Some(place) => place,
            None if self.0.len() < MAX_ERRORS => {
                self.0.push(text.to_owned());
                self.0.len() - 1
            }
            None => return None,
        };
        u32::try_from(place).ok()
    }

    pub(crate) fn text(&self, number: Option<u32>) -> Option<&str> {
        self.0
            .get(usize::try_from(number?).ok()?)
            .map(String::as_str)
    }
}

/// The number of payload bytes that are shown.
const PAYLOAD_HEAD: usize = 100;

/// Returns the beginning of a payload, on one line.
pub(crate) fn head(bytes: &[u8]) -> String {
    let start = bytes.get(..PAYLOAD_HEAD).unwrap_or(bytes);
    let text = String::from_utf8_lossy(start);
    let mut text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if bytes.len() > PAYLOAD_HEAD {
        text.push('…');
    }
    text
}

/// Number of rows between two reports of progress.
pub(crate) const PROGRESS_EVERY: u64 = 50_000;

const COLUMNS: [&str; 15] = [
    "device_id",
    "seq",
    "channel",
    "topic",
    "group",
    "outcome",
    "attempt",
    "error",
    "fault",
    "scheduled_at",
    "sent_at",
    "payload",
    "payload_bin",
    "payload_size",
    "log_seq",
];

pub(crate) fn read(
    table: &Table,
    options: &VerifyOptions,
    keys: &ResolvedKeys,
    report_progress: &mut ProgressFn<'_>,
) -> Result<Log, Problems> {
    let mut log = Log {
        buckets: Buckets::new(),
        devices: Devices::default(),
        kinds: Kinds::default(),
        errors: Errors::default(),
        unkeyed: None,
        first_key: None,
        unknown: None,
        unheld: None,
    };
    let mut rows = 0;
    let mut failed = None;
    let of = table.rows();
    table.read(&COLUMNS, &mut |place, cells| {
        rows += 1;
        if rows % PROGRESS_EVERY == 0 {
            report_progress(Progress {
                doing: "reading the log",
                done: rows,
                of,
            });
        }
        let Ok(row) = <&[TableValue<'_>; 15]>::try_from(cells) else {
            return ControlFlow::Break(());
        };
        match log.row(place, row, options, keys) {
            Ok(Keyed::Own) => {}
            Ok(Keyed::None) => {
                let unkeyed = log
                    .unkeyed
                    .get_or_insert_with(|| (0, table.location(place)));
                unkeyed.0 += 1;
            }
            Ok(Keyed::Unknown) => {
                let unknown = log
                    .unknown
                    .get_or_insert_with(|| (0, table.location(place)));
                unknown.0 += 1;
            }
            Err(why) => {
                failed = Some(problem(&table.location(place), why));
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    })?;
    if let Some(failed) = failed {
        return Err(single(failed));
    }
    if let Some(unheld) = &log.unheld {
        return Err(single(problem(
            &table.location(unheld.place),
            format!(
                "column {:?} of the received table is a float, which cannot hold {}, the number of this message, exactly, nor that of {} more; store it as a whole number or as a text, or compare by another column",
                unheld.column,
                unheld.number,
                unheld.rows - 1
            ),
        )));
    }
    if let Some((count, place)) = &log.unknown {
        return Err(single(problem(
            place,
            format!(
                "this message, and {} more, have no key ({}), and the log has no whole payload to know them by; leave their channel out with --channel, or write the log with payload = \"full\" or payload = \"hash\" in [log]",
                count - 1,
                keys.option()
            ),
        )));
    }
    if let (Some((count, place)), None) = (&log.unkeyed, &keys.payload) {
        return Err(single(problem(
            place,
            format!(
                "this message, and {} more, have no key ({}), and the received table has no payload to know them by; leave their channel out with --channel, or name the column with --payload",
                count - 1,
                keys.option()
            ),
        )));
    }
    Ok(log)
}

enum Keyed {
    Own,
    /// The payload is the key.
    None,
    /// Nothing identifies the message.
    Unknown,
}

impl Log {
    fn row(
        &mut self,
        place: Location,
        cells: &[TableValue<'_>; 15],
        options: &VerifyOptions,
        keys: &ResolvedKeys,
    ) -> Result<Keyed, String> {
        let [
            device,
            seq,
            channel,
            topic,
            group,
            outcome,
            attempt,
            error,
            fault,
            due,
            sent,
            text,
            bytes,
            size,
            _,
        ] = cells;
        let foreign = || "it is no row of mockfleet's log: a column is missing".to_owned();
        let named = channel.text().unwrap_or_default();
        if !options.channels.is_empty() && !options.channels.iter().any(|channel| *channel == named)
        {
            return Ok(Keyed::Own);
        }
        let id = device.text().ok_or_else(foreign)?;
        let outcome = outcome.text().ok_or_else(foreign)?;
        let outcome = Outcome::parse(&outcome).ok_or_else(|| {
            let known = Outcome::ALL.map(Outcome::as_str).join(", ");
            format!("its outcome {outcome:?} is none of mockfleet's log (known are {known})")
        })?;
        let kept = text.bytes().or_else(|| bytes.bytes());
        let value: Option<Json> = match text {
            TableValue::Text(text) if !keys.bytes_only => Json::parse(text.as_bytes()),
            _ => None,
        };
        let whole = kept
            .as_ref()
            .map(|kept| u64::try_from(kept.len()).unwrap_or(u64::MAX))
            == size.int().and_then(|size| u64::try_from(size).ok());
        let content = match (&kept, keys.bytes_only) {
            (Some(kept), true) => std::str::from_utf8(kept).ok().and_then(Content::of_hash),
            (Some(kept), false) if whole => Some(Content::of(kept, value.as_ref())),
            _ => None,
        };
        let payload = Payload {
            value: value.as_ref(),
            content: content.unwrap_or(Content::UNKNOWN),
            bytes_only: keys.bytes_only,
        };
        // The log has `${NAME}` in place of values of the environment, and the received table has
        // the values.
        let is_topic = |part: &parts::KeyPart| matches!(part.sent, SentSide::Column("topic"));
        let named_topic = topic
            .text()
            .filter(|topic| topic.contains("${") && keys.key.iter().any(is_topic));
        let filled_topic = match named_topic {
            Some(topic) => Some(fill_references(&topic)?),
            None => None,
        };
        let part = |part: &parts::KeyPart| match &part.sent {
            SentSide::Column("topic") if filled_topic.is_some() => {
                let filled = filled_topic.clone().unwrap_or_default();
                Some(Cow::Owned(filled.into_bytes()))
            }
            SentSide::Column(name) => {
                let cell = match *name {
                    "topic" => topic,
                    "channel" => channel,
                    "group" => group,
                    _ => device,
                };
                cell.bytes().map(|bytes| Cow::Owned(bytes.into_owned()))
            }
            SentSide::Field(field) => payload.field(field),
            SentSide::Payload => payload.whole(),
        };
        self.note_unheld(place, keys, value.as_ref(), part);
        let own = parts::join(keys.key.iter().map(part));
        if own.is_some() && self.first_key.is_none() {
            self.first_key = Some(parts::shown(&keys.key, part));
        }
        let key = own.unwrap_or_else(|| parts::by_bytes(&payload));
        let head = head(kept.as_deref().unwrap_or_default());
        let record = SentRow {
            key,
            own_key: own.is_some(),
            device: self.devices.number(&id),
            seq: seq
                .int()
                .and_then(|seq| u64::try_from(seq).ok())
                .ok_or_else(foreign)?,
            outcome,
            attempt: attempt.int().unwrap_or(0),
            faults: fault
                .text()
                .map(|text| self.kinds.read(&text))
                .unwrap_or_default(),
            error: error.text().and_then(|text| self.errors.number(&text)),
            at: sent.time().or_else(|| due.time()).ok_or_else(foreign)?,
            was_sent: sent.time().is_some(),
            content: payload.content,
            head: &head,
        };
        self.buckets.put(buckets::hash(&key), &record)?;
        Ok(match own {
            Some(_) => Keyed::Own,
            None if keys.payload.is_some() && !payload.content.is_known() => Keyed::Unknown,
            None => Keyed::None,
        })
    }

    /// Notes a number of a message that a received float column cannot hold: it would be
    /// another number there.
    fn note_unheld<'a, 'b>(
        &mut self,
        place: Location,
        keys: &'b ResolvedKeys,
        payload: Option<&Json>,
        part: impl Fn(&'b parts::KeyPart) -> Option<Cow<'a, [u8]>>,
    ) {
        let column = |name: &String| keys.floats.iter().find(|column| column.name == *name);
        let of_key = keys.key.iter().find_map(|one| {
            let ReceivedSide::Column(name) = &one.received else {
                return None;
            };
            let column = column(name)?;
            let text = part(one)?;
            let number = canonical(std::str::from_utf8(&text).ok()?)?;
            (!fits_float(&number, column.is_single)).then_some((number, column))
        });
        let of_payload = || {
            let (Some(Json::Number(number)), Some(name)) = (payload, &keys.payload) else {
                return None;
            };
            let column = column(name)?;
            (!fits_float(number, column.is_single)).then(|| (number.clone(), column))
        };
        if keys.floats.is_empty() {
            return;
        }
        if let Some((number, column)) = of_key.or_else(of_payload) {
            let first = || Unheld {
                rows: 0,
                number,
                column: column.name.clone(),
                place,
            };
            self.unheld.get_or_insert_with(first).rows += 1;
        }
    }
}
