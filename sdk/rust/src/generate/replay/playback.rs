//! Finds the row of a recording at a time, and its value.

use std::rc::Rc;

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::decimal::with_fraction;
use crate::generate::common::known_parts::KnownParts;
use crate::generate::common::span::Span;
use crate::generate::common::value::Value;
use crate::generate::data::format::cell_number;
use crate::generate::data::json_shape::JsonShape;
use crate::generate::data::table::Table;
use crate::generate::planning::generator::GeneratorKind;
use crate::generate::replay::options::{ReplayEnd, ReplayStart};
use crate::generate::replay::timestamps_column::RowTimes;
use crate::generate::time::origin::Origin;
use crate::random::Rng;
use crate::time::Instant;

/// The schedule of the rows.
#[derive(Debug)]
pub(crate) enum RowSchedule {
    Value,
    Every(i64),
    /// Each row has its own time.
    Timestamps(RowTimes),
}

/// A column that is read: its position in a CSV file, or its path in JSON lines.
#[derive(Debug)]
pub(crate) struct SelectedColumn {
    pub(crate) member: Rc<str>,
    pub(crate) position: usize,
    pub(crate) path: String,
    pub(crate) numbers: bool,
    /// Whether one of its numbers has a fraction: then all of them are written with one.
    pub(crate) fractions: bool,
}

#[derive(Debug)]
pub(crate) struct ReplayPlan {
    pub(crate) table: Rc<Table>,
    /// None for the whole object of JSON lines.
    pub(crate) columns: Vec<SelectedColumn>,
    /// The value is that of the one column instead of an object.
    pub(crate) single: bool,
    pub(crate) schedule: RowSchedule,
    pub(crate) origin: Origin,
    pub(crate) end: ReplayEnd,
    pub(crate) from: ReplayStart,
}

impl ReplayPlan {
    /// The row at a time since the origin, in microseconds, and the time of the next row.
    fn row_at(&self, elapsed: i64, first: usize) -> (Option<usize>, Option<i64>) {
        let count = i64::try_from(self.table.len()).unwrap_or(i64::MAX);
        let start = i64::try_from(first).unwrap_or(0);
        match &self.schedule {
            RowSchedule::Value => (None, None),
            RowSchedule::Every(every) => {
                let passed = elapsed.div_euclid(*every).max(0);
                let next = passed.saturating_add(1).saturating_mul(*every);
                let row = passed.saturating_add(start);
                let ends = self.end != ReplayEnd::Loop
                    && row + 1 >= count + i64::from(self.end == ReplayEnd::Stop);
                (self.place(row), (!ends).then_some(next))
            }
            RowSchedule::Timestamps(times) => {
                let round = times.loop_length;
                let begin = times.time_of(first).unwrap_or(0);
                let position = begin.saturating_add(elapsed.max(0));
                let (rounds, within) = match self.end {
                    ReplayEnd::Loop => (position.div_euclid(round), position.rem_euclid(round)),
                    ReplayEnd::Hold | ReplayEnd::Stop => (0, position),
                };
                let after = times.rows_until(within);
                let next = match (times.time_of(after), self.end) {
                    (Some(next), _) => Some(next),
                    (None, ReplayEnd::Loop) => Some(round),
                    (None, ReplayEnd::Stop) if within < round => Some(round),
                    (None, _) => None,
                };
                let next =
                    next.map(|next| rounds.saturating_mul(round).saturating_add(next) - begin);
                let over = self.end == ReplayEnd::Stop && within >= round;
                ((!over).then(|| after.saturating_sub(1)), next)
            }
        }
    }

    /// The row of a number that counts on across loops.
    fn place(&self, number: i64) -> Option<usize> {
        let number = usize::try_from(number).unwrap_or(0);
        let count = self.table.len().max(1);
        match self.end {
            ReplayEnd::Loop => Some(number % count),
            ReplayEnd::Hold => Some(number.min(count - 1)),
            ReplayEnd::Stop => Some(number).filter(|number| *number < count),
        }
    }

    fn value(&self, row: usize) -> Value {
        let mut values = vec![Value::Missing; self.columns.len()];
        if self.table.is_csv() {
            let has_commas = self.table.has_commas();
            self.table.fields(row, |column, _, text| {
                for (taken, value) in self.columns.iter().zip(values.iter_mut()) {
                    if taken.position == column {
                        let number = || cell_number(text, has_commas);
                        *value = match taken.numbers {
                            true if taken.fractions => {
                                number().map(with_fraction).unwrap_or_default()
                            }
                            true => number().unwrap_or_default(),
                            false => Value::text(text),
                        };
                    }
                }
            });
        } else {
            let json = self.table.json(row);
            if self.columns.is_empty() {
                return json;
            }
            for (taken, value) in self.columns.iter().zip(values.iter_mut()) {
                *value = taken.part(&json);
            }
        }
        if self.single {
            return values.pop().unwrap_or_default();
        }
        let members = self.columns.iter().map(|taken| Rc::clone(&taken.member));
        Value::Object(members.zip(values).collect())
    }
}

impl SelectedColumn {
    /// The member with this name, or the part at this path.
    fn part(&self, json: &Value) -> Value {
        json.member_or_part(&self.path).cloned().unwrap_or_default()
    }
}

/// The position of a device in a recording.
#[derive(Debug, Clone)]
pub(crate) struct ReplayState {
    first: u32,
    /// The number of values, when each takes a row.
    taken: u32,
}

impl GeneratorKind for ReplayPlan {
    type State = ReplayState;

    fn start(&self, mut rng: Rng) -> ReplayState {
        let count = u64::try_from(self.table.len()).unwrap_or(0);
        let first = match self.from {
            ReplayStart::First => 0,
            ReplayStart::Random => rng.below(count),
        };
        ReplayState {
            first: u32::try_from(first).unwrap_or(0),
            taken: 0,
        }
    }

    fn next(&self, state: &mut ReplayState, context: &Context<'_>) -> Result<Value, Error> {
        let first = usize::try_from(state.first).unwrap_or(0);
        let row = if let RowSchedule::Value = self.schedule {
            let number = i64::from(state.first) + i64::from(state.taken);
            state.taken = state.taken.saturating_add(1);
            let count = i64::try_from(self.table.len()).unwrap_or(i64::MAX).max(1);
            if self.end == ReplayEnd::Loop && number + 1 >= count {
                // Starts again, so that the count never overflows.
                (state.first, state.taken) = (0, 0);
            }
            self.place(number)
        } else {
            self.row_at(self.origin.elapsed(context), first).0
        };
        Ok(row.map(|row| self.value(row)).unwrap_or_default())
    }

    fn known_parts(&self) -> KnownParts {
        let column = |taken: &SelectedColumn| {
            if self.table.is_csv() {
                return KnownParts::Single;
            }
            let part = self.table.shape().member_or_part(&taken.path);
            part.map_or(KnownParts::Unknown, JsonShape::known_parts)
        };
        match self.columns.as_slice() {
            [] => self.table.shape().known_parts(),
            [single] if self.single => column(single),
            columns => KnownParts::members(
                columns
                    .iter()
                    .map(|taken| (Rc::clone(&taken.member), column(taken))),
            ),
        }
    }

    fn due(&self, state: &ReplayState, context: &Context<'_>) -> Option<Instant> {
        let first = usize::try_from(state.first).unwrap_or(0);
        let elapsed = self.origin.elapsed(context);
        let next = self.row_at(elapsed, first).1?;
        let wait = u64::try_from(next.checked_sub(elapsed)?).ok()?;
        Some(context.now + Span::from_micros(wait).into())
    }
}
