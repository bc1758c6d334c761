//! `mockfleet plan`: what a fleet will send and what its log will cost, before it runs.

mod json;
mod text;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use super::console::Printed;
use super::given;
use super::run::{Over, engine};
use super::{Ending, Failure};
use crate::cli::print::{say, tell};
use crate::forecast::bill::{MONTH_HOURS, Terms};
use crate::forecast::{Forecast, forecast};
use mockfleet_config::{Fleet, InvalidConfig, Prices, Problems, Rate, TickRate};
use mockfleet_engine::{Rehearsing, rehearse};

/// Forecasts a fleet before anything runs: messages, files and bytes of its log an
/// hour, and what a month of that costs on S3, beside what the same rows would cost in
/// DynamoDB or in Kinesis and CloudWatch Logs.
///
/// Some devices of each group live for some minutes on a virtual clock, and what they
/// say is encoded as the send log would. No broker, server or store is contacted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet plan fleet.toml
  mockfleet plan fleet.toml --keep 30d --hours 100
  mockfleet plan fleet.toml --set groups.thermometer.count=100000
  mockfleet plan fleet.toml --rate 500/s            # for groups with rate = \"max\"
  mockfleet plan --show-prices > prices.toml; mockfleet plan fleet.toml --prices prices.toml
  mockfleet plan fleet.toml --json | python3 -m json.tool

docs/plan.md says how each figure is computed, and what it leaves out.")]
pub(super) struct Arguments {
    /// The fleet file.
    #[arg(required_unless_present = "show_prices")]
    file: Option<PathBuf>,
    #[command(flatten)]
    over: Over,
    /// Devices of each group that are rehearsed.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    sample: u32,
    /// Virtual time for which they are; three intervals of a group if those are longer.
    #[arg(long = "for", value_name = "TIME", default_value = "5m", value_parser = time)]
    time: Duration,
    /// Ticks a second of each device of groups with rate = "max", such as 100/s.
    #[arg(long, value_name = "RATE", value_parser = Rate::parse)]
    rate: Option<Rate>,
    /// How long rows are kept, such as 30d [default: what keep in [log] says, or for ever].
    #[arg(long, value_name = "TIME", value_parser = time)]
    keep: Option<Duration>,
    /// Hours of a month in which the fleet runs [default: all 730].
    #[arg(long, value_name = "N", value_parser = hours)]
    hours: Option<f64>,
    /// A file with prices that take the place of the built-in ones.
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Print the built-in table of prices, with dates and sources, and do nothing else.
    #[arg(long)]
    show_prices: bool,
    /// Print one JSON object instead.
    #[arg(long)]
    json: bool,
}

fn time(text: &str) -> Result<Duration, String> {
    let bounds = Duration::from_millis(1)..=Duration::from_secs(10 * 366 * 86_400);
    let time = mockfleet_config::parse_duration(text)?;
    if bounds.contains(&time) {
        Ok(time)
    } else {
        Err("it is out of range; it lies between 1ms and 10 years".into())
    }
}

fn hours(text: &str) -> Result<f64, String> {
    let hours: Option<f64> = text.parse().ok();
    hours
        .filter(|hours| (0.0..=MONTH_HOURS).contains(hours) && *hours > 0.0)
        .ok_or_else(|| "a month has more than 0 and up to 730 hours".into())
}

/// The months whose bills are shown: the first, and one in which a log that is kept has
/// grown.
const MONTHS: [u32; 2] = [1, 12];

/// Everything that is printed.
struct Planned {
    fleet: Fleet,
    forecast: Forecast,
    prices: Prices,
    terms: Terms,
    /// What was assumed of groups with rate = "max", and which these are.
    assumed: Option<(Rate, Vec<String>)>,
}

pub(super) fn plan(arguments: &Arguments) -> Result<Ending, Failure> {
    if arguments.show_prices {
        print!("{}", mockfleet_config::BUILTIN_PRICES);
        return Ok(Ending::Done);
    }
    let file = arguments
        .file
        .as_deref()
        .context("a fleet file is wanted")?;
    let mut problems = Problems::default();
    let mut prices = Prices::builtin()?;
    if let Some(own) = &arguments.prices {
        match Prices::read(own, &prices) {
            Ok(own) => prices = own,
            Err(wrong) => wrong.into_iter().for_each(|problem| problems.push(problem)),
        }
    }
    let (mut fleet, whole) = match given::read(file, &arguments.over.overrides()?) {
        Ok(fleet) => (fleet, true),
        Err(refused) => {
            let InvalidConfig {
                problems: wrong,
                rest,
            } = refused;
            wrong.into_iter().for_each(|problem| problems.push(problem));
            match rest {
                // What is good in it is rehearsed all the same, so that all is said.
                Some(rest) => (*rest, false),
                None => return Err(problems.into()),
            }
        }
    };
    let assumed = arguments.rate.map(|rate| (rate, assume(&mut fleet, rate)));
    if assumed
        .as_ref()
        .is_some_and(|(_, groups)| groups.is_empty())
    {
        tell!("no group has rate = \"max\"; --rate changes nothing");
    }
    let printed = Printed::new();
    let how = Rehearsing {
        devices: arguments.sample,
        time: arguments.time,
    };
    let rehearsal = rehearse(&fleet, &engine()?, &printed.console(), how);
    printed.take().iter().for_each(|line| tell!("{line}"));
    let rehearsal = match rehearsal {
        Ok(rehearsal) if whole && problems.is_empty() => rehearsal,
        Ok(_) => return Err(problems.into()),
        Err(more) => {
            more.into_iter().for_each(|problem| problems.push(problem));
            return Err(problems.into());
        }
    };
    let forecast =
        forecast(&fleet.plan, &rehearsal).map_err(|error| Failure::Other(error.into()))?;
    let keep = arguments.keep.or(fleet.plan.log.retention);
    let planned = Planned {
        fleet,
        forecast,
        prices,
        terms: Terms {
            hours: arguments.hours.unwrap_or(MONTH_HOURS),
            keep,
        },
        assumed: assumed.filter(|(_, groups)| !groups.is_empty()),
    };
    if arguments.json {
        say!("{}", json::object(&planned));
    } else {
        say!("{}", text::text(&planned));
    }
    Ok(Ending::Done)
}

/// Gives groups that go as fast as they can a rate; says which they are.
fn assume(fleet: &mut Fleet, rate: Rate) -> Vec<String> {
    let groups = fleet.plan.groups.iter_mut();
    let flat_out = groups.filter(|group| group.schedule.tick_rate == TickRate::FlatOut);
    flat_out
        .map(|group| {
            group.schedule.tick_rate = TickRate::Every(rate.interval());
            group.name.clone()
        })
        .collect()
}
