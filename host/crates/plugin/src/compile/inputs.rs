//! Reads the digest of a component's inputs.
//!
//! The builds of the Python and JavaScript SDKs write it. Their components hold a started
//! interpreter with random numbers, so two builds of one source have different bytes.

/// The custom section with the digest.
const SECTION: &[u8] = b"mockfleet-inputs";

/// The bytes before the first section: `\0asm` and the version.
const HEADER_BYTES: usize = 8;

/// The number of a custom section.
const CUSTOM: u8 = 0;

/// Returns the digest of the inputs, 64 hexadecimal digits, if the component has one.
#[must_use]
pub(crate) fn inputs_digest(component: &[u8]) -> Option<String> {
    let mut rest = component.get(HEADER_BYTES..)?;
    let mut found = None;
    while let Some((kind, after)) = rest.split_first() {
        let (size, after) = number(after)?;
        let (body, after) = after.split_at_checked(size)?;
        rest = after;
        if *kind != CUSTOM {
            continue;
        }
        let (size, body) = number(body)?;
        if let Some((SECTION, digest)) = body.split_at_checked(size) {
            found = std::str::from_utf8(digest).ok().filter(|text| is_hex(text));
        }
    }
    found.map(str::to_owned)
}

fn is_hex(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == 64 && text.bytes().all(is_digit)
}

/// Reads a number in LEB128. Returns it and the bytes behind it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (place, byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(place + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a component of sections, each with its number and content.
    fn component(sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        for (kind, body) in sections {
            let size = body.len();
            bytes.push(*kind);
            bytes.push(u8::try_from(size & 0x7f).unwrap() | 0x80);
            bytes.push(u8::try_from(size >> 7).unwrap());
            bytes.extend_from_slice(body);
        }
        bytes
    }

    fn stamp(digest: &str) -> Vec<u8> {
        let name = u8::try_from(SECTION.len()).unwrap();
        [&[name], SECTION, digest.as_bytes()].concat()
    }

    #[test]
    fn digest_is_found_behind_other_sections() {
        let digest = "0123456789abcdef".repeat(4);
        let stamp = stamp(&digest);
        let other: &[u8] = b"\x04namexyz";
        let bytes = component(&[(0, other), (1, &[7; 300]), (0, &stamp)]);
        assert_eq!(inputs_digest(&bytes), Some(digest));
        assert_eq!(inputs_digest(&component(&[(1, &[7; 300])])), None);
    }

    #[test]
    fn text_that_is_no_digest_is_ignored() {
        for text in ["", "0123", &"\u{1b}[2J".repeat(16), &"F".repeat(64)] {
            assert_eq!(inputs_digest(&component(&[(0, &stamp(text))])), None);
        }
    }

    #[test]
    fn broken_component_has_no_digest() {
        let bytes = component(&[(0, &stamp(&"0".repeat(64)))]);
        for end in 0..bytes.len() {
            assert_eq!(inputs_digest(&bytes[..end]), None);
        }
        assert_eq!(
            inputs_digest(b"\0asm\x0d\0\x01\0\0\xff\xff\xff\xff\xff"),
            None
        );
    }
}
