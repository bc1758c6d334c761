//! `mockfleet schema`: what may stand in a fleet file, for editors.

use super::console::Printed;
use super::describe::load;
use super::run::engine;
use super::{Ending, Failure};
use crate::cli::print::say;
use mockfleet_config::PluginSchema;

/// Prints the JSON Schema of the fleet file, the settings of the built-in plugins included:
/// editors complete and check with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet schema > fleet.schema.json
  and in the first line of fleet.toml: #:schema ./fleet.schema.json")]
pub(super) struct Arguments {}

pub(super) fn schema(_: &Arguments) -> Result<Ending, Failure> {
    let engine = engine()?;
    let printed = Printed::new();
    let mut settings = Vec::new();
    for name in mockfleet_builtin::names() {
        let plugin = format!("builtin:{name}");
        let loaded = load(&engine, plugin.as_ref(), &printed)?;
        let text = loaded.description().config_schema.as_deref();
        let schema = serde_json::from_str(text.unwrap_or("{}"));
        settings.push(PluginSchema {
            schema: schema.map_err(|error| anyhow::anyhow!("{plugin}: {error}"))?,
            plugin,
        });
    }
    let schema = mockfleet_config::schema(settings);
    let text = serde_json::to_string_pretty(&schema).map_err(anyhow::Error::from)?;
    say!("{text}");
    Ok(Ending::Done)
}
