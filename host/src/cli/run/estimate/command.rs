//! `mockfleet estimate`: forecasts messages and cost of a fleet.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use crate::cli::run::estimate::result::Estimate;
use crate::cli::run::estimate::{json, text};
use crate::cli::support::engine::engine;
use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::input;
use crate::cli::support::overrides::RunOverrides;
use crate::cli::ui::guest_output::GuestOutput;
use crate::cli::ui::out::err;
use crate::cli::ui::out::out;
use crate::cli::ui::out::out_json;
use crate::forecast::bill::{BillingTerms, MONTH_HOURS};
use crate::forecast::hourly::forecast;
use mockfleet_config::{Fleet, InvalidConfig, Prices, Problems, Rate, TickRate};
use mockfleet_engine::{DryRunOptions, dry_run};

/// Forecasts a fleet before it runs: messages, files and bytes of its log an hour, and the
/// monthly cost on S3, in DynamoDB, and in Kinesis with CloudWatch Logs.
///
/// Some devices of each group run for some minutes on a virtual clock, and their messages are
/// encoded as in the send log. No broker, server or store is contacted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet estimate fleet.toml
  mockfleet estimate fleet.toml --retention 30d --hours 100
  mockfleet estimate fleet.toml --set groups.thermometer.count=100000
  mockfleet estimate fleet.toml --rate 500/s            # for groups with rate = \"max\"
  mockfleet estimate --show-prices > prices.toml; mockfleet estimate fleet.toml --prices prices.toml
  mockfleet estimate fleet.toml --json | python3 -m json.tool

docs/estimate.md has the formula of each figure, and the costs that are left out.")]
pub(crate) struct Arguments {
    /// The fleet file.
    #[arg(required_unless_present = "show_prices")]
    file: Option<PathBuf>,
    #[command(flatten)]
    over: RunOverrides,
    /// Devices of each group in the dry run.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    sample: u32,
    /// Virtual time of the dry run; three intervals of a group if those are longer.
    #[arg(long = "for", value_name = "TIME", default_value = "5m", value_parser = time)]
    time: Duration,
    /// Ticks a second of each device of groups with rate = "max", such as 100/s.
    #[arg(long, value_name = "RATE", value_parser = Rate::parse)]
    rate: Option<Rate>,
    /// Time that rows are kept, such as 30d [default: retention of [log], or for ever].
    #[arg(long, value_name = "TIME", value_parser = time)]
    retention: Option<Duration>,
    /// Hours of a month in which the fleet runs [default: all 730].
    #[arg(long, value_name = "N", value_parser = hours)]
    hours: Option<f64>,
    /// A file with prices that replace the built-in ones.
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
        Err("the time is out of range; give 1ms to 10 years".into())
    }
}

fn hours(text: &str) -> Result<f64, String> {
    let hours: Option<f64> = text.parse().ok();
    hours
        .filter(|hours| (0.0..=MONTH_HOURS).contains(hours) && *hours > 0.0)
        .ok_or_else(|| "a month has more than 0 and up to 730 hours".into())
}

pub(crate) fn estimate(arguments: &Arguments) -> Result<Ending, Failure> {
    if arguments.show_prices {
        print!("{}", mockfleet_config::BUILTIN_PRICES);
        return Ok(Ending::Done);
    }
    let file = arguments
        .file
        .as_deref()
        .context("no fleet file was given; name one, such as fleet.toml")?;
    let mut problems = Problems::default();
    let mut prices = Prices::builtin()?;
    if let Some(own) = &arguments.prices {
        match Prices::read(own, &prices) {
            Ok(own) => prices = own,
            Err(wrong) => wrong.into_iter().for_each(|problem| problems.push(problem)),
        }
    }
    let (mut fleet, whole) = match input::read(file, &arguments.over.overrides()?) {
        Ok(fleet) => (fleet, true),
        Err(refused) => {
            let InvalidConfig {
                problems: wrong,
                rest,
            } = refused;
            wrong.into_iter().for_each(|problem| problems.push(problem));
            match rest {
                // Run the valid rest too, so that all problems are reported.
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
        err!("no group has rate = \"max\"; --rate changes nothing");
    }
    let printed = GuestOutput::new();
    let how = DryRunOptions::default()
        .with_devices(arguments.sample)
        .with_time(arguments.time);
    let rehearsal = dry_run(&fleet, &engine()?, &printed.console(), how);
    printed.take().iter().for_each(|line| err!("{line}"));
    let rehearsal = match rehearsal {
        Ok(rehearsal) if whole && problems.is_empty() => rehearsal,
        Ok(_) => return Err(problems.into()),
        Err(more) => {
            more.into_iter().for_each(|problem| problems.push(problem));
            return Err(problems.into());
        }
    };
    // The text of the error has its causes: a source would be printed twice.
    let forecast = forecast(&fleet.plan, &rehearsal).map_err(anyhow::Error::msg)?;
    let retention = arguments.retention.or(fleet.plan.log.retention);
    let estimate = Estimate {
        fleet,
        forecast,
        prices,
        terms: BillingTerms {
            hours: arguments.hours.unwrap_or(MONTH_HOURS),
            retention,
        },
        assumed: assumed.filter(|(_, groups)| !groups.is_empty()),
    };
    if arguments.json {
        out_json!("{}", json::object(&estimate));
    } else {
        out!("{}", text::text(&estimate));
    }
    Ok(Ending::Done)
}

/// Sets a rate for groups that run flat out, and returns their names.
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
