//! A recording that is played: which row is there at a moment, and what it holds. Owns the
//! rows' pace; how it is asked for, and held against its file, is in `replay`.

use std::rc::Rc;

use crate::error::Error;
use crate::random::Rng;
use crate::time::Instant;

use super::at::At;
use super::kind::Kind;
use super::replay::{End, Start};
use super::span::{Origin, Span};
use super::table::{Rows, Table, parse_number};
use super::times::Times;
use super::value::Value;

/// How rows follow one another.
#[derive(Debug)]
pub(super) enum Pace {
    Value,
    Every(i64),
    /// Each row has its own time.
    Times(Times),
}

/// A column that is read: its position in a CSV file, or its path in JSON lines.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) member: Rc<str>,
    pub(super) position: usize,
    pub(super) path: String,
    pub(super) numbers: bool,
}

#[derive(Debug)]
pub(super) struct Recording {
    pub(super) table: Rc<Table>,
    pub(super) taken: Vec<Taken>,
    /// The value is the one column itself, and no object.
    pub(super) single: bool,
    pub(super) pace: Pace,
    pub(super) origin: Origin,
    pub(super) end: End,
    pub(super) from: Start,
}

impl Recording {
    /// The row at a time since the origin, in microseconds, and when the next one comes.
    fn row_at(&self, elapsed: i64, first: usize) -> (Option<usize>, Option<i64>) {
        let count = i64::try_from(self.table.len()).unwrap_or(i64::MAX);
        let start = i64::try_from(first).unwrap_or(0);
        match &self.pace {
            Pace::Value => (None, None),
            Pace::Every(every) => {
                let passed = elapsed.div_euclid(*every).max(0);
                let next = passed.saturating_add(1).saturating_mul(*every);
                let row = passed.saturating_add(start);
                let ends =
                    self.end != End::Loop && row + 1 >= count + i64::from(self.end == End::Stop);
                (self.place(row), (!ends).then_some(next))
            }
            Pace::Times(times) => {
                let round = times.round;
                let begin = times.at(first).unwrap_or(0);
                let position = begin.saturating_add(elapsed.max(0));
                let (rounds, within) = match self.end {
                    End::Loop => (position.div_euclid(round), position.rem_euclid(round)),
                    End::Hold | End::Stop => (0, position),
                };
                let after = times.by(within);
                let next = match (times.at(after), self.end) {
                    (Some(next), _) => Some(next),
                    (None, End::Loop) => Some(round),
                    (None, End::Stop) if within < round => Some(round),
                    (None, _) => None,
                };
                let next =
                    next.map(|next| rounds.saturating_mul(round).saturating_add(next) - begin);
                let over = self.end == End::Stop && within >= round;
                ((!over).then(|| after.saturating_sub(1)), next)
            }
        }
    }

    /// The row of a running number.
    fn place(&self, number: i64) -> Option<usize> {
        let number = usize::try_from(number).unwrap_or(0);
        let count = self.table.len().max(1);
        match self.end {
            End::Loop => Some(number % count),
            End::Hold => Some(number.min(count - 1)),
            End::Stop => Some(number).filter(|number| *number < count),
        }
    }

    fn value(&self, row: usize) -> Value {
        let mut values = vec![Value::Missing; self.taken.len()];
        match self.table.format() {
            Rows::Csv => self.table.fields(row, |column, _, text| {
                for (taken, value) in self.taken.iter().zip(values.iter_mut()) {
                    if taken.position == column {
                        *value = match taken.numbers {
                            true => parse_number(text).unwrap_or_default(),
                            false => Value::text(text),
                        };
                    }
                }
            }),
            Rows::JsonLines => {
                let json = self.table.json(row);
                for (taken, value) in self.taken.iter().zip(values.iter_mut()) {
                    *value = taken.part(&json);
                }
            }
        }
        if self.single {
            return values.pop().unwrap_or_default();
        }
        let members = self.taken.iter().map(|taken| Rc::clone(&taken.member));
        Value::Object(members.zip(values).collect())
    }
}

impl Taken {
    /// The member of this name, or the part at this path.
    fn part(&self, json: &Value) -> Value {
        let own = match json {
            Value::Object(members) => members.iter().find(|(name, _)| **name == *self.path),
            _ => None,
        };
        own.map(|(_, value)| value)
            .or_else(|| json.part(&self.path))
            .cloned()
            .unwrap_or_default()
    }
}

/// Where a device is in a recording.
#[derive(Debug, Clone)]
pub(super) struct Position {
    first: u32,
    /// The values so far, when each takes a row.
    taken: u32,
}

impl Kind for Recording {
    type State = Position;

    fn start(&self, mut rng: Rng) -> Position {
        let count = u64::try_from(self.table.len()).unwrap_or(0);
        let first = match self.from {
            Start::First => 0,
            Start::Random => rng.below(count),
        };
        Position {
            first: u32::try_from(first).unwrap_or(0),
            taken: 0,
        }
    }

    fn next(&self, state: &mut Position, at: &At<'_>) -> Result<Value, Error> {
        let first = usize::try_from(state.first).unwrap_or(0);
        let row = if let Pace::Value = self.pace {
            let number = i64::from(state.first) + i64::from(state.taken);
            state.taken = state.taken.saturating_add(1);
            let count = i64::try_from(self.table.len()).unwrap_or(i64::MAX).max(1);
            if self.end == End::Loop && number + 1 >= count {
                // Begun anew, so that the count never runs out.
                (state.first, state.taken) = (0, 0);
            }
            self.place(number)
        } else {
            self.row_at(self.origin.elapsed(at), first).0
        };
        Ok(row.map(|row| self.value(row)).unwrap_or_default())
    }

    fn due(&self, state: &Position, at: &At<'_>) -> Option<Instant> {
        let first = usize::try_from(state.first).unwrap_or(0);
        let elapsed = self.origin.elapsed(at);
        let next = self.row_at(elapsed, first).1?;
        let wait = u64::try_from(next.checked_sub(elapsed)?).ok()?;
        Some(at.now + Span::from_micros(wait).into())
    }
}
