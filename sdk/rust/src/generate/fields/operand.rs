//! Computes with operands of expressions: whole numbers stay whole.

use minijinja::{Error as EngineError, ErrorKind, Value as EngineValue};

/// A number of an expression.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operand {
    Whole(i128),
    Float(f64),
}

impl Operand {
    pub(crate) fn read(value: &EngineValue) -> Result<Self, EngineError> {
        if value.is_integer() {
            i128::try_from(value.clone()).map(Self::Whole)
        } else {
            f64::try_from(value.clone()).map(Self::Float)
        }
    }

    /// The float of the same size. A whole number that no float has is an error, not
    /// another number.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "compared with the number"
    )]
    pub(crate) fn float(self) -> Result<f64, EngineError> {
        match self {
            Self::Float(number) => Ok(number),
            Self::Whole(whole) => {
                let float = whole as f64;
                if float as i128 == whole {
                    Ok(float)
                } else {
                    let text = format!(
                        "{whole} has too many digits for a computation with fractions; up to 2^53 are exact"
                    );
                    Err(EngineError::new(ErrorKind::InvalidOperation, text))
                }
            }
        }
    }

    fn value(self) -> EngineValue {
        match self {
            Self::Float(number) => EngineValue::from(number),
            Self::Whole(whole) => match i64::try_from(whole) {
                Ok(whole) => EngineValue::from(whole),
                Err(_) => EngineValue::from(whole),
            },
        }
    }
}

/// The result of two numbers: whole if both are.
fn join(
    left: &EngineValue,
    right: &EngineValue,
    whole: fn(i128, i128) -> i128,
    float: fn(f64, f64) -> f64,
) -> Result<EngineValue, EngineError> {
    let joined = match (Operand::read(left)?, Operand::read(right)?) {
        (Operand::Whole(left), Operand::Whole(right)) => Operand::Whole(whole(left, right)),
        (left, right) => Operand::Float(float(left.float()?, right.float()?)),
    };
    Ok(joined.value())
}

/// The result of a function of floats; a whole number gives that of `whole`.
fn map(
    value: &EngineValue,
    whole: fn(i128) -> i128,
    float: fn(f64) -> f64,
) -> Result<EngineValue, EngineError> {
    let mapped = match Operand::read(value)? {
        Operand::Whole(number) => Operand::Whole(whole(number)),
        Operand::Float(number) => Operand::Float(float(number)),
    };
    Ok(mapped.value())
}

#[expect(clippy::needless_pass_by_value, reason = "a function of the language")]
pub(crate) fn abs(value: EngineValue) -> Result<EngineValue, EngineError> {
    map(&value, i128::saturating_abs, f64::abs)
}

#[expect(clippy::needless_pass_by_value, reason = "a function of the language")]
pub(crate) fn ceil(value: EngineValue) -> Result<EngineValue, EngineError> {
    map(&value, |whole| whole, f64::ceil)
}

#[expect(clippy::needless_pass_by_value, reason = "a function of the language")]
pub(crate) fn floor(value: EngineValue) -> Result<EngineValue, EngineError> {
    map(&value, |whole| whole, f64::floor)
}

#[expect(clippy::needless_pass_by_value, reason = "a function of the language")]
pub(crate) fn max(left: EngineValue, right: EngineValue) -> Result<EngineValue, EngineError> {
    join(&left, &right, i128::max, f64::max)
}

#[expect(clippy::needless_pass_by_value, reason = "a function of the language")]
pub(crate) fn min(left: EngineValue, right: EngineValue) -> Result<EngineValue, EngineError> {
    join(&left, &right, i128::min, f64::min)
}

/// The number, or the bound that it passes. The result is whole if all three are.
pub(crate) fn clamp(
    value: EngineValue,
    low: EngineValue,
    high: EngineValue,
) -> Result<EngineValue, EngineError> {
    let all_whole = value.is_integer() && low.is_integer() && high.is_integer();
    let raised = max(value, low)?;
    let clamped = min(raised, high)?;
    if all_whole {
        return Ok(clamped);
    }
    Operand::read(&clamped)?.float().map(EngineValue::from)
}
