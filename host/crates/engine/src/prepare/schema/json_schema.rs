//! Validates JSON values against a JSON Schema, with readable errors.
//!
//! Where a schema has several forms (`oneOf`), the error names the fault in the form that was
//! most likely meant. The file depends on schemas only, and neither on plugins nor on the
//! fleet file.

use std::collections::BTreeSet;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use crate::prepare::schema::schema_budget::{BoundedValidator, Excess};
use mockfleet_config::did_you_mean;

/// One mismatch with a schema: the keys that lead to it, and a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Violation {
    /// The keys that lead to the value, outermost first.
    pub path: Vec<String>,
    /// The cause, and the allowed values where the schema lists them.
    pub text: String,
}

/// The maximum size of a schema as text, 4 MiB.
const MAX_SCHEMA_BYTES: usize = 4 << 20;

/// The reason why nothing can be checked with a schema. It follows on the schema's name.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The text is no JSON.
    #[error("is no JSON Schema: {0}")]
    NoJson(#[from] serde_json::Error),
    /// The value breaks the rules of JSON Schema.
    #[error("is no JSON Schema: {0}")]
    NoSchema(Box<dyn std::error::Error + Send + Sync>),
    /// The text is too large.
    #[error("has {0} bytes, and {MAX_SCHEMA_BYTES} are allowed")]
    TooLarge(usize),
    /// Checks would take too much time or memory.
    #[error("takes too much to check: {0}")]
    TooMuchWork(Box<dyn std::error::Error + Send + Sync>),
}

impl From<Excess> for SchemaError {
    fn from(excess: Excess) -> Self {
        Self::TooMuchWork(Box::new(excess))
    }
}

/// A compiled JSON Schema.
pub struct Validator {
    content: Value,
    validator: BoundedValidator,
}

impl Validator {
    /// Compiles a schema.
    ///
    /// # Errors
    /// The cause, if the value is no JSON Schema, or takes too much to check.
    pub fn new(content: Value) -> Result<Self, SchemaError> {
        let validator = BoundedValidator::new(&content)?;
        let validator = validator.map_err(|error| SchemaError::NoSchema(error))?;
        Ok(Self { content, validator })
    }

    /// Returns all mismatches of a value.
    ///
    /// # Errors
    /// [`SchemaError::TooMuchWork`], if the check takes too much.
    pub fn violations(&self, value: &Value) -> Result<Vec<Violation>, SchemaError> {
        let found = self.validator.with_errors(value, |errors| {
            let mut found = BTreeSet::new();
            for error in errors {
                explain(&error, &self.content, &mut found);
            }
            found
        })?;
        Ok(found.into_iter().collect())
    }
}

/// Returns all mismatches of settings with a schema.
///
/// # Errors
/// The cause, if the text is no JSON Schema, or takes too much to check.
pub fn violations(schema: &str, settings: &Value) -> Result<Vec<Violation>, SchemaError> {
    if schema.len() > MAX_SCHEMA_BYTES {
        return Err(SchemaError::TooLarge(schema.len()));
    }
    let schema = serde_json::from_str(schema)?;
    Validator::new(schema)?.violations(settings)
}

fn explain(error: &ValidationError<'_>, schema: &Value, found: &mut BTreeSet<Violation>) {
    let path = path_of(error);
    match error.kind() {
        ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
            explain_forms(error, context, schema, found);
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            for key in unexpected {
                let known = known_keys(error, schema);
                let hint = did_you_mean(key, known.iter().map(String::as_str));
                let mut path = path.clone();
                path.push(key.clone());
                found.insert(Violation {
                    path,
                    text: format!("unknown key {key:?}{hint}"),
                });
            }
        }
        ValidationErrorKind::Enum { options } => {
            let options: Vec<&str> = options
                .as_array()
                .map(|options| options.iter().filter_map(Value::as_str).collect())
                .unwrap_or_default();
            let text = match error.instance().as_str() {
                Some(word) if !options.is_empty() => {
                    format!(
                        "there is no {word:?}{}",
                        did_you_mean(word, options.into_iter())
                    )
                }
                _ => error.to_string(),
            };
            found.insert(Violation { path, text });
        }
        _ => {
            found.insert(Violation {
                path,
                text: error.to_string(),
            });
        }
    }
}

/// Explains the one of several forms that was meant. This is the form whose fixed words fit
/// (`generator = "sine"`), or else the form with the fewest faults.
fn explain_forms(
    error: &ValidationError<'_>,
    forms: &[Vec<ValidationError<'static>>],
    schema: &Value,
    found: &mut BTreeSet<Violation>,
) {
    let here = path_of(error);
    // A form of another JSON type, such as a text instead of a table, was not meant.
    let of_kind: Vec<&Vec<ValidationError<'static>>> = forms
        .iter()
        .filter(|form| !form.iter().any(|fault| is_other_kind(fault, &here)))
        .collect();
    let meant: Vec<_> = of_kind
        .iter()
        .filter(|form| !form.iter().any(|fault| fixed_word(fault, &here).is_some()))
        .collect();
    if meant.is_empty() && !of_kind.is_empty() {
        // Every form of that type expects another word at the same place.
        let words: Vec<(Vec<String>, String)> = of_kind
            .iter()
            .filter_map(|form| form.iter().find_map(|fault| fixed_word(fault, &here)))
            .collect();
        let given = forms.iter().flatten().find_map(|fault| match fault.kind() {
            ValidationErrorKind::Constant { .. } | ValidationErrorKind::Enum { .. } => {
                Some((path_of(fault), fault.instance().as_str()?.to_owned()))
            }
            _ => None,
        });
        if let Some((path, word)) = given {
            let known = words.iter().map(|(_, word)| word.as_str());
            let key = path.last().map_or("", String::as_str);
            let text = format!("there is no {key} {word:?}{}", did_you_mean(&word, known));
            found.insert(Violation { path, text });
            return;
        }
    }
    let candidates = if meant.is_empty() {
        of_kind
    } else {
        meant.into_iter().copied().collect()
    };
    match candidates.iter().min_by_key(|form| form.len()) {
        Some(form) => form.iter().for_each(|fault| explain(fault, schema, found)),
        None => {
            let kinds: BTreeSet<String> = forms
                .iter()
                .flatten()
                .filter(|fault| is_other_kind(fault, &here))
                .filter_map(wanted_kind)
                .collect();
            let kinds: Vec<String> = kinds.into_iter().collect();
            let text = match kinds.as_slice() {
                [] => error.to_string(),
                kinds => format!("{} is not {}", error.instance(), kinds.join(" or ")),
            };
            found.insert(Violation { path: here, text });
        }
    }
}

/// Returns whether the JSON type of the value itself rules out a form.
fn is_other_kind(fault: &ValidationError<'_>, here: &[String]) -> bool {
    matches!(fault.kind(), ValidationErrorKind::Type { .. }) && path_of(fault) == here
}

fn wanted_kind(fault: &ValidationError<'static>) -> Option<String> {
    match fault.kind() {
        ValidationErrorKind::Type { .. } => {
            let text = fault.to_string();
            let (_, kind) = text.rsplit_once("is not of type ")?;
            Some(format!("of type {}", kind.trim_start_matches("types ")))
        }
        _ => None,
    }
}

/// Returns the word that a form expects at a key of the value, if the value lacks it.
fn fixed_word(fault: &ValidationError<'_>, here: &[String]) -> Option<(Vec<String>, String)> {
    let path = path_of(fault);
    let ValidationErrorKind::Constant { expected_value } = fault.kind() else {
        return None;
    };
    let word = expected_value.as_str()?.to_owned();
    (path.len() <= here.len() + 1).then_some((path, word))
}

/// Returns the keys that the schema has at the place of an unknown key.
fn known_keys(error: &ValidationError<'_>, schema: &Value) -> Vec<String> {
    let place = error.schema_path().to_string();
    let Some((object, _)) = place.rsplit_once('/') else {
        return Vec::new();
    };
    schema
        .pointer(object)
        .and_then(|object| object.get("properties")?.as_object())
        .map(|keys| keys.keys().cloned().collect())
        .unwrap_or_default()
}

fn path_of(error: &ValidationError<'_>) -> Vec<String> {
    let path = error.instance_path().to_string();
    path.split('/')
        .skip(1)
        .map(|key| key.replace("~1", "/").replace("~0", "~"))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> String {
        json!({
            "type": "object",
            "properties": {
                "base": { "type": "number", "maximum": 100 },
                "fields": { "additionalProperties": { "$ref": "#/$defs/field" } },
            },
            "additionalProperties": false,
            "$defs": { "field": { "oneOf": [
                { "type": "number" },
                {
                    "type": "object",
                    "properties": { "generator": { "const": "sine" }, "period": { "type": "string" } },
                    "required": ["generator", "period"],
                    "additionalProperties": false,
                },
                {
                    "type": "object",
                    "properties": { "generator": { "const": "counter" } },
                    "required": ["generator"],
                    "additionalProperties": false,
                },
            ] } },
        })
        .to_string()
    }

    fn said(settings: Value) -> Vec<String> {
        let found = violations(&schema(), &settings).unwrap();
        found
            .into_iter()
            .map(|finding| format!("{}: {}", finding.path.join("."), finding.text))
            .collect()
    }

    #[test]
    fn a_slip_in_a_key_names_the_key_that_was_meant() {
        assert_eq!(
            said(
                json!({ "bse": 5, "fields": { "t": { "generator": "sine", "period": "1s", "phse": 1 } } })
            ),
            [
                "bse: unknown key \"bse\"; did you mean \"base\"?",
                "fields.t.phse: unknown key \"phse\"; there are generator, period",
            ]
        );
    }

    #[test]
    fn of_several_forms_the_one_that_was_meant_is_spoken_of() {
        assert_eq!(
            said(json!({ "fields": { "t": { "generator": "sine" } } })),
            ["fields.t: \"period\" is a required property"]
        );
        assert_eq!(
            said(json!({ "fields": { "t": { "generator": "sin" } } })),
            ["fields.t.generator: there is no generator \"sin\"; did you mean \"sine\"?"]
        );
        assert_eq!(
            said(json!({ "fields": { "t": true } })),
            ["fields.t: true is not of type \"number\" or of type \"object\""]
        );
    }
}
