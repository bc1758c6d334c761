//! `mockfleet bundle`: packs a fleet into one file.

use std::path::{Path, PathBuf};

use crate::cli::support::engine::engine;
use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::exit::refused;
use crate::cli::support::input::FleetInput;
use crate::cli::ui::guest_output::GuestOutput;
use crate::cli::ui::out::err;
use crate::cli::ui::out::out_line;
use mockfleet_bundle::{Plugin, is_bundle, pack};
use mockfleet_config::{Fleet, Problems};
use mockfleet_engine::components;
use mockfleet_files::atomic_write;
use mockfleet_files::bounded_read::{self, MAX_BUNDLE, MAX_TEXT};
use mockfleet_metrics::{bytes, plural};

/// Packs a fleet file with its plugins, data files and CA certificates into one file, which
/// `mockfleet run` takes anywhere.
///
/// The same input gives the same bytes. Private keys stay out, and values of `${NAME}` come from
/// the environment of the run. Built-in plugins are packed too, so that a later mockfleet runs the
/// same.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet bundle fleet.toml
  mockfleet bundle fleet.toml -o warehouse.bundle
  mockfleet inspect warehouse.bundle
  mockfleet run warehouse.bundle --set targets.broker.url=mqtt://10.0.0.5

It is a ZIP archive: `unzip` makes a folder of it whose fleet file runs as well.")]
pub(crate) struct Arguments {
    /// The fleet file.
    file: PathBuf,
    /// The bundle [default: the fleet file's name with .bundle, where you are].
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn bundle(arguments: &Arguments) -> Result<Ending, Failure> {
    let file = &arguments.file;
    if !matches!(FleetInput::find(file)?, FleetInput::Fleet) {
        let text = "a fleet file of this machine is wanted; this is packed or fetched already";
        return Err(refused(&file.display().to_string(), text.into()));
    }
    let output = arguments.output.clone().unwrap_or_else(|| {
        let stem = file.file_stem().unwrap_or(file.as_os_str());
        Path::new(stem).with_extension("bundle")
    });
    check_output(&output)?;
    let fleet = Fleet::read(file, &[]).map_err(Problems::from)?;
    let shown = fleet.shown().to_owned();
    let text = bounded_read::read_text(file, MAX_TEXT)
        .map_err(|error| refused(&shown, format!("the fleet file cannot be read: {error}; give the path of a fleet file, such as fleet.toml")))?;
    let printed = GuestOutput::new();
    let found = components(&fleet, &engine()?, &printed.console());
    printed.take().iter().for_each(|line| err!("{line}"));
    let found = found?;
    let contracts = found.iter().map(|(plugin, ..)| plugin.contract());
    let contract = contracts.max().map(|latest| latest.to_string());
    let plugins: Vec<Plugin> = found
        .into_iter()
        .map(|(plugin, from, bytes)| Plugin {
            from,
            name: plugin.name().to_owned(),
            inputs: plugin.inputs().map(str::to_owned),
            bytes,
        })
        .collect();
    for place in open_secrets(&fleet, &text) {
        err!(
            "warning: {shown}:{place}: the file has a secret, which every reader of the bundle can see; write ${{NAME}}, and it comes from the environment where the bundle runs"
        );
    }
    let (manifest, archive) = pack(&fleet, &text, &plugins, &contract.unwrap_or_default())?;
    atomic_write::write(&output, &archive).map_err(|error| {
        refused(
            "--output",
            format!(
                "{} cannot be written: {error}; give a file in a folder that is there",
                output.display()
            ),
        )
    })?;
    for part in &manifest.parts {
        out_line!(
            "{:<11} {:>10}  {}{}",
            part.kind.name(),
            bytes(part.size),
            part.path,
            part.plugin
                .as_ref()
                .map(|name| format!("  ({name})"))
                .unwrap_or_default()
        );
    }
    let size = u64::try_from(archive.len()).unwrap_or(u64::MAX);
    out_line!(
        "{}: {}, {}, sha256 {}",
        output.display(),
        plural(manifest.parts.len(), "part"),
        bytes(size),
        mockfleet_files::sha256::hex(&archive)
    );
    Ok(Ending::Done)
}

/// Checks that the output is a new file, or replaces a bundle.
fn check_output(output: &Path) -> Result<(), Problems> {
    let shown = output.display();
    if output.is_dir() {
        let text = format!("{shown} is a folder; name a file, such as {shown}/fleet.bundle");
        return Err(Problems::one("--output", text));
    }
    match bounded_read::read(output, MAX_BUNDLE) {
        Ok(there) if !is_bundle(&there) => Err(Problems::one(
            "--output",
            format!("{shown} is there and no bundle, and is not written over; name another file"),
        )),
        _ => Ok(()),
    }
}

/// Returns the numbers of the lines that contain a secret.
fn open_secrets(fleet: &Fleet, text: &str) -> Vec<usize> {
    let lines = text.lines().zip(fleet.source.lines()).enumerate();
    lines
        .filter(|(_, (there, shown))| there != shown)
        .map(|(number, _)| number + 1)
        .collect()
}
