//! Compares a plugin's README with its code, in the tests of each plugin.

use serde_json::{Number, Value};

/// Asserts that the table of settings has a row for each key of the schema, and no other,
/// with its range and default.
pub(crate) fn assert_lists_the_settings(readme: &str, schema: &Value) {
    let settings = schema["properties"].as_object().unwrap();
    let rows: Vec<[&str; 5]> = readme
        .lines()
        .skip_while(|line| !line.starts_with("| key |"))
        .skip(2)
        .map_while(|line| line.strip_prefix('|')?.strip_suffix('|'))
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            cells.try_into().expect("a row has five cells")
        })
        .collect();
    let mut keys: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    keys.sort_unstable();
    assert!(keys.iter().eq(settings.keys()), "{keys:?}");
    for [key, _, _, range, default] in rows {
        let setting = &settings[key.trim_matches('`')];
        let bounds = ["minimum", "minItems", "maximum", "maxItems"];
        let bounds: Vec<f64> = bounds
            .iter()
            .filter_map(|bound| setting[bound].as_f64())
            .collect();
        assert_eq!(numbers(range), bounds, "the range of {key}");
        match &setting["default"] {
            Value::Null => assert_eq!(default, "none", "the default of {key}"),
            Value::Bool(value) => assert_eq!(default, value.to_string(), "{key}"),
            Value::Number(value) => {
                let value = Number::as_f64(value).unwrap();
                assert_eq!(numbers(default), [value], "the default of {key}");
            }
            _ => assert!(!default.is_empty(), "the default of {key} is described"),
        }
    }
}

/// The JSON blocks of the README, in order.
pub(crate) fn json_blocks(readme: &str) -> Vec<Value> {
    let blocks = readme.split("```json").skip(1);
    blocks
        .map(|block| serde_json::from_str(block.split("```").next().unwrap()).unwrap())
        .collect()
}

/// The numbers in a cell, such as `0 to 10,000`.
fn numbers(cell: &str) -> Vec<f64> {
    let words = cell.split(' ');
    words
        .filter_map(|word| word.replace(',', "").parse().ok())
        .collect()
}
