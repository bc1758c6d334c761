//! Compiles statuses: their messages, intervals, payloads and connections.

use std::rc::Rc;

use crate::compile::context::{CompileContext, TERMINATE};
use crate::compile::duration::DurationPlan;
use crate::compile::transitions::{Target, Transition, Trigger};
use crate::config;
use crate::payload::Payload;
use crate::problems::{extend_within, suggestion};

/// A state that a device can be in.
#[derive(Debug)]
pub(crate) struct Status {
    pub(crate) name: String,
    pub(crate) every: Option<DurationPlan>,
    /// The messages of a tick.
    pub(crate) sends: Vec<Send>,
    /// Each kind of message in this status, by its number.
    pub(crate) messages_here: Vec<MessageInStatus>,
    pub(crate) link: Link,
    pub(crate) transitions: Vec<Rc<Transition>>,
    /// The slots that make the values of its conditions at a tick.
    pub(crate) conditions: Vec<u16>,
}

/// A message at a tick.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Send {
    pub(crate) message: usize,
    /// The message is sent at every `nth` tick.
    pub(crate) nth: u32,
}

/// A kind of message in one status.
#[derive(Debug)]
pub(crate) struct MessageInStatus {
    /// The payload in this status, if it is not the message's own.
    pub(crate) payload: Option<Payload>,
    /// The slots that make its values, in order.
    pub(crate) makes: Vec<u16>,
}

/// The connection change when a status begins.
#[derive(Debug)]
pub(crate) enum Link {
    Online,
    Offline,
    Reconnect,
    Vanish(DurationPlan),
}

/// Whether a transition of all statuses applies in this one. In the status that it leads to,
/// only a time of day does: other triggers would begin that status again and again.
fn applies_in(transition: &Transition, status: usize) -> bool {
    transition.to != Target::Status(status) || matches!(transition.trigger, Trigger::Cron(_))
}

impl CompileContext<'_> {
    /// Reports transitions of all statuses that apply in none.
    fn check_ways_out(&mut self, names: &[String], everywhere: &[Option<Rc<Transition>>]) {
        let [only] = names else {
            return;
        };
        for (place, transition) in everywhere.iter().enumerate() {
            if transition
                .as_ref()
                .is_some_and(|transition| !applies_in(transition, 0))
            {
                self.report(
                    &format!("transitions.{place}"),
                    format!(
                        "it never happens: {only:?} is the only status, and only a cron leads from a status to itself here; write it under statuses.{only}.transitions"
                    ),
                );
            }
        }
    }

    /// All statuses, and the number of the first one.
    pub(crate) fn statuses(&mut self) -> (Vec<Status>, usize) {
        let names = self.status_names();
        let start = self.start(&names);
        let everywhere = self.transitions(&self.config.transitions, "");
        self.check_ways_out(&names, &everywhere);
        let none = config::Status::default();
        let mut statuses = Vec::new();
        for (number, name) in names.iter().enumerate() {
            if name == TERMINATE {
                self.report(
                    &format!("statuses.{name}"),
                    "this is where a device ends, and no status; take another name",
                );
            }
            let written = self.config.statuses.get(name).unwrap_or(&none);
            statuses.push(self.status(name, number, written, &everywhere));
        }
        self.check_reach(&names, start);
        (statuses, start.unwrap_or(0))
    }

    fn start(&mut self, names: &[String]) -> Option<usize> {
        match (&self.config.start, names) {
            (None, [_]) => Some(0),
            (None, _) => {
                let first = names.first().map_or("", String::as_str);
                self.report(
                    "",
                    format!(
                        "it has several statuses and no start; write for example start = {first:?}"
                    ),
                );
                None
            }
            (Some(start), names) => {
                let number = names.iter().position(|name| name == start);
                if number.is_none() {
                    let hint = suggestion(start, names.iter().map(String::as_str));
                    self.report("start", format!("there is no status {start:?}{hint}"));
                }
                number
            }
        }
    }

    fn status(
        &mut self,
        name: &str,
        number: usize,
        written: &config::Status,
        everywhere: &[Option<Rc<Transition>>],
    ) -> Status {
        let path = format!("statuses.{name}");
        let every = written.every.as_ref().and_then(|length| {
            DurationPlan::read(length, self.names, &format!("{path}.every"), self.problems)
        });
        let own = self.transitions(&written.transitions, &format!("{path}."));
        let elsewhere = |transition: &&Rc<Transition>| applies_in(transition, number);
        let everywhere = everywhere.iter().flatten().filter(elsewhere);
        let transitions: Vec<Rc<Transition>> =
            own.iter().flatten().chain(everywhere).cloned().collect();
        let reads: Vec<usize> = transitions
            .iter()
            .filter_map(|transition| match &transition.trigger {
                Trigger::When(condition) => Some(condition.reads()),
                _ => None,
            })
            .flatten()
            .copied()
            .collect();
        Status {
            name: name.to_owned(),
            every,
            sends: self.sends(written, &path),
            messages_here: self.messages_here(name, written, &path),
            link: self.link(&written.link, &path),
            conditions: self.fields.order(name, &reads),
            transitions,
        }
    }

    fn sends(&mut self, written: &config::Status, path: &str) -> Vec<Send> {
        let messages: Vec<&config::Message> = self.config.messages.values().collect();
        let numbers = if let Some(names) = &written.send {
            self.message_numbers(names, &format!("{path}.send"))
        } else {
            let all = messages.iter().enumerate();
            let at_ticks = all.filter(|(_, message)| message.on_tick);
            at_ticks.map(|(number, _)| number).collect()
        };
        let send = |message: usize| Send {
            message,
            nth: messages
                .get(message)
                .map_or(1, |message| message.every_nth.max(1)),
        };
        numbers.into_iter().map(send).collect()
    }

    fn messages_here(
        &mut self,
        name: &str,
        written: &config::Status,
        path: &str,
    ) -> Vec<MessageInStatus> {
        for message in written.messages.keys() {
            if !self.config.messages.contains_key(message) {
                let hint = suggestion(message, self.config.messages.keys().map(String::as_str));
                self.report(
                    &format!("{path}.messages.{message}"),
                    format!("there is no message {message:?}{hint}"),
                );
            }
        }
        let mut messages_here = Vec::new();
        for (message, read) in self.config.messages.keys().zip(self.messages) {
            let payload = written.messages.get(message).and_then(|other| {
                let mut found = Vec::new();
                let payload = Payload::read(other.payload(), self.names, &mut found);
                extend_within(&format!("{path}.messages.{message}"), found, self.problems);
                payload
            });
            let mut reads: Vec<usize> = Vec::new();
            if let Some(read) = read {
                reads.extend(&read.reads);
                reads.extend(payload.as_ref().unwrap_or(&read.payload).reads());
            }
            messages_here.push(MessageInStatus {
                payload,
                makes: self.fields.order(name, &reads),
            });
        }
        messages_here
    }

    fn link(&mut self, written: &config::Link, path: &str) -> Link {
        match written {
            config::Link::Online => Link::Online,
            config::Link::Offline => Link::Offline,
            config::Link::Reconnect => Link::Reconnect,
            config::Link::Vanish(length) => {
                let path = format!("{path}.link.vanish");
                match DurationPlan::read(length, self.names, &path, self.problems) {
                    Some(length) => Link::Vanish(length),
                    None => Link::Online,
                }
            }
        }
    }
}
