//! Writes binary payloads: parts of fixed length, one after the other.

use mockfleet_sdk::Error;
use mockfleet_sdk::generate::Value;

use crate::config::{Endian, Part};
use crate::payload::template::{Reference, Template};
use crate::payload::template_context::TemplateContext;

/// A fixed layout.
#[derive(Debug)]
pub(crate) struct Binary(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Bytes(Vec<u8>),
    Text(Template, usize),
    Number(Number),
}

#[derive(Debug)]
struct Number {
    /// The source, for error messages.
    written: String,
    value: Reference,
    kind: Kind,
    bytes: usize,
    scale: f64,
    offset: f64,
    endian: Endian,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unsigned,
    Signed,
    Float,
}

impl Binary {
    pub(crate) fn read(parts: &[Part], context: &mut TemplateContext<'_>) -> Option<Self> {
        if parts.is_empty() {
            context.report("binary", "it has no parts; name at least one");
            return None;
        }
        let pieces: Vec<Option<Piece>> = parts
            .iter()
            .enumerate()
            .map(|(place, part)| piece(part, &format!("binary.{place}"), context))
            .collect();
        Some(Self(pieces.into_iter().collect::<Option<_>>()?))
    }

    pub(crate) fn write(&self, values: &[Value], into: &mut Vec<u8>) -> Result<(), Error> {
        for piece in &self.0 {
            match piece {
                Piece::Bytes(bytes) => into.extend_from_slice(bytes),
                Piece::Text(template, length) => {
                    let end = into.len() + length;
                    template.write(values, into);
                    into.resize(end, 0);
                }
                Piece::Number(number) => number.write(values, into)?,
            }
        }
        Ok(())
    }
}

fn piece(part: &Part, path: &str, context: &mut TemplateContext<'_>) -> Option<Piece> {
    let (kind, value, bits, scale, offset, endian) = match part {
        Part::Bytes { hex } => {
            let bytes = unhex(hex);
            if bytes.is_none() {
                context.report(
                    &format!("{path}.hex"),
                    format_args!("{hex:?} is not hexadecimal; two digits a byte, such as \"a55a\""),
                );
            }
            return bytes.map(Piece::Bytes);
        }
        Part::Text { value, length } => {
            let template = Template::read(value, &format!("{path}.value"), context)?;
            return Some(Piece::Text(template, *length));
        }
        Part::Unsigned {
            value,
            bits,
            scale,
            offset,
            endian,
        } => (Kind::Unsigned, value, bits, *scale, *offset, *endian),
        Part::Signed {
            value,
            bits,
            scale,
            offset,
            endian,
        } => (Kind::Signed, value, bits, *scale, *offset, *endian),
        Part::Float {
            value,
            bits,
            endian,
        } => (Kind::Float, value, bits, 1.0, 0.0, *endian),
    };
    let right: &[u8] = match kind {
        Kind::Float => &[32, 64],
        _ => &[8, 16, 24, 32, 64],
    };
    if !right.contains(bits) {
        let right: Vec<String> = right.iter().map(u8::to_string).collect();
        context.report(
            &format!("{path}.bits"),
            format_args!("{bits} bits; there are {}", right.join(", ")),
        );
        return None;
    }
    let path = format!("{path}.value");
    let template = Template::read(value, &path, context)?;
    let Some(reference) = template.single() else {
        context.report(
            &path,
            format_args!("{value:?} is no single value; write \"{{{{ name }}}}\""),
        );
        return None;
    };
    Some(Piece::Number(Number {
        written: value.clone(),
        value: reference.clone(),
        kind,
        bytes: usize::from(bits / 8),
        scale,
        offset,
        endian,
    }))
}

impl Number {
    fn write(&self, values: &[Value], into: &mut Vec<u8>) -> Result<(), Error> {
        let value = match self.value.of(values) {
            Value::Bool(truth) => &Value::Integer(i64::from(*truth)),
            value => value,
        };
        let Some(number) = value.as_number() else {
            return Err(self.unfit(value, "is no number"));
        };
        let start = into.len();
        match self.kind {
            Kind::Float if self.bytes == 4 => {
                #[expect(clippy::cast_possible_truncation, reason = "it is what was asked for")]
                let short = number as f32;
                into.extend_from_slice(&short.to_be_bytes());
            }
            Kind::Float => into.extend_from_slice(&number.to_be_bytes()),
            Kind::Unsigned | Kind::Signed => {
                let bits = self.bytes * 8;
                let whole = self
                    .scaled(value, number)?
                    .filter(|whole| self.range().contains(whole))
                    .ok_or_else(|| self.unfit(value, &format!("does not fit {bits} bits")))?;
                let bytes = whole.to_be_bytes();
                into.extend_from_slice(bytes.get(bytes.len() - self.bytes..).unwrap_or_default());
            }
        }
        if self.endian == Endian::Little {
            into.get_mut(start..).unwrap_or_default().reverse();
        }
        Ok(())
    }

    /// The scaled number as an integer; `None` when it is far out of any range. A whole
    /// number is scaled with all its digits, or not at all.
    fn scaled(&self, value: &Value, number: f64) -> Result<Option<i128>, Error> {
        let settings = (whole(self.offset), whole(self.scale));
        if let (Some(number), (Some(offset), Some(scale))) = (value.as_whole(), settings) {
            let moved = number.checked_add(offset);
            return Ok(moved.and_then(|moved| moved.checked_mul(scale)));
        }
        if value
            .as_whole()
            .is_some_and(|exact| near(number) != Some(exact))
        {
            let why = "has too many digits for this scale and offset; whole ones keep them";
            return Err(self.unfit(value, why));
        }
        Ok(near(((number + self.offset) * self.scale).round()))
    }

    /// The integers that its bits can represent.
    const fn range(&self) -> std::ops::Range<i128> {
        let bits = self.bytes * 8;
        match self.kind {
            Kind::Signed => -(1_i128 << (bits - 1))..1_i128 << (bits - 1),
            _ => 0..1_i128 << bits,
        }
    }

    fn unfit(&self, value: &Value, why: &str) -> Error {
        Error::failed(format_args!("field {}: {value} {why}", self.written))
    }
}

/// A float without a fraction as an integer, if each of its neighbours is a float, too.
fn whole(number: f64) -> Option<i128> {
    let is_exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    near(number).filter(|_| is_exact)
}

/// A float without a fraction as an integer, if it is not far above 64 bits.
fn near(number: f64) -> Option<i128> {
    if !number.is_finite() || number.abs() > 2e19 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and far below 2^127")]
    let whole = number as i128;
    Some(whole)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let pairs = digits.chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::payload::tests::{payload, problems_of};
    use mockfleet_sdk::generate::Value;
    use serde_json::json;

    #[test]
    fn parts_lie_one_after_the_other_in_their_bits_and_order() {
        let payload = payload(json!({ "binary": [
            { "type": "bytes", "hex": "a5 5A" },
            { "type": "unsigned", "bits": 16, "value": "{{ a }}", "scale": 100, "offset": 40 },
            { "type": "signed", "bits": 24, "value": "{{ a }}", "endian": "little" },
            { "type": "float", "bits": 32, "value": "{{a}}" },
            { "type": "text", "length": 3, "value": "{{ b }}" },
        ] }))
        .unwrap();
        let bytes = payload
            .write(&[Value::Number(-2.0), Value::text("x")])
            .unwrap();
        let float = (-2.0_f32).to_be_bytes();
        let expected = [
            &[0xa5, 0x5a, 0x0e, 0xd8, 0xfe, 0xff, 0xff],
            &float[..],
            b"x\0\0",
        ]
        .concat();
        assert_eq!(bytes, expected);
        let error = payload
            .write(&[Value::Number(1e9), Value::Null])
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "field {{ a }}: 1000000000.0 does not fit 16 bits"
        );
        let error = payload.write(&[Value::Null, Value::Null]).unwrap_err();
        assert_eq!(error.to_string(), "field {{ a }}: null is no number");
    }

    #[test]
    fn whole_numbers_keep_all_digits_up_to_64_bits() {
        let part = |kind: &str, scale: f64| json!({ "binary": [{ "type": kind, "bits": 64, "value": "{{ a }}", "scale": scale }] });
        let bytes = |kind: &str, scale: f64, value: Value| {
            payload(part(kind, scale))
                .unwrap()
                .write(&[value, Value::Null])
        };
        for number in [9_007_199_254_740_993, u64::MAX] {
            let written = bytes("unsigned", 1.0, Value::from(number)).unwrap();
            assert_eq!(written, number.to_be_bytes());
        }
        let doubled = bytes("signed", -2.0, Value::Integer(4_503_599_627_370_497)).unwrap();
        assert_eq!(doubled, (-9_007_199_254_740_994_i64).to_be_bytes());
        let error = bytes("signed", 1.0, Value::from(u64::MAX)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "field {{ a }}: 18446744073709551615 does not fit 64 bits"
        );
        let error = bytes("signed", 0.5, Value::Integer(9_007_199_254_740_993)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "field {{ a }}: 9007199254740993 has too many digits for this scale and offset; whole ones keep them"
        );
    }

    #[test]
    fn invalid_layout_is_refused_with_paths() {
        let found = problems_of(json!({ "binary": [
            { "type": "bytes", "hex": "a" },
            { "type": "unsigned", "bits": 12, "value": "{{ a }}" },
            { "type": "float", "bits": 64, "value": "{{ a }}{{ b }}" },
        ] }));
        let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["binary.0.hex", "binary.1.bits", "binary.2.value"]);
    }
}
