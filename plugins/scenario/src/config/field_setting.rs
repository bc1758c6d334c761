//! Reads the generator of a field, and keeps its problems.

use std::borrow::Cow;

use mockfleet_sdk::generate::{Problems, Spec};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};

/// The generator of a field, or the problems of its JSON.
#[derive(Debug, Clone)]
pub struct FieldSetting(pub Result<Spec, Problems>);

impl<'de> Deserialize<'de> for FieldSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = serde_json::Value::deserialize(deserializer)?;
        Ok(Self(Spec::from_json(&json)))
    }
}

impl JsonSchema for FieldSetting {
    fn inline_schema() -> bool {
        Spec::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        Spec::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        Spec::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Spec::json_schema(generator)
    }
}
