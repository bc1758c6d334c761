//! From settings to what runs: everything is read, resolved and checked once, and what
//! comes out is shared by all devices of a cell. All that is wrong is said at once, each
//! with its path. Must not know any device's state.

mod expression;
mod fields;
mod length;
mod messages;
mod names;
mod reach;
mod received;
mod statuses;
mod transitions;

use std::cell::RefCell;
use std::rc::Rc;

use mockfleet_sdk::generate::Value;
use mockfleet_sdk::{Error, Instant, Problem};

use crate::config::{Config, StoreAndForward};

pub(crate) use expression::Expression;
pub(crate) use fields::Fields;
pub(crate) use length::Length;
pub(crate) use messages::Message;
pub(crate) use names::{Builtin, Names};
pub(crate) use received::Received;
pub(crate) use statuses::{Link, Status};
pub(crate) use transitions::{Answer, Effects, Target, Transition, Trigger};

/// The name of the target that ends a device.
pub(crate) const TERMINATE: &str = "terminate";

/// A scenario, ready to run. Immutable, but for room to work in.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) names: Names,
    pub(crate) fields: Fields,
    pub(crate) messages: Vec<Message>,
    pub(crate) statuses: Vec<Status>,
    /// The status a device begins in.
    pub(crate) start: usize,
    pub(crate) answers: Vec<Answer>,
    pub(crate) store: Option<StoreAndForward>,
    /// The first values of all names, in the order of their positions.
    pub(crate) values: Vec<Value>,
    /// Whether anything says the moment as a text.
    pub(crate) says_at: bool,
    /// From tick to tick, as the fleet file has it.
    pub(crate) interval: Option<std::time::Duration>,
    /// Which names have been made in the tick or event that is going on; here, since the
    /// devices of a cell are called one after the other.
    pub(crate) made: RefCell<Vec<bool>>,
}

/// What the devices of a cell can look up while a scenario is read.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) channels: Option<Vec<String>>,
    pub(crate) downlink: Option<Vec<String>>,
    pub(crate) interval: Option<std::time::Duration>,
    /// When the first device is born: a cron must fire after it.
    pub(crate) born: Instant,
}

impl Plan {
    /// Reads a scenario.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(crate) fn read(config: &Config, here: &Surroundings) -> Result<Rc<Self>, Error> {
        let mut problems = Vec::new();
        let names = Names::of(config, &mut problems);
        let fields = Fields::read(config, &names, &mut problems);
        let messages = messages::read(config, &names, here, &mut problems);
        let mut reading = statuses::Reading {
            config,
            here,
            names: &names,
            fields: &fields,
            messages: &messages,
            problems: &mut problems,
        };
        let answers = reading.answers();
        let (statuses, start) = reading.statuses();
        if !problems.is_empty() {
            return Err(Error::problems(problems));
        }
        let values = names.values(config);
        let messages: Vec<Message> = messages.into_iter().flatten().collect();
        let at = names.builtin(Builtin::At);
        let says_at = reads(&fields, &messages, &statuses, &answers).contains(&at);
        let made = RefCell::new(vec![false; values.len()]);
        Ok(Rc::new(Self {
            names,
            fields,
            messages,
            statuses,
            start,
            answers,
            store: config.store_and_forward.clone(),
            values,
            says_at,
            interval: here.interval,
            made,
        }))
    }
}

/// The positions of all that a scenario refers to.
fn reads(
    fields: &Fields,
    messages: &[Message],
    statuses: &[Status],
    answers: &[Answer],
) -> Vec<usize> {
    let mut reads: Vec<usize> = Vec::new();
    for slot in &fields.slots {
        reads.extend(slot.plan.reads());
    }
    for message in messages {
        reads.extend(&message.reads);
        reads.extend(message.payload.reads());
    }
    for status in statuses {
        for payload in status.forms.iter().filter_map(|form| form.payload.as_ref()) {
            reads.extend(payload.reads());
        }
        for transition in &status.transitions {
            reads.extend(transition.reads());
        }
    }
    for answer in answers {
        reads.extend(answer.received.reads());
        reads.extend(answer.effects.reads());
    }
    reads
}

/// The name that was probably meant, or all there are.
pub(crate) fn hint<'a>(word: &str, right: impl Iterator<Item = &'a str>) -> String {
    let right: Vec<&str> = right.collect();
    let nearest = right
        .iter()
        .map(|known| (strsim::damerau_levenshtein(word, known), *known))
        .min();
    match nearest {
        // A third of the letters may be wrong; more is another word.
        Some((distance, known)) if distance * 3 <= known.chars().count().max(3) => {
            format!("; did you mean {known:?}?")
        }
        Some(_) => format!("; there are {}", right.join(", ")),
        None => "; there are none".into(),
    }
}

/// Adds problems, each seen from `path`.
pub(crate) fn within(path: &str, found: Vec<Problem>, problems: &mut Vec<Problem>) {
    problems.extend(found.into_iter().map(|problem| problem.within(path)));
}
