//! Sensor faults: a generator whose values go wrong now and then, as those of a broken
//! sensor do. Owns how they are asked for; what they do is in `broken`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::broken::{When, Wrapped};
use super::kind::Specified;
use super::plan::Spec;
use super::problems::Check;
use super::span::{Shift, Span};

/// Any generator, with faults. The generator goes on behind them: when a fault is over, its
/// values are what they would have been.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Faulty {
    /// What the sensor would report.
    pub of: Box<Spec>,
    /// What goes wrong, one after the other: a later fault sees what an earlier one made.
    #[schemars(length(min = 1))]
    pub faults: Vec<Fault>,
    /// Decimals of what the faults made, 0 to 15; 0 gives whole numbers. Absent: as they
    /// come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 15))]
    pub decimals: Option<u8>,
}

impl Faulty {
    /// A generator without a fault; [`Faulty::fault`] adds some.
    pub fn new(of: impl Into<Spec>) -> Self {
        Self {
            of: Box::new(of.into()),
            faults: Vec::new(),
            decimals: None,
        }
    }

    /// Adds a fault.
    #[must_use]
    pub fn fault(mut self, fault: impl Into<Fault>) -> Self {
        self.faults.push(fault.into());
        self
    }

    /// To so many decimals.
    #[must_use]
    pub fn decimals(self, decimals: u8) -> Self {
        Self {
            decimals: Some(decimals),
            ..self
        }
    }
}

/// Writes the struct of each fault, with what all have in common: when it is there.
macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $name:ident = $label:literal {
        $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty,)*
    })+) => {
        /// What goes wrong with a sensor, told apart by `kind`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum Fault {
            $($(#[doc = $doc])+ $name($name),)+
        }

        impl Fault {
            pub(super) const fn label(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $label,)+
                }
            }

            pub(super) const fn when(&self) -> When {
                match self {
                    $(Self::$name(fault) => When {
                        chance: fault.chance,
                        lasts: fault.lasts,
                        after: fault.after,
                        until: fault.until,
                    },)+
                }
            }
        }

        $(
            $(#[doc = $doc])+
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
            #[serde(deny_unknown_fields, rename_all = "kebab-case")]
            pub struct $name {
                $($(#[doc = $field_doc])+ pub $field: $type,)*
                /// How likely it begins with a value, 0 to 1.
                #[serde(default = "always")]
                #[schemars(range(min = 0.0, max = 1.0))]
                pub chance: f64,
                /// How long it lasts once it has begun. `0s`: for one value.
                #[serde(default)]
                pub lasts: Span,
                /// Does not begin before the device is so old.
                #[serde(default)]
                pub after: Span,
                /// Does not begin, and ends, when the device is so old. Absent: there is no
                /// such age.
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub until: Option<Span>,
            }

            impl $name {
                /// With each value; the other methods make it rarer.
                #[must_use]
                #[allow(clippy::new_without_default, reason = "a fault is always said in full")]
                pub fn new($($field: impl Into<$type>),*) -> Self {
                    Self {
                        $($field: $field.into(),)*
                        chance: 1.0,
                        lasts: Span::default(),
                        after: Span::default(),
                        until: None,
                    }
                }

                /// Begins with a value with this probability, 0 to 1.
                #[must_use]
                pub fn chance(self, chance: f64) -> Self {
                    Self { chance, ..self }
                }

                /// Lasts so long once it has begun.
                #[must_use]
                pub fn lasts(self, length: impl Into<Span>) -> Self {
                    Self { lasts: length.into(), ..self }
                }

                /// Is there only from this age of the device.
                #[must_use]
                pub fn after(self, age: impl Into<Span>) -> Self {
                    Self { after: age.into(), ..self }
                }

                /// Is there only up to this age of the device.
                #[must_use]
                pub fn until(self, age: impl Into<Span>) -> Self {
                    Self { until: Some(age.into()), ..self }
                }
            }

            impl From<$name> for Fault {
                fn from(fault: $name) -> Self {
                    Self::$name(fault)
                }
            }
        )+
    };
}

faults! {
    /// Values jump, up or down.
    Spike = "spike" {
        /// How far: this is added to each number, or taken away, by chance.
        by: f64,
    }
    /// The value that the fault began with comes again and again.
    StuckAt = "stuck-at" {}
    /// Values stray further and further.
    Drift = "drift" {
        /// How far in an hour; below zero for down.
        per_hour: f64,
    }
    /// There is no value: the member is left out.
    Missing = "missing" {}
    /// Values are noisy.
    Noise = "noise" {
        /// The standard deviation of what is added to each number.
        deviation: f64,
    }
    /// The sensor reports a value that it cannot have measured.
    OutOfRange = "out-of-range" {
        /// The value.
        value: f64,
    }
    /// The value is `null`.
    Null = "null" {}
    /// The value has another type: a number, true and false become texts, a text the number
    /// of its characters, all else a text.
    WrongType = "wrong-type" {}
    /// The sensor's clock is wrong: its moment, and with it all that depends on the moment,
    /// is shifted.
    SkewedClock = "skewed-clock" {
        /// How far the clock is ahead or, with a minus, behind.
        by: Shift,
    }
}

const fn always() -> f64 {
    1.0
}

impl Specified for Faulty {
    type Kind = Wrapped;

    fn check(&self, check: &mut Check<'_>) -> Option<Wrapped> {
        let of = check.node("of", &self.of);
        check.decimals(self.decimals);
        check.expect(
            !self.faults.is_empty(),
            "faults",
            "a faulty sensor has one fault at least",
        );
        let _ = check.each("faults", &self.faults, |check, fault| {
            let when = fault.when();
            check.probability("chance", when.chance);
            check.expect(
                when.until.is_none_or(|until| when.after < until),
                "until",
                format_args!(
                    "it never begins, since after, {}, comes first; until must be later",
                    when.after
                ),
            );
            match fault {
                Fault::Spike(spike) => check.finite("by", spike.by),
                Fault::Drift(drift) => check.finite("per-hour", drift.per_hour),
                Fault::Noise(noise) => check.not_negative("deviation", noise.deviation),
                Fault::OutOfRange(out) => check.finite("value", out.value),
                _ => true,
            };
            Some(())
        });
        Some(Wrapped {
            of: of?,
            faults: self
                .faults
                .iter()
                .map(|fault| (fault.clone(), fault.when()))
                .collect(),
            decimals: self.decimals,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{BORN, Life, problems};
    use super::super::timestamp::{Format, Timestamp};
    use super::super::{Bucket, Constant, Counter};
    use super::*;

    const fn seconds(seconds: u64) -> Span {
        Span::from_micros(seconds * 1_000_000)
    }

    fn counting(fault: impl Into<Fault>) -> String {
        Life::new(Faulty::new(Counter::new()).fault(fault)).json(7)
    }

    #[test]
    fn each_fault_does_what_it_says_while_it_is_there_and_the_truth_goes_on_behind_it() {
        let (from, to) = (seconds(2), seconds(5));
        let stuck = StuckAt::new().after(from).until(to);
        assert_eq!(counting(stuck), "[0,1,2,2,2,5,6]");
        assert_eq!(
            counting(Missing::new().after(from).until(to)),
            "[0,1,null,null,null,5,6]"
        );
        assert_eq!(
            counting(Null::new().after(seconds(6))),
            "[0,1,2,3,4,5,null]"
        );
        let drift = Drift::new(3_600.0).after(from).until(to);
        assert_eq!(counting(drift), "[0,1,2,4,6,5,6]");
        let out = OutOfRange::new(-999.0).after(from).until(to);
        assert_eq!(counting(out), "[0,1,-999,-999,-999,5,6]");
        let wrong = WrongType::new().after(from).until(to);
        assert_eq!(counting(wrong), r#"[0,1,"2","3","4",5,6]"#);
        let late = Faulty::new(Timestamp::new(Format::UnixS))
            .fault(SkewedClock::new(Shift::from_micros(-60_000_000)).after(seconds(1)));
        let found = Life::new(late).numbers(2);
        assert_eq!(found[1] - found[0], 1.0 - 60.0);
    }

    #[test]
    fn spikes_come_as_often_as_their_chance_says_and_go_both_ways() {
        let spiky = Faulty::new(Constant::new(5)).fault(Spike::new(20.0).chance(0.1));
        let found = Life::new(spiky).numbers(100_000);
        let count = |value: f64| found.iter().filter(|found| **found == value).count();
        // Five standard deviations of a count: sqrt(100,000 * 0.05 * 0.95) = 69.
        assert!(count(25.0).abs_diff(5_000) < 345, "{}", count(25.0));
        assert!(count(-15.0).abs_diff(5_000) < 345, "{}", count(-15.0));
        assert_eq!(count(25.0) + count(-15.0) + count(5.0), 100_000);
    }

    #[test]
    fn a_fault_lasts_as_long_as_it_says_and_has_a_name() {
        let stuck = StuckAt::new().chance(0.05).lasts(seconds(4));
        let plan = Spec::from(Faulty::new(Counter::new()).fault(stuck));
        let mut life = Life::new(plan);
        let mut runs = Vec::new();
        let mut run = 0;
        for _ in 0..2_000 {
            life.next().unwrap();
            if life.fault() == Some("stuck-at") {
                run += 1;
            } else if run > 0 {
                runs.push(run);
                run = 0;
            }
        }
        assert!(runs.len() > 30);
        // Another fault may begin right after one has ended.
        assert!(runs.iter().all(|run| run % 4 == 0), "{runs:?}");
    }

    #[test]
    fn noise_has_the_spread_that_it_says_also_in_lists() {
        let noisy = Faulty::new(Constant::new(vec![1.0, 2.0]))
            .fault(Noise::new(0.5))
            .decimals(3);
        let value = Life::new(noisy).next().unwrap();
        let (first, second) = (value.part("0").unwrap(), value.part("1").unwrap());
        assert!((first.as_number().unwrap() - 1.0).abs() < 3.0);
        assert_ne!(
            first.as_number().unwrap() + 1.0,
            second.as_number().unwrap()
        );
    }

    #[test]
    fn without_a_fault_values_are_those_of_the_generator() {
        let spec = Bucket::new(["a", "b", "c"]);
        let never = Faulty::new(spec.clone()).fault(Null::new().chance(0.0));
        let mut bare = Life::new(spec);
        let mut life = Life::new(never);
        // The seeds are of different streams: the same kind of values, and no fault.
        assert!(
            life.values(100)
                .iter()
                .all(|value| value.as_text().is_some())
        );
        assert!(
            bare.values(100)
                .iter()
                .all(|value| value.as_text().is_some())
        );
        assert_eq!(life.fault(), None);
        assert!(life.now > BORN);
    }

    #[test]
    fn a_fault_that_cannot_be_says_where() {
        let faulty = Faulty::new(Counter::new())
            .fault(Spike::new(f64::INFINITY).chance(1.5))
            .fault(Noise::new(-1.0).after(seconds(9)).until(seconds(9)));
        assert_eq!(
            problems(&faulty),
            "faults.0.chance: 1.5 is no probability; it lies between 0 and 1\n\
             faults.0.by: inf is no number to work with; a finite one is\n\
             faults.1.until: it never begins, since after, 9s, comes first; until must be later\n\
             faults.1.deviation: -1 is below zero; 0 and more is right"
        );
        assert_eq!(
            problems(&Faulty::new(Counter::new())),
            "faults: a faulty sensor has one fault at least"
        );
    }
}
