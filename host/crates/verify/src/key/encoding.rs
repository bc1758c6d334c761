//! Decodes received payloads that are stored as hexadecimal digits or base64.
//!
//! JSON and CSV cannot hold bytes, so exports write binary payloads as text.

use std::collections::HashSet;

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
    /// Finds the form of payloads. It is used only if the log's payloads are bytes.
    ///
    /// Some received payloads may be unreadable. The form is the one in which most have a size
    /// that the log's payloads have. If none has, it is the form of most payloads.
    pub(crate) fn detect(sample: &[Vec<u8>], sizes: &HashSet<usize>) -> Self {
        let texts = || sample.iter().filter(|text| !text.is_empty());
        let fitting = |form: Self| {
            let sent = texts().filter(|text| {
                let decoded = form.decode(text);
                decoded.is_some_and(|bytes| sizes.contains(&bytes.len()))
            });
            sent.count()
        };
        let [plain, hex, base64] = [Self::Plain, Self::Hex, Self::Base64].map(fitting);
        if plain.max(hex).max(base64) > 0 {
            return match () {
                () if hex >= plain.max(base64) => Self::Hex,
                () if base64 >= plain => Self::Base64,
                () => Self::Plain,
            };
        }
        let half = texts().count() / 2;
        let is_most = |form: Self| {
            let readable = texts().filter(|text| form.decode(text).is_some());
            readable.count() > half
        };
        let forms = [Self::Hex, Self::Base64];
        forms
            .into_iter()
            .find(|form| is_most(*form))
            .unwrap_or(Self::Plain)
    }

    /// Returns the name of the form in messages.
    pub(crate) const fn word(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Hex => Some("hexadecimal digits"),
            Self::Base64 => Some("base64"),
        }
    }

    /// Returns the bytes of a payload, or `None` if it has not this form.
    pub(crate) fn decode(self, stored: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Plain => Some(stored.to_vec()),
            Self::Hex => hex(stored),
            Self::Base64 => base64(stored),
        }
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

    fn detected(texts: &[&str], sizes: &[usize]) -> PayloadEncoding {
        PayloadEncoding::detect(&sample(texts), &sizes.iter().copied().collect())
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
            for sizes in [[].as_slice(), &[4], &[99]] {
                assert_eq!(detected(texts, sizes), form);
            }
            for text in texts {
                assert_eq!(form.decode(text.as_bytes()).unwrap(), bytes, "{text}");
            }
        }
    }

    #[test]
    fn unreadable_texts_do_not_change_the_form_of_the_others() {
        let texts = ["C800000002", "zz", "C800000003", "C800000004"];
        for sizes in [[].as_slice(), &[5]] {
            assert_eq!(detected(&texts, sizes), PayloadEncoding::Hex);
        }
        assert_eq!(PayloadEncoding::Hex.decode(b"zz"), None);
        // Base64 that looks like hexadecimal digits is told by the sizes.
        let texts = ["AAAA", "ABCD", "AAAA", "gP8A"];
        assert_eq!(detected(&texts, &[3]), PayloadEncoding::Base64);
        assert_eq!(detected(&["ab", "12"], &[2]), PayloadEncoding::Plain);
    }

    #[test]
    fn other_texts_have_no_form() {
        for texts in [["80 f", "80ff"], ["on!", "off!"], ["", ""]] {
            assert_eq!(detected(&texts, &[]), PayloadEncoding::Plain);
        }
    }
}
