//! `mockfleet verify`: compares a log with received messages.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::run::verify::{json, text};
use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::input;
use crate::cli::support::log_location::require_log;
use crate::cli::ui::out::out;
use crate::cli::ui::out::out_json;
use crate::cli::ui::progress_bar::WorkProgress;
use mockfleet_config::{Problem, Problems, ReceivedCheck, Store};
use mockfleet_verify::{
    CheckVerdict, FindingCheck, Findings, KeyChoice, Pair, VerifyOptions, verify as compare,
};

/// Compares a send log with a backend's data: which messages are missing, doubled, late,
/// altered or out of order. Messages that their outcome or an injected fault explains are
/// separate.
///
/// A message is identified by a key that both sides have: its device, and a field of its
/// payload that differs in each message. The key is guessed from the columns and printed;
/// --key sets it. Nothing is changed on either side.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet verify mockfleet-logs --received received.jsonl
  mockfleet verify mockfleet-logs --received 'export/*.parquet' --key device=device_id,seq=seq
  mockfleet verify s3://bucket/logs --run 01M8835DCGFEHSEP2HFFMX1S1Y \\
    --received postgres://app@127.0.0.1/iot --query 'SELECT device, payload, received_at FROM telemetry'
  mockfleet verify mockfleet-logs --received received.csv --by payload --check 'missing <= 0.1%'

In --key, the left of = is device, topic, channel or group of the log, or a field of its
payload (seq, meta.n, /meta/n). The right is a column, or a field of the received payload.
Without =, both have the same name.

The password of a database comes from its address or from PGPASSWORD.

Exit codes: 0 all checks hold, 1 one does not, 2 bad input, or a check that cannot be told.
docs/verify.md has more.")]
pub(crate) struct Arguments {
    /// The log: a folder, or s3://bucket/prefix.
    #[arg(value_name = "LOG", value_parser = Store::parse)]
    log: Store,
    /// The received messages: a file, a folder or a pattern of Parquet, CSV or JSON lines; or
    /// postgres://user@host/database, with --query.
    #[arg(long, value_name = "FILE|URL")]
    received: String,
    /// The query of the database.
    #[arg(long, value_name = "SQL")]
    query: Option<String>,
    /// The run of the log [default: the newest].
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Only messages of this channel. Repeatable.
    #[arg(long, value_name = "NAME")]
    channel: Vec<String>,
    /// The values that identify a message: device=COLUMN,FIELD=COLUMN [default: guessed].
    #[arg(long, value_name = "SENT=RECEIVED", value_delimiter = ',', value_parser = Pair::parse)]
    key: Vec<Pair>,
    /// Identify messages by their payload, and by device or topic if those were received.
    #[arg(long, value_name = "KIND", value_parser = ["payload"], conflicts_with = "key")]
    by: Option<String>,
    /// The column of the received payload [default: guessed].
    #[arg(long, value_name = "COLUMN")]
    payload: Option<String>,
    /// The column of the time of arrival [default: guessed].
    #[arg(long, value_name = "COLUMN")]
    received_at: Option<String>,
    /// A message that arrives more than this after it was sent is late.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = mockfleet_config::parse_duration)]
    late: Duration,
    /// Maximum of a kind of finding: missing, doubled, late, altered, out-of-order or unknown,
    /// then ==, <= or <, then a number or a share of the messages. Repeatable [default: == 0 for
    /// all but unknown, as far as they can be told].
    #[arg(long, value_name = "CHECK", value_parser = FindingCheck::parse)]
    check: Vec<FindingCheck>,
    /// Take the checks from `received` in [checks] of this fleet file.
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    fleet: Option<PathBuf>,
    /// Print one JSON object instead.
    #[arg(long)]
    json: bool,
}

pub(crate) fn verify(arguments: &Arguments) -> Result<Ending, Failure> {
    let placed = bounds(arguments)?;
    require_log("LOG", &arguments.log)?;
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
    let mut work = WorkProgress::new();
    let findings = compare(&ask, &mut |progress| {
        work.show(progress.doing, progress.done, progress.of);
    });
    work.done();
    let findings = findings?;
    refuse_unknown(arguments, &placed, &findings)?;
    let bounds: Vec<FindingCheck> = placed.into_iter().map(|placed| placed.check).collect();
    if arguments.json {
        out_json!("{}", json::object(&findings, &bounds, arguments.late));
    } else {
        out!("{}", text::text(&findings, &bounds, arguments.late));
    }
    let failed = |bound: &FindingCheck| bound.verdict(&findings) == CheckVerdict::Failed;
    if bounds.iter().any(failed) {
        Ok(Ending::Failed)
    } else {
        Ok(Ending::Done)
    }
}

/// Refuses checks of the user that cannot be told. Default checks are made as far as the input
/// allows it.
///
/// # Errors
/// Each such check, with the reason and the way out.
fn refuse_unknown(
    arguments: &Arguments,
    bounds: &[PlacedCheck],
    findings: &Findings,
) -> Result<(), Problems> {
    if arguments.fleet.is_none() && arguments.check.is_empty() {
        return Ok(());
    }
    let mut problems = Problems::default();
    for PlacedCheck {
        place,
        check: bound,
    } in bounds
    {
        if bound.verdict(findings) == CheckVerdict::Unknown {
            problems.push(Problem {
                place: place.clone(),
                text: format!(
                    "{}{:?} cannot be told: {}",
                    match arguments.fleet {
                        Some(_) => "received in [checks]: ",
                        None => "",
                    },
                    bound.text(),
                    findings.why_undecided(bound.kind()).join("; ")
                ),
            });
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

/// A check with the place of its problems.
struct PlacedCheck {
    /// The option, or the line of the fleet file.
    place: String,
    check: FindingCheck,
}

/// Returns the checks of the command line, of the fleet file, or the default ones.
fn bounds(arguments: &Arguments) -> Result<Vec<PlacedCheck>, Problems> {
    let Some(file) = &arguments.fleet else {
        let checks = match arguments.check.as_slice() {
            [] => FindingCheck::defaults(),
            checks => checks.to_vec(),
        };
        let of_option = |check| PlacedCheck {
            place: "--check".into(),
            check,
        };
        return Ok(checks.into_iter().map(of_option).collect());
    };
    let fleet = input::read(file, &[])?;
    let checks = &fleet.plan.checks.received;
    if checks.is_empty() {
        return Err(Problems::one(
            fleet.place(&["checks"]),
            "the fleet file has no checks of received messages; add received = [\"missing == 0\"] under [checks], or leave --fleet out",
        ));
    }
    let of_line = |(number, check): (usize, &ReceivedCheck)| PlacedCheck {
        place: fleet.place(&["checks", "received", &number.to_string()]),
        check: FindingCheck::new(check.clone()),
    };
    Ok(checks.iter().enumerate().map(of_line).collect())
}
