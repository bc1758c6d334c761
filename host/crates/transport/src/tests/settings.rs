//! Parses the settings of a target from a fleet file.

use std::path::Path;

use mockfleet_config::{Fleet, Target};

use crate::device::RunNames;

/// Returns a target with this URL, these keys, and one channel `a`.
pub(crate) fn target(url: &str, keys: &str, channel: &str) -> Target {
    let text = format!(
        "[targets.b]\nurl = \"{url}\"\n{keys}\n[targets.b.channels]\na = {{ {channel} }}\n[[groups]]\nname = \"g\"\nplugin = \"builtin:x\"\ncount = 1\nevery = \"1s\"\n"
    );
    let fleet = Fleet::parse(&text, "f.toml", Path::new("."), &[]).unwrap();
    fleet.plan.targets[0].clone()
}

pub(crate) fn names() -> RunNames {
    RunNames {
        fleet: "f".into(),
        run: "r".into(),
    }
}
