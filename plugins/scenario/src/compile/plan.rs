//! Compiles a scenario into a plan for all devices.

use std::cell::RefCell;
use std::rc::Rc;

use mockfleet_sdk::Error;
use mockfleet_sdk::generate::Value;

use crate::compile::context::CompileContext;
use crate::compile::fields::Fields;
use crate::compile::messages::{self, Message};
use crate::compile::names::{Builtin, Names};
use crate::compile::statuses::Status;
use crate::compile::transitions::Answer;
use crate::config::{Config, StoreAndForward};
use crate::group_context::GroupContext;

/// A compiled scenario. Immutable, except for scratch memory.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) names: Names,
    pub(crate) fields: Fields,
    pub(crate) messages: Vec<Message>,
    pub(crate) statuses: Vec<Status>,
    /// The status of a device that is switched on.
    pub(crate) start: usize,
    pub(crate) answers: Vec<Answer>,
    pub(crate) store: Option<StoreAndForward>,
    /// The initial values of all names, in the order of their positions.
    pub(crate) values: Vec<Value>,
    /// Whether anything uses the time as a text.
    pub(crate) uses_at: bool,
    /// The interval of the fleet file.
    pub(crate) interval: Option<std::time::Duration>,
    /// The positions that were made in the present call. The plan has them, since the
    /// devices of a cell are called one after the other.
    pub(crate) made: RefCell<Vec<bool>>,
}

impl Plan {
    /// Compiles a scenario.
    ///
    /// # Errors
    /// All problems of the settings.
    pub(crate) fn compile(config: &Config, group: &GroupContext) -> Result<Rc<Self>, Error> {
        let mut problems = Vec::new();
        let mut names = Names::collect(config, &mut problems);
        let fields = Fields::read(config, &mut names, &mut problems);
        let messages = messages::read(config, &names, group, &mut problems);
        let mut context = CompileContext {
            config,
            group,
            names: &names,
            fields: &fields,
            messages: &messages,
            problems: &mut problems,
        };
        let answers = context.answers();
        let (statuses, start) = context.statuses();
        if !problems.is_empty() {
            return Err(Error::problems(problems));
        }
        let values = names.values(config);
        let messages: Vec<Message> = messages.into_iter().flatten().collect();
        let at = names.builtin(Builtin::At);
        let uses_at = reads(&fields, &messages, &statuses, &answers).contains(&at);
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
            uses_at,
            interval: group.interval,
            made,
        }))
    }
}

/// The positions of all names that a scenario refers to.
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
        for payload in status
            .messages_here
            .iter()
            .filter_map(|form| form.payload.as_ref())
        {
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
