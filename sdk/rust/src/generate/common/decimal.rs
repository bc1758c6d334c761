//! Reads numbers from their texts without changing a digit.

use std::rc::Rc;

use crate::generate::common::value::Value;

/// Digits of a decimal number: its sign, its digits without zeros at both ends, and the
/// power of ten of the last one. Numbers of one size have one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Parses a number such as `-12.50` or `1e6`. `None` for any other text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (number, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i64>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let behind = i64::try_from(fraction.len()).ok()?;
        let short = digits.trim_end_matches('0');
        let zeros = i64::try_from(digits.len() - short.len()).ok()?;
        let short = short.trim_start_matches('0');
        if short.is_empty() {
            return Some(Self {
                negative: false,
                digits: String::new(),
                exponent: 0,
            });
        }
        Some(Self {
            negative: text.starts_with('-'),
            digits: short.to_owned(),
            exponent: exponent.checked_sub(behind)?.checked_add(zeros)?,
        })
    }
}

/// The number that a text writes, in the smallest kind that has all its digits. `None` for
/// a text that is no number.
#[must_use]
pub fn parse_number(text: &str) -> Option<Value> {
    let text = text.trim();
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Value::Integer(whole));
    }
    if let Ok(whole) = text.parse::<u64>() {
        return Some(Value::Unsigned(whole));
    }
    let decimal = Decimal::parse(text)?;
    let number = text
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())?;
    let is_whole = !text.contains(['.', 'e', 'E']);
    let mut written = Vec::new();
    Value::Number(number).write_json(&mut written);
    let kept = Decimal::parse(&String::from_utf8_lossy(&written));
    if kept.as_ref() == Some(&decimal) && !is_whole {
        return Some(Value::Number(number));
    }
    Some(Value::Decimal(json_number(text)))
}

/// A number as JSON writes it: without a plus, and with digits around its point.
fn json_number(text: &str) -> Rc<str> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let split = unsigned.find(['e', 'E']).unwrap_or(unsigned.len());
    let (number, exponent) = unsigned.split_at(split);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}{exponent}").into()
}

/// The same number with a fraction, so that a field with fractions has one type.
#[cfg(any(feature = "files", feature = "templates"))]
pub(crate) fn with_fraction(value: Value) -> Value {
    let text = match &value {
        Value::Integer(_) | Value::Unsigned(_) => value.to_string(),
        Value::Decimal(text) if !text.contains(['.', 'e', 'E']) => text.to_string(),
        _ => return value,
    };
    let text = format!("{text}.0");
    parse_number(&text).unwrap_or(value)
}

/// Whether two values are the same: numbers by their size, whatever their kind.
#[must_use]
pub fn same_value(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => left == right,
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right.iter())
                    .all(|(left, right)| same_value(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let has = |name: &str, value: &Value| {
                let mut members = right.iter();
                members.any(|(other, found)| **other == *name && same_value(value, found))
            };
            left.len() == right.len() && left.iter().all(|(name, value)| has(name, value))
        }
        _ if left.is_number() && right.is_number() => {
            Decimal::parse(&left.to_string()) == Decimal::parse(&right.to_string())
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_of_a_text_keeps_all_digits() {
        for (text, expected) in [
            ("7", "7"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775808", "9223372036854775808"),
            ("18446744073709551615", "18446744073709551615"),
            ("18446744073709551616", "18446744073709551616"),
            ("28.20", "28.2"),
            ("1e2", "100.0"),
            ("1234567890.123456789", "1234567890.123456789"),
            ("+.10000000000000001", "0.10000000000000001"),
            ("-00.30000000000000000001e3", "-0.30000000000000000001e3"),
            ("9007199254740993.0", "9007199254740993.0"),
        ] {
            assert_eq!(parse_number(text).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", ".", "x", "inf", "NaN", "1e999", "1.2.3", "--1", "0x10"] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_equal_by_size_and_digit() {
        let value = |text: &str| parse_number(text).unwrap();
        for (left, right) in [
            ("20", "20.0"),
            ("1e2", "100"),
            ("-0", "0.0"),
            ("18446744073709551615", "18446744073709551615.0"),
        ] {
            assert!(same_value(&value(left), &value(right)), "{left} {right}");
        }
        for (left, right) in [
            ("1688888483063664642", "1688888483063664643"),
            ("9007199254740993", "9007199254740992.0"),
            ("18446744073709551615", "18446744073709551616"),
            ("0.1", "0.10000000000000001"),
        ] {
            assert!(!same_value(&value(left), &value(right)), "{left} {right}");
        }
        assert!(!same_value(&Value::text("20"), &value("20")));
    }

    #[cfg(any(feature = "files", feature = "templates"))]
    #[test]
    fn whole_number_among_fractions_has_a_point() {
        assert_eq!(with_fraction(Value::Integer(30)), Value::Number(30.0));
        let large = with_fraction(Value::Integer(9_007_199_254_740_993));
        assert_eq!(large.to_string(), "9007199254740993.0");
    }
}
