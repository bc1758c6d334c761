//! Bounds the work of compiling and evaluating a JSON Schema.
//!
//! References multiply: forty definitions that each refer twice to the next one are evaluated
//! 2^40 times. The library has no bound for this. So each part of a schema is given a keyword that
//! does nothing but count, and ends the work once the budget is used up.

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use jsonschema::{Keyword, PatternOptions, ValidationError, ValidationOptions};
use serde_json::Value;

use crate::prepare::schema::counted_schema::{KEYWORD, Parts, values};

/// The maximum number of steps of compiling. A step is a keyword, or a value that is copied, and
/// takes some hundred bytes.
const MAX_COMPILE_STEPS: u64 = 2_000_000;

/// The maximum number of steps of a check, about a second. A step is a keyword, or a value that is
/// compared.
const MAX_STEPS: u64 = 20_000_000;

/// The maximum number of values and keywords that the errors of a check can have copies of.
const MAX_COPIES: u64 = 1_000_000;

/// The maximum number of values in a schema.
const MAX_VALUES: u64 = 200_000;

/// The maximum number of references in a schema. Each can take a place on the stack that no
/// keyword counts, since older drafts ignore keywords beside a reference.
const MAX_REFERENCES: u64 = 5_000;

/// The stack of the work, 64 MiB, and the part of it that counted keywords may use.
const STACK_BYTES: usize = 64 << 20;
const MAX_STACK_USED: usize = STACK_BYTES / 2;

/// The maximum number of steps back of a regular expression in one text.
const MAX_BACKTRACKS: usize = 10_000;

/// The maximum size of a compiled regular expression, 1 MiB.
const MAX_PATTERN_BYTES: usize = 1 << 20;
/// The reason why a schema is not compiled or evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Excess {
    #[error(
        "it compiles in more than {MAX_COMPILE_STEPS} steps; use fewer patterns, and shorter notes"
    )]
    Compiling,
    #[error(
        "more than {MAX_STEPS} steps; parts that refer to each other twice or more multiply, so refer to each once"
    )]
    Steps,
    #[error("its errors are more than {MAX_COPIES} values; use fewer alternatives (anyOf, oneOf)")]
    Copies,
    #[error("its references ($ref) lead too deep; refer to fewer parts on the way to a value")]
    Depth,
    #[error("it has more than {MAX_VALUES} values")]
    Values,
    #[error("it has more than {MAX_REFERENCES} references ($ref)")]
    References,
    #[error("a value of const or enum has a reference ($ref)")]
    ReferenceInConstant,
}

/// The steps that are left of a budget.
#[derive(Debug, Default)]
struct Budget {
    compile_steps: AtomicU64,
    steps: AtomicU64,
    copies: AtomicU64,
    /// The address of the stack at the start of the work.
    stack: AtomicUsize,
}

impl Budget {
    fn fill(&self) {
        let steps = &self.compile_steps;
        steps.store(MAX_COMPILE_STEPS, Ordering::Relaxed);
        self.steps.store(MAX_STEPS, Ordering::Relaxed);
        self.copies.store(MAX_COPIES, Ordering::Relaxed);
        self.stack.store(stack_address(), Ordering::Relaxed);
    }

    /// Takes from a part of the budget, or ends the work.
    fn take(&self, part: &AtomicU64, count: u64, excess: Excess) {
        let left = part.load(Ordering::Relaxed);
        let used = self.stack.load(Ordering::Relaxed).abs_diff(stack_address());
        match left.checked_sub(count) {
            None => resume_unwind(Box::new(excess)),
            Some(_) if used > MAX_STACK_USED => resume_unwind(Box::new(Excess::Depth)),
            Some(left) => part.store(left, Ordering::Relaxed),
        }
    }

    fn take_steps(&self, steps: u64) {
        self.take(&self.steps, steps, Excess::Steps);
    }

    fn take_copies(&self, copies: u64) {
        self.take(&self.copies, copies, Excess::Copies);
    }
}

fn stack_address() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(black_box(&here)).addr()
}

/// The keyword that counts, at one part of a schema.
struct Counter {
    budget: Arc<Budget>,
    steps: u64,
}

impl<'i> Keyword<'i> for Counter {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        // Errors can have copies of the value.
        self.budget.take_steps(self.steps);
        let copies = self.steps.saturating_add(values(instance));
        self.budget.take_copies(copies);
        Ok(())
    }

    fn is_valid(&self, _: &'i Value) -> bool {
        self.budget.take_steps(self.steps);
        true
    }
}

/// A compiled schema with a budget.
pub(crate) struct BoundedValidator {
    validator: jsonschema::Validator,
    budget: Arc<Budget>,
    has_references: bool,
}

impl BoundedValidator {
    /// Compiles a schema.
    ///
    /// # Errors
    /// The excess, or the cause inside if the value is no JSON Schema.
    pub(crate) fn new(
        schema: &Value,
    ) -> Result<Result<Self, Box<ValidationError<'static>>>, Excess> {
        if values(schema) > MAX_VALUES {
            return Err(Excess::Values);
        }
        let mut parts = Parts::default();
        let counted = parts.of_schema(schema);
        match () {
            () if parts.constant_references > 0 => return Err(Excess::ReferenceInConstant),
            () if parts.references > MAX_REFERENCES => return Err(Excess::References),
            () => {}
        }
        let budget = Arc::new(Budget::default());
        let has_references = parts.references > 0;
        let validator = within(&budget, has_references, || {
            let options = with_limits(jsonschema::options(), &budget);
            options.build(&counted).map_err(|error| {
                // Without the counters, which the text of an error could show.
                let error = match jsonschema::meta::validate(schema) {
                    Err(own) => own.to_owned(),
                    Ok(()) => error,
                };
                Box::new(error)
            })
        })?;
        Ok(validator.map(|validator| Self {
            validator,
            budget,
            has_references,
        }))
    }

    /// Calls `work` with the errors of a value.
    ///
    /// # Errors
    /// The excess.
    pub(crate) fn with_errors<T: Send>(
        &self,
        value: &Value,
        work: impl FnOnce(jsonschema::ErrorIterator<'_>) -> T + Send,
    ) -> Result<T, Excess> {
        within(&self.budget, self.has_references, || {
            work(self.validator.iter_errors(value))
        })
    }
}

fn with_limits<'a>(options: ValidationOptions<'a>, budget: &Arc<Budget>) -> ValidationOptions<'a> {
    let budget = Arc::clone(budget);
    let patterns = PatternOptions::fancy_regex()
        .backtrack_limit(MAX_BACKTRACKS)
        .size_limit(MAX_PATTERN_BYTES);
    options
        .with_pattern_options(patterns)
        .with_keyword(KEYWORD, move |_, steps, _| {
            let number = |place: usize| steps.get(place).and_then(Value::as_u64).unwrap_or(1);
            budget.take(&budget.compile_steps, number(0), Excess::Compiling);
            Ok(Box::new(Counter {
                budget: Arc::clone(&budget),
                steps: number(1),
            }))
        })
}

/// Does work with a full budget. References lead deep: such work has a stack of its own.
fn within<T: Send>(
    budget: &Budget,
    is_deep: bool,
    work: impl FnOnce() -> T + Send,
) -> Result<T, Excess> {
    let work = || {
        budget.fill();
        catch_unwind(AssertUnwindSafe(work))
    };
    let done = match is_deep {
        false => work(),
        true => thread::scope(|scope| {
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            match thread.spawn_scoped(scope, work) {
                Ok(thread) => thread.join().and_then(|done| done),
                // No thread is left, and so no stack for references.
                Err(_) => Err(Box::new(Excess::Depth) as _),
            }
        }),
    };
    done.map_err(|cause| match cause.downcast::<Excess>() {
        Ok(excess) => *excess,
        Err(other) => resume_unwind(other),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn check(schema: Value, value: &Value) -> Result<usize, Excess> {
        let validator = BoundedValidator::new(&schema)?.expect("a schema");
        validator.with_errors(value, |errors| errors.count())
    }

    fn is_used_up(found: &Result<usize, Excess>) -> bool {
        matches!(found, Err(Excess::Steps | Excess::Copies))
    }

    /// Returns a schema in which each definition refers twice to the next one.
    fn doubling(keyword: &str, levels: u32) -> Value {
        let mut parts = Map::new();
        for level in 0..levels {
            let next = json!({ "$ref": format!("#/$defs/{}", level + 1) });
            parts.insert(level.to_string(), json!({ keyword: [next, next] }));
        }
        parts.insert(levels.to_string(), json!({ "type": "object" }));
        json!({ "$ref": "#/$defs/0", "$defs": parts })
    }

    #[test]
    fn references_that_double_end_at_the_budget() {
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let value = match keyword {
                "anyOf" => json!(7),
                _ => json!({}),
            };
            let found = check(doubling(keyword, 60), &value);
            assert!(is_used_up(&found), "{keyword}: {found:?}");
            assert!(check(doubling(keyword, 5), &value).is_ok(), "{keyword}");
        }
    }

    #[test]
    fn references_that_double_with_the_value_end_at_the_budget() {
        let next = json!({ "$ref": "#" });
        let schema = json!({ "properties": { "x": { "allOf": [next, next] } } });
        let mut value = json!({});
        for _ in 0..60 {
            value = json!({ "x": value });
        }
        let found = check(schema.clone(), &value);
        assert!(is_used_up(&found), "{found:?}");
        assert_eq!(check(schema, &json!({ "x": { "x": {} } })), Ok(0));
    }

    #[test]
    fn references_may_be_long_chains_of_every_draft() {
        for draft in [
            "https://json-schema.org/draft/2020-12/schema",
            "http://json-schema.org/draft-07/schema#",
        ] {
            let mut parts = Map::new();
            for level in 0..4_900 {
                let next = json!({ "$ref": format!("#/definitions/{}", level + 1) });
                parts.insert(level.to_string(), next);
            }
            parts.insert("4900".into(), json!({ "type": "string" }));
            let schema = json!({ "$schema": draft, "allOf": [{ "$ref": "#/definitions/0" }], "definitions": parts });
            let found = check(schema, &json!(1));
            assert!(
                matches!(found, Ok(1) | Err(Excess::Depth)),
                "{draft}: {found:?}"
            );
        }
    }

    #[test]
    fn circles_of_references_end() {
        for schema in [
            json!({ "$ref": "#" }),
            json!({ "allOf": [{ "$ref": "#" }] }),
            json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } } }),
            json!({ "not": { "anyOf": [{ "$ref": "#" }, { "type": "string" }] } }),
        ] {
            let _ = check(schema, &json!({ "x": 1 }));
        }
    }

    #[test]
    fn values_and_references_have_a_maximum() {
        let many = usize::try_from(MAX_VALUES).unwrap();
        assert_eq!(
            check(json!({ "enum": vec![1; many] }), &json!(1)),
            Err(Excess::Values)
        );
        let next = json!({ "$ref": "#/$defs/a" });
        let many = usize::try_from(MAX_REFERENCES).unwrap();
        let schema = json!({ "$defs": { "a": {} }, "allOf": vec![next.clone(); many + 1] });
        assert_eq!(check(schema, &json!(1)), Err(Excess::References));
        let schema = json!({ "$ref": "#/const", "const": { "allOf": [next] } });
        assert_eq!(check(schema, &json!(1)), Err(Excess::ReferenceInConstant));
    }

    #[test]
    fn copies_of_large_values_count() {
        let value = json!({ "x": vec![1; 50_000] });
        let schema = json!({ "anyOf": vec![json!({ "type": "string" }); 1_000] });
        assert_eq!(check(schema, &value), Err(Excess::Copies));
    }

    #[test]
    fn errors_of_a_schema_do_not_show_counters() {
        let error = BoundedValidator::new(&json!({ "required": {} }))
            .unwrap()
            .err();
        let text = error.unwrap().to_string();
        assert!(!text.contains(KEYWORD), "{text}");
    }

    #[test]
    fn patterns_have_a_budget() {
        let patterns = (0..1_000).map(|number| (format!("^a{number}$"), json!({})));
        let patterns: Map<String, Value> = patterns.collect();
        let schema = json!({ "patternProperties": patterns });
        assert_eq!(check(schema, &json!({})), Err(Excess::Compiling));
    }

    #[test]
    fn keywords_mean_the_same_with_counters() {
        let schema = json!({
            "properties": { "const": { "const": { "a": 1 } }, "enum": { "enum": [{ "b": 2 }, 3] } },
            "dependentRequired": { "const": ["enum"] },
            "additionalProperties": false,
        });
        let check = |value| check(schema.clone(), &value);
        assert_eq!(
            check(json!({ "const": { "a": 1 }, "enum": { "b": 2 } })),
            Ok(0)
        );
        assert_eq!(check(json!({ "const": { "a": 2 }, "enum": 3 })), Ok(1));
        assert_eq!(check(json!({ "const": { "a": 1 } })), Ok(1));
        assert_eq!(check(json!({ "enum": 3, "!steps": 1 })), Ok(1));
    }
}
