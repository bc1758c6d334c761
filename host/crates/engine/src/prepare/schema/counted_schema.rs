//! Adds to each part of a schema a keyword that counts.
//!
//! Each reference is led through a part that counts first, so that parts which fail are counted.

use serde_json::{Map, Value, json};

/// The steps that a regular expression takes.
const PATTERN_COMPILE_STEPS: u64 = 5_000;
const PATTERN_STEPS: u64 = 20;

/// The keyword that counts. It sorts before the others, and so counts before they are compiled.
pub(crate) const KEYWORD: &str = "!steps";

/// The key of the table of counted references.
const TABLE: &str = "!references";

/// Keywords with a schema, or with a list of schemas.
const APPLICATORS: [&str; 15] = [
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Keywords with a table of schemas.
const TABLES: [&str; 6] = [
    "$defs",
    "definitions",
    "dependencies",
    "dependentSchemas",
    "patternProperties",
    "properties",
];

/// Keywords with values in which nothing is a schema.
const CONSTANTS: [&str; 4] = ["const", "dependentRequired", "enum", "$vocabulary"];

/// Keywords that lead to another part of the schema.
const REFERENCES: [&str; 3] = ["$dynamicRef", "$recursiveRef", "$ref"];

/// Counts of a schema's parts.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// Number of references.
    pub(crate) references: u64,
    /// Number of references in constants.
    pub(crate) constant_references: u64,
    /// The counted references of the part with an id that is being read.
    counted_references: Vec<Value>,
}

impl Parts {
    /// Returns a schema with a counter in each of its parts, and at each reference.
    pub(crate) fn of_schema(&mut self, schema: &Value) -> Value {
        let mut counted = self.counted(schema);
        if let Value::Object(root) = &mut counted
            && !self.counted_references.is_empty()
        {
            self.add_table(root);
        }
        counted
    }

    fn counted(&mut self, schema: &Value) -> Value {
        match schema {
            Value::Array(items) => items.iter().map(|item| self.counted(item)).collect(),
            Value::Object(keys) => Value::Object(self.counted_part(keys)),
            other => other.clone(),
        }
    }

    fn counted_part(&mut self, keys: &Map<String, Value>) -> Map<String, Value> {
        let mut part = Map::new();
        // Its place is before the other keywords, however the map sorts.
        part.insert(KEYWORD.to_owned(), Value::Null);
        // References are relative to the part with the next id above.
        let is_resource = keys
            .get("$id")
            .or(keys.get("id"))
            .is_some_and(Value::is_string);
        let above = is_resource.then(|| std::mem::take(&mut self.counted_references));
        let mut references_here = Map::new();
        let (mut to_compile, mut to_evaluate) = (1, 1);
        for (key, value) in keys {
            let name = key.as_str();
            let own = match value {
                Value::Array(items) => items.len(),
                Value::Object(table) => table.len(),
                _ => 1,
            };
            let (size, own) = (values(value), u64::try_from(own).unwrap_or(u64::MAX));
            let counted = match value {
                value if CONSTANTS.contains(&name) => {
                    self.constant_references += references(value);
                    to_evaluate += size;
                    value.clone()
                }
                Value::Object(table) if TABLES.contains(&name) => {
                    to_evaluate += own;
                    let entries = table.iter();
                    let entries = entries.map(|(key, value)| (key.clone(), self.counted(value)));
                    Value::Object(entries.collect())
                }
                value if REFERENCES.contains(&name) && value.is_string() => {
                    self.references += 1;
                    references_here.insert(key.clone(), value.clone());
                    continue;
                }
                value => {
                    to_evaluate += own;
                    self.counted(value)
                }
            };
            // Values of other keywords are copied when the schema is compiled.
            let is_copied = !(APPLICATORS.contains(&name) || TABLES.contains(&name));
            to_compile += if is_copied { size } else { own };
            let patterns = match name {
                "pattern" => 1,
                "patternProperties" => own,
                _ => 0,
            };
            to_compile += patterns * PATTERN_COMPILE_STEPS;
            to_evaluate += patterns * PATTERN_STEPS;
            part.insert(key.clone(), counted);
        }
        if !references_here.is_empty() {
            let reference = self.counted_reference(references_here);
            part.insert("$ref".to_owned(), reference.into());
        }
        if let Some(above) = above {
            self.add_table(&mut part);
            self.counted_references = above;
        }
        part.insert(KEYWORD.to_owned(), vec![to_compile, to_evaluate].into());
        part
    }

    /// Returns a reference that counts, and then leads to where these references lead. A part
    /// that fails is counted by it too: the library evaluates added keywords last.
    fn counted_reference(&mut self, references: Map<String, Value>) -> String {
        let pointer = format!("#/{TABLE}/{}", self.counted_references.len());
        let mut steps = vec![json!({ KEYWORD: [1, 1] })];
        let each = references.into_iter();
        steps.extend(each.map(|(key, value)| Value::Object(Map::from_iter([(key, value)]))));
        self.counted_references.push(json!({ "allOf": steps }));
        pointer
    }

    /// Adds the counted references to the part that they are relative to.
    fn add_table(&mut self, part: &mut Map<String, Value>) {
        let table = std::mem::take(&mut self.counted_references);
        let entries = table.into_iter().enumerate();
        let entries = entries.map(|(number, value)| (number.to_string(), value));
        part.insert(TABLE.to_owned(), Value::Object(entries.collect()));
    }
}

/// Counts a value and the values inside it.
pub(crate) fn values(value: &Value) -> u64 {
    match value {
        Value::Array(items) => items.iter().map(values).sum::<u64>() + 1,
        Value::Object(keys) => keys.values().map(values).sum::<u64>() + 1,
        _ => 1,
    }
}

/// Counts the references in a value.
fn references(value: &Value) -> u64 {
    match value {
        Value::Array(items) => items.iter().map(references).sum(),
        Value::Object(keys) => {
            let own = |(key, value): (&String, &Value)| {
                u64::from(REFERENCES.contains(&key.as_str())) + references(value)
            };
            keys.iter().map(own).sum()
        }
        _ => 0,
    }
}
