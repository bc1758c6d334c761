//! Stores the metadata of a run in its log.
//!
//! The metadata has the fleet file as it was written, the command line, the seed and versions.
//! It has the summary at the end. It contains no secret and no value of the environment.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::cli::ui::out::err;
use mockfleet_config::{Clock, Fleet, Speed, Store, redact_argument};
use mockfleet_engine::{Prepared, Running};
use mockfleet_metrics::Summary;
use mockfleet_sendlog::Identity;

/// The metadata of a run that writes a log.
pub(crate) struct RunMetadata {
    store: Store,
    identity: Identity,
    about: Value,
}

impl RunMetadata {
    /// Stores the metadata of the start; `None` if no log is written. `checks` are those of the
    /// command line.
    pub(crate) fn begin(
        fleet: &Fleet,
        prepared: &Prepared,
        command: &str,
        sends: bool,
        checks: &[String],
    ) -> Option<Self> {
        let note = Self {
            store: fleet.plan.log.store.clone()?,
            identity: prepared.identity().clone(),
            about: about(fleet, prepared, command, sends, checks),
        };
        note.write();
        Some(note)
    }

    /// Stores the metadata of the start of a replay.
    pub(crate) fn of_replay(fleet: &Fleet, running: &Running) -> Option<Self> {
        let words = std::env::args().skip(1);
        let again: Vec<String> = words.map(|word| redact_argument(&word)).collect();
        let note = Self {
            store: fleet.plan.log.store.clone()?,
            identity: running.identity().clone(),
            about: json!({
                "mockfleet": env!("CARGO_PKG_VERSION"),
                "fleet": fleet.plan.name,
                "devices": running.devices(),
                "workers": running.workers(),
                "started": now(),
                "ended": null,
                "command": "replay",
                "arguments": again,
                "sends": true,
                "summary": null,
            }),
        };
        note.write();
        Some(note)
    }

    /// Stores the metadata of the end.
    pub(crate) fn end(mut self, summary: &Summary, interrupted: bool) {
        if let Some(about) = self.about.as_object_mut() {
            about.insert("ended".into(), now().into());
            about.insert("interrupted".into(), interrupted.into());
            about.insert("success".into(), summary.is_success().into());
            about.insert("summary".into(), summary.json());
        }
        self.write();
    }

    /// Writes the metadata. An error is a warning, since the rows matter more.
    fn write(&self) {
        if let Err(error) =
            mockfleet_sendlog::write_run_metadata(&self.store, &self.identity, self.about.clone())
        {
            err!("warning: the fleet file is not kept beside its log: {error}");
        }
    }
}

/// Returns the current time to the second, in UTC.
pub(crate) fn now() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

fn about(
    fleet: &Fleet,
    prepared: &Prepared,
    command: &str,
    sends: bool,
    checks: &[String],
) -> Value {
    let plan = &fleet.plan;
    let counts = plan.groups.iter();
    let counts: HashMap<&str, u32> = counts
        .map(|group| (group.name.as_str(), group.count))
        .collect();
    let groups: Vec<Value> = prepared
        .plugins()
        .map(|(group, plugin, digest)| {
            let count = counts.get(group);
            json!({
                "name": group,
                "devices": count,
                "plugin": plugin,
                "sha256": digest,
            })
        })
        .collect();
    json!({
        "mockfleet": env!("CARGO_PKG_VERSION"),
        "fleet": plan.name,
        "seed": plan.seed,
        "devices": prepared.devices(),
        "workers": prepared.workers(),
        "duration_us": plan.duration.map(|duration| u64::try_from(duration.as_micros()).ok()),
        "clock": (plan.clock != Clock::default()).then(|| json!({
            "start": plan.clock.start.map(|start| start.to_string()),
            "speed": match plan.clock.speed {
                Speed::Times(times) => json!(times),
                Speed::Max => json!("max"),
            },
        })),
        "started": now(),
        "ended": null,
        "groups": groups,
        "file": { "name": fleet.rerun_argument(), "text": fleet.source },
        "command": command,
        "sends": sends,
        "options": fleet
            .changes
            .iter()
            .map(|(option, value)| json!({ "option": option, "value": value }))
            .collect::<Vec<_>>(),
        "checks": checks,
        "summary": null,
    })
}
