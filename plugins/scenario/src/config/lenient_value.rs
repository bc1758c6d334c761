//! Parses a part of the settings without hiding the problems of the others.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// A part of the settings, or the reason why it has the wrong shape.
#[derive(Debug, Clone)]
pub struct LenientValue<T>(pub Result<T, String>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for LenientValue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(deserializer)?;
        Ok(Self(
            T::deserialize(json).map_err(|error| error.to_string()),
        ))
    }
}

impl<T: JsonSchema> JsonSchema for LenientValue<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
