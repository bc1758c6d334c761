//! `mockfleet inspect`: shows a bundle without running it.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::exit::refused;
use crate::cli::support::input::FleetInput;
use crate::cli::support::input::environment;
use crate::cli::ui::out::out;
use crate::cli::ui::out::out_json;
use mockfleet_bundle::Bundle;
use mockfleet_config::{Plan, Problems, Store, TickRate, format_duration};
use mockfleet_files::foreign_text::for_line;
use mockfleet_metrics::{bytes, plural};

/// Shows the content of a bundle: its parts with their digests, its groups and targets, and the
/// environment variables that it reads. Runs nothing of it.
///
/// Every part is compared with the SHA-256 in the manifest; a bundle that was cut or altered
/// is refused.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet inspect warehouse.bundle
  mockfleet inspect https://example.com/warehouse.bundle#sha256=…
  mockfleet inspect s3://bucket/warehouse.bundle --json")]
pub(crate) struct Arguments {
    /// A bundle, or its address: https://… or s3://…, with #sha256=… pinned to its content.
    file: PathBuf,
    /// Print one JSON object instead.
    #[arg(long)]
    json: bool,
}

pub(crate) fn inspect(arguments: &Arguments) -> Result<Ending, Failure> {
    let bundle = match FleetInput::find(&arguments.file)? {
        FleetInput::Bundle(bundle) => bundle,
        FleetInput::Fleet | FleetInput::Fetched(..) => {
            let file = arguments.file.display().to_string();
            let why = match std::fs::metadata(&arguments.file) {
                Err(error) if !file.contains("://") => {
                    format!(
                        "the bundle cannot be read: {error}; give the path of a file that `mockfleet bundle` made"
                    )
                }
                _ => format!(
                    "this is no bundle; `mockfleet bundle` makes one of a fleet file, `mockfleet check {file}` looks at a fleet file, `mockfleet describe {file}` at a plugin"
                ),
            };
            return Err(refused(&file, why));
        }
    };
    let (plan, problems) = match bundle.fleet(&[]) {
        Ok(fleet) => (Some(fleet.plan), Problems::default()),
        Err(refused) => (refused.rest.map(|fleet| fleet.plan), refused.problems),
    };
    let facts = Facts {
        bundle: &bundle,
        plan: plan.as_ref(),
        problems: problems
            .into_iter()
            .map(|problem| problem.to_string())
            .collect(),
    };
    match arguments.json {
        true => out_json!("{}", facts.object()),
        false => out!("{}", facts.text()),
    }
    Ok(Ending::Done)
}

struct Facts<'a> {
    bundle: &'a Bundle,
    plan: Option<&'a Plan>,
    /// Problems for which the bundle does not run here.
    problems: Vec<String>,
}

impl Facts<'_> {
    fn text(&self) -> String {
        let manifest = self.bundle.manifest();
        let mut lines = vec![
            format!(
                "{}: packed by mockfleet {} for {}",
                self.bundle.shown(),
                manifest.mockfleet,
                manifest.contract
            ),
            format!("sha256       {}", self.bundle.digest()),
        ];
        for part in &manifest.parts {
            lines.push(format!(
                "{:<11}  {}  {:>10}  {}{}",
                part.kind.name(),
                part.sha256.get(..16).unwrap_or_default(),
                bytes(part.size),
                part.path,
                part.plugin
                    .as_ref()
                    .map(|name| format!("  ({name})"))
                    .unwrap_or_default()
            ));
        }
        for part in &manifest.parts {
            if let Some(inputs) = &part.inputs {
                lines.push(format!("inputs       {inputs}  {}", part.path));
            }
        }
        if let Some(plan) = self.plan {
            lines.extend(groups(plan).map(|(name, count_of, pace, target)| {
                format!(
                    "group        {name}: {}, {pace}, to {target}",
                    plural(count_of, "device")
                )
            }));
            lines.push(format!("log          {}", log(plan)));
        }
        let names = environment(self.bundle);
        if !names.is_empty() {
            lines.push(format!("environment  {}", names.join(", ")));
        }
        lines.push("Each part is what the manifest says.".into());
        if !self.problems.is_empty() {
            lines.push("It does not run here as it stands:".into());
            lines.extend(self.problems.iter().map(|problem| format!("  {problem}")));
        }
        let lines: Vec<_> = lines.iter().map(|line| for_line(line)).collect();
        lines.join("\n")
    }

    fn object(&self) -> Value {
        let groups: Vec<Value> = self
            .plan
            .into_iter()
            .flat_map(groups)
            .map(|(name, count, pace, target)| {
                json!({ "name": name, "devices": count, "pace": pace, "target": target })
            })
            .collect();
        json!({
            "bundle": self.bundle.shown(),
            "sha256": self.bundle.digest(),
            "manifest": self.bundle.manifest(),
            "fleet": self.plan.map(|plan| &plan.name),
            "groups": groups,
            "log": self.plan.map(log),
            "environment": environment(self.bundle),
            "problems": self.problems,
        })
    }
}

/// Returns name, devices, pace and target address of each group.
fn groups(plan: &Plan) -> impl Iterator<Item = (&str, u32, String, &str)> {
    plan.groups.iter().map(|group| {
        let pace = match group.schedule.tick_rate {
            TickRate::Every(length) => format!("each every {}", format_duration(length)),
            TickRate::FlatOut => "as fast as it goes".into(),
        };
        let target = plan.targets.get(group.target);
        let target = target.map_or("nowhere", |target| target.address.shown.as_str());
        (group.name.as_str(), group.count, pace, target)
    })
}

fn log(plan: &Plan) -> String {
    match &plan.log.store {
        None => "none".into(),
        Some(Store::Folder(folder)) => folder.display().to_string(),
        Some(Store::S3 { bucket, prefix }) => format!("s3://{bucket}/{prefix}"),
    }
}
