//! Spells decimal numbers in one way, digit by digit.

/// Most digits of a number that is written without an exponent.
const MAX_PLAIN: usize = 40;

/// Returns a number in one spelling: `1e2`, `100.0` and `100` are the same. Every digit counts,
/// and none goes through a float. Returns `None` for a text that is no number.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".into());
    }
    let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    let fraction = i64::try_from(fraction.len()).ok()?;
    let exponent = exponent.checked_sub(fraction)?.checked_add(zeros)?;
    Some(format!("{sign}{}", spelled(significant, exponent)))
}

/// Writes digits times a power of ten, without an exponent if the number is short.
fn spelled(digits: &str, exponent: i64) -> String {
    let Ok(shift) = usize::try_from(exponent.unsigned_abs()) else {
        return format!("{digits}e{exponent}");
    };
    if digits.len().saturating_add(shift) > MAX_PLAIN {
        return format!("{digits}e{exponent}");
    }
    if exponent >= 0 {
        return format!("{digits}{}", "0".repeat(shift));
    }
    let padded = format!("{digits:0>width$}", width = shift + 1);
    let (whole, fraction) = padded.split_at(padded.len() - shift);
    format!("{whole}.{fraction}")
}

/// Whole floats below this are shown with all their digits: 2^64.
const MAX_EXACT: f64 = 18_446_744_073_709_551_616.0;

/// Returns a float in one spelling: whole numbers of 64 bits with all digits, and others with as
/// many as tell them from their neighbours.
pub(crate) fn of_float(number: f64) -> String {
    let text = match number.fract() == 0.0 && number.abs() < MAX_EXACT {
        true => format!("{number:.0}"),
        false => number.to_string(),
    };
    canonical(&text).unwrap_or(text)
}

/// Returns whether a float column of this width holds a number exactly, in one spelling.
pub(crate) fn fits_float(canonical_number: &str, is_single: bool) -> bool {
    let held = match is_single {
        true => canonical_number.parse::<f32>().ok().and_then(widened),
        false => canonical_number.parse::<f64>().ok(),
    };
    held.is_some_and(|held| of_float(held) == canonical_number)
}

/// Returns a float of 32 bits as readers of tables do: a fraction keeps its decimal digits.
fn widened(number: f32) -> Option<f64> {
    match number.fract() == 0.0 {
        true => Some(number.into()),
        false => number.to_string().parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_has_one_spelling() {
        for (text, right) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("0e5", "0"),
            ("1e2", "100"),
            ("100.0", "100"),
            ("-10", "-10"),
            ("21.50", "21.5"),
            ("215e-1", "21.5"),
            ("0.10", "0.1"),
            ("-1.5E-3", "-0.0015"),
            ("007", "7"),
            ("9007199254740993.0", "9007199254740993"),
            ("9.007199254740993e+15", "9007199254740993"),
            ("0.12345678901234567891", "0.12345678901234567891"),
            ("1e400", "1e400"),
            ("10e399", "1e400"),
            ("12e-400", "12e-400"),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(right), "{text}");
        }
        for text in [
            "",
            "-",
            "a",
            "1a",
            ".5",
            "NaN",
            "1e",
            "0x10",
            "1e99999999999999999999",
        ] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }

    #[test]
    fn float_holds_its_own_numbers_only() {
        for (number, single, double) in [
            ("28.2", true, true),
            ("16777216", true, true),
            ("16777217", false, true),
            ("9007199254740992", true, true),
            ("1152921504606846976", true, true),
            ("1152921504606847000", false, false),
            ("9007199254740993", false, false),
            ("0.12345678901234567891", false, false),
            ("1e400", false, false),
        ] {
            assert_eq!(fits_float(number, true), single, "{number}");
            assert_eq!(fits_float(number, false), double, "{number}");
        }
    }
}
