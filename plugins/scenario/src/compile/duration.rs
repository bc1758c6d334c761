//! Compiles durations, fixed or drawn.

use std::time::Duration;

use mockfleet_sdk::generate::{Context, PartRead, Plan};
use mockfleet_sdk::{Error, Problem, Rng};

use crate::compile::names::Names;
use crate::config;
use crate::problems::extend_within;

/// A checked duration.
#[derive(Debug)]
pub(crate) enum DurationPlan {
    Fixed(Duration),
    Drawn(Box<Plan>),
}

/// The longest drawn duration, in seconds: ten years.
const LONGEST: f64 = 10.0 * 366.0 * 86_400.0;

impl DurationPlan {
    pub(crate) fn read(
        written: &config::DurationSpec,
        names: &Names,
        path: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        match written {
            config::DurationSpec::Fixed(span) => Some(Self::Fixed((*span).into())),
            config::DurationSpec::Drawn(spec) => match spec.plan(names.scope()) {
                Ok(plan) => {
                    let within = |read: &PartRead| format!("{path}.{}", read.path);
                    names.check_parts(plan.part_reads(), within, problems);
                    Some(Self::Drawn(Box::new(plan)))
                }
                Err(found) => {
                    extend_within(path, found.into_iter().collect(), problems);
                    None
                }
            },
        }
    }

    /// Draws a duration with this generator.
    pub(crate) fn draw(&self, rng: &mut Rng, context: &Context<'_>) -> Result<Duration, Error> {
        match self {
            Self::Fixed(length) => Ok(*length),
            Self::Drawn(plan) => {
                let seconds = plan.start(Rng::new(rng.bits())).number(context)?;
                Ok(Duration::from_secs_f64(seconds.clamp(0.0, LONGEST)))
            }
        }
    }
}
