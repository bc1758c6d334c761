//! Reads a specification from JSON, and refuses numbers that it would change.

use serde::Deserialize;
use serde_json::{Number, Value};

use crate::generate::common::problems::Problems;
use crate::generate::spec::kinds::Spec;

/// The keys of a counter that are whole numbers.
const COUNTER_KEYS: [&str; 3] = ["start", "step", "until"];

impl Spec {
    /// Reads a specification from JSON, with all digits of its numbers. serde alone rounds a
    /// whole number of more than 53 bits to the nearest float, in the kinds that compute with
    /// floats.
    ///
    /// # Errors
    /// The shape of the JSON, and each number that the kind cannot hold, with its path.
    pub fn from_json(json: &Value) -> Result<Self, Problems> {
        let mut problems = Problems::new();
        let spec = Self::deserialize(json);
        match &spec {
            Ok(spec) => {
                // A specification is always JSON; without it there is nothing to compare.
                let read = serde_json::to_value(spec).unwrap_or_default();
                find_rounded(json, &read, "", &mut problems);
            }
            Err(why) => {
                find_out_of_range(json, "", &mut problems);
                if problems.is_empty() {
                    problems.report("", why);
                }
            }
        }
        match spec {
            Ok(spec) if problems.is_empty() => Ok(spec),
            _ => Err(problems),
        }
    }
}

/// Reports whole numbers that were read as a float of another size.
fn find_rounded(written: &Value, read: &Value, path: &str, problems: &mut Problems) {
    match (written, read) {
        (Value::Object(written), Value::Object(read)) => {
            for (key, value) in written {
                if let Some(read) = read.get(key) {
                    find_rounded(value, read, &below(path, key), problems);
                }
            }
        }
        (Value::Array(written), Value::Array(read)) => {
            for (place, (value, read)) in written.iter().zip(read).enumerate() {
                find_rounded(value, read, &below(path, &place.to_string()), problems);
            }
        }
        (Value::Number(written), Value::Number(read)) => {
            if let Some(float) = rounded(written, read) {
                problems.report(
                    path,
                    format_args!(
                        "{written} has too many digits for a generator that computes with fractions, which would make it {float:.0}; up to 2^53 are exact; write that number, or take a constant, a counter or a bucket, which keep all digits"
                    ),
                );
            }
        }
        _ => {}
    }
}

/// The float that was read in place of a whole number, if it has another size.
#[expect(
    clippy::cast_possible_truncation,
    reason = "compared with a number of 64 bits"
)]
fn rounded(written: &Number, read: &Number) -> Option<f64> {
    let whole = written.as_i128()?;
    let float = read.as_f64().filter(|_| read.is_f64())?;
    (float as i128 != whole).then_some(float)
}

/// Reports the numbers of counters that have more than 64 bits, or a fraction.
fn find_out_of_range(json: &Value, path: &str, problems: &mut Problems) {
    match json {
        Value::Object(members) => {
            let is_counter = members.get("kind").and_then(Value::as_str) == Some("counter");
            for (key, value) in members {
                let path = below(path, key);
                match value {
                    Value::Number(number) if is_counter && COUNTER_KEYS.contains(&&**key) => {
                        require_whole(number, &path, problems);
                    }
                    value => find_out_of_range(value, &path, problems),
                }
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                find_out_of_range(item, &below(path, &place.to_string()), problems);
            }
        }
        _ => {}
    }
}

fn require_whole(number: &Number, path: &str, problems: &mut Problems) {
    problems.require(
        number.as_i64().is_some(),
        path,
        format_args!(
            "{number} is no number that a counter can have; whole numbers from {} to {} are right",
            i64::MIN,
            i64::MAX
        ),
    );
}

/// The path of a key below a path.
fn below(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A whole number that no float has.
    const LONG: i64 = 9_007_199_254_740_993;

    fn refusal(json: &Value) -> String {
        Spec::from_json(json).unwrap_err().to_string()
    }

    #[test]
    fn number_that_no_float_has_is_refused_with_its_key() {
        let points = json!([{ "at": "0s", "value": 1 }, { "at": "1m", "value": LONG }]);
        let daily = json!([{ "at": "06:00", "value": LONG }]);
        let walk = json!({ "kind": "walk", "min": LONG });
        for (json, keys) in [
            (
                json!({ "kind": "walk", "start": LONG, "mean": LONG, "step": 0 }),
                "mean start",
            ),
            (
                json!({ "kind": "uniform", "min": -LONG, "max": u64::MAX }),
                "max min",
            ),
            (
                json!({ "kind": "normal", "mean": LONG, "deviation": 0 }),
                "mean",
            ),
            (
                json!({ "kind": "curve", "points": points }),
                "points.1.value",
            ),
            (
                json!({ "kind": "profile", "daily": daily }),
                "daily.0.value",
            ),
            (
                json!({ "kind": "wave", "min": 0, "max": LONG, "period": "1m" }),
                "max",
            ),
            (
                json!({ "kind": "object", "fields": { "w": walk } }),
                "fields.w.min",
            ),
            (
                json!({ "kind": "faulty", "of": walk, "faults": [{ "kind": "spike", "by": LONG }] }),
                "faults.0.by of.min",
            ),
        ] {
            let refusal = refusal(&json);
            let found: Vec<&str> = refusal
                .lines()
                .map(|line| line.split(": ").next().unwrap())
                .collect();
            assert_eq!(found.join(" "), keys, "{refusal}");
        }
        assert_eq!(
            refusal(&walk),
            "min: 9007199254740993 has too many digits for a generator that computes with fractions, which would make it 9007199254740992; up to 2^53 are exact; write that number, or take a constant, a counter or a bucket, which keep all digits"
        );
    }

    #[test]
    fn number_that_is_kept_is_accepted() {
        for json in [
            json!({ "kind": "constant", "value": [LONG, { "kind": "counter", "start": u64::MAX }] }),
            json!({ "kind": "counter", "start": LONG }),
            json!({ "kind": "bucket", "values": [LONG, u64::MAX] }),
            json!({ "kind": "walk", "start": LONG - 1, "step": 0.1 }),
            json!({ "kind": "uniform", "min": 0, "max": 1_u64 << 63 }),
        ] {
            assert!(Spec::from_json(&json).is_ok(), "{json}");
        }
    }

    #[test]
    fn counter_above_64_bits_is_refused_with_the_range() {
        let counter = json!({ "kind": "counter", "start": 1_u64 << 63 });
        let range = "9223372036854775808 is no number that a counter can have; whole numbers from -9223372036854775808 to 9223372036854775807 are right";
        assert_eq!(refusal(&counter), format!("start: {range}"));
        let nested = json!({ "kind": "object", "fields": { "n": counter } });
        assert_eq!(refusal(&nested), format!("fields.n.start: {range}"));
        assert_eq!(
            refusal(&json!({ "kind": "counter", "until": 1e3 })),
            "until: 1000.0 is no number that a counter can have; whole numbers from -9223372036854775808 to 9223372036854775807 are right"
        );
        assert!(refusal(&json!({ "kind": "wlak" })).starts_with("unknown variant `wlak`"));
    }
}
