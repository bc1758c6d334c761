//! `mockfleet replay`: a recorded log, sent again.

mod target;

use anyhow::Context as _;
use glob::Pattern;

use self::target::Target;
use super::console::Printed;
use super::logs::recover::said;
use super::note::Note;
use super::run::{ending, summary};
use super::watch::{Form, Watch};
use super::work::Work;
use super::{Ending, Failure};
use crate::cli::print::{say, tell};
use mockfleet_config::{Problems, Store};
use mockfleet_engine::replay::{Asked, Mapping, Playing, Recording, Speed, prepare};
use mockfleet_metrics::count;
use mockfleet_sendlog::{LogFiles, moment};
use mockfleet_tables::Table;

/// Sends a recorded log again: the same payloads, to the same topics, with the same time
/// between them, from as many devices. What comes of it is a run of its own, with its own
/// rows in the log.
///
/// All of the recording is read, checked and put in order before the first message is
/// sent. Ctrl-C ends it like any run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet replay mockfleet-logs --to fleet.toml
  mockfleet replay mockfleet-logs --to fleet.toml#staging --speed 10 --device 'meter-000*'
  mockfleet replay s3://bucket/logs --run 01M8835DCGFEHSEP2HFFMX1S1Y --to mqtt://127.0.0.1:1883 --speed max
  mockfleet replay trace.csv --columns device=sensor,time=ts,payload=body --to http://127.0.0.1:8080

A target of a fleet file has its login, TLS, QoS and connections; of a URL, --set
targets.replay.qos=0 and the like change them. --columns time=sent_at sends a log of
mockfleet's in the rhythm in which it left, and not in that in which it was due.

docs/replay.md has more.")]
pub(super) struct Arguments {
    /// What was recorded: the folder of a log, s3://bucket/prefix; or a file, a folder or a
    /// pattern of Parquet, CSV or JSON lines.
    #[arg(value_name = "LOG|FILE")]
    recorded: String,
    /// Where to send it: a target of a fleet file, or the URL of a broker or server.
    #[arg(long, value_name = "FLEET[#TARGET]|URL")]
    to: String,
    /// The run of a log [default: its newest].
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Which column is what: device=COLUMN,time=COLUMN,payload=COLUMN, and topic, channel,
    /// group [default: guessed].
    #[arg(long, value_name = "ROLE=COLUMN", value_delimiter = ',', value_parser = role)]
    columns: Vec<(String, String)>,
    /// Only devices with such an id: meter-000*. Can be given many times.
    #[arg(long, value_name = "GLOB", value_parser = pattern)]
    device: Vec<Pattern>,
    /// Only messages of this channel. Can be given many times.
    #[arg(long, value_name = "NAME")]
    channel: Vec<String>,
    /// Only messages with this outcome [default: all but dropped]. Can be given many times.
    #[arg(long, value_name = "OUTCOME", value_parser = ["acked", "sent", "failed", "dropped", "unconfirmed"])]
    outcome: Vec<String>,
    /// Only messages from this moment on: 2026-11-24T07:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<i64>,
    /// Only messages before this moment.
    #[arg(long, value_name = "TIME", value_parser = time)]
    before: Option<i64>,
    /// How many times faster than it was recorded; or max, as fast as it goes.
    #[arg(long, value_name = "N|max", default_value = "1", value_parser = speed)]
    speed: Speed,
    /// Where messages go: to the recorded topics or paths, or to those of the target's
    /// channels.
    #[arg(long, value_name = "WHOSE", default_value = "recorded", value_parser = ["recorded", "target"])]
    topics: String,
    /// Put the rows of a file in order of time first; without it, a file out of order is
    /// refused.
    #[arg(long)]
    sort: bool,
    /// Where the send log goes: a folder, s3://bucket/prefix, or none.
    #[arg(long, value_name = "URL")]
    log: Option<String>,
    /// Any key of the fleet file: targets.broker.qos=0. Can be given many times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Threads that send [default: one a core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    workers: Option<u32>,
    /// Print one JSON object a line: progress each second, the summary at the end.
    #[arg(long)]
    json: bool,
}

fn role(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((role, column)) if !role.trim().is_empty() && !column.trim().is_empty() => {
            Ok((role.trim().to_owned(), column.trim().to_owned()))
        }
        _ => Err("a column is given as device=COLUMN, time=COLUMN, payload=COLUMN, topic=COLUMN, channel=COLUMN or group=COLUMN".into()),
    }
}

fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::new(text).map_err(|error| format!("this is no pattern: {error}"))
}

fn time(text: &str) -> Result<i64, String> {
    let whole_day = format!("{text}T00:00:00Z");
    moment(text)
        .or_else(|| moment(&whole_day))
        .ok_or_else(|| "a moment is 2026-11-24T07:00:00Z, or a day: 2026-11-24".into())
}

fn speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    match text.parse::<f64>() {
        Ok(times) if (0.001..=1_000_000.0).contains(&times) => Ok(Speed::Times(times)),
        _ => Err("a speed is a number from 0.001 to 1000000, or max".into()),
    }
}

pub(super) fn replay(arguments: &Arguments) -> Result<Ending, Failure> {
    let mut problems = Problems::default();
    let mut keep = |found: Problems| found.into_iter().for_each(|one| problems.push(one));
    let target = Target::find(&arguments.to, arguments.log.as_deref(), &arguments.set)
        .map_err(&mut keep)
        .ok();
    let recorded = Recorded::open(arguments).map_err(&mut keep).ok();
    let (Some(target), Some(recorded)) = (target, recorded) else {
        return Err(problems.into());
    };
    let (mapping, notes) = Mapping::new(&recorded.table, recorded.is_log, &arguments.columns)?;
    for note in recorded.notes.iter().chain(&notes) {
        tell!("{note}");
    }
    let asked = Asked {
        mapping,
        devices: arguments.device.clone(),
        channels: arguments.channel.clone(),
        outcomes: arguments.outcome.clone(),
        from: arguments.from,
        before: arguments.before,
        sort: arguments.sort,
        workers: target.workers(arguments.workers),
    };
    let mut work = Work::new();
    let read = Recording::read(&recorded.table, &asked, &mut |done, of| {
        work.show("reading the recording", done, of);
    });
    work.done();
    let recording = read?;
    tell!(
        "{} messages of {} devices over {}{}",
        count(recording.messages()),
        count(u64::try_from(recording.devices()).unwrap_or(u64::MAX)),
        shown(recording.length()),
        match recording.left_out() {
            0 => String::new(),
            rows => format!("; {} rows are left out", count(rows)),
        }
    );
    let (fleet, number) = target.fleet(&recording)?;
    let playing = Playing {
        speed: arguments.speed,
        targets_topics: arguments.topics == "target",
    };
    let prepared = prepare(recording, &fleet, number, playing)?;
    match fleet
        .plan
        .log
        .store
        .as_ref()
        .map(mockfleet_sendlog::recover)
    {
        Some(Ok(runs)) => runs.iter().for_each(|run| tell!("{}", said(run))),
        Some(Err(error)) => tell!("warning: {error}"),
        None => {}
    }
    let form = if arguments.json {
        Form::Json
    } else {
        Form::People
    };
    let watch = Watch::new(form).context("the run could not be watched")?;
    let running = prepared.start().context("no thread for a worker")?;
    let note = Note::of_replay(&fleet, &running);
    let (mut finished, interrupted) = watch.follow(running, &Printed::new(), None);
    finished.flat_out = arguments.speed == Speed::Max;
    if let Some(error) = &finished.log.error {
        tell!("{error}");
    }
    let summary = summary(&fleet, finished);
    if let Some(note) = note {
        note.end(&summary, interrupted);
    }
    match form {
        Form::Json => say!("{}", summary.json()),
        Form::People => say!("{}", summary.text()),
    }
    Ok(ending(&summary, interrupted))
}

/// A length as people read it.
fn shown(length: std::time::Duration) -> String {
    mockfleet_metrics::micros(u64::try_from(length.as_micros()).unwrap_or(u64::MAX))
}

/// What was recorded.
struct Recorded {
    table: Table,
    is_log: bool,
    notes: Vec<String>,
}

impl Recorded {
    fn open(arguments: &Arguments) -> Result<Self, Problems> {
        let text = &arguments.recorded;
        let is_store =
            text.starts_with("s3://") || std::path::Path::new(text).join("sends").is_dir();
        if is_store {
            return Self::log(text, arguments.run.as_deref());
        }
        if let Some(run) = &arguments.run {
            return Err(Problems::one(
                "--run",
                format!("{text} is no log of mockfleet's, so it has no run {run}"),
            ));
        }
        let table = Table::open(text, None, "LOG|FILE")?;
        // A file of a log, taken out of it.
        let is_log = ["log_seq", "device_id", "scheduled_at", "payload"]
            .iter()
            .all(|column| table.has(column));
        Ok(Self {
            table,
            is_log,
            notes: Vec::new(),
        })
    }

    fn log(text: &str, run: Option<&str>) -> Result<Self, Problems> {
        let wrong = |why: String| Problems::one("LOG|FILE", why);
        let store = Store::parse(text).map_err(wrong)?;
        let files = LogFiles::find(&store).map_err(|error| wrong(error.to_string()))?;
        let runs = files.runs();
        let Some(newest) = runs.last() else {
            return Err(wrong(format!("{text} holds no messages of mockfleet")));
        };
        let mut notes = Vec::new();
        let run = match run {
            Some(run) if runs.contains(&run) => run,
            Some(run) => {
                let known = runs.iter().rev().take(12).copied().collect::<Vec<_>>();
                return Err(Problems::one(
                    "--run",
                    format!("{text} has no run {run}; it has {}", known.join(", ")),
                ));
            }
            None => {
                if runs.len() > 1 {
                    notes.push(format!(
                        "{text} holds {} runs, and the newest is taken: --run {newest}",
                        runs.len()
                    ));
                }
                newest
            }
        };
        Ok(Self {
            table: Table::from_log(text, files.of(run))?,
            is_log: true,
            notes,
        })
    }
}
