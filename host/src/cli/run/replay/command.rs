//! `mockfleet replay`: prepares and runs a replay.

use anyhow::Context as _;
use glob::Pattern;

use crate::cli::run::replay::recorded::Recorded;
use crate::cli::run::replay::target::Target;
use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::fleet_run::ending;
use crate::cli::support::fleet_run::summary;
use crate::cli::support::recovery::recover;
use crate::cli::support::run_metadata::RunMetadata;
use crate::cli::ui::guest_output::GuestOutput;
use crate::cli::ui::out::err;
use crate::cli::ui::out::out;
use crate::cli::ui::out::out_json;
use crate::cli::ui::progress_bar::WorkProgress;
use crate::cli::ui::progress_view::OutputFormat;
use crate::cli::ui::progress_view::ProgressView;
use mockfleet_config::{Problems, format_duration};
use mockfleet_engine::replay::{
    Mapping, RecordedTopics, Recording, RecordingOptions, ReplayOptions, Speed, prepare,
};
use mockfleet_metrics::{agree, micros, plural};
use mockfleet_sendlog::{TimeUnit, parse_timestamp};

/// Sends a recorded log again: the same payloads to the same topics, with the same spacing, from
/// as many devices. The replay is a run of its own, with its own rows in the log.
///
/// All of the recording is read, checked and sorted before the first message is sent. Ctrl-C ends
/// it like any run.
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
pub(crate) struct Arguments {
    /// The recording: the folder of a log, s3://bucket/prefix; or a file, a folder or a pattern of
    /// Parquet, CSV or JSON.
    #[arg(value_name = "LOG|FILE")]
    recorded: String,
    /// The target: a target of a fleet file, or the URL of a broker or server.
    #[arg(long, value_name = "FLEET[#TARGET]|URL")]
    to: String,
    /// The run of a log [default: the newest].
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Columns by role: device=COLUMN,time=COLUMN,payload=COLUMN, and topic, channel, group
    /// [default: guessed].
    #[arg(long, value_name = "ROLE=COLUMN", value_delimiter = ',', value_parser = role)]
    columns: Vec<(String, String)>,
    /// Unit of times that are numbers since 1970 [default: by the size of each number].
    #[arg(long, value_name = "s|ms|us|ns", value_parser = time_unit)]
    time_unit: Option<TimeUnit>,
    /// Only devices whose id matches: meter-000*. Repeatable.
    #[arg(long, value_name = "GLOB", value_parser = pattern)]
    device: Vec<Pattern>,
    /// Only messages of this channel. Repeatable.
    #[arg(long, value_name = "NAME")]
    channel: Vec<String>,
    /// Only messages with this outcome [default: all but dropped]. Repeatable.
    #[arg(long, value_name = "OUTCOME", value_parser = mockfleet_sendlog::Outcome::ALL.map(mockfleet_sendlog::Outcome::as_str))]
    outcome: Vec<String>,
    /// Only messages that were due from this time on: 2026-11-24T07:00:00Z.
    #[arg(long, value_name = "TIMESTAMP", value_parser = time)]
    from: Option<i64>,
    /// Only messages that were due before this time.
    #[arg(long, value_name = "TIMESTAMP", value_parser = time)]
    before: Option<i64>,
    /// Speed as a multiple of the recording, or max: as fast as the targets accept messages.
    #[arg(long, value_name = "N|max", default_value = "1", value_parser = speed)]
    speed: Speed,
    /// Send to the recorded topics or paths, or to those of the target's channels.
    #[arg(long, value_name = "recorded|target", default_value = "recorded", value_parser = ["recorded", "target"])]
    topics: String,
    /// Sort the rows of a file by time first; without it, a file out of order is refused.
    #[arg(long)]
    sort: bool,
    /// The send log: a folder, s3://bucket/prefix, or none.
    #[arg(long, value_name = "URL")]
    log: Option<String>,
    /// Any key of the fleet file: targets.broker.qos=0. Repeatable.
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
    parse_timestamp(text)
        .or_else(|| parse_timestamp(&whole_day))
        .ok_or_else(|| "a timestamp is 2026-11-24T07:00:00Z, or a day: 2026-11-24".into())
}

fn time_unit(text: &str) -> Result<TimeUnit, String> {
    match text {
        "s" => Ok(TimeUnit::Seconds),
        "ms" => Ok(TimeUnit::Millis),
        "us" => Ok(TimeUnit::Micros),
        "ns" => Ok(TimeUnit::Nanos),
        _ => Err("a unit is s, ms, us or ns".into()),
    }
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

pub(crate) fn replay(arguments: &Arguments) -> Result<Ending, Failure> {
    let mut problems = Problems::default();
    let mut keep = |found: Problems| found.into_iter().for_each(|one| problems.push(one));
    let target = Target::find(&arguments.to, arguments.log.as_deref(), &arguments.set)
        .map_err(&mut keep)
        .ok();
    let recorded = Recorded::open(&arguments.recorded, arguments.run.as_deref())
        .map_err(&mut keep)
        .ok();
    let (Some(target), Some(recorded)) = (target, recorded) else {
        return Err(problems.into());
    };
    let (mapping, notes) = Mapping::new(&recorded.table, recorded.is_log, &arguments.columns)?;
    for note in recorded.notes.iter().chain(&notes) {
        err!("{note}");
    }
    let asked = RecordingOptions::new(mapping)
        .with_devices(arguments.device.clone())
        .with_channels(arguments.channel.clone())
        .with_outcomes(arguments.outcome.clone())
        .with_times(arguments.from, arguments.before)
        .with_time_unit(arguments.time_unit)
        .with_sort(arguments.sort)
        .with_topics(match arguments.topics.as_str() {
            "target" => RecordedTopics::Unused,
            _ => target.recorded_topics(),
        })
        .with_workers(target.workers(arguments.workers));
    let mut work = WorkProgress::new();
    let read = Recording::read(&recorded.table, &asked, &mut |done, of| {
        work.show("reading the recording", done, of);
    });
    work.done();
    let recording = read?;
    err!(
        "{} of {} over {}{}",
        plural(recording.messages(), "message"),
        plural(recording.devices(), "device"),
        shown(recording.length()),
        match recording.left_out() {
            0 => String::new(),
            rows => format!(
                "; {} {} left out",
                plural(rows, "row"),
                agree(rows, "is", "are")
            ),
        }
    );
    let (fleet, number) = target.fleet(&recording)?;
    let playing = ReplayOptions::default()
        .with_speed(arguments.speed)
        .with_targets_topics(arguments.topics == "target");
    let prepared = prepare(recording, &recorded.table, &fleet, number, playing)?;
    if let Some(store) = &fleet.plan.log.store {
        recover(store);
    }
    let form = if arguments.json {
        OutputFormat::Json
    } else {
        OutputFormat::People
    };
    let watch = ProgressView::new(form).context("the run could not be watched")?;
    let running = prepared.start().context("no thread for a worker")?;
    let note = RunMetadata::of_replay(&fleet, &running);
    let (mut finished, interrupted) = watch.follow(running, &GuestOutput::new(), None);
    finished.flat_out = arguments.speed == Speed::Max;
    if let Some(error) = &finished.log.error {
        err!("{error}");
    }
    let summary = summary(&fleet, finished);
    if let Some(note) = note {
        note.end(&summary, interrupted);
    }
    match form {
        OutputFormat::Json => out_json!("{}", summary.json()),
        OutputFormat::People => out!("{}", summary.text()),
    }
    Ok(ending(&summary, interrupted))
}

/// Formats a duration.
fn shown(length: std::time::Duration) -> String {
    match length.as_secs() {
        0..120 => micros(u64::try_from(length.as_micros()).unwrap_or(u64::MAX)),
        seconds => format_duration(std::time::Duration::from_secs(seconds)),
    }
}
