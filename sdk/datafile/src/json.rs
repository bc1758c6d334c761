//! Separates the objects of JSON lines and of a JSON list.

use crate::input::{Input, Position, ReadError, skip_mark, skip_while};

/// The form in which a file has its objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonForm {
    /// One a line.
    Lines,
    /// In one list, with any line breaks.
    List,
}

/// The part of a list that was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Bracket,
    Value,
    Comma,
    /// A value or a comma, after a jump.
    Unknown,
}

/// A reader of texts that should be objects, which it holds one at a time.
pub struct JsonReader {
    form: JsonForm,
    /// The most bytes of an object.
    max_bytes: usize,
    position: Position,
    start: Position,
    last: Last,
    text: Vec<u8>,
}

impl JsonReader {
    /// Makes a reader of objects of up to `max_bytes`.
    #[must_use]
    pub const fn new(form: JsonForm, max_bytes: usize) -> Self {
        Self {
            form,
            max_bytes,
            position: Position::START,
            start: Position::START,
            last: Last::Nothing,
            text: Vec::new(),
        }
    }

    /// Continues at the offset of an object, or behind one. The input must do the same.
    pub fn jump(&mut self, offset: u64) {
        self.position.offset = offset;
        self.last = Last::Unknown;
    }

    /// Reads the next object, and returns whether there is one. The text may be any other.
    ///
    /// # Errors
    /// Bytes that cannot be read, a text that is too long, and a list without its commas or
    /// brackets.
    pub fn read<I: Input>(&mut self, input: &mut I) -> Result<bool, ReadError<I::Error>> {
        self.text.clear();
        skip_mark(input, &mut self.position)?;
        match self.form {
            JsonForm::Lines => self.read_line(input),
            JsonForm::List => self.read_element(input),
        }
    }

    fn read_line<I: Input>(&mut self, input: &mut I) -> Result<bool, ReadError<I::Error>> {
        loop {
            self.text.clear();
            self.start = self.position;
            let mut ended = false;
            while !ended {
                let (text, position) = (&mut self.text, &mut self.position);
                ended = input.take(|bytes| {
                    let end = bytes.iter().position(|byte| *byte == b'\n');
                    let line = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
                    text.extend_from_slice(line);
                    let used = end.map_or(bytes.len(), |end| end + 1);
                    position.pass(bytes.get(..used).unwrap_or_default());
                    (used, end.is_some() || bytes.is_empty())
                })?;
                self.check_length()?;
            }
            if !self.text.trim_ascii().is_empty() {
                return Ok(true);
            }
            if self.position == self.start {
                return Ok(false);
            }
        }
    }

    fn read_element<I: Input>(&mut self, input: &mut I) -> Result<bool, ReadError<I::Error>> {
        let space = |byte: u8| byte.is_ascii_whitespace();
        loop {
            let next = skip_while(input, &mut self.position, space)?;
            self.start = self.position;
            let next = match (next, self.last) {
                (Some(b'['), Last::Nothing) => Last::Bracket,
                (Some(b','), Last::Value | Last::Unknown) => Last::Comma,
                (Some(b']'), Last::Bracket | Last::Value | Last::Unknown) => {
                    self.skip_one(input)?;
                    let more = skip_while(input, &mut self.position, space)?;
                    return match more {
                        None => Ok(false),
                        Some(_) => Err(self.refuse("there is more behind the end of the list")),
                    };
                }
                (None, _) => return Err(self.refuse("the list has no end; a ] is missing")),
                (Some(b',' | b']'), _) => return Err(self.refuse("an object is missing here")),
                (_, Last::Nothing) => return Err(self.refuse("this is no list; a [ is missing")),
                (_, Last::Value) => {
                    return Err(self.refuse("a comma between two objects is missing"));
                }
                (Some(_), _) => {
                    self.read_value(input)?;
                    self.last = Last::Value;
                    return Ok(true);
                }
            };
            self.skip_one(input)?;
            self.last = next;
        }
    }

    fn skip_one<I: Input>(&mut self, input: &mut I) -> Result<(), I::Error> {
        self.position.offset += 1;
        input.take(|_| (1, ()))
    }

    /// Reads a value of any type up to its end.
    fn read_value<I: Input>(&mut self, input: &mut I) -> Result<(), ReadError<I::Error>> {
        let mut nesting = Nesting::default();
        loop {
            let (text, position) = (&mut self.text, &mut self.position);
            let ended = input.take(|bytes| {
                let end = bytes.iter().position(|byte| nesting.ends_before(*byte));
                let used = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
                text.extend_from_slice(used);
                position.pass(used);
                (used.len(), end.is_some() || bytes.is_empty())
            })?;
            self.check_length()?;
            if ended {
                return Ok(());
            }
        }
    }

    fn check_length<E>(&self) -> Result<(), ReadError<E>> {
        if self.text.len() <= self.max_bytes {
            return Ok(());
        }
        Err(self.refuse(&format!(
            "this object is longer than {} MiB",
            self.max_bytes >> 20
        )))
    }

    fn refuse<E>(&self, text: &str) -> ReadError<E> {
        ReadError::Form {
            at: self.start,
            text: text.to_owned(),
        }
    }

    /// Returns the text of the object.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Returns the place at which the text begins.
    #[must_use]
    pub const fn start(&self) -> Position {
        self.start
    }

    /// Returns the place behind the text.
    #[must_use]
    pub const fn end(&self) -> Position {
        self.position
    }
}

/// The brackets and quotes that are open in a value.
#[derive(Default)]
struct Nesting {
    begun: bool,
    depth: usize,
    quoted: bool,
    escaped: bool,
    /// The value ended with the last byte.
    over: bool,
}

impl Nesting {
    /// Passes a byte, and returns whether the value ends before it.
    fn ends_before(&mut self, byte: u8) -> bool {
        if self.over {
            return true;
        }
        if self.quoted {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.quoted = false;
                    self.over = self.depth == 0;
                }
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.quoted = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                self.over = self.depth == 0;
            }
            b',' | b']' if self.depth == 0 => return true,
            _ if self.depth == 0 && self.begun && byte.is_ascii_whitespace() => return true,
            _ => {}
        }
        self.begun = true;
        false
    }
}

/// Returns the offset and the text of the first NaN or Infinity of a text that is no JSON: JSON
/// (RFC 8259) has no such numbers.
#[must_use]
pub fn find_nan(text: &[u8]) -> Option<(usize, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    let mut word: Option<usize> = None;
    for (place, byte) in text.iter().chain(b" ").enumerate() {
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.') {
            word.get_or_insert(place);
            continue;
        }
        if let Some(begin) = word.take() {
            let found = text.get(begin..place)?;
            let plain = found.trim_ascii_start();
            let plain = plain.strip_prefix(b"-").unwrap_or(plain);
            let plain = plain.strip_prefix(b"+").unwrap_or(plain);
            let names: [&[u8]; 3] = [b"nan", b"inf", b"infinity"];
            if names.iter().any(|name| plain.eq_ignore_ascii_case(name)) {
                return Some((begin, std::str::from_utf8(found).ok()?));
            }
        }
        quoted = *byte == b'"';
    }
    None
}

/// Returns a sentence about a number that [`find_nan`] found.
#[must_use]
pub fn refuse_nan(word: &str) -> String {
    format!(
        "{word} is no JSON, which has no such number (RFC 8259); write null, or leave the member out"
    )
}

/// Returns the offset of a line and a column, both from 1, in a text.
#[must_use]
pub fn offset_of(text: &[u8], line: usize, column: usize) -> usize {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines.take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::input::Pieces;

    /// Texts with their lines and offsets, and the error behind them with its line.
    type Objects = (Vec<(u64, u64, String)>, Option<(u64, String)>);

    fn objects(text: &str, form: JsonForm, length: usize) -> Objects {
        let mut input = Pieces {
            bytes: text.as_bytes(),
            length,
        };
        let mut reader = JsonReader::new(form, 1 << 20);
        let mut found = Vec::new();
        loop {
            match reader.read(&mut input) {
                Ok(true) => {
                    let text = String::from_utf8_lossy(reader.text()).into_owned();
                    found.push((reader.start().line, reader.start().offset, text));
                }
                Ok(false) => return (found, None),
                Err(ReadError::Form { at, text }) => return (found, Some((at.offset, text))),
                Err(ReadError::Input(never)) => match never {},
            }
        }
    }

    #[test]
    fn lines_and_lists_have_the_same_objects() {
        let object = |line, offset, text: &str| (line, offset, text.to_owned());
        for length in [1, 4, 1_000] {
            let text = "\u{feff}{\"a\":1}\r\n \n{\"b\":2}";
            let (found, error) = objects(text, JsonForm::Lines, length);
            assert_eq!(error, None);
            assert_eq!(
                found,
                [object(1, 3, "{\"a\":1}\r"), object(3, 14, "{\"b\":2}")]
            );
            let text = " [\n{\"a\":[1,\"]},\\\"\"]}\n ,7 , \"x,\" ]\n";
            let (found, error) = objects(text, JsonForm::List, length);
            assert_eq!(error, None);
            assert_eq!(
                found,
                [
                    object(2, 3, "{\"a\":[1,\"]},\\\"\"]}"),
                    object(3, 23, "7"),
                    object(3, 27, "\"x,\"")
                ]
            );
        }
        assert_eq!(objects("[ ]", JsonForm::List, 9), (Vec::new(), None));
    }

    #[test]
    fn broken_list_is_refused_at_its_place() {
        for (text, offset, expected) in [
            ("[{}", 3, "the list has no end; a ] is missing"),
            ("[{} {}]", 4, "a comma between two objects is missing"),
            ("[{},]", 4, "an object is missing here"),
            ("[,{}]", 1, "an object is missing here"),
            ("[{}] []", 3, "there is more behind the end of the list"),
            ("{}", 0, "this is no list; a [ is missing"),
        ] {
            let error = objects(text, JsonForm::List, 2).1;
            assert_eq!(error, Some((offset, expected.to_owned())), "{text}");
        }
    }

    #[test]
    fn nan_is_found_outside_of_texts_only() {
        let found = |text: &'static str| find_nan(text.as_bytes());
        assert_eq!(found(r#"{"NaN":"NaN \" NaN","a":NaN}"#), Some((24, "NaN")));
        assert_eq!(found(r#"[1e5,-Infinity]"#), Some((5, "-Infinity")));
        assert_eq!(found("nan"), Some((0, "nan")));
        assert_eq!(found(r#"{"a":null,"b":NaNo}"#), None);
        assert_eq!(offset_of(b"ab\ncd", 2, 2), 4);
    }

    proptest! {
        #[test]
        fn objects_do_not_depend_on_the_pieces(
            text in "[\\[\\]{}a1,\"\n\\\\ ]{0,40}",
            length in 1_usize..9,
        ) {
            for form in [JsonForm::Lines, JsonForm::List] {
                prop_assert_eq!(objects(&text, form, length), objects(&text, form, 1_000));
            }
        }
    }
}
