//! Finds computations with fractions that would lose digits of whole numbers.
//!
//! The engine converts a whole number to the nearest float where the other operand has a
//! fraction, and in each division. This file finds the operands of an expression's operators,
//! so that such a number is refused.

use std::ops::Range;

use minijinja::value::ValueKind;
use minijinja::{Expression, Value as EngineValue};

use crate::generate::common::value::Value;
use crate::generate::fields::language::{LANGUAGE, cause};
use crate::generate::fields::operand::Operand;

/// Digits that every float keeps.
const SAFE_DIGITS: usize = 15;

/// Whole numbers up to this are exact in a float.
const MAX_EXACT: u64 = 1 << 53;

/// Brackets within brackets at most. Deeper ones are not looked into.
const MAX_DEPTH: usize = 32;

/// The operators of an expression that compute with floats, or may.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    list: Vec<Operation>,
    /// Whether the expression itself has a long number.
    has_long_number: bool,
}

type Compiled = Expression<'static, 'static>;

#[derive(Debug)]
struct Operation {
    left: Compiled,
    right: Compiled,
    /// Whether it gives a fraction from whole numbers, too.
    divides: bool,
    /// Conditions of `a if b else c` around it, with the result that they need.
    conditions: Vec<(Compiled, bool)>,
}

impl Operations {
    /// Finds the operators of an expression.
    pub(crate) fn of_expression(source: &str) -> Self {
        let mut operations = Self::default();
        operations.add(source);
        operations
    }

    /// Finds the operators of all `{{ }}` of a template.
    pub(crate) fn of_template(source: &str) -> Self {
        let mut operations = Self::default();
        for part in source.split("{{").skip(1) {
            if let Some((inside, _)) = part.split_once("}}") {
                operations.add(inside.trim_matches('-'));
            }
        }
        operations
    }

    fn add(&mut self, source: &str) {
        let mut parser = Parser::new(source);
        self.has_long_number |= parser.tokens.iter().any(|token| {
            let text = source.get(token.clone()).unwrap_or_default();
            text.len() > SAFE_DIGITS && text.starts_with(|c: char| c.is_ascii_digit())
        });
        // An expression of another form than this parser knows is computed unchecked.
        if parser.expression(0).is_none() || parser.next < parser.tokens.len() {
            return;
        }
        let compile = |range: &Range<usize>| {
            let text = source.get(range.clone())?.to_owned();
            LANGUAGE.compile_expression_owned(text).ok()
        };
        let operations = parser.found.iter().filter_map(|found| {
            let conditions = found.conditions.iter();
            Some(Operation {
                left: compile(&found.left)?,
                right: compile(&found.right)?,
                divides: found.divides,
                conditions: conditions
                    .map(|(range, result)| Some((compile(range)?, *result)))
                    .collect::<Option<_>>()?,
            })
        });
        self.list.extend(operations);
    }

    /// Returns an error if an operator would change a whole number of these variables.
    pub(crate) fn check<'a>(
        &self,
        fields: impl Iterator<Item = &'a Value>,
        variables: &EngineValue,
    ) -> Result<(), String> {
        let mut fields = fields;
        if self.list.is_empty() || !(self.has_long_number || fields.any(has_long_number)) {
            return Ok(());
        }
        for operation in &self.list {
            operation.check(variables)?;
        }
        Ok(())
    }
}

impl Operation {
    fn check(&self, variables: &EngineValue) -> Result<(), String> {
        let number = |compiled: &Compiled| {
            let value = compiled.eval(variables.clone()).ok()?;
            (value.kind() == ValueKind::Number).then_some(value)
        };
        let is_reached = self.conditions.iter().all(|(condition, result)| {
            let found = condition.eval(variables.clone());
            found.is_ok_and(|found| found.is_true() == *result)
        });
        let (true, Some(left), Some(right)) = (is_reached, number(&self.left), number(&self.right))
        else {
            return Ok(());
        };
        if !self.divides && left.is_integer() && right.is_integer() {
            return Ok(());
        }
        for value in [left, right] {
            let float = Operand::read(&value).and_then(Operand::float);
            float.map_err(|why| cause(&why))?;
        }
        Ok(())
    }
}

/// Whether a value has a whole number that a float may not have.
fn has_long_number(value: &Value) -> bool {
    match value {
        Value::Integer(whole) => whole.unsigned_abs() > MAX_EXACT,
        Value::Unsigned(_) => true,
        Value::Decimal(_) => value.as_whole().is_some(),
        Value::Array(items) => items.iter().any(has_long_number),
        Value::Object(members) => members.iter().any(|(_, value)| has_long_number(value)),
        _ => false,
    }
}

/// An operator that was found, with the places of its operands in the source.
struct Found {
    left: Range<usize>,
    right: Range<usize>,
    divides: bool,
    conditions: Vec<(Range<usize>, bool)>,
}

/// A parser of the language's expressions, which keeps the places of operands only.
struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Range<usize>>,
    /// The position of the next token.
    next: usize,
    found: Vec<Found>,
}

impl<'a> Parser<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            source,
            tokens: tokens(source),
            next: 0,
            found: Vec::new(),
        }
    }

    /// The text of the next token; empty at the end.
    fn peek(&self) -> &'a str {
        let token = self.tokens.get(self.next);
        token
            .and_then(|token| self.source.get(token.clone()))
            .unwrap_or_default()
    }

    /// Takes the next token if it is one of these.
    fn take(&mut self, texts: &[&str]) -> Option<&'a str> {
        let text = Some(self.peek()).filter(|text| texts.contains(text))?;
        self.next += 1;
        Some(text)
    }

    /// The place in the source from a token up to the last one that was taken.
    fn since(&self, first: usize) -> Option<Range<usize>> {
        let start = self.tokens.get(first)?.start;
        let end = self.tokens.get(self.next.checked_sub(1)?)?.end;
        Some(start..end)
    }

    /// `a`, or `a if b else c`. None for a form that is not known.
    fn expression(&mut self, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let before = self.found.len();
        self.logic(depth)?;
        while self.take(&["if"]).is_some() {
            let (first, chosen) = (self.next, self.found.len());
            self.logic(depth)?;
            let condition = self.since(first)?;
            self.need(before..chosen, &condition, true);
            if self.take(&["else"]).is_some() {
                let other = self.found.len();
                self.expression(depth + 1)?;
                self.need(other..self.found.len(), &condition, false);
            }
        }
        Some(())
    }

    /// Notes the condition of the operators that were found at these positions.
    fn need(&mut self, positions: Range<usize>, condition: &Range<usize>, result: bool) {
        for found in self.found.get_mut(positions).into_iter().flatten() {
            found.conditions.push((condition.clone(), result));
        }
    }

    /// Sums that are compared, or joined by `and` and `or`.
    fn logic(&mut self, depth: usize) -> Option<()> {
        const JOINS: [&str; 10] = ["and", "or", "in", "not", "==", "!=", "<", "<=", ">", ">="];
        loop {
            while self.take(&["not", "in"]).is_some() {}
            self.sum(depth)?;
            if self.take(&JOINS).is_none() {
                return Some(());
            }
        }
    }

    fn sum(&mut self, depth: usize) -> Option<()> {
        self.chain(&["+", "-"], depth, Self::concatenation)
    }

    /// Texts that are joined.
    fn concatenation(&mut self, depth: usize) -> Option<()> {
        self.product(depth)?;
        while self.take(&["~"]).is_some() {
            self.product(depth)?;
        }
        Some(())
    }

    fn product(&mut self, depth: usize) -> Option<()> {
        self.chain(&["*", "/", "//", "%"], depth, Self::power)
    }

    fn power(&mut self, depth: usize) -> Option<()> {
        self.chain(&["**"], depth, Self::operand)
    }

    /// Operands with operators between them, the first two first.
    fn chain(
        &mut self,
        operators: &[&str],
        depth: usize,
        operand: fn(&mut Self, usize) -> Option<()>,
    ) -> Option<()> {
        let first = self.next;
        operand(self, depth)?;
        loop {
            let left = self.since(first)?;
            let Some(operator) = self.take(operators) else {
                return Some(());
            };
            let second = self.next;
            operand(self, depth)?;
            self.found.push(Found {
                left,
                right: self.since(second)?,
                divides: operator == "/",
                conditions: Vec::new(),
            });
        }
    }

    /// A number, text, name, list or object, with its parts, arguments, filters and tests.
    fn operand(&mut self, depth: usize) -> Option<()> {
        while self.take(&["-"]).is_some() {}
        if let Some(close) = self.open() {
            self.list(close, depth)?;
        } else {
            self.word()?;
        }
        loop {
            if let Some(close) = self.open() {
                self.list(close, depth)?;
            } else if self.take(&[".", "|", "is"]).is_some() {
                while self.take(&["not"]).is_some() {}
                self.word()?;
            } else {
                return Some(());
            }
        }
    }

    /// Takes a bracket that opens. Returns the one that closes.
    fn open(&mut self) -> Option<&'static str> {
        Some(match self.take(&["(", "[", "{"])? {
            "(" => ")",
            "[" => "]",
            _ => "}",
        })
    }

    /// Expressions up to a bracket.
    fn list(&mut self, close: &str, depth: usize) -> Option<()> {
        while self.take(&[close]).is_none() {
            if self.take(&[",", ":", "=", "*", "**"]).is_none() {
                self.expression(depth + 1)?;
            }
        }
        Some(())
    }

    /// Takes a number, a text or a name.
    fn word(&mut self) -> Option<()> {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '\'');
        if !self.peek().starts_with(is_word) {
            return None;
        }
        self.next += 1;
        Some(())
    }
}

/// The places of numbers, names, texts and operators.
fn tokens(source: &str) -> Vec<Range<usize>> {
    const PAIRS: [&str; 6] = ["**", "//", "==", "!=", "<=", ">="];
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(rest) = source.get(start..).filter(|rest| !rest.is_empty()) {
        let length = match rest.chars().next() {
            Some(c) if c.is_whitespace() => {
                start += c.len_utf8();
                continue;
            }
            Some(quote @ ('"' | '\'')) => text_length(rest, quote),
            Some(c) if c.is_ascii_digit() => number_length(rest),
            Some(c) if c.is_alphanumeric() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
                end.unwrap_or(rest.len())
            }
            _ if PAIRS.iter().any(|pair| rest.starts_with(pair)) => 2,
            Some(c) => c.len_utf8(),
            None => rest.len(),
        };
        tokens.push(start..start + length);
        start += length;
    }
    tokens
}

/// The length of a text with its quotes.
fn text_length(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(rest.len(), |(at, _)| at + 1)
}

/// The length of a number, which may have a point and an exponent.
fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut length = 0;
    while let Some(byte) = bytes.get(length) {
        let before = length.checked_sub(1).and_then(|at| bytes.get(at));
        let is_part = match byte {
            b'.' => bytes.get(length + 1).is_some_and(u8::is_ascii_digit),
            b'+' | b'-' => matches!(before, Some(b'e' | b'E')),
            byte => byte.is_ascii_alphanumeric() || *byte == b'_',
        };
        if !is_part {
            break;
        }
        length += 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The operands of all operators, in the order in which they are computed.
    fn operands(source: &str) -> Option<Vec<String>> {
        let mut parser = Parser::new(source);
        parser.expression(0)?;
        let text = |range: &Range<usize>| source.get(range.clone()).unwrap_or_default();
        let found = parser.found.iter();
        let found = found.map(|found| format!("{} | {}", text(&found.left), text(&found.right)));
        (parser.next == parser.tokens.len()).then(|| found.collect())
    }

    #[test]
    fn operators_have_their_operands() {
        for (source, expected) in [
            (
                "a * 9 / 5 + 32",
                vec!["a | 9", "a * 9 | 5", "a * 9 / 5 | 32"],
            ),
            ("-a.b[0] ** 2", vec!["-a.b[0] | 2"]),
            (
                "max(a / 2, 1.5e-3) % b",
                vec!["a | 2", "max(a / 2, 1.5e-3) | b"],
            ),
            (
                "(a + 1) * (b - 1)",
                vec!["a | 1", "b | 1", "(a + 1) | (b - 1)"],
            ),
            ("'a * b' ~ c|round(1) * 2", vec!["c|round(1) | 2"]),
            ("a not in [1, 2 * 3] and b is defined", vec!["2 | 3"]),
            ("{'x': a / 2}.x >= 1 or not b", vec!["a | 2"]),
            ("a", vec![]),
        ] {
            assert_eq!(operands(source).unwrap(), expected, "{source}");
        }
        assert_eq!(operands("a b"), None);
        assert_eq!(operands("a +"), None);
        assert_eq!(operands(&"(".repeat(10_000)), None);
    }

    proptest! {
        #[test]
        fn no_expression_makes_the_parser_panic(source in "[a1.,\"'é()\\[\\]{}*/+|= if-]{0,40}") {
            let _ = operands(&source);
        }
    }
}
