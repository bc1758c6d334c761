//! Recognizes files that are no text in UTF-8.

/// Bytes that are enough to recognize an encoding.
const LOOKED_AT: usize = 4 << 10;

/// The sentence about bytes that are not UTF-8, such as letters with accents of ISO 8859-1.
pub const NOT_UTF8: &str = "this is not UTF-8; save the file as UTF-8, or convert it from its encoding, such as: iconv -f latin1 -t utf-8 OLD > NEW";

/// Returns a sentence about a file that begins with these bytes if it is no text in UTF-8, such
/// as UTF-16 or an archive. Invalid bytes further behind are not found.
#[must_use]
pub fn refuse_encoding(start: &[u8]) -> Option<String> {
    let start = start.get(..LOOKED_AT.min(start.len()))?;
    let convert = |encoding: &str, iconv: &str, sign: &str| {
        format!(
            "this is {encoding} ({sign}), and a data file is UTF-8; iconv -f {iconv} -t utf-8 OLD > NEW converts it"
        )
    };
    let unpack = |kind: &str, way: &str| format!("this is {kind}, and a data file is text; {way}");
    Some(match start {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => {
            convert("UTF-32", "utf-32", "its byte order mark")
        }
        [0xff, 0xfe, ..] => convert("UTF-16", "utf-16", "its first bytes are FF FE"),
        [0xfe, 0xff, ..] => convert("UTF-16", "utf-16", "its first bytes are FE FF"),
        [0x1f, 0x8b, ..] => unpack("packed by gzip", "gunzip unpacks it"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => unpack("packed by Zstandard", "unzstd unpacks it"),
        [b'P', b'K', 3, 4, ..] => unpack(
            "a ZIP archive or an Excel file",
            "unpack it, or export the sheet as CSV in UTF-8",
        ),
        [b'P', b'A', b'R', b'1', ..] => unpack(
            "Parquet",
            "duckdb -c \"COPY (FROM 'OLD') TO 'NEW.csv'\" converts it",
        ),
        _ => {
            let name = utf16_without_mark(start)?;
            convert("UTF-16", name, "every second byte is NUL")
        }
    })
}

/// Texts of most languages have a NUL in each pair of bytes where a character has 16 bits.
fn utf16_without_mark(start: &[u8]) -> Option<&'static str> {
    let pairs = start.chunks_exact(2);
    let count = pairs.len();
    let (mut first, mut second) = (0, 0);
    for pair in pairs {
        first += usize::from(pair.first() == Some(&0));
        second += usize::from(pair.last() == Some(&0));
    }
    let most = |nuls: usize, others: usize| nuls * 3 > count && others * 20 < count.max(20);
    if most(second, first) {
        Some("utf-16le")
    } else if most(first, second) {
        Some("utf-16be")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_is_recognized_with_and_without_a_mark() {
        let text = "time,temp\n2026-01-01,21.5\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let mut marked = vec![0xff, 0xfe];
        marked.extend(&little);
        for (bytes, way) in [
            (
                &marked,
                "(its first bytes are FF FE), and a data file is UTF-8; iconv -f utf-16 -t utf-8 OLD > NEW converts it",
            ),
            (&little, "iconv -f utf-16le -t utf-8 OLD > NEW"),
            (&big, "iconv -f utf-16be -t utf-8 OLD > NEW"),
        ] {
            let said = refuse_encoding(bytes).unwrap();
            assert!(
                said.starts_with("this is UTF-16 (") && said.contains(way),
                "{said}"
            );
        }
        assert!(
            refuse_encoding(b"PK\x03\x04")
                .unwrap()
                .contains("an Excel file")
        );
        for text in [
            &b""[..],
            text.as_bytes(),
            b"\xef\xbb\xbfa",
            b"a,b\nx\0y,\0\0",
        ] {
            assert_eq!(refuse_encoding(text), None);
        }
    }
}
