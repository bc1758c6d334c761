//! Runs `mockfleet try` once, or after each change.

use std::io::{IsTerminal, Write};
use std::path::Path;

use crate::cli::author::try_plugin::arguments::Arguments;
use crate::cli::author::try_plugin::devices::TriedDevices;
use crate::cli::author::try_plugin::options::TryOptions;
use crate::cli::author::try_plugin::output::messages::MessageOutput;
use crate::cli::author::try_plugin::simulation::Simulation;
use crate::cli::author::try_plugin::{memory_probe, watch};
use crate::cli::support::engine::engine;
use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::exit::refused;
use crate::cli::ui::guest_output::GuestOutput;
use crate::cli::ui::out::{coloured, err, err_json, line};
use mockfleet_config::Problems;
use mockfleet_files::atomic_write;
use mockfleet_metrics::{agree, count};
use mockfleet_plugin::Engine;
use mockfleet_report::Plot;

pub(crate) fn try_plugin(arguments: &Arguments) -> Result<Ending, Failure> {
    let engine = engine()?;
    if arguments.watch {
        return watch::repeat(arguments, &engine, || once(arguments, &engine));
    }
    once(arguments, &engine)
}

fn once(arguments: &Arguments, engine: &Engine) -> Result<Ending, Failure> {
    let printed = GuestOutput::new();
    let options = TryOptions::parse(arguments);
    let devices = TriedDevices::create(arguments, engine, &printed);
    let (options, devices) = both(options, devices)?;
    options.schemas.check_channels(&devices.channels())?;
    devices.check_received(&options.timed_events)?;
    let mut trial = Simulation::new(&devices, &printed)?;
    let mut output = MessageOutput::new(arguments.json, &devices, &options);
    let outcome = trial.run(&options, &mut output);
    let plotted = write_plots(arguments, &mut output);
    output.print_schema_result();
    let faults = trial.findings.faults(devices.deadline());
    let hint = trial.findings.hint(devices.listens());
    faults.iter().chain(&hint).for_each(|line| err!("{line}"));
    let memory = match outcome {
        Ok(()) => memory_probe::measure(&devices),
        Err(_) => None,
    };
    let costs = trial.costs.with(memory, devices.every());
    match arguments.json {
        true => err_json!("{}", costs.object()),
        false => costs.words().iter().for_each(|line| err!("{line}")),
    }
    outcome.map_err(|why| anyhow::anyhow!("{why}"))?;
    plotted?;
    Ok(match (output.unfit(), faults) {
        (0, None) => Ending::Done,
        _ => Ending::Failed,
    })
}

/// Returns both values, or the problems of both.
fn both<A, B>(first: Result<A, Problems>, second: Result<B, Failure>) -> Result<(A, B), Failure> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (Err(mut problems), Err(Failure::Input(more))) => {
            more.into_iter().for_each(|problem| problems.push(problem));
            Err(problems.into())
        }
        (Err(problems), _) => Err(problems.into()),
        (Ok(_), Err(failure)) => Err(failure),
    }
}

/// Writes the plots to a file, or to standard output.
fn write_plots(arguments: &Arguments, output: &mut MessageOutput<'_>) -> Result<(), Failure> {
    if arguments.plot.is_empty() {
        return Ok(());
    }
    let (plots, left_out) = output.plots()?;
    if left_out > 0 {
        err!(
            "--plot: {} more {} not drawn; {} can be told apart",
            count(left_out),
            agree(left_out, "line is", "lines are"),
            mockfleet_report::MAX_LINES
        );
    }
    if let Some(file) = &arguments.output {
        write(file, &mockfleet_report::svg(&plots))?;
        err!("{} written", file.display());
        return Ok(());
    }
    for plot in &plots {
        match arguments.json {
            // With --json, standard output has only the messages.
            true => print_plot(plot, std::io::stderr()),
            false => print_plot(plot, std::io::stdout()),
        }
    }
    Ok(())
}

fn print_plot(plot: &Plot, to: impl IsTerminal + Write) {
    match has_colours(&to) {
        true => coloured(to, &mockfleet_report::terminal(plot, true)),
        false => line(
            to,
            format_args!("{}", mockfleet_report::terminal(plot, false)),
        ),
    }
}

/// Returns whether the output supports colours (no-color.org).
fn has_colours(out: &impl IsTerminal) -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    out.is_terminal() && !unwanted
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    atomic_write::write(file, text.as_bytes()).map_err(|error| {
        let text = format!(
            "{} cannot be written: {error}; give a file in a folder that is there",
            file.display()
        );
        refused("--output", text)
    })
}
