//! Recognizes numbers in the cells of CSV.

use std::borrow::Cow;

/// The form of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NumberForm<'a> {
    /// A number with a point, or a whole one, such as `-21.5` or `1e6`.
    Point(Cow<'a, str>),
    /// A number with a comma, such as `21,5`: the same one with a point.
    Comma(String),
    /// Digits in groups, such as `1,234,567` or `1.234,5`.
    Grouped,
    /// `NaN` or `Infinity`.
    NotFinite,
    /// A number with signs or digits that are not those of ASCII, such as `−5` with U+2212: the
    /// same one in ASCII, and the first other character.
    Typographic(String, char),
    /// Any other text.
    Other,
}

/// Returns the form of a cell, with all of its digits.
#[must_use]
pub fn number_form(text: &str) -> NumberForm<'_> {
    let text = text.trim();
    if is_plain(text) {
        return NumberForm::Point(text.into());
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_not_finite = ["nan", "inf", "infinity"]
        .iter()
        .any(|name| unsigned.eq_ignore_ascii_case(name));
    if is_not_finite {
        return NumberForm::NotFinite;
    }
    if text.matches(',').count() == 1 && !text.contains('.') {
        let point = text.replace(',', ".");
        if is_plain(&point) && !text.ends_with(',') && !unsigned.starts_with(',') {
            return NumberForm::Comma(point);
        }
    }
    if is_grouped(unsigned) {
        return NumberForm::Grouped;
    }
    typographic(text).unwrap_or(NumberForm::Other)
}

/// The form of a number with signs or digits of typography.
fn typographic(text: &str) -> Option<NumberForm<'static>> {
    let other = text.chars().find(|c| !c.is_ascii())?;
    let without_spaces = text.chars().filter(|c| !is_space(*c));
    let ascii = without_spaces.map(ascii).collect::<Option<String>>()?;
    match number_form(&ascii) {
        NumberForm::Other | NumberForm::Typographic(..) => None,
        _ => Some(NumberForm::Typographic(ascii, other)),
    }
}

/// Whether it is a space of typography, as between groups of digits.
const fn is_space(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}')
}

/// The character of ASCII that stands for the same part of a number.
fn ascii(c: char) -> Option<char> {
    let digit = |zero: char| {
        let digit = u32::from(c).checked_sub(u32::from(zero))?;
        char::from_digit(digit, 10)
    };
    match c {
        c if c.is_ascii() => Some(c),
        // The hyphen, the non-breaking hyphen, dashes, the minus, and the wide forms of minus,
        // hyphen and plus.
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}' => Some('-'),
        '\u{ff0b}' => Some('+'),
        '\u{ff0e}' | '\u{66b}' => Some('.'),
        '\u{ff0c}' => Some(','),
        _ => digit('\u{ff10}')
            .or_else(|| digit('\u{660}'))
            .or_else(|| digit('\u{6f0}')),
    }
}

/// Whether a text is a sign, digits with a point, and an exponent.
fn is_plain(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (number, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let some = !exponent.is_empty() && whole.len() + fraction.len() > 0;
    some && is_digits(exponent) && is_digits(whole) && is_digits(fraction)
}

/// Whether digits stand in groups of three. Points alone are those of a version or an address.
fn is_grouped(unsigned: &str) -> bool {
    [(',', '.'), ('.', ','), ('\'', '.'), ('\u{2019}', '.')]
        .into_iter()
        .any(|(group, point)| {
            let (whole, fraction) = match unsigned.split_once(point) {
                Some((whole, fraction)) => (whole, Some(fraction)),
                None => (unsigned, None),
            };
            let mut parts = whole.split(group);
            let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            let first = parts.next().unwrap_or_default();
            let rest: Vec<&str> = parts.collect();
            (1..=3).contains(&first.len())
                && is_digits(first)
                && !rest.is_empty()
                && rest.iter().all(|part| part.len() == 3 && is_digits(part))
                && fraction.is_none_or(|fraction| !fraction.is_empty() && is_digits(fraction))
                && (group != '.' || fraction.is_some())
        })
}

/// Whether a text stands for a value that is absent, in a column of numbers.
#[must_use]
pub fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    let known = ["null", "none", "n/a", "#n/a", "na", "-", "--", "?"];
    known.iter().any(|known| text.eq_ignore_ascii_case(known))
        || number_form(text) == NumberForm::NotFinite
}

/// Whether a plain number is above those that a float can have.
fn is_too_large(text: &str) -> bool {
    let number = text.trim().parse::<f64>();
    !number.is_ok_and(f64::is_finite)
}

/// Returns a sentence about a cell that is no number, in a column of numbers.
#[must_use]
pub fn refuse_number(text: &str) -> String {
    match number_form(text) {
        NumberForm::Comma(point) => format!(
            "{text:?} has a comma, and so has the delimiter of this file: write {point}, separate the columns by \";\", or give the column the type \"text\""
        ),
        NumberForm::Grouped => format!(
            "{text:?} has its digits in groups; write them without separators, or give the column the type \"text\""
        ),
        NumberForm::NotFinite => format!(
            "{text:?} is no number that a message can hold; leave the cell empty for a missing value, or give the column the type \"text\""
        ),
        NumberForm::Typographic(ascii, other) => {
            let way = match number_form(&ascii) {
                NumberForm::Point(_) | NumberForm::Comma(_) => format!("write {ascii}"),
                _ => "write it in ASCII, without separators".to_owned(),
            };
            format!(
                "{text:?} has a character that numbers of data files do not have (U+{:04X}): {way}, or give the column the type \"text\"",
                u32::from(other)
            )
        }
        // Any other plain number is one that a message can hold.
        NumberForm::Point(_) if is_too_large(text) => format!(
            "{text:?} is larger than any number of 64 bits, up to about 1.8e308; write a smaller one, or give the column the type \"text\""
        ),
        _ if is_placeholder(text) => format!(
            "{text:?} is no number, as the column's others are; leave the cell empty for a missing value, or give the column the type \"text\""
        ),
        _ => format!(
            "{text:?} is no number, as the column's others are; mend it, or give the column the type \"text\""
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn form_of_a_cell_is_found() {
        let point = |text: &'static str| NumberForm::Point(text.into());
        let comma = |text: &str| NumberForm::Comma(text.to_owned());
        let typographic = |text: &str, c| NumberForm::Typographic(text.to_owned(), c);
        for (text, expected) in [
            ("7", point("7")),
            (" -21.50 ", point("-21.50")),
            ("+.5e-3", point("+.5e-3")),
            ("18446744073709551616", point("18446744073709551616")),
            ("21,5", comma("21.5")),
            ("-0,25", comma("-0.25")),
            ("1,234", comma("1.234")),
            ("1,5e3", comma("1.5e3")),
            ("1,234,567", NumberForm::Grouped),
            ("1,234.5", NumberForm::Grouped),
            ("-1.234,5", NumberForm::Grouped),
            ("1'234.5", NumberForm::Grouped),
            ("NaN", NumberForm::NotFinite),
            ("-Infinity", NumberForm::NotFinite),
            ("\u{2212}5", typographic("-5", '\u{2212}')),
            ("1e\u{2212}5", typographic("1e-5", '\u{2212}')),
            ("\u{2013}0,5", typographic("-0,5", '\u{2013}')),
            ("1\u{a0}234,5", typographic("1234,5", '\u{a0}')),
            ("\u{ff15}", typographic("5", '\u{ff15}')),
            ("\u{2013}", NumberForm::Other),
            ("5 \u{b0}C", NumberForm::Other),
            ("", NumberForm::Other),
            ("1,2,3", NumberForm::Other),
            ("1.234.567", NumberForm::Other),
            ("192.168.100.200", NumberForm::Other),
            ("0x10", NumberForm::Other),
            ("a,b", NumberForm::Other),
            (",", NumberForm::Other),
            ("1,", NumberForm::Other),
            ("2026-01-01", NumberForm::Other),
        ] {
            assert_eq!(number_form(text), expected, "{text}");
        }
    }

    #[test]
    fn number_that_cannot_be_read_is_refused_with_the_way_out() {
        for (text, words) in [
            (
                "1e400",
                "is larger than any number of 64 bits, up to about 1.8e308; write a smaller one,",
            ),
            (
                "\u{2212}5",
                "has a character that numbers of data files do not have (U+2212): write -5, or",
            ),
            ("1\u{202f}234", "(U+202F): write 1234, or"),
            (
                "\u{2212}1,234,567",
                "(U+2212): write it in ASCII, without separators, or",
            ),
            ("n/a", "leave the cell empty for a missing value"),
        ] {
            let said = refuse_number(text);
            assert!(said.contains(words), "{said}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[0-9.,' e+-]{0,12}|.{0,12}") {
            let _ = (number_form(&text), refuse_number(&text));
        }
    }
}
