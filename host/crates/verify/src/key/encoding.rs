//! Decodes received payloads that are stored as hexadecimal digits or base64.
//!
//! JSON and CSV cannot hold bytes, so exports write binary payloads as text.

use std::borrow::Cow;

/// The form in which the received table stores payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PayloadEncoding {
    /// The bytes themselves.
    Plain,
    /// Hexadecimal digits, with `\x` or `0x` in front or without.
    Hex,
    /// Base64 of RFC 4648, with or without padding.
    Base64,
}

impl PayloadEncoding {
    /// Finds the form of payloads. It is used only if the log's payloads are bytes. A sample
    /// that has no other form is plain.
    pub(crate) fn detect(sample: &[Vec<u8>]) -> Self {
        let all = |decode: fn(&[u8]) -> Option<Vec<u8>>| {
            let mut texts = sample.iter().filter(|text| !text.is_empty()).peekable();
            texts.peek().is_some() && texts.all(|text| decode(text).is_some())
        };
        if all(hex) {
            Self::Hex
        } else if all(base64) {
            Self::Base64
        } else {
            Self::Plain
        }
    }

    /// Returns the name of the form in messages.
    pub(crate) const fn word(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Hex => Some("hexadecimal digits"),
            Self::Base64 => Some("base64"),
        }
    }

    /// Returns the bytes of a payload. A payload in another form stays as it is.
    pub(crate) fn decode<'a>(self, stored: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        let decoded = match self {
            Self::Plain => None,
            Self::Hex => hex(&stored),
            Self::Base64 => base64(&stored),
        };
        decoded.map_or(stored, Cow::Owned)
    }
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text
        .strip_prefix(b"\\x")
        .or_else(|| text.strip_prefix(b"0x"))
        .unwrap_or(text);
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    });
    pairs.collect()
}

fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().rposition(|byte| *byte != b'=');
    let letters = text.get(..end.map_or(0, |end| end + 1))?;
    if text.len() - letters.len() > 2 || letters.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(letters.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0);
    for letter in letters {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(texts: &[&str]) -> Vec<Vec<u8>> {
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    }

    #[test]
    fn bytes_are_decoded_from_each_form() {
        let bytes: &[u8] = &[0x80, 0xff, 0x00, 0x41];
        for (form, texts) in [
            (
                PayloadEncoding::Hex,
                ["80ff0041", "\\x80FF0041", "0x80ff0041"].as_slice(),
            ),
            (PayloadEncoding::Base64, &["gP8AQQ==", "gP8AQQ", "gP8AQQ=="]),
        ] {
            assert_eq!(PayloadEncoding::detect(&sample(texts)), form);
            for text in texts {
                assert_eq!(form.decode(text.as_bytes().into()), bytes, "{text}");
            }
        }
    }

    #[test]
    fn other_texts_stay_as_they_are() {
        for texts in [["80 f", "80ff"], ["on!", "off!"], ["", ""]] {
            assert_eq!(
                PayloadEncoding::detect(&sample(&texts)),
                PayloadEncoding::Plain
            );
        }
        let text = b"no digits".as_slice();
        assert_eq!(PayloadEncoding::Hex.decode(text.into()), text);
    }
}
