//! `mockfleet verify`: what was sent against what was received.

mod json;
mod text;

use std::path::PathBuf;
use std::time::Duration;

use super::given;
use super::work::Work;
use super::{Ending, Failure};
use crate::cli::print::say;
use mockfleet_config::{Problem, Problems, Store};
use mockfleet_verify::{FindingCheck, KeyChoice, Pair, VerifyOptions, verify as compare};

/// Compares a send log with what a backend has received: which messages are missing,
/// doubled, late, altered or out of order, less what their outcome and injected faults
/// explain.
///
/// A message is known by a key that both sides have: its device and a field of its
/// payload that differs in each message. What can be guessed from the columns is, and is
/// said; --key says it yourself. Nothing is changed on either side.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet verify mockfleet-logs --received received.jsonl
  mockfleet verify mockfleet-logs --received 'export/*.parquet' --key device=device_id,seq=seq
  mockfleet verify s3://bucket/logs --run 01M8835DCGFEHSEP2HFFMX1S1Y \\
    --received postgres://app@127.0.0.1/iot --query 'SELECT device, payload, received_at FROM telemetry'
  mockfleet verify mockfleet-logs --received received.csv --by payload --check 'missing <= 0.1%'

In --key, what stands before = is device, topic, channel or group of the log, or a field of
its payload (seq, meta.n, /meta/n); what follows is a column, or a field of the received
payload. Without = both are called the same.

The password of a database comes from its address or from PGPASSWORD.

Exit codes: 0 all checks hold, 1 one does not, 2 bad input. docs/verify.md has more.")]
pub(super) struct Arguments {
    /// Where the log is: a folder, or s3://bucket/prefix.
    #[arg(value_name = "LOG", value_parser = Store::parse)]
    log: Store,
    /// What was received: a file, a folder or a pattern of Parquet, CSV or JSON lines; or
    /// postgres://user@host/database, with --query.
    #[arg(long, value_name = "FILE|URL")]
    received: String,
    /// What to ask the database.
    #[arg(long, value_name = "SQL")]
    query: Option<String>,
    /// The run of the log [default: its newest].
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Only messages of this channel. Can be given many times.
    #[arg(long, value_name = "NAME")]
    channel: Vec<String>,
    /// What a message is known by: device=COLUMN,FIELD=COLUMN [default: guessed].
    #[arg(long, value_name = "OURS=THEIRS", value_delimiter = ',', value_parser = Pair::parse)]
    key: Vec<Pair>,
    /// Know messages by their payload, and their device or topic if that was received too.
    #[arg(long, value_name = "WHAT", value_parser = ["payload"], conflicts_with = "key")]
    by: Option<String>,
    /// The column of the received payload [default: guessed].
    #[arg(long, value_name = "COLUMN")]
    payload: Option<String>,
    /// The column of the moment of arrival [default: guessed].
    #[arg(long, value_name = "COLUMN")]
    received_at: Option<String>,
    /// A message that arrives more than this after it was sent is late.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = mockfleet_config::parse_duration)]
    late: Duration,
    /// What may be wrong: missing, doubled, late, altered, out-of-order or unknown, ==, <=
    /// or <, and a number or a share of the messages. Can be given many times [default:
    /// all but unknown == 0].
    #[arg(long, value_name = "CHECK", value_parser = FindingCheck::parse)]
    check: Vec<FindingCheck>,
    /// The fleet file whose [checks] say, under `received`, what may be wrong.
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    fleet: Option<PathBuf>,
    /// Print one JSON object instead.
    #[arg(long)]
    json: bool,
}

pub(super) fn verify(arguments: &Arguments) -> Result<Ending, Failure> {
    let bounds = bounds(arguments)?;
    let by = match (&arguments.by, arguments.key.as_slice()) {
        (Some(_), _) => KeyChoice::Payload,
        (None, []) => KeyChoice::Guess,
        (None, pairs) => KeyChoice::Pairs(pairs.to_vec()),
    };
    let ask = VerifyOptions {
        log: arguments.log.clone(),
        run: arguments.run.clone(),
        channels: arguments.channel.clone(),
        received: arguments.received.clone(),
        query: arguments.query.clone(),
        by,
        payload: arguments.payload.clone(),
        received_at: arguments.received_at.clone(),
        late: arguments.late,
    };
    let mut work = Work::new();
    let findings = compare(&ask, &mut |progress| {
        work.show(progress.doing, progress.done, progress.of);
    });
    work.done();
    let findings = findings?;
    if arguments.json {
        say!("{}", json::object(&findings, &bounds, arguments.late));
    } else {
        say!("{}", text::text(&findings, &bounds, arguments.late));
    }
    if bounds.iter().all(|bound| bound.passes(&findings)) {
        Ok(Ending::Done)
    } else {
        Ok(Ending::Failed)
    }
}

/// What may be wrong: as the command line says, or the fleet file, or nothing.
fn bounds(arguments: &Arguments) -> Result<Vec<FindingCheck>, Problems> {
    let Some(file) = &arguments.fleet else {
        return Ok(match arguments.check.as_slice() {
            [] => FindingCheck::defaults(),
            checks => checks.to_vec(),
        });
    };
    let checks = given::read(file, &[])?.plan.checks.received;
    if checks.is_empty() {
        let mut problems = Problems::default();
        problems.push(Problem {
            place: "--fleet".into(),
            text: format!(
                "{} does not say what may be wrong; add received = [\"missing == 0\"] under [checks]",
                file.display()
            ),
        });
        return Err(problems);
    }
    Ok(checks.into_iter().map(FindingCheck::new).collect())
}
