//! Prepares and starts a replay of a recorded log.
//!
//! No device is called: due messages are read from a recording. Rows, counts, transports and
//! the clock are those of every run.
//!
//! ```text
//! table ─row─▶ recording (sorted, on disk) ─due─▶ transport ─outcome─▶ send log
//! ```
//!
//! `mapping` assigns the columns, `recording` reads and sorts all rows before the first is sent,
//! `sorter` holds them, and `recording_source` sends them.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::prepare::fd_limit::{self, FdLimitError};
use crate::prepare::memory_limit::in_flight;
use crate::prepare::transport_spec::TransportSpec;
use crate::replay::options::{ReplayOptions, Speed};
use crate::replay::recording::{self, Recording};
use crate::replay::recording_source::{RecordingSource, Shard};
use crate::replay::unfit_devices::check_devices;
use crate::replay::unfit_methods::check_methods;
use crate::run::before_clock::BeforeClock;
use crate::run::running::Running;
use crate::run::start_line::{StartLine, StartPlan};
use crate::time::clock;
use crate::time::late_watch::LateWatch;
use crate::worker::io::WorkerIo;
use crate::worker::recorder::Recorder;
use mockfleet_config::{Fleet, Plan, Problem, Problems, Protocol, Target};
use mockfleet_metrics::SharedCounters;
use mockfleet_sendlog::{DeviceIds, GroupEntry, Identity, RouteEntry, RunCatalog, SendLog};
use mockfleet_tables::Table;
use mockfleet_transport::{DeviceInfo, HttpTarget, MqttTarget, Routes, RunNames};

/// A replay that is ready to start.
pub struct Prepared {
    identity: Identity,
    devices: u64,
    log: SendLog,
    transport: TransportSpec,
    parts: Vec<Shard>,
    /// Time from the start to the last message. `None` at full speed.
    duration: Option<Duration>,
    /// Memory of messages on their way, in bytes.
    in_flight: u64,
}

fn problem(fleet: &Fleet, path: &[&str], text: impl Into<String>) -> Problem {
    Problem {
        place: fleet.place(path),
        text: text.into(),
    }
}

/// Checks that a recording can be sent to a target of a fleet file, and opens its log. The
/// recording was read from `table`.
///
/// # Errors
/// All problems of the recording, the target and the log.
pub fn prepare(
    recording: Recording,
    table: &Table,
    fleet: &Fleet,
    target: usize,
    options: ReplayOptions,
) -> Result<Prepared, Problems> {
    let mut problems = Problems::default();
    let Some(target) = fleet.plan.targets.get(target) else {
        return Err(problems);
    };
    let identity = Identity::new();
    let names = RunNames {
        fleet: fleet.plan.name.as_str().into(),
        run: identity.run.as_str().into(),
    };
    let routes = routes(&recording, fleet, target, options, &mut problems);
    check_devices(
        &recording,
        table,
        &fleet.plan,
        target,
        options.targets_topics,
        &mut problems,
    );
    if !options.targets_topics {
        check_methods(&recording, table, target, &mut problems);
    }
    if let Some(why) = recording
        .unfilled
        .as_ref()
        .filter(|_| !options.targets_topics)
    {
        let text = format!(
            "the topics of the log have names of the environment in place of values: {why}; --topics target sends to the channels of the target"
        );
        problems.push(problem(fleet, &["targets", &target.name], text));
    }
    let transport = match &target.protocol {
        Protocol::Mqtt(mqtt) => MqttTarget::new(target, mqtt, names).map(TransportSpec::Mqtt),
        Protocol::Http(http) => HttpTarget::new(target, http, names).map(TransportSpec::Http),
    };
    let transport = transport
        .map_err(|error| {
            let path = ["targets", target.name.as_str(), "tls"];
            problems.push(problem(fleet, &path, error.to_string()));
        })
        .ok();
    let devices = recording.devices.len();
    if let Err(error) = raise_fd_limit(fleet, target, devices) {
        problems.push(problem(
            fleet,
            &["targets", &target.name],
            error.to_string(),
        ));
    }
    let log_numbers = log_numbers(&recording);
    let directory = directory(&recording, fleet, target, &log_numbers);
    let log = SendLog::open(&fleet.plan.log, identity.clone(), directory)
        .map_err(|error| problems.push(problem(fleet, &["log", "store"], error.to_string())))
        .ok();
    let (Some(transport), Some(log), true) = (transport, log, problems.is_empty()) else {
        return Err(problems);
    };
    let length = recording.length();
    let duration = match options.speed {
        Speed::Times(times) => Some(length.div_f64(times)),
        Speed::Max => None,
    };
    let workers = recording.streams.len();
    let members = members(&recording, workers, &log_numbers);
    let parts = recording
        .streams
        .into_iter()
        .zip(members)
        .map(|(stream, members)| Shard {
            stream,
            members,
            routes: routes.clone(),
            first: recording.first,
            speed: options.speed,
            targets_topics: options.targets_topics,
            fills_topics: recording.has_references,
            outbox: target.outbox,
        })
        .collect();
    Ok(Prepared {
        identity,
        devices: u64::try_from(devices).unwrap_or(u64::MAX),
        log,
        transport,
        parts,
        duration,
        in_flight: in_flight(&fleet.plan),
    })
}

/// Returns the route of each recorded channel.
fn routes(
    recording: &Recording,
    fleet: &Fleet,
    target: &Target,
    options: ReplayOptions,
    problems: &mut Problems,
) -> Arc<[u16]> {
    let routes = Routes::new(target);
    let path = ["targets", target.name.as_str(), "channels"];
    let mut log_numbers = Vec::new();
    for channel in &recording.channels {
        let number = match channel {
            Some(channel) => routes.number(channel),
            None if routes.count() == 1 => Some(0),
            None => None,
        };
        if number.is_none() {
            let text = match channel {
                Some(channel) => {
                    let key = match target.protocol {
                        Protocol::Mqtt(_) => "topic",
                        Protocol::Http(_) => "path",
                    };
                    format!(
                        "the recording has channel {channel:?}, which targets.{0} does not have; add it there, or with --set 'targets.{0}.channels.{channel}.{key}=…', or leave it out with --channel",
                        target.name
                    )
                }
                None => format!(
                    "the recording has no channels, and targets.{} has {}; name a column of channels with --columns channel=COLUMN, or give --to a URL",
                    target.name,
                    routes.count()
                ),
            };
            problems.push(problem(fleet, &path, text));
        }
        log_numbers.push(number.unwrap_or_default());
    }
    if !options.targets_topics {
        let other = match target.protocol {
            Protocol::Mqtt(_) => recording.over_http.then_some(("HTTP", "MQTT")),
            Protocol::Http(_) => recording.over_mqtt.then_some(("MQTT", "HTTP")),
        };
        if let Some((then, now)) = other {
            let text = format!(
                "the recording was sent over {then}, and targets.{} speaks {now}; --topics target sends to the channels of the target",
                target.name
            );
            problems.push(problem(fleet, &["targets", &target.name, "url"], text));
        }
    }
    log_numbers.into()
}

/// Raises the limit of open files to the number that these devices need at their target.
fn raise_fd_limit(fleet: &Fleet, target: &Target, devices: usize) -> Result<(), FdLimitError> {
    let mut plan: Plan = fleet.plan.clone();
    plan.targets = vec![target.clone()];
    plan.groups.truncate(1);
    for group in &mut plan.groups {
        group.target = 0;
        group.count = u32::try_from(devices).unwrap_or(u32::MAX);
    }
    fd_limit::raise_fd_limit(&plan)
}

/// Returns the number of each device in the log. Devices of a group have consecutive numbers.
fn log_numbers(recording: &Recording) -> Vec<u32> {
    let mut order: Vec<usize> = (0..recording.devices.len()).collect();
    order.sort_by_key(|place| recording.devices.get(*place).map(|device| device.group));
    let mut log_numbers = vec![0; order.len()];
    for (number, place) in (0..).zip(order) {
        if let Some(entry) = log_numbers.get_mut(place) {
            *entry = number;
        }
    }
    log_numbers
}

fn directory(
    recording: &Recording,
    fleet: &Fleet,
    target: &Target,
    log_numbers: &[u32],
) -> RunCatalog {
    let mut groups: Vec<GroupEntry> = Vec::new();
    let mut placed: Vec<(u32, &recording::Device)> = log_numbers
        .iter()
        .copied()
        .zip(&recording.devices)
        .collect();
    placed.sort_by_key(|(number, _)| *number);
    let mut last = None;
    for (number, device) in placed {
        if last != Some(device.group) {
            last = Some(device.group);
            let place = usize::try_from(device.group).unwrap_or(usize::MAX);
            let (name, plugin) = recording.groups.get(place).cloned().unwrap_or_default();
            groups.push(GroupEntry {
                name,
                plugin,
                first: number,
                count: 0,
                device_ids: DeviceIds::Listed(Vec::new()),
            });
        }
        if let Some(group) = groups.last_mut() {
            group.count += 1;
            if let DeviceIds::Listed(ids) = &mut group.device_ids {
                ids.push(device.id.to_string());
            }
        }
    }
    let entry =
        |channel: &str, method: Option<&String>, topic: &mockfleet_config::Template| RouteEntry {
            channel: channel.to_owned(),
            protocol: match target.protocol {
                Protocol::Mqtt(_) => "mqtt".into(),
                Protocol::Http(_) => "http".into(),
            },
            destination: target.address.shown.clone(),
            method: method.cloned(),
            topic: topic.shown(),
        };
    let routes = match &target.protocol {
        Protocol::Mqtt(mqtt) => mqtt
            .channels
            .iter()
            .map(|(name, channel)| entry(name, None, &channel.topic))
            .collect(),
        Protocol::Http(http) => http
            .channels
            .iter()
            .map(|(name, channel)| entry(name, Some(&channel.method), &channel.path))
            .collect(),
    };
    RunCatalog {
        fleet: fleet.plan.name.clone(),
        groups,
        routes,
    }
}

/// Returns the devices of each worker, in the order of their slots. Device n is slot n /
/// workers of worker n % workers.
fn members(
    recording: &Recording,
    workers: usize,
    log_numbers: &[u32],
) -> Vec<Vec<(u32, DeviceInfo)>> {
    let mut members: Vec<Vec<(u32, DeviceInfo)>> = (0..workers).map(|_| Vec::new()).collect();
    for (place, (device, number)) in recording.devices.iter().zip(log_numbers).enumerate() {
        let group = usize::try_from(device.group).unwrap_or(usize::MAX);
        let group = recording.groups.get(group);
        let member = DeviceInfo {
            device: Arc::clone(&device.id),
            group: group.map_or("", |(name, _)| name).into(),
            index: u32::try_from(place).unwrap_or(u32::MAX),
            listens: false,
        };
        if let Some(of) = members.get_mut(place % workers.max(1)) {
            of.push((*number, member));
        }
    }
    members
}

impl Prepared {
    /// Number of devices in the recording.
    #[must_use]
    pub fn devices(&self) -> u64 {
        self.devices
    }

    /// Starts the workers, which send the messages.
    ///
    /// # Errors
    /// The error of the system if it creates no more threads.
    pub fn start(self) -> std::io::Result<Running> {
        let clock = mockfleet_config::Clock::default();
        let (stop, stopped) = watch::channel(false);
        let workers = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
        let plan = StartPlan {
            origin: clock::unix_now(),
            clock,
            creation: Duration::ZERO,
            start_at: None,
        };
        let start_line = StartLine::new(plan, workers);
        let in_flight = self.in_flight;
        let (mut threads, mut boards) = (Vec::new(), Vec::new());
        for (worker, part) in (0..).zip(self.parts) {
            let board = SharedCounters::default();
            let (transport, stop) = (self.transport.clone(), stopped.clone());
            let (appender, its_board) = (self.log.appender(), board.clone());
            let place = start_line.place();
            let thread = std::thread::Builder::new()
                .name(format!("worker-{worker}"))
                .spawn(move || {
                    let targets = std::slice::from_ref(&transport);
                    let Some(io) = WorkerIo::open(targets, worker, workers, in_flight, &its_board)
                    else {
                        return;
                    };
                    let source = RecordingSource::new(part, workers);
                    let before = BeforeClock::new(io, place, stop, its_board);
                    before.run(source, true, |clock, counters| Recorder {
                        appender,
                        counters,
                        clock,
                        late: LateWatch::new(Instant::now()),
                        thresholds: None,
                    });
                })?;
            threads.push(thread);
            boards.push(board);
        }
        Ok(Running {
            identity: self.identity,
            devices: self.devices,
            workers,
            duration: self.duration,
            start_line,
            log: self.log,
            threads,
            boards,
            stop,
            stopped: OnceLock::new(),
            groups: Arc::new([]),
            rate_changes: None,
            asked: clock,
            bounded_lag: None,
            evaluator: None,
        })
    }
}
