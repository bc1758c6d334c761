//! Reads received rows by key.

use std::borrow::Cow;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use mockfleet_config::Problems;
use mockfleet_sendlog::TableValue;
use mockfleet_tables::{Location, Table};

use crate::key::content::{Content, Digest};
use crate::key::decimal::of_float;
use crate::key::encoding::PayloadEncoding;
use crate::key::json::Json;
use crate::key::parts;
use crate::key::parts::{Payload, ReceivedSide, SentSide};
use crate::key::resolution::ResolvedKeys;
use crate::messages::{problem, single};
use crate::progress::{Progress, ProgressFn};
use crate::rows::buckets;
use crate::rows::buckets::Buckets;
use crate::rows::sent::{Log, PROGRESS_EVERY, head};

/// The received rows, in buckets by key.
pub(crate) struct Received {
    pub(crate) buckets: Buckets,
    pub(crate) rows: u64,
    /// Rows without a key of their own.
    pub(crate) unkeyed: u64,
    /// The first key, in messages.
    pub(crate) first_key: Option<String>,
    /// The number of payloads that have not the form of the others, with the place and the text
    /// of the first.
    unreadable: Option<(u64, Location, String)>,
}

impl Received {
    /// Describes the payloads that have not the form of the others.
    pub(crate) fn unreadable_note(&self, table: &Table, keys: &ResolvedKeys) -> Option<String> {
        let (count, place, text) = self.unreadable.as_ref()?;
        Some(format!(
            "{count} of {} payloads {} no {}, first {}: {text:?}; they are compared as they are",
            self.rows,
            if *count == 1 { "is" } else { "are" },
            keys.encoding.word().unwrap_or("text"),
            table.location(*place)
        ))
    }
}

/// A received row.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReceivedRow<'a> {
    pub(crate) key: Digest,
    /// The device, if the key has it and the log knows it.
    pub(crate) device: Option<u32>,
    pub(crate) at: Option<i64>,
    /// The number of the row, from 1.
    pub(crate) order: u64,
    pub(crate) content: Content,
    pub(crate) head: &'a str,
}

/// Most unreadable times that are reported.
const MAX_NAMED: usize = 10;

pub(crate) fn read(
    table: &Table,
    keys: &ResolvedKeys,
    log: &Log,
    report_progress: &mut ProgressFn<'_>,
) -> Result<Received, Problems> {
    let reader = Reader::new(keys, log);
    let wanted: Vec<&str> = reader.columns.iter().map(|name| name.as_str()).collect();
    let mut received = Received {
        buckets: Buckets::new(),
        rows: 0,
        unkeyed: 0,
        first_key: None,
        unreadable: None,
    };
    let of = table.rows();
    let mut problems = Problems::default();
    let mut named = 0;
    table.read(&wanted, &mut |place: Location, cells| {
        received.rows += 1;
        if received.rows.is_multiple_of(PROGRESS_EVERY) {
            report_progress(Progress {
                doing: "reading what was received",
                done: received.rows,
                of,
            });
        }
        match reader.row(place, cells, &mut received) {
            Ok(()) => ControlFlow::Continue(()),
            Err(why) => {
                problems.push(problem(&table.location(place), why));
                named += 1;
                if named < MAX_NAMED {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            }
        }
    })?;
    if !problems.is_empty() {
        return Err(problems);
    }
    if received.rows == 0 {
        return Err(single(problem(
            table.shown(),
            "it has no rows; where a backend has really received nothing, the log alone says what was lost",
        )));
    }
    if received.unkeyed == received.rows {
        return Err(single(problem(
            "--key",
            format!(
                "no row of {} has all of {}; name other columns, or fields of its payload",
                table.shown(),
                keys.option()
            ),
        )));
    }
    Ok(received)
}

struct Reader<'a> {
    keys: &'a ResolvedKeys,
    log: &'a Log,
    columns: Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(keys: &'a ResolvedKeys, log: &'a Log) -> Self {
        let mut columns: Vec<String> = Vec::new();
        let named = keys.key.iter().filter_map(|part| match &part.received {
            ReceivedSide::Column(name) => Some(name),
            ReceivedSide::Field(_) | ReceivedSide::Payload => None,
        });
        let all = named.chain(&keys.payload).chain(&keys.received_at).cloned();
        for name in all {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        Self { keys, log, columns }
    }

    fn row(
        &self,
        place: Location,
        cells: &[TableValue<'_>],
        into: &mut Received,
    ) -> Result<(), String> {
        let cell = |name: &String| {
            let place = self.columns.iter().position(|column| column == name)?;
            cells.get(place)
        };
        let keys = self.keys;
        let bytes = keys
            .payload
            .as_ref()
            .and_then(cell)
            .and_then(|cell| match cell {
                TableValue::Float(number) => Some(of_float(*number).into_bytes().into()),
                cell => cell.bytes(),
            });
        let bytes = match (bytes, keys.encoding) {
            (bytes, PayloadEncoding::Plain) => bytes,
            (None, _) => None,
            (Some(stored), encoding) => match encoding.decode(&stored) {
                Some(bytes) => Some(bytes.into()),
                None => {
                    let first = || (0, place, head(&stored));
                    into.unreadable.get_or_insert_with(first).0 += 1;
                    Some(stored)
                }
            },
        };
        let value: Option<Json> = match &bytes {
            Some(bytes) if !keys.bytes_only => Json::parse(bytes),
            _ => None,
        };
        let payload = Payload {
            value: value.as_ref(),
            content: match (&bytes, &keys.payload) {
                (Some(bytes), _) => Content::of(bytes, value.as_ref()),
                // A row without a payload has received an empty one.
                (None, Some(_)) => Content::of(b"", None),
                (None, None) => Content::UNKNOWN,
            },
            bytes_only: keys.bytes_only,
        };
        let part = |part: &parts::KeyPart| -> Option<Cow<'_, [u8]>> {
            match &part.received {
                ReceivedSide::Column(name) => {
                    let cell = cell(name)?;
                    match &part.sent {
                        // A name stays a text, even if it looks like a number.
                        SentSide::Column(_) => cell.bytes(),
                        _ => parts::text_of(cell).map(|text| text.into_bytes().into()),
                    }
                }
                ReceivedSide::Field(field) => match &part.sent {
                    SentSide::Column(_) => {
                        let name = field.of(payload.value?)?;
                        Some(name.to_string().into_bytes().into())
                    }
                    _ => payload.field(field),
                },
                ReceivedSide::Payload => payload.whole(),
            }
        };
        let device = keys
            .key
            .iter()
            .find(|part| part.sent == SentSide::Column("device_id"));
        let device = device.and_then(|device| {
            let name = part(device)?;
            self.log.devices.find(std::str::from_utf8(&name).ok()?)
        });
        let at = match keys.received_at.as_ref().and_then(cell) {
            None | Some(TableValue::Null) => None,
            Some(cell) => Some(cell.time().ok_or_else(|| {
                format!(
                    "{:?} is no moment; wanted is 2026-11-24T07:00:00Z, or seconds, milliseconds or microseconds since 1970 (--received-at names another column)",
                    cell.text().unwrap_or_default()
                )
            })?),
        };
        let own = parts::join(keys.key.iter().map(part));
        if own.is_none() {
            into.unkeyed += 1;
        } else if into.first_key.is_none() {
            into.first_key = Some(parts::shown(&keys.key, part));
        }
        let key = own.unwrap_or_else(|| parts::by_bytes(&payload));
        let head = head(bytes.as_deref().unwrap_or_default());
        let record = ReceivedRow {
            key,
            device,
            at,
            order: into.rows,
            content: payload.content,
            head: &head,
        };
        into.buckets.put(buckets::hash(&key), &record)
    }
}
