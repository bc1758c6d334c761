//! Resolves the key and the columns of a comparison.
//!
//! The options give them, or they are guessed from the columns and the first rows of both
//! sides. A note names each guess.

use mockfleet_config::{Problems, did_you_mean};
use mockfleet_tables::{
    ARRIVAL_COLUMNS, DEVICE_COLUMNS, FloatColumn, NUMBER_COLUMNS, TIME_COLUMNS, TOPIC_COLUMNS,
    Table, find_column,
};

use crate::key::encoding::PayloadEncoding;
use crate::key::options::{KeyChoice, VerifyOptions};
use crate::key::parts;
use crate::key::parts::{Field, Pair, ReceivedSide, SentSide};
use crate::key::sample::{
    Sample, guess_payload, is_empty, sample_encoding, sample_log, sample_received,
};
use crate::messages::{list_some, problem};

/// The key and the columns of both sides.
pub(crate) struct ResolvedKeys {
    pub(crate) key: Vec<parts::KeyPart>,
    /// Column of the received payload.
    pub(crate) payload: Option<String>,
    /// Column of the time of arrival.
    pub(crate) received_at: Option<String>,
    /// Whether the log has only hashes of payloads.
    pub(crate) bytes_only: bool,
    /// The form of the received payloads.
    pub(crate) encoding: PayloadEncoding,
    /// The received columns that are floats, of those above.
    pub(crate) floats: Vec<FloatColumn>,
    /// Notes for the reader.
    pub(crate) notes: Vec<String>,
}

impl ResolvedKeys {
    /// Returns whether the payload is a part of the key.
    pub(crate) fn is_by_payload(&self) -> bool {
        let mut parts = self.key.iter();
        parts.any(|part| part.sent == SentSide::Payload)
    }

    /// Returns the key, as an option of the command line.
    pub(crate) fn option(&self) -> String {
        let parts: Option<Vec<String>> = self.key.iter().map(parts::KeyPart::option).collect();
        parts.map_or_else(
            || "--by payload".into(),
            |parts| format!("--key {}", parts.join(",")),
        )
    }
}

pub(crate) fn resolve(
    options: &VerifyOptions,
    log: &Table,
    received: &Table,
) -> Result<ResolvedKeys, Problems> {
    let sent_sample = sample_log(log, &options.channels)?;
    let mut problems = Problems::default();
    let mut notes = Vec::new();
    let columns = received.columns();
    let mut named = |option: &str, name: &Option<String>| {
        let name = name.as_ref()?;
        if !received.has(name) {
            let hint = did_you_mean(name, columns.iter().map(String::as_str));
            problems.push(problem(
                option,
                format!(
                    "{} has no column {name:?}{hint} (it has {})",
                    received.shown(),
                    list_some(columns)
                ),
            ));
        }
        Some(name.clone())
    };
    let payload = named("--payload", &options.payload);
    let received_at = named("--received-at", &options.received_at);
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
    let payload = payload.or_else(|| guess_payload(received, &sent_sample));
    let received_at = received_at
        .or_else(|| find_column(columns, ARRIVAL_COLUMNS))
        .or_else(|| find_column(columns, TIME_COLUMNS).filter(|_| payload.is_some()));
    let received_sample = match &payload {
        Some(name) => sample_received(received, name),
        None => Sample::default(),
    };
    let inputs = Inputs {
        options,
        received,
        sent_sample: &sent_sample,
        received_sample: &received_sample,
        payload: payload.as_deref(),
    };
    if sent_sample.rows == 0 {
        let text = match options.channels.as_slice() {
            [] => "the run has no messages, so there is nothing to compare".to_owned(),
            channels => format!("the run has no messages of channel {}", list_some(channels)),
        };
        problems.push(problem("LOG", text));
        return Err(problems);
    }
    let key = inputs.key(&mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut guessed = Vec::new();
    if options.payload.is_none()
        && let Some(name) = &payload
    {
        guessed.push(format!("--payload {name}"));
    }
    if options.received_at.is_none()
        && let Some(name) = &received_at
    {
        guessed.push(format!("--received-at {name}"));
    }
    let resolved = ResolvedKeys {
        key,
        received_at,
        bytes_only: sent_sample.hashed,
        encoding: match &payload {
            Some(name) if sent_sample.bytes > sent_sample.rows / 2 => {
                sample_encoding(received, name, &sent_sample)
            }
            _ => PayloadEncoding::Plain,
        },
        floats: Vec::new(),
        payload,
        notes: Vec::new(),
    };
    let floats = float_columns(received, &resolved)?;
    if matches!(options.by, KeyChoice::Guess) {
        guessed.insert(0, resolved.option());
    }
    if !guessed.is_empty() {
        notes.push(format!("guessed from the columns: {}", guessed.join(" ")));
    }
    if resolved.payload.is_none() {
        notes.push("no column holds the payload, so nothing can be told of altered messages (--payload COLUMN)".into());
    }
    if resolved.received_at.is_none() {
        notes.push("no column holds the moment of arrival, so nothing can be told of late messages, and order is that of the rows (--received-at COLUMN)".into());
    }
    if let Some(form) = resolved.encoding.word() {
        notes.push(format!(
            "the log's payloads are bytes, and the received ones are decoded from {form}"
        ));
    }
    if resolved.bytes_only {
        notes.push(
            "the log holds hashes of payloads: JSON that was written anew counts as altered".into(),
        );
    }
    Ok(ResolvedKeys {
        notes,
        floats,
        ..resolved
    })
}

/// Returns the columns of the key and the payload that are floats.
fn float_columns(received: &Table, resolved: &ResolvedKeys) -> Result<Vec<FloatColumn>, Problems> {
    let mut floats = received.float_columns()?;
    floats.retain(|column| {
        let is_key = resolved.key.iter().any(
            |part| matches!(&part.received, ReceivedSide::Column(name) if *name == column.name),
        );
        is_key || resolved.payload.as_ref() == Some(&column.name)
    });
    Ok(floats)
}

struct Inputs<'a> {
    options: &'a VerifyOptions,
    received: &'a Table,
    sent_sample: &'a Sample,
    received_sample: &'a Sample,
    payload: Option<&'a str>,
}

impl Inputs<'_> {
    fn key(&self, problems: &mut Problems) -> Vec<parts::KeyPart> {
        match &self.options.by {
            KeyChoice::Pairs(pairs) => {
                let parts = pairs.iter().filter_map(|pair| {
                    self.pair(pair)
                        .map_err(|text| problems.push(problem("--key", text)))
                        .ok()
                });
                parts.collect()
            }
            KeyChoice::Payload => self
                .by_payload()
                .map_err(|text| problems.push(problem("--by", text)))
                .unwrap_or_default(),
            KeyChoice::Guess => self.guess_key().unwrap_or_else(|| {
                self.by_payload()
                    .map_err(|_| problems.push(problem("--received", self.explain_no_guess())))
                    .unwrap_or_default()
            }),
        }
    }

    fn explain_no_guess(&self) -> String {
        if self.sent_sample.without == self.sent_sample.rows {
            return "the log keeps no payloads (payload = \"none\" in [log]), so neither a field nor the payload says which message a row is; give --key device=COLUMN, or topic, channel and group, if they differ in each message, or write the log with payload = \"hash\" and compare with --by payload".into();
        }
        format!(
            "{} has no columns that say by themselves which message a row is; give --key device=COLUMN,FIELD=COLUMN, or --payload COLUMN. Its columns: {}. Fields of the log's payloads: {}",
            self.received.shown(),
            list_some(self.received.columns()),
            self.sent_fields()
        )
    }

    fn sent_fields(&self) -> String {
        let fields = self.sent_sample.fields();
        if !fields.is_empty() {
            return list_some(&fields);
        }
        let sample = self.sent_sample;
        match () {
            () if sample.without == sample.rows => "none, since the log keeps no payloads",
            () if sample.hashed => "none, since the log keeps hashes of payloads",
            () if sample.bytes == sample.rows => "none, since the payloads are bytes",
            () => "none, since none of the first is a JSON object",
        }
        .into()
    }

    fn columns(&self) -> &[String] {
        self.received.columns()
    }

    /// Returns the part that identifies devices, if the received rows have one.
    fn device_part(&self) -> Option<parts::KeyPart> {
        let column = |sent, names| {
            let received = ReceivedSide::Column(find_column(self.columns(), names)?);
            let sent = SentSide::Column(sent);
            Some(parts::KeyPart { sent, received })
        };
        column("device_id", DEVICE_COLUMNS)
            .or_else(|| column("topic", TOPIC_COLUMNS))
            .or_else(|| {
                DEVICE_COLUMNS.iter().find_map(|name| {
                    let field = Field::parse(name);
                    (self.sent_sample.has(&field) && self.received_sample.has(&field)).then(|| {
                        parts::KeyPart {
                            sent: SentSide::Field(field.clone()),
                            received: ReceivedSide::Field(field),
                        }
                    })
                })
            })
    }

    fn guess_key(&self) -> Option<Vec<parts::KeyPart>> {
        let whose = self.device_part()?;
        // A time differs in each message too.
        let mut names = NUMBER_COLUMNS
            .iter()
            .chain(TIME_COLUMNS)
            .chain(&["uptime_ms"]);
        let number = names.find_map(|name| {
            let field = Field::parse(name);
            if !self.sent_sample.has(&field) {
                return None;
            }
            let received = self.received_field(&field, name)?;
            let sent = SentSide::Field(field);
            Some(parts::KeyPart { sent, received })
        })?;
        Some(vec![whose, number])
    }

    /// Returns the received side of a field with this name.
    fn received_field(&self, field: &Field, name: &str) -> Option<ReceivedSide> {
        if self.received_sample.has(field) {
            return Some(ReceivedSide::Field(field.clone()));
        }
        find_column(self.columns(), &[name]).map(ReceivedSide::Column)
    }

    fn by_payload(&self) -> Result<Vec<parts::KeyPart>, String> {
        if self.payload.is_none() {
            return Err(format!(
                "{} has no column of payloads; name it with --payload COLUMN. It has {}",
                self.received.shown(),
                list_some(self.columns())
            ));
        }
        if self.sent_sample.without == self.sent_sample.rows {
            return Err("the log holds no payloads (payload = \"none\" in [log]), so they cannot be compared; a log with payload = \"hash\" is enough".into());
        }
        let payload = parts::KeyPart {
            sent: SentSide::Payload,
            received: ReceivedSide::Payload,
        };
        let whose = self.device_part().filter(|_| !self.sent_sample.hashed);
        // A hash has no fields, so only a column can identify the device.
        let column = self
            .device_part()
            .filter(|whose| matches!(whose.sent, SentSide::Column(_)));
        Ok(whose.or(column).into_iter().chain([payload]).collect())
    }

    fn pair(&self, pair: &Pair) -> Result<parts::KeyPart, String> {
        let sent = match pair.sent.as_str() {
            "device" | "device_id" => SentSide::Column("device_id"),
            "topic" => SentSide::Column("topic"),
            "channel" => SentSide::Column("channel"),
            "group" => SentSide::Column("group"),
            "payload" => SentSide::Payload,
            field => SentSide::Field(Field::parse(field)),
        };
        if let SentSide::Field(field) = &sent
            && !self.sent_sample.has(field)
        {
            if self.sent_sample.hashed || self.sent_sample.without == self.sent_sample.rows {
                return Err(format!(
                    "{:?} would be a field of the payload, and the log holds no payloads (see payload in [log]); use --by payload with a log of hashes, or payload = \"full\"",
                    pair.sent
                ));
            }
            if self.sent_sample.bytes == self.sent_sample.rows {
                return Err(format!(
                    "{:?} would be a field of the payload, and the payloads of the log are bytes, which have no fields; use --by payload",
                    pair.sent
                ));
            }
            let fields = self.sent_sample.fields();
            let hint = did_you_mean(&pair.sent, fields.iter().map(String::as_str));
            return Err(format!(
                "no payload of the log has a field {:?}{hint} (a key begins with device, topic, channel, group, or a field of the payload: {})",
                pair.sent,
                self.sent_fields()
            ));
        }
        let received = self.received_side(pair, &sent)?;
        Ok(parts::KeyPart { sent, received })
    }

    fn received_side(&self, pair: &Pair, sent: &SentSide) -> Result<ReceivedSide, String> {
        let none = |name: &str| {
            let hint = did_you_mean(name, self.columns().iter().map(String::as_str));
            format!(
                "neither a column of {} nor a field of its payloads is called {name:?}{hint} (its columns: {})",
                self.received.shown(),
                list_some(self.columns())
            )
        };
        match (&pair.received, sent) {
            (_, SentSide::Payload) if self.payload.is_some() => Ok(ReceivedSide::Payload),
            (_, SentSide::Payload) => Err(none("payload")),
            (Some(name), _) => {
                if self.received.has(name) {
                    return Ok(ReceivedSide::Column(name.clone()));
                }
                let field = Field::parse(name);
                if self.received_sample.has(&field) {
                    return Ok(ReceivedSide::Field(field));
                }
                Err(none(name))
            }
            (None, SentSide::Column("device_id")) => find_column(self.columns(), DEVICE_COLUMNS)
                .map(ReceivedSide::Column)
                .ok_or_else(|| none("device_id")),
            (None, SentSide::Column("topic")) => find_column(self.columns(), TOPIC_COLUMNS)
                .map(ReceivedSide::Column)
                .ok_or_else(|| none("topic")),
            (None, SentSide::Column(name)) => find_column(self.columns(), &[name])
                .map(ReceivedSide::Column)
                .ok_or_else(|| none(name)),
            (None, SentSide::Field(field)) => self
                .received_field(field, &pair.sent)
                .ok_or_else(|| none(&pair.sent)),
        }
    }
}
