//! Computes values and texts from other fields and the device's state.

use minijinja::{Environment, ErrorKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::error::Error;
use crate::generate::common::context::Context;
use crate::generate::common::known_parts::KnownParts;
use crate::generate::common::value::Value;
use crate::generate::fields::language::{LANGUAGE, TemplateVariables, cause, from_engine};
use crate::generate::fields::operations::Operations;
use crate::generate::planning::check::Check;
use crate::generate::planning::generator::{GeneratorKind, Specification};
use crate::random::Rng;

/// The name of a text's template in its environment.
const TEMPLATE: &str = "text";

/// A value computed from other fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Expression {
    /// The expression, as in Jinja's `{{ }}`: `temperature * 9 / 5 + 32`, `status == "on"
    /// and load > 3`, `0 if position.speed < 1 else 1`. It can use the other fields by
    /// name, and `now` (seconds since 1970), `age` and `status_age` (seconds since birth
    /// and since the status changed), `sequence`, `status`, `device.id`, `device.group`,
    /// `device.index`. Functions: abs, acos, asin, atan, atan2, ceil, clamp, cos, exp,
    /// floor, hypot, ln, log10, max, min, pow, sin, sqrt, tan, and the number pi.
    pub expression: String,
    /// Decimals of a number, 0 to 15; 0 gives whole numbers. Absent: unrounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 15))]
    pub decimals: Option<u8>,
}

impl Expression {
    /// The result of this expression.
    pub fn new(expression: impl Into<String>) -> Self {
        Self {
            expression: expression.into(),
            decimals: None,
        }
    }

    /// Rounds to this many decimals.
    #[must_use]
    pub fn decimals(self, decimals: u8) -> Self {
        Self {
            decimals: Some(decimals),
            ..self
        }
    }
}

/// A text with parts that are filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Text {
    /// The text, a Jinja template: `{{ device.id }} is at {{ temperature | round(1) }} °C`.
    /// It can use the same variables as an expression.
    pub template: String,
}

impl Text {
    /// The text of this template.
    pub fn new(template: impl Into<String>) -> Self {
        Self {
            template: template.into(),
        }
    }
}

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct ExpressionPlan {
    source: String,
    compiled: minijinja::Expression<'static, 'static>,
    operations: Operations,
    variables: TemplateVariables,
    decimals: Option<u8>,
}

impl Specification for Expression {
    type Plan = ExpressionPlan;

    fn check(&self, check: &mut Check<'_>) -> Option<ExpressionPlan> {
        check.require_decimals(self.decimals);
        let compiled = LANGUAGE
            .compile_expression_owned(self.expression.clone())
            .map_err(|why| {
                let way = match self.expression.contains("{{") {
                    true => "it is written without {{ }}, such as",
                    false => "one such as",
                };
                check.report(
                    "expression",
                    format_args!(
                        "{:?} is no expression: {}; {way} \"a * 2 + 1\"{}",
                        self.expression,
                        cause(&why),
                        if way == "one such as" {
                            " is right"
                        } else {
                            ""
                        }
                    ),
                );
            })
            .ok()?;
        let variables =
            TemplateVariables::check(check, "expression", compiled.undeclared_variables(true));
        Some(ExpressionPlan {
            source: self.expression.clone(),
            compiled,
            operations: Operations::of_expression(&self.expression),
            variables,
            decimals: self.decimals,
        })
    }
}

impl GeneratorKind for ExpressionPlan {
    type State = ();

    fn start(&self, _: Rng) {}

    fn next(&self, (): &mut (), context: &Context<'_>) -> Result<Value, Error> {
        let values = self.variables.values(context);
        self.operations
            .check(self.variables.fields(context), &values)
            .and_then(|()| self.compiled.eval(values).map_err(|why| cause(&why)))
            .and_then(|value| from_engine(&value, self.decimals))
            .map_err(|why| {
                Error::failed(format_args!(
                    "the expression {:?} cannot be computed: {why}",
                    self.source
                ))
            })
    }

    fn known_parts(&self) -> KnownParts {
        KnownParts::Unknown
    }
}

/// A compiled template, alone in a copy of the language.
#[derive(Debug)]
pub(crate) struct TextPlan {
    env: Environment<'static>,
    operations: Operations,
    variables: TemplateVariables,
}

impl Specification for Text {
    type Plan = TextPlan;

    fn check(&self, check: &mut Check<'_>) -> Option<TextPlan> {
        let mut env = LANGUAGE.clone();
        let used = env
            .add_template_owned(TEMPLATE, self.template.clone())
            .and_then(|()| Ok(env.get_template(TEMPLATE)?.undeclared_variables(true)));
        let used = used.and_then(|used| unknown_word(&env).map_or(Ok(used), Err));
        match used {
            Ok(used) => Some(TextPlan {
                variables: TemplateVariables::check(check, "template", used),
                operations: Operations::of_template(&self.template),
                env,
            }),
            Err(why) => {
                let line = why.line().unwrap_or(1);
                check.report(
                    "template",
                    format_args!("line {line}: {}; {}", cause(&why), way_out(&self.template)),
                );
                None
            }
        }
    }
}

/// Returns the error about a filter, a test or a function of a template that the language does
/// not have. The engine looks them up when a text is made, so one is made without values.
fn unknown_word(env: &Environment<'static>) -> Option<minijinja::Error> {
    let mut trial = env.clone();
    trial.set_undefined_behavior(minijinja::UndefinedBehavior::Chainable);
    let made = trial.get_template(TEMPLATE).ok()?.render(());
    made.err().filter(|why| {
        matches!(
            why.kind(),
            ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction
        )
    })
}

/// Returns the way out for a template that cannot be parsed.
fn way_out(template: &str) -> &'static str {
    let has = |marks: &[&str]| marks.iter().any(|mark| template.contains(mark));
    if has(&["{{#", "{{/", "{{^", "{{>", "{{else"]) {
        "blocks are Jinja's, and not those of Handlebars: \"{% if name > 3 %}high{% endif %}\""
    } else if has(&["{{.", "{{ .", "{{$", "{{ $"]) {
        "a name has no point or dollar before it: \"{{ name }}\""
    } else {
        "fill in a value with \"{{ name }}\", and change it with the filters and functions of Jinja"
    }
}

impl GeneratorKind for TextPlan {
    type State = ();

    fn start(&self, _: Rng) {}

    fn next(&self, (): &mut (), context: &Context<'_>) -> Result<Value, Error> {
        let values = self.variables.values(context);
        self.operations
            .check(self.variables.fields(context), &values)
            .map_err(|why| {
                Error::failed(format_args!(
                    "the text's template cannot be filled in: {why}"
                ))
            })?;
        let template = self.env.get_template(TEMPLATE);
        template
            .and_then(|template| template.render(values))
            .map(Value::text)
            .map_err(|why| {
                let line = why.line().unwrap_or(1);
                Error::failed(format_args!(
                    "the text's template cannot be filled in, line {line}: {}",
                    cause(&why)
                ))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::planning::scope::Scope;
    use crate::generate::spec::kinds::Spec;
    use crate::generate::testing::TestGenerator;

    fn life(spec: impl Into<Spec>, fields: &[(&str, Value)]) -> Result<TestGenerator, String> {
        let scope = Scope::new().names(fields.iter().map(|(name, _)| *name));
        let plan = spec
            .into()
            .plan(&scope)
            .map_err(|problems| problems.to_string())?;
        let mut life = TestGenerator::start(&plan, 1);
        life.fields = fields.iter().map(|(_, value)| value.clone()).collect();
        Ok(life)
    }

    fn computed(expression: &str) -> Result<String, String> {
        let position = Value::from(&serde_json::json!({ "lat": 52.5, "tags": ["a", "b"] }));
        let fields = [
            ("t", Value::Number(21.5)),
            ("n", Value::Integer(3)),
            ("zero", Value::Integer(0)),
            ("name", Value::text("x")),
            ("position", position),
            ("gone", Value::Missing),
        ];
        let mut life = life(Expression::new(expression), &fields)?;
        life.next()
            .map(|value| serde_json::to_string(&value).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_expression_computes_with_fields_and_the_devices_state() {
        for (expression, expected) in [
            ("t * 2 + n", "46.0"),
            ("n // 2", "1"),
            ("n / 2", "1.5"),
            ("t > 20 and name == 'x'", "true"),
            ("position.lat + 0.5", "53.0"),
            ("position.tags[1]", "\"b\""),
            ("gone is defined", "false"),
            ("'low' if n < 2 else 'high'", "\"high\""),
            ("max(t, 30) + sqrt(16) + clamp(n, 0, 1)", "35.0"),
            ("(t | round) | int", "22"),
            ("[n, name]", "[3,\"x\"]"),
            ("{'a': n}", "{\"a\":3}"),
            ("none", "null"),
            ("device.id ~ '/' ~ device.index", "\"probe-00001/1\""),
            ("status", "\"on\""),
            (
                "[sequence, age, status_age, now]",
                "[0,0.0,0.0,1795505400.0]",
            ),
        ] {
            assert_eq!(
                computed(expression).as_deref(),
                Ok(expected),
                "{expression}"
            );
        }
    }

    #[test]
    fn expression_without_result_is_a_failed_call() {
        for (expression, why) in [
            ("n / zero", "unable to calculate 3 / 0"),
            ("ln(zero)", "it gave -inf, which is no number"),
            ("sqrt(-n)", "it gave NaN, which is no number"),
            ("name * 2.5", "strings can only be multiplied with integers"),
            ("position.alt", "it gave nothing: a part that is not there"),
            (
                "gone + 1",
                "tried to use + operator on unsupported types undefined and number",
            ),
        ] {
            let expected = format!("the expression {expression:?} cannot be computed: {why}");
            assert_eq!(computed(expression), Err(expected));
        }
    }

    #[test]
    fn invalid_expression_is_refused_when_it_is_planned() {
        let syntax = computed("t + * 2").unwrap_err();
        assert_eq!(
            syntax,
            "expression: \"t + * 2\" is no expression: unexpected `*`; one such as \"a * 2 + 1\" is right"
        );
        let unknown = computed("t + humidity.x").unwrap_err();
        assert_eq!(
            unknown,
            "expression: no field is called \"humidity\"; there are gone, n, name, position, t, zero, and now, age, status, status_age, sequence and device"
        );
    }

    #[test]
    fn a_plan_knows_which_fields_it_reads() {
        let scope = Scope::new().names(["a", "b", "c"]);
        let plan = Expression::new("c + a + age").plan(&scope).unwrap();
        assert_eq!(plan.reads(), [0, 2]);
        let plan = Text::new("{% for x in b %}{{ x }}{% endfor %}")
            .plan(&scope)
            .unwrap();
        assert_eq!(plan.reads(), [1]);
    }

    #[test]
    fn a_text_is_filled_in() {
        let fields = [
            ("t", Value::Number(21.537)),
            ("list", Value::from(&serde_json::json!([1, 2]))),
        ];
        let text = Text::new("{{ device.id }}: {{ t | round(1) }} °C <{{ list | join('|') }}>");
        let mut filled = life(text, &fields).unwrap();
        assert_eq!(
            filled.next().unwrap(),
            Value::text("probe-00001: 21.5 °C <1|2>")
        );
    }

    #[test]
    fn text_that_cannot_be_filled_in_reports_the_line() {
        let wrong = life(Text::new("ok\n{{ t | rnd }"), &[("t", Value::Null)])
            .err()
            .unwrap();
        assert!(wrong.starts_with("template: line 2: "), "{wrong}");
        let mut gone = life(Text::new("ok\n{{ t }}"), &[("t", Value::Missing)]).unwrap();
        let error = gone.next().unwrap_err().to_string();
        assert!(
            error.starts_with("the text's template cannot be filled in, line 2: "),
            "{error}"
        );
    }

    #[test]
    fn template_of_another_language_has_a_way_on() {
        let said = |template| life(Text::new(template), &[("t", Value::Null)]).err();
        for (template, way) in [
            (
                "{{#if t}}a{{/if}}",
                "blocks are Jinja's, and not those of Handlebars: \"{% if name > 3 %}high{% endif %}\"",
            ),
            (
                "{{ .t }}",
                "a name has no point or dollar before it: \"{{ name }}\"",
            ),
            (
                "{{ t | capitalise }}",
                "filter capitalise is unknown; fill in a value with \"{{ name }}\", and change it with the filters and functions of Jinja",
            ),
        ] {
            let said = said(template).unwrap();
            assert!(
                said.starts_with("template: line 1: ") && said.ends_with(way),
                "{said}"
            );
        }
        assert_eq!(
            said("{% if t %}{{ t | upper }}{% endif %}{{ t | round(1) }}"),
            None
        );
        let braces = computed("{{ t * 2 }}").unwrap_err();
        assert!(
            braces.ends_with("; it is written without {{ }}, such as \"a * 2 + 1\""),
            "{braces}"
        );
    }

    #[test]
    fn decimals_round_numbers_only() {
        let mut number = life(Expression::new("10 / 3").decimals(2), &[]).unwrap();
        assert_eq!(number.next().unwrap(), Value::Number(3.33));
        let mut text = life(Expression::new("'10' ~ 3").decimals(2), &[]).unwrap();
        assert_eq!(text.next().unwrap(), Value::text("103"));
    }

    #[test]
    fn whole_number_that_a_fraction_would_round_is_refused() {
        const LONG: i64 = 9_007_199_254_740_993;
        let position = Value::from(&serde_json::json!({ "id": LONG }));
        let fields = [
            ("w", Value::Integer(LONG)),
            ("u", Value::Unsigned(u64::MAX)),
            ("t", Value::Number(0.5)),
            ("p", position),
        ];
        let made = |spec: Spec| {
            let value = life(spec, &fields).unwrap().next();
            value
                .map(|value| value.to_string())
                .map_err(|why| why.to_string())
        };
        let refused = "too many digits for a computation with fractions; up to 2^53 are exact";
        for expression in [
            "w * 1.0",
            "w / 1",
            "t + w",
            "(w + 2) * t",
            "[1, p.id - 0.5]",
            "9007199254740993 * 1.0",
            "w / 2 if w > 5 else 0",
            "u // 1.0",
        ] {
            let why = made(Expression::new(expression).into()).unwrap_err();
            assert!(why.contains(refused), "{expression}: {why}");
            let template = Text::new(format!("x {{{{ {expression} }}}}"));
            let why = made(template.into()).unwrap_err();
            assert!(why.contains(refused), "{expression}: {why}");
        }
        for (expression, value) in [
            ("w + 1", "9007199254740994"),
            ("(w - 9007199254740000) / 2", "496.5"),
            ("w // 1000 * 0.5", "4503599627370.0"),
            ("w % 10 / 4", "0.75"),
            ("w if w > 5 else w / 2", "9007199254740993"),
            ("t * 2", "1.0"),
            ("1.5 if w == 9007199254740993 else t", "1.5"),
        ] {
            assert_eq!(made(Expression::new(expression).into()).unwrap(), value);
        }
    }
}
