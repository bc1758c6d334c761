//! Finds the format of a file, and the delimiter of CSV.

/// The format of a data file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Separated values (RFC 4180).
    Csv {
        /// The separator.
        delimiter: u8,
    },
    /// A JSON object a line.
    JsonLines,
    /// One JSON list of objects.
    JsonList,
}

/// Delimiters that are found, the likeliest first: a comma may also be one of a number.
const DELIMITERS: [u8; 4] = *b"\t;|,";

/// Returns the format of a file that begins with these bytes.
#[must_use]
pub fn sniff(start: &[u8]) -> Format {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let text = text.trim_ascii_start();
    let behind = text.get(1..).unwrap_or_default().trim_ascii_start();
    match (text.first(), behind.first()) {
        (Some(b'{'), _) => Format::JsonLines,
        // The name of a column may begin with a bracket, too.
        (Some(b'['), None | Some(b'{' | b'[' | b']' | b'"' | b'-' | b'0'..=b'9')) => {
            Format::JsonList
        }
        _ => Format::Csv {
            delimiter: delimiter(start),
        },
    }
}

/// Returns the delimiter of a CSV file that begins with these bytes: one that the first two
/// lines have equally often, or else the one that the first line has most.
#[must_use]
pub fn delimiter(start: &[u8]) -> u8 {
    let [first, second] = first_counts(start);
    let found = |count: &dyn Fn(usize) -> usize| {
        (0..DELIMITERS.len())
            .filter(|place| count(*place) > 0)
            .rev()
            .max_by_key(|place| count(*place))
    };
    let of_first = |place: usize| first.get(place).copied().unwrap_or(0);
    let of_both = |place: usize| {
        if second.get(place) == first.get(place) {
            of_first(place)
        } else {
            0
        }
    };
    let place = found(&of_both).or_else(|| found(&of_first));
    place
        .and_then(|place| DELIMITERS.get(place))
        .copied()
        .unwrap_or(b',')
}

/// Counts each delimiter outside of quotes, in the first two lines that are not empty.
fn first_counts(start: &[u8]) -> [[usize; 4]; 2] {
    let mut counts = [[0; 4]; 2];
    let (mut line, mut quoted, mut empty) = (0, false, true);
    for byte in start {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted && !empty => {
                line += 1;
                empty = true;
                continue;
            }
            b'\n' | b'\r' => continue,
            _ if quoted => {}
            byte => {
                let place = DELIMITERS.iter().position(|known| known == byte);
                let counts: Option<&mut [usize; 4]> = counts.get_mut(line);
                let count = place
                    .zip(counts)
                    .and_then(|(place, counts)| counts.get_mut(place));
                if let Some(count) = count {
                    *count += 1;
                }
            }
        }
        empty = false;
        if line > 1 {
            break;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_is_found_from_the_first_bytes() {
        for (text, expected) in [
            ("\u{feff} \n{\"a\":1}", Format::JsonLines),
            ("\n [ {\"a\":1}]", Format::JsonList),
            ("[]", Format::JsonList),
            ("[time],[value]\n1,2\n", Format::Csv { delimiter: b',' }),
            ("a;b\n", Format::Csv { delimiter: b';' }),
        ] {
            assert_eq!(sniff(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn delimiter_is_one_that_both_lines_have() {
        for (text, expected) in [
            ("", b','),
            ("mm\n0,1\n", b','),
            ("a,b\n1,2\n", b','),
            ("a;b\r\n1,5;2,5\r\n", b';'),
            ("a\tb\n1\t2\n", b'\t'),
            ("a|b\n1|2\n", b'|'),
            ("\"time, UTC\";value\n1;2,5\n", b';'),
            ("a;b, in C;c, in %\n12:00;21,5;60,0\n", b';'),
            ("note; text,b,c\nx,y,z\n", b','),
            ("\n\na;b\n1;2\n", b';'),
        ] {
            let found = delimiter(text.as_bytes());
            assert_eq!(char::from(found), char::from(expected), "{text:?}");
        }
    }
}
