//! `mockfleet schema`: prints the JSON Schema of fleet files.

use crate::cli::support::engine::engine;
use crate::cli::support::exit::Ending;
use crate::cli::support::exit::Failure;
use crate::cli::support::plugin_input::load;
use crate::cli::ui::guest_output::GuestOutput;
use crate::cli::ui::out::out_json;
use mockfleet_config::PluginSchema;

/// Prints the JSON Schema of the fleet file, with the settings of the built-in plugins. Editors
/// complete and check fleet files with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  mockfleet schema > fleet.schema.json
  and in the first line of fleet.toml: #:schema ./fleet.schema.json")]
pub(crate) struct Arguments {}

pub(crate) fn schema(_: &Arguments) -> Result<Ending, Failure> {
    let engine = engine()?;
    let printed = GuestOutput::new();
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
    out_json!("{text}");
    Ok(Ending::Done)
}
