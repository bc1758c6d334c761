//! The backend's side: each received row by its key.

use std::borrow::Cow;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::buckets::{self, Buckets};
use super::content::{Content, Digest};
use super::key::{self, Ours, Payload, Theirs};
use super::ours::{Log, WORD, head};
use super::settle::Settled;
use super::{Progress, Tell, only, problem};
use mockfleet_config::Problems;
use mockfleet_sendlog::TableValue;
use mockfleet_tables::{Place, Table};

/// What was received, dealt by key.
pub(super) struct Received {
    pub(super) buckets: Buckets,
    pub(super) rows: u64,
    /// Rows without a key of their own.
    pub(super) unkeyed: u64,
    /// The first key, for people.
    pub(super) first_key: Option<String>,
}

/// A received row.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Arrival<'a> {
    pub(super) key: Digest,
    /// Its device, where the key says it and the log knows it.
    pub(super) device: Option<u32>,
    pub(super) at: Option<i64>,
    /// Counts the rows as they stand.
    pub(super) order: u64,
    pub(super) content: Content,
    pub(super) head: &'a str,
}

/// Moments that cannot be read and are named.
const NAMED: usize = 10;

pub(super) fn read(
    table: &Table,
    settled: &Settled,
    log: &Log,
    tell: &mut Tell<'_>,
) -> Result<Received, Problems> {
    let reader = Reader::new(settled, log);
    let wanted: Vec<&str> = reader.columns.iter().map(|name| name.as_str()).collect();
    let mut received = Received {
        buckets: Buckets::new(),
        rows: 0,
        unkeyed: 0,
        first_key: None,
    };
    let of = table.rows();
    let mut problems = Problems::default();
    let mut named = 0;
    table.read(&wanted, &mut |place: Place, cells| {
        received.rows += 1;
        if received.rows.is_multiple_of(WORD) {
            tell(Progress {
                doing: "reading what was received",
                done: received.rows,
                of,
            });
        }
        match reader.row(cells, &mut received) {
            Ok(()) => ControlFlow::Continue(()),
            Err(why) => {
                problems.push(problem(&table.place(place), why));
                named += 1;
                if named < NAMED {
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
        return Err(only(problem(
            table.shown(),
            "it has no rows; where a backend has really received nothing, the log alone says what was lost",
        )));
    }
    if received.unkeyed == received.rows {
        return Err(only(problem(
            "--key",
            format!(
                "no row of {} has all of {}; name other columns, or fields of its payload",
                table.shown(),
                settled.option()
            ),
        )));
    }
    Ok(received)
}

struct Reader<'a> {
    settled: &'a Settled,
    log: &'a Log,
    columns: Vec<String>,
}

impl<'a> Reader<'a> {
    fn new(settled: &'a Settled, log: &'a Log) -> Self {
        let mut columns: Vec<String> = Vec::new();
        let named = settled.key.iter().filter_map(|part| match &part.theirs {
            Theirs::Column(name) => Some(name),
            Theirs::Field(_) | Theirs::Payload => None,
        });
        let all = named
            .chain(&settled.payload)
            .chain(&settled.received_at)
            .cloned();
        for name in all {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        Self {
            settled,
            log,
            columns,
        }
    }

    fn row(&self, cells: &[TableValue<'_>], into: &mut Received) -> Result<(), String> {
        let cell = |name: &String| {
            let place = self.columns.iter().position(|column| column == name)?;
            cells.get(place)
        };
        let settled = self.settled;
        let bytes = settled
            .payload
            .as_ref()
            .and_then(cell)
            .and_then(TableValue::bytes);
        let value: Option<Value> = match &bytes {
            Some(bytes) if !settled.bytes_only => serde_json::from_slice(bytes).ok(),
            _ => None,
        };
        let payload = Payload {
            value: value.as_ref(),
            content: bytes
                .as_ref()
                .map_or(Content::UNKNOWN, |bytes| Content::of(bytes, value.as_ref())),
            bytes_only: settled.bytes_only,
        };
        let part = |part: &key::Settled| -> Option<Cow<'_, [u8]>> {
            match &part.theirs {
                Theirs::Column(name) => {
                    let cell = cell(name)?;
                    match &part.ours {
                        // Names are names, even those that look like numbers.
                        Ours::Column(_) => cell.bytes(),
                        _ => key::of_cell(cell).map(|text| text.into_bytes().into()),
                    }
                }
                Theirs::Field(field) => match &part.ours {
                    Ours::Column(_) => match field.of(payload.value?)? {
                        Value::String(text) => Some(text.as_bytes().into()),
                        other => Some(other.to_string().into_bytes().into()),
                    },
                    _ => payload.field(field),
                },
                Theirs::Payload => payload.whole(),
            }
        };
        let device = settled
            .key
            .iter()
            .find(|part| part.ours == Ours::Column("device_id"));
        let device = device.and_then(|device| {
            let name = part(device)?;
            self.log.devices.find(std::str::from_utf8(&name).ok()?)
        });
        let at = match settled.received_at.as_ref().and_then(cell) {
            None | Some(TableValue::Null) => None,
            Some(cell) => Some(cell.time().ok_or_else(|| {
                format!(
                    "{:?} is no moment; wanted is 2026-11-24T07:00:00Z, or seconds, milliseconds or microseconds since 1970 (--received-at names another column)",
                    cell.text().unwrap_or_default()
                )
            })?),
        };
        let own = key::join(settled.key.iter().map(part));
        if own.is_none() {
            into.unkeyed += 1;
        } else if into.first_key.is_none() {
            into.first_key = Some(key::shown(&settled.key, part));
        }
        let key = own.unwrap_or_else(|| key::by_bytes(&payload));
        let head = head(bytes.as_deref().unwrap_or_default());
        let record = Arrival {
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
