//! What is compared with what: columns and keys as they were given, or guessed from the
//! heads and the first rows of both sides. What is guessed is said.

use std::ops::ControlFlow;

use serde_json::Value;

use super::key::{self, Field, Ours, Pair, Theirs};
use super::{Ask, By, problem, some};
use mockfleet_config::{Problems, among};
use mockfleet_sendlog::TableValue;
use mockfleet_tables::{ARRIVAL, DEVICE, NUMBER, PAYLOAD, TIME, TOPIC, Table, guess};

/// Rows that are looked at on each side.
const LOOKED_AT: u32 = 200;

/// What both sides are read by.
pub(super) struct Settled {
    pub(super) key: Vec<key::Settled>,
    /// The received payload's column.
    pub(super) payload: Option<String>,
    /// The column of the moment of arrival.
    pub(super) received_at: Option<String>,
    /// The log has hashes of payloads and nothing else.
    pub(super) bytes_only: bool,
    /// What a reader should know.
    pub(super) notes: Vec<String>,
}

impl Settled {
    /// The key, as the command line would say it.
    pub(super) fn option(&self) -> String {
        let parts: Option<Vec<String>> = self.key.iter().map(key::Settled::option).collect();
        parts.map_or_else(
            || "--by payload".into(),
            |parts| format!("--key {}", parts.join(",")),
        )
    }
}

/// The first rows of the log.
#[derive(Default)]
struct Sample {
    rows: u32,
    payloads: Vec<Value>,
    /// Rows whose payload is not there.
    without: u32,
    hashed: bool,
}

impl Sample {
    fn has(&self, field: &Field) -> bool {
        let mut payloads = self.payloads.iter();
        payloads.any(|payload| field.of(payload).is_some())
    }

    fn fields(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for payload in &self.payloads {
            for name in payload
                .as_object()
                .into_iter()
                .flat_map(|object| object.keys())
            {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        names
    }
}

pub(super) fn settle(ask: &Ask, log: &Table, received: &Table) -> Result<Settled, Problems> {
    let ours = sample_log(log, &ask.channels)?;
    let mut problems = Problems::default();
    let mut notes = Vec::new();
    let columns = received.columns();
    let mut named = |option: &str, name: &Option<String>| {
        let name = name.as_ref()?;
        if !received.has(name) {
            let hint = among(name, columns.iter().map(String::as_str));
            problems.push(problem(
                option,
                format!(
                    "{} has no column {name:?}{hint} (it has {})",
                    received.shown(),
                    some(columns)
                ),
            ));
        }
        Some(name.clone())
    };
    let payload = named("--payload", &ask.payload);
    let received_at = named("--received-at", &ask.received_at);
    if !problems.is_empty() {
        return Err(problems);
    }
    if is_empty(received)? {
        problems.push(problem(
            received.shown(),
            "it has no rows; where a backend has really received nothing, the log alone says what was lost",
        ));
        return Err(problems);
    }
    let payload = payload.or_else(|| guess_payload(received));
    let received_at = received_at
        .or_else(|| guess(columns, ARRIVAL))
        .or_else(|| guess(columns, TIME).filter(|_| payload.is_some()));
    let theirs = match &payload {
        Some(name) => sample_received(received, name),
        None => Sample::default(),
    };
    let sides = Sides {
        ask,
        received,
        ours: &ours,
        theirs: &theirs,
        payload: payload.as_deref(),
    };
    if ours.rows == 0 {
        let text = match ask.channels.as_slice() {
            [] => "the run has no messages, so there is nothing to compare".to_owned(),
            channels => format!("the run has no messages of channel {}", some(channels)),
        };
        problems.push(problem("LOG", text));
        return Err(problems);
    }
    let key = sides.key(&mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut said = Vec::new();
    if ask.payload.is_none()
        && let Some(name) = &payload
    {
        said.push(format!("--payload {name}"));
    }
    if ask.received_at.is_none()
        && let Some(name) = &received_at
    {
        said.push(format!("--received-at {name}"));
    }
    let settled = Settled {
        key,
        payload,
        received_at,
        bytes_only: ours.hashed,
        notes: Vec::new(),
    };
    if matches!(ask.by, By::Guess) {
        said.insert(0, settled.option());
    }
    if !said.is_empty() {
        notes.push(format!("guessed from the columns: {}", said.join(" ")));
    }
    if settled.payload.is_none() {
        notes.push("no column holds the payload, so nothing can be told of altered messages (--payload COLUMN)".into());
    }
    if settled.received_at.is_none() {
        notes.push("no column holds the moment of arrival, so nothing can be told of late messages, and order is that of the rows (--received-at COLUMN)".into());
    }
    if settled.bytes_only {
        notes.push(
            "the log holds hashes of payloads: JSON that was written anew counts as altered".into(),
        );
    }
    Ok(Settled { notes, ..settled })
}

/// Looks at the first rows. Those that cannot be read are named when all are read.
fn peek(
    received: &Table,
    wanted: &[&str],
    mut look: impl FnMut(&[TableValue<'_>]),
) -> (u32, Result<(), Problems>) {
    let mut rows = 0;
    let read = received.peek(LOOKED_AT, wanted, &mut |_, cells| {
        rows += 1;
        look(cells);
        ControlFlow::Continue(())
    });
    (rows, read)
}

/// Whether there are no rows. Where none can be read, that is what is wrong.
fn is_empty(received: &Table) -> Result<bool, Problems> {
    let first = received.columns().iter().take(1);
    let first: Vec<&str> = first.map(String::as_str).collect();
    match peek(received, &first, |_| {}) {
        (0, read) => read.map(|()| true),
        _ => Ok(false),
    }
}

/// The column that holds texts and is named like one of payloads.
fn guess_payload(received: &Table) -> Option<String> {
    let candidates: Vec<&str> = PAYLOAD
        .iter()
        .filter_map(|name| {
            let mut columns = received.columns().iter();
            columns.find(|column| column.eq_ignore_ascii_case(name))
        })
        .map(String::as_str)
        .collect();
    let mut texts = vec![false; candidates.len()];
    if !candidates.is_empty() {
        let _ = peek(received, &candidates, |cells| {
            for (text, cell) in texts.iter_mut().zip(cells) {
                *text |= match cell {
                    TableValue::Text(text) => text.parse::<f64>().is_err(),
                    TableValue::Bytes(_) => true,
                    _ => false,
                };
            }
        });
    }
    let mut found = candidates.iter().zip(texts).filter(|(_, text)| *text);
    found.next().map(|(name, _)| (*name).to_owned())
}

fn enough(rows: u32) -> ControlFlow<()> {
    if rows < LOOKED_AT {
        ControlFlow::Continue(())
    } else {
        ControlFlow::Break(())
    }
}

fn sample_log(log: &Table, channels: &[String]) -> Result<Sample, Problems> {
    let mut sample = Sample::default();
    let wanted = ["channel", "payload", "payload_size"];
    log.read(&wanted, &mut |_, cells| {
        let [channel, payload, size] = cells else {
            return ControlFlow::Break(());
        };
        let channel = channel.text().unwrap_or_default();
        if !channels.is_empty() && !channels.iter().any(|name| *name == channel) {
            return ControlFlow::Continue(());
        }
        sample.rows += 1;
        match payload {
            TableValue::Text(text) => {
                // A payload of that size could be its own text, and never is.
                sample.hashed |= text.starts_with("sha256:")
                    && size
                        .int()
                        .is_some_and(|size| u64::try_from(size) != Ok(wide(text.len())));
                let value = serde_json::from_str(text).ok();
                sample.payloads.extend(value.filter(Value::is_object));
            }
            _ => sample.without += 1,
        }
        enough(sample.rows)
    })?;
    Ok(sample)
}

fn wide(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn sample_received(received: &Table, payload: &str) -> Sample {
    let mut sample = Sample::default();
    let (rows, _) = peek(received, &[payload], |cells| {
        if let Some(bytes) = cells.first().and_then(TableValue::bytes) {
            let value = serde_json::from_slice(&bytes).ok();
            sample.payloads.extend(value.filter(Value::is_object));
        }
    });
    sample.rows = rows;
    sample
}

struct Sides<'a> {
    ask: &'a Ask,
    received: &'a Table,
    ours: &'a Sample,
    theirs: &'a Sample,
    payload: Option<&'a str>,
}

impl Sides<'_> {
    fn key(&self, problems: &mut Problems) -> Vec<key::Settled> {
        match &self.ask.by {
            By::Pairs(pairs) => {
                let settled = pairs.iter().filter_map(|pair| {
                    self.pair(pair)
                        .map_err(|text| problems.push(problem("--key", text)))
                        .ok()
                });
                settled.collect()
            }
            By::Payload => self
                .by_payload()
                .map_err(|text| problems.push(problem("--by", text)))
                .unwrap_or_default(),
            By::Guess => self.guessed().unwrap_or_else(|| {
                self.by_payload()
                    .map_err(|_| problems.push(problem("--received", self.no_guess())))
                    .unwrap_or_default()
            }),
        }
    }

    fn no_guess(&self) -> String {
        format!(
            "{} has no columns that say by themselves which message a row is; give --key device=COLUMN,FIELD=COLUMN, or --payload COLUMN. Its columns: {}. Fields of the log's payloads: {}",
            self.received.shown(),
            some(self.received.columns()),
            self.our_fields()
        )
    }

    fn our_fields(&self) -> String {
        let fields = self.ours.fields();
        if fields.is_empty() {
            return "none, since none of the first is a JSON object".into();
        }
        some(&fields)
    }

    fn columns(&self) -> &[String] {
        self.received.columns()
    }

    /// What tells devices apart, if the received rows have it.
    fn whose(&self) -> Option<key::Settled> {
        let column = |ours, names| {
            let theirs = Theirs::Column(guess(self.columns(), names)?);
            let ours = Ours::Column(ours);
            Some(key::Settled { ours, theirs })
        };
        column("device_id", DEVICE)
            .or_else(|| column("topic", TOPIC))
            .or_else(|| {
                DEVICE.iter().find_map(|name| {
                    let field = Field::parse(name);
                    (self.ours.has(&field) && self.theirs.has(&field)).then(|| key::Settled {
                        ours: Ours::Field(field.clone()),
                        theirs: Theirs::Field(field),
                    })
                })
            })
    }

    fn guessed(&self) -> Option<Vec<key::Settled>> {
        let whose = self.whose()?;
        // A moment differs in each message too.
        let mut names = NUMBER.iter().chain(TIME).chain(&["uptime_ms"]);
        let number = names.find_map(|name| {
            let field = Field::parse(name);
            if !self.ours.has(&field) {
                return None;
            }
            let theirs = self.theirs_of(&field, name)?;
            let ours = Ours::Field(field);
            Some(key::Settled { ours, theirs })
        })?;
        Some(vec![whose, number])
    }

    /// Where the received rows have a field of that name.
    fn theirs_of(&self, field: &Field, name: &str) -> Option<Theirs> {
        if self.theirs.has(field) {
            return Some(Theirs::Field(field.clone()));
        }
        guess(self.columns(), &[name]).map(Theirs::Column)
    }

    fn by_payload(&self) -> Result<Vec<key::Settled>, String> {
        if self.payload.is_none() {
            return Err(format!(
                "{} has no column of payloads; name it with --payload COLUMN. It has {}",
                self.received.shown(),
                some(self.columns())
            ));
        }
        if self.ours.without == self.ours.rows {
            return Err("the log holds no payloads (payload = \"none\" in [log]), so they cannot be compared; a log with payload = \"hash\" is enough".into());
        }
        let payload = key::Settled {
            ours: Ours::Payload,
            theirs: Theirs::Payload,
        };
        let whose = self.whose().filter(|_| !self.ours.hashed);
        // Of a hash, no field can be read; columns can.
        let column = self
            .whose()
            .filter(|whose| matches!(whose.ours, Ours::Column(_)));
        Ok(whose.or(column).into_iter().chain([payload]).collect())
    }

    fn pair(&self, pair: &Pair) -> Result<key::Settled, String> {
        let ours = match pair.ours.as_str() {
            "device" | "device_id" => Ours::Column("device_id"),
            "topic" => Ours::Column("topic"),
            "channel" => Ours::Column("channel"),
            "group" => Ours::Column("group"),
            "payload" => Ours::Payload,
            field => Ours::Field(Field::parse(field)),
        };
        if let Ours::Field(field) = &ours
            && !self.ours.has(field)
        {
            if self.ours.hashed || self.ours.without == self.ours.rows {
                return Err(format!(
                    "{:?} would be a field of the payload, and the log holds no payloads (see payload in [log]); use --by payload with a log of hashes, or payload = \"full\"",
                    pair.ours
                ));
            }
            let fields = self.ours.fields();
            let hint = among(&pair.ours, fields.iter().map(String::as_str));
            return Err(format!(
                "no payload of the log has a field {:?}{hint} (a key begins with device, topic, channel, group, or a field of the payload: {})",
                pair.ours,
                self.our_fields()
            ));
        }
        let theirs = self.theirs(pair, &ours)?;
        Ok(key::Settled { ours, theirs })
    }

    fn theirs(&self, pair: &Pair, ours: &Ours) -> Result<Theirs, String> {
        let none = |name: &str| {
            let hint = among(name, self.columns().iter().map(String::as_str));
            format!(
                "neither a column of {} nor a field of its payloads is called {name:?}{hint} (its columns: {})",
                self.received.shown(),
                some(self.columns())
            )
        };
        match (&pair.theirs, ours) {
            (_, Ours::Payload) if self.payload.is_some() => Ok(Theirs::Payload),
            (_, Ours::Payload) => Err(none("payload")),
            (Some(name), _) => {
                if self.received.has(name) {
                    return Ok(Theirs::Column(name.clone()));
                }
                let field = Field::parse(name);
                if self.theirs.has(&field) {
                    return Ok(Theirs::Field(field));
                }
                Err(none(name))
            }
            (None, Ours::Column("device_id")) => guess(self.columns(), DEVICE)
                .map(Theirs::Column)
                .ok_or_else(|| none("device_id")),
            (None, Ours::Column("topic")) => guess(self.columns(), TOPIC)
                .map(Theirs::Column)
                .ok_or_else(|| none("topic")),
            (None, Ours::Column(name)) => guess(self.columns(), &[name])
                .map(Theirs::Column)
                .ok_or_else(|| none(name)),
            (None, Ours::Field(field)) => self
                .theirs_of(field, &pair.ours)
                .ok_or_else(|| none(&pair.ours)),
        }
    }
}
