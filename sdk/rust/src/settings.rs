//! Reads the settings of a behaviour and describes them as a JSON Schema.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::contract::error::Error;

/// The JSON Schema of the settings, as text.
pub(crate) fn schema<C: JsonSchema>() -> String {
    schemars::generate::SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<C>()
        .as_value()
        .to_string()
}

/// Parses settings from their JSON.
pub(crate) fn read<C: DeserializeOwned>(config: &str) -> Result<C, Error> {
    let mut json = serde_json::Deserializer::from_str(config);
    let config = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let key = if path == "." {
            String::new()
        } else {
            format!(".{path}")
        };
        Error::invalid_config(format_args!("config{key}: {}", cause(error.inner())))
    })?;
    json.end()
        .map_err(|error| Error::invalid_config(format_args!("config: {error}")))?;
    Ok(config)
}

/// The error without its line and column: the JSON was made from the fleet file, and its
/// author never sees it.
fn cause(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&place).unwrap_or(&message).to_owned()
}
