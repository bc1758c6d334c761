//! Reads, checks and sorts rows, and deals them to the workers.
//!
//! All of it is done before the first message is sent.

use mockfleet_metrics::plural;
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::replay::mapping::problem;
use crate::replay::options::{RecordedTopics, RecordingOptions};
use crate::replay::recorded_method::{RecordedMethod, note_method};
use crate::replay::sorter::{Message, Sorter, Stream};
use crate::replay::unfit_topics::UnfitTopics;
use mockfleet_config::{Problems, fill_references, path_fault, topic_fault};
use mockfleet_sendlog::TableValue;
use mockfleet_tables::{Location, Table};

/// A device of a recording.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) id: Arc<str>,
    /// Its group's number.
    pub(crate) group: u32,
    /// Its first row.
    pub(crate) first: Location,
    /// The channels that it sends to, by number, and whether a message goes to the channel's
    /// own topic or path.
    pub(crate) channels: BTreeMap<u16, bool>,
}

/// The messages of a replay, with their devices and channels.
pub struct Recording {
    /// Name and plugin of each group.
    pub(crate) groups: Vec<(String, String)>,
    /// The devices, in the order in which they were found.
    pub(crate) devices: Vec<Device>,
    /// The channels by number. `None` where the table has no channels.
    pub(crate) channels: Vec<Option<String>>,
    /// The HTTP methods of each channel, as far as the table has them.
    pub(crate) methods: Vec<Vec<RecordedMethod>>,
    /// The messages of each worker, sorted.
    pub(crate) streams: Vec<Stream>,
    /// Time of the first message, in microseconds since 1970.
    pub(crate) first: i64,
    last: i64,
    /// Whether topics have `${NAME}` in place of values of the environment.
    pub(crate) has_references: bool,
    /// The reason for which one of them cannot be filled in.
    pub(crate) unfilled: Option<String>,
    pub(crate) over_http: bool,
    pub(crate) over_mqtt: bool,
    messages: u64,
    left_out: u64,
}

impl Recording {
    /// Number of messages.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Number of rows that the options leave out.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Number of devices with messages.
    #[must_use]
    pub fn devices(&self) -> usize {
        self.devices.len()
    }

    /// Time from the first message to the last.
    #[must_use]
    pub fn length(&self) -> Duration {
        let length = self.last.saturating_sub(self.first);
        Duration::from_micros(u64::try_from(length).unwrap_or(0))
    }

    /// Returns the channels, each with the first of its recorded HTTP methods.
    pub fn channels(&self) -> impl Iterator<Item = (Option<&str>, Option<&str>)> {
        let channels = self.channels.iter().map(Option::as_deref);
        channels.zip(self.methods.iter().map(|methods| {
            let first = methods.first();
            first.map(|known| known.method.as_str())
        }))
    }

    /// Reads the rows that the options select. Calls `tell` with the number of rows that are
    /// read and, if known, the number of all rows.
    ///
    /// # Errors
    /// Rows that cannot be sent, rows out of order, or a table without rows to send.
    pub fn read(
        table: &Table,
        asked: &RecordingOptions,
        tell: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<Self, Problems> {
        let mut reading = Reading::new(asked);
        let mut problems = Problems::default();
        let mut named = 0;
        let mut rows = 0;
        table.read(&asked.mapping.wanted(), &mut |place, cells| {
            rows += 1;
            if rows % TOLD == 0 {
                tell(rows, table.rows());
            }
            match reading.row(place, cells, table) {
                Ok(()) => ControlFlow::Continue(()),
                Err(RowError { text, last }) => {
                    problems.push(problem(&table.location(place), text));
                    named += 1;
                    if last || named >= NAMED {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                }
            }
        })?;
        reading.unfit.report(table, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        reading.done(table)
    }
}

/// Number of rows between two reports of progress.
const TOLD: u64 = 50_000;

/// Largest number of faulty rows that are reported.
const NAMED: usize = 10;

/// The reason why a row cannot be sent.
struct RowError {
    text: String,
    /// Whether all other rows would have the same problem.
    last: bool,
}

fn wrong(text: impl Into<String>) -> RowError {
    RowError {
        text: text.into(),
        last: false,
    }
}

fn same_for_all(text: impl Into<String>) -> RowError {
    RowError {
        text: text.into(),
        last: true,
    }
}

struct Reading<'a> {
    asked: &'a RecordingOptions,
    sorters: Vec<Sorter>,
    numbers: HashMap<Arc<str>, u32>,
    recording: Recording,
    /// Time and place of the previous row.
    before: Option<(i64, Location)>,
    rows: u64,
    /// Recorded topics and paths that no message can be sent to.
    unfit: UnfitTopics,
}

impl<'a> Reading<'a> {
    fn new(asked: &'a RecordingOptions) -> Self {
        Self {
            asked,
            sorters: (0..asked.workers.max(1))
                .map(|_| Sorter::default())
                .collect(),
            numbers: HashMap::new(),
            recording: Recording {
                groups: Vec::new(),
                devices: Vec::new(),
                channels: Vec::new(),
                methods: Vec::new(),
                streams: Vec::new(),
                first: i64::MAX,
                last: i64::MIN,
                has_references: false,
                unfilled: None,
                over_http: false,
                over_mqtt: false,
                messages: 0,
                left_out: 0,
            },
            before: None,
            rows: 0,
            unfit: UnfitTopics::default(),
        }
    }

    fn row(
        &mut self,
        place: Location,
        cells: &[TableValue<'_>],
        table: &Table,
    ) -> Result<(), RowError> {
        let [device, time, payload, topic, channel, group, log @ ..] = cells else {
            return Ok(());
        };
        let [binary, size, outcome, protocol, plugin, seq] = log else {
            return Ok(());
        };
        self.rows += 1;
        let named = |role: &str| {
            let columns = &self.asked.mapping.columns;
            columns.get(role).cloned().unwrap_or_default()
        };
        let at = time.time_in(self.asked.time_unit).ok_or_else(|| {
            wrong(format!(
                "column {:?} is no moment here; wanted is 2026-11-24T07:00:00Z, or a number since 1970",
                named("time")
            ))
        })?;
        if let Some((before, earlier)) = self.before
            && !self.asked.mapping.is_log
            && !self.asked.sort
            && at < before
        {
            return Err(same_for_all(format!(
                "this row is earlier than the one before it ({}): a recording is in the order of its time; sort it by {:?}, or give --sort",
                table.location(earlier),
                named("time")
            )));
        }
        self.before = Some((at, place));
        let id = device
            .text()
            .filter(|id| !id.is_empty())
            .ok_or_else(|| wrong(format!("column {:?} names no device here", named("device"))))?;
        let channel = channel.text();
        if !self.is_asked(&id, channel.as_deref(), outcome, at) {
            self.recording.left_out += 1;
            return Ok(());
        }
        let payload = payload
            .bytes()
            .or_else(|| binary.bytes())
            .map(std::borrow::Cow::into_owned);
        let kept = payload.as_ref().map(|payload| payload.len());
        let whole = size.int().and_then(|size| usize::try_from(size).ok());
        let payload = match payload {
            Some(payload) if whole.is_none() || whole == kept => payload,
            _ if self.asked.mapping.is_log => {
                return Err(same_for_all(
                    "the log does not hold this payload as it was sent; only a log with payload = \"full\" in [log] can be sent again",
                ));
            }
            _ => {
                return Err(wrong(format!(
                    "column {:?} is empty here",
                    named("payload")
                )));
            }
        };
        let (method, topic) = self.address(topic.text().as_deref(), protocol, place);
        let channel = self.channel(channel.as_deref(), method, place);
        let (group, plugin) = (group.text(), plugin.text());
        let device = self.device(&id, group.as_deref(), plugin.as_deref(), place);
        self.note_channel(device, channel, topic.is_none());
        let then = match seq.int().and_then(|seq| u64::try_from(seq).ok()) {
            // Copies of a message have the same number, so the row number orders them.
            Some(seq) => (seq << 16) | (self.rows & 0xffff),
            None => self.rows,
        };
        self.recording.first = self.recording.first.min(at);
        self.recording.last = self.recording.last.max(at);
        self.recording.messages += 1;
        let workers = self.sorters.len();
        let worker = usize::try_from(device).unwrap_or(0) % workers;
        if let Some(sorter) = self.sorters.get_mut(worker) {
            let message = Message {
                at,
                then,
                device,
                channel,
                topic,
                payload,
            };
            sorter
                .put(message)
                .map_err(|error| same_for_all(error.to_string()))?;
        }
        Ok(())
    }

    fn is_asked(&self, id: &str, channel: Option<&str>, outcome: &TableValue<'_>, at: i64) -> bool {
        let asked = self.asked;
        let outcome = outcome.text();
        let outcome = match (asked.outcomes.as_slice(), outcome.as_deref()) {
            (_, None) => true,
            // A dropped message was never sent.
            ([], Some(outcome)) => outcome != "dropped",
            (wanted, Some(outcome)) => wanted.iter().any(|wanted| wanted == outcome),
        };
        outcome
            && (asked.devices.is_empty() || asked.devices.iter().any(|glob| glob.matches(id)))
            && (asked.channels.is_empty()
                || asked
                    .channels
                    .iter()
                    .any(|name| Some(name.as_str()) == channel))
            && asked.from.is_none_or(|from| at >= from)
            && asked.before.is_none_or(|before| at < before)
    }

    /// Returns the recorded method and topic or path. A log has both as `POST /path`.
    fn address(
        &mut self,
        topic: Option<&str>,
        protocol: &TableValue<'_>,
        place: Location,
    ) -> (Option<String>, Option<String>) {
        let Some(topic) = topic.filter(|topic| !topic.is_empty()) else {
            return (None, None);
        };
        let mut filled = None;
        if self.asked.mapping.is_log && topic.contains("${") {
            self.recording.has_references = true;
            match fill_references(topic) {
                Ok(text) => filled = Some(text),
                Err(why) if self.recording.unfilled.is_none() => {
                    self.recording.unfilled = Some(why.into());
                }
                Err(_) => {}
            }
        }
        let request = topic.split_once(' ').filter(|(method, path)| {
            path.starts_with('/') && method.bytes().all(|byte| byte.is_ascii_uppercase())
        });
        let (method, shown) = match request {
            Some((method, path)) => (Some(method.to_owned()), path),
            None => (None, topic),
        };
        let is_mqtt = protocol.text().is_some_and(|protocol| protocol == "mqtt");
        self.recording.over_http |= request.is_some();
        self.recording.over_mqtt |= request.is_none() && (is_mqtt || !topic.starts_with('/'));
        // The value of the environment is checked, and not shown.
        let sent = match (&filled, request) {
            (None, _) => shown,
            (Some(text), Some(_)) => text.split_once(' ').map_or("", |(_, path)| path),
            (Some(text), None) => text,
        };
        // A recording of another protocol is refused as a whole.
        let fault = match self.asked.topics {
            RecordedTopics::Mqtt if request.is_none() => topic_fault(sent),
            RecordedTopics::Http if sent.starts_with('/') => path_fault(sent),
            _ => None,
        };
        if let Some(why) = fault {
            self.unfit.add(shown, why, place);
        }
        (method, Some(shown.to_owned()))
    }

    fn channel(&mut self, name: Option<&str>, method: Option<String>, place: Location) -> u16 {
        let recording = &mut self.recording;
        let channels = &mut recording.channels;
        let known = channels.iter().position(|known| known.as_deref() == name);
        let number = known.unwrap_or_else(|| {
            channels.push(name.map(str::to_owned));
            recording.methods.push(Vec::new());
            channels.len() - 1
        });
        if let (Some(method), Some(methods)) = (method, recording.methods.get_mut(number)) {
            note_method(methods, method, place);
        }
        u16::try_from(number).unwrap_or(u16::MAX)
    }

    /// Notes that a device sends to a channel, by the channel's own topic or path if
    /// `by_channel` is true.
    fn note_channel(&mut self, device: u32, channel: u16, by_channel: bool) {
        let place = usize::try_from(device).unwrap_or(usize::MAX);
        if let Some(device) = self.recording.devices.get_mut(place) {
            *device.channels.entry(channel).or_default() |= by_channel;
        }
    }

    fn device(
        &mut self,
        id: &str,
        group: Option<&str>,
        plugin: Option<&str>,
        place: Location,
    ) -> u32 {
        if let Some(number) = self.numbers.get(id) {
            return *number;
        }
        let (name, plugin) = (group.unwrap_or("replay"), plugin.unwrap_or("replay"));
        let groups = &mut self.recording.groups;
        let known = groups
            .iter()
            .position(|(known, by)| known == name && by == plugin);
        let group = known.unwrap_or_else(|| {
            groups.push((name.to_owned(), plugin.to_owned()));
            groups.len() - 1
        });
        let number = u32::try_from(self.recording.devices.len()).unwrap_or(u32::MAX);
        let id: Arc<str> = id.into();
        self.numbers.insert(Arc::clone(&id), number);
        self.recording.devices.push(Device {
            id,
            group: u32::try_from(group).unwrap_or(u32::MAX),
            first: place,
            channels: BTreeMap::new(),
        });
        number
    }

    fn done(mut self, table: &Table) -> Result<Recording, Problems> {
        let mut problems = Problems::default();
        if self.recording.messages == 0 {
            let text = match self.rows {
                0 => "it has no rows, so there is nothing to send".to_owned(),
                rows => format!(
                    "none of its {} is asked for; --device, --channel, --outcome, --from and --before leave all of them out",
                    plural(rows, "row")
                ),
            };
            problems.push(problem(table.shown(), text));
            return Err(problems);
        }
        if self.recording.channels.len() > usize::from(u16::MAX) {
            let text = "more than 65,535 different channels: name another column with --columns channel=COLUMN";
            problems.push(problem(table.shown(), text));
            return Err(problems);
        }
        for sorter in self.sorters {
            match sorter.done() {
                Ok(stream) => self.recording.streams.push(stream),
                Err(error) => problems.push(problem("TMPDIR", error.to_string())),
            }
        }
        if problems.is_empty() {
            Ok(self.recording)
        } else {
            Err(problems)
        }
    }
}
