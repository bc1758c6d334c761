//! Defines the language of expressions and templates.
//!
//! It has the functions, the variables, and the conversion of values to those of the
//! engine, minijinja, and back.

use std::rc::Rc;
use std::sync::LazyLock;

use minijinja::value::ValueKind;
use minijinja::{Environment, Error as EngineError, UndefinedBehavior, Value as EngineValue};

use crate::generate::common::context::Context;
use crate::generate::common::decimal::{parse_number, with_fraction};
use crate::generate::common::known_parts::KnownParts;
use crate::generate::common::number::number;
use crate::generate::common::value::Value;
use crate::generate::fields::operand;
use crate::generate::planning::check::Check;
use crate::time::Instant;

/// The language with its functions, made once.
pub(crate) static LANGUAGE: LazyLock<Environment<'static>> = LazyLock::new(language);

/// The functions and constants of the language, which are no names of fields.
const FUNCTIONS: [&str; 26] = [
    "abs",
    "acos",
    "asin",
    "atan",
    "atan2",
    "ceil",
    "clamp",
    "cos",
    "dict",
    "exp",
    "floor",
    "hypot",
    "ln",
    "log10",
    "max",
    "min",
    "namespace",
    "pi",
    "pow",
    "range",
    "sin",
    "sqrt",
    "tan",
    "debug",
    "lipsum",
    "cycler",
];

/// Functions of the language: of one number, and of two.
type Of1 = fn(f64) -> f64;
type Of2 = fn(f64, f64) -> f64;

/// Functions of floats come from `libm`, so that they give the same bits on every machine.
fn language() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    let one: [(&str, Of1); 9] = [
        ("acos", libm::acos),
        ("asin", libm::asin),
        ("atan", libm::atan),
        ("cos", libm::cos),
        ("exp", libm::exp),
        ("ln", libm::log),
        ("log10", libm::log10),
        ("sin", libm::sin),
        ("sqrt", f64::sqrt),
    ];
    for (name, function) in one {
        env.add_function(name, function);
    }
    let two: [(&str, Of2); 3] = [
        ("atan2", libm::atan2),
        ("hypot", libm::hypot),
        ("pow", libm::pow),
    ];
    for (name, function) in two {
        env.add_function(name, function);
    }
    env.add_function("tan", libm::tan);
    env.add_function("abs", operand::abs);
    env.add_function("ceil", operand::ceil);
    env.add_function("floor", operand::floor);
    env.add_function("max", operand::max);
    env.add_function("min", operand::min);
    env.add_function("clamp", operand::clamp);
    env.add_global("pi", std::f64::consts::PI);
    env
}

/// The source of a variable's value.
#[derive(Debug, Clone, Copy)]
enum VariableSource {
    Field(usize),
    Now,
    Age,
    StatusAge,
    Sequence,
    Status,
    Device,
}

const DEVICE_VARIABLES: [(&str, VariableSource); 6] = [
    ("now", VariableSource::Now),
    ("age", VariableSource::Age),
    ("status_age", VariableSource::StatusAge),
    ("sequence", VariableSource::Sequence),
    ("status", VariableSource::Status),
    ("device", VariableSource::Device),
];

impl VariableSource {
    fn value(self, context: &Context<'_>) -> EngineValue {
        match self {
            Self::Field(position) => context
                .fields
                .get(position)
                .map_or(EngineValue::UNDEFINED, to_engine),
            Self::Now => EngineValue::from(context.seconds_since(Instant::default())),
            Self::Age => EngineValue::from(context.age()),
            Self::StatusAge => EngineValue::from(context.status_age()),
            Self::Sequence => EngineValue::from(context.sequence),
            Self::Status => EngineValue::from(context.status),
            Self::Device => EngineValue::from_pairs([
                ("id", EngineValue::from(context.device.id.as_str())),
                ("group", EngineValue::from(context.device.group.as_str())),
                ("index", EngineValue::from(context.device.index)),
            ]),
        }
    }
}

/// The parts of a device.
fn device_parts() -> KnownParts {
    KnownParts::members(["id", "group", "index"].map(|name| (name, KnownParts::Single)))
}

/// The variables that an expression or a template uses. Passing all fields would cost more
/// than most computations.
#[derive(Debug)]
pub(crate) struct TemplateVariables(Vec<(EngineValue, VariableSource)>);

impl TemplateVariables {
    /// Finds the sources of `used`, which are names with or without parts, in any order.
    pub(crate) fn check(
        check: &mut Check<'_>,
        key: &str,
        used: impl IntoIterator<Item = String>,
    ) -> Self {
        let mut used: Vec<String> = used.into_iter().collect();
        used.sort_unstable();
        used.dedup();
        let mut names: Vec<(EngineValue, VariableSource)> = Vec::new();
        for path in used {
            let mut parts = path.split('.').map(Rc::from);
            let name: Rc<str> = parts.next().unwrap_or_else(|| Rc::from(""));
            let parts: Rc<[Rc<str>]> = parts.collect();
            let state = DEVICE_VARIABLES.iter().find(|(known, _)| **known == *name);
            let source = match (check.part_reference(key, &name, &parts), state) {
                (Some(position), _) => VariableSource::Field(position),
                (None, Some((_, source))) => {
                    let shape = match source {
                        VariableSource::Device => device_parts(),
                        _ => KnownParts::Single,
                    };
                    if let Some(why) = shape.missing_part(&name, &parts, &[]) {
                        check.report(key, why);
                    }
                    *source
                }
                (None, None) if FUNCTIONS.contains(&&*name) => continue,
                (None, None) => {
                    let fields = check.known_names();
                    let what = format_args!(
                        "no field is called {name:?}; {fields}, and now, age, status, status_age, sequence and device"
                    );
                    check.report(key, what);
                    continue;
                }
            };
            let name = EngineValue::from(&*name);
            if names.iter().all(|(known, _)| *known != name) {
                names.push((name, source));
            }
        }
        Self(names)
    }

    /// The values of the fields that are used.
    pub(crate) fn fields<'a>(&self, context: &Context<'a>) -> impl Iterator<Item = &'a Value> {
        let fields = context.fields;
        self.0.iter().filter_map(|(_, source)| match source {
            VariableSource::Field(position) => fields.get(*position),
            _ => None,
        })
    }

    pub(crate) fn values(&self, context: &Context<'_>) -> EngineValue {
        let value =
            |(name, source): &(EngineValue, VariableSource)| (name.clone(), source.value(context));
        EngineValue::from_pairs(self.0.iter().map(value))
    }
}

fn to_engine(value: &Value) -> EngineValue {
    match value {
        Value::Missing => EngineValue::UNDEFINED,
        Value::Null => EngineValue::from(()),
        Value::Bool(truth) => EngineValue::from(*truth),
        Value::Integer(whole) => EngineValue::from(*whole),
        Value::Unsigned(whole) => EngineValue::from(*whole),
        Value::Number(number) => EngineValue::from(*number),
        Value::Decimal(_) => match (value.as_whole(), value.as_number()) {
            (Some(whole), _) => EngineValue::from(whole),
            (None, number) => EngineValue::from(number),
        },
        Value::Text(text) => EngineValue::from(&**text),
        Value::Array(values) => values.iter().map(to_engine).collect(),
        Value::Object(members) => EngineValue::from_pairs(
            members
                .iter()
                .map(|(name, value)| (EngineValue::from(&**name), to_engine(value))),
        ),
    }
}

/// Converts the result of an expression to a value; `Err` describes a result that has none.
pub(crate) fn from_engine(value: &EngineValue, decimals: Option<u8>) -> Result<Value, String> {
    match value.kind() {
        ValueKind::None => Ok(Value::Null),
        ValueKind::Bool => Ok(Value::Bool(value.is_true())),
        ValueKind::Number if value.is_integer() => {
            let whole = parse_number(&value.to_string());
            let whole = whole.ok_or_else(|| format!("it gave {value}, which is no number"))?;
            // One field has one type, also when its number happens to be whole.
            Ok(match decimals {
                None | Some(0) => whole,
                Some(_) => with_fraction(whole),
            })
        }
        ValueKind::Number => {
            let float = f64::try_from(value.clone()).map_err(|why| cause(&why))?;
            number(float, decimals).map_err(|_| format!("it gave {float}, which is no number"))
        }
        ValueKind::String => Ok(Value::text(value.as_str().unwrap_or_default())),
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter().map_err(|why| cause(&why))?;
            let items = items.map(|item| from_engine(&item, decimals));
            items.collect::<Result<_, _>>().map(Value::Array)
        }
        ValueKind::Map => {
            let names = value.try_iter().map_err(|why| cause(&why))?;
            let members = names.map(|name| {
                let member = value.get_item(&name).map_err(|why| cause(&why))?;
                Ok((Rc::from(name.to_string()), from_engine(&member, decimals)?))
            });
            members.collect::<Result<_, String>>().map(Value::Object)
        }
        ValueKind::Undefined => Err("it gave nothing: a part that is not there".to_owned()),
        other => Err(format!("it gave a value of the kind {other}")),
    }
}

/// The cause of an engine's error, without the engine's names for places.
pub(crate) fn cause(error: &EngineError) -> String {
    let kind = error.kind().to_string();
    match error.detail() {
        Some(detail) => detail.to_owned(),
        None => kind,
    }
}
