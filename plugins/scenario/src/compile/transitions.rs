//! Compiles transitions and answers: their triggers, effects and targets.

use std::rc::Rc;

use mockfleet_sdk::generate::Value;

use crate::compile::context::{CompileContext, TERMINATE};
use crate::compile::duration::DurationPlan;
use crate::compile::expression::Expression;
use crate::compile::received::Received;
use crate::config;
use crate::cron::{Cron, CronProblem};
use crate::problems::suggestion;

/// A way in which a status ends.
#[derive(Debug)]
pub(crate) struct Transition {
    pub(crate) to: Target,
    pub(crate) trigger: Trigger,
    pub(crate) effects: Effects,
    /// The trigger in words, for the end of a device.
    pub(crate) description: String,
}

/// The target of a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A status by its number.
    Status(usize),
    /// The end of the device.
    End,
}

/// The trigger of a transition.
#[derive(Debug)]
pub(crate) enum Trigger {
    Cron(Box<Cron>),
    After(DurationPlan),
    Received(Box<Received>),
    Probability(f64),
    Connection(config::Connection),
    When(Expression),
}

/// The effects of an answer or a transition.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// The variables that get a value, by position.
    pub(crate) set: Vec<(usize, Expression)>,
    /// The messages that are sent.
    pub(crate) send: Vec<usize>,
}

/// The answer of a device to a received message.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) received: Received,
    pub(crate) effects: Effects,
}

impl CompileContext<'_> {
    pub(crate) fn answers(&mut self) -> Vec<Answer> {
        let answers = self.config.answers.iter().enumerate();
        let mut read = Vec::new();
        for (place, answer) in answers {
            let path = format!("answers.{place}");
            let answer = match &answer.0 {
                Ok(answer) => answer,
                Err(why) => {
                    self.report(&path, why);
                    continue;
                }
            };
            if answer.set.is_empty() && answer.send.is_empty() {
                self.report(&path, "it does nothing; give it send or set");
            }
            let received = self.received(&answer.received, &format!("{path}.received"));
            let effects = self.effects(&answer.set, &answer.send, &path);
            if let Some(received) = received {
                read.push(Answer { received, effects });
            }
        }
        read
    }

    pub(crate) fn transitions(
        &mut self,
        written: &[config::LenientValue<config::Transition>],
        path: &str,
    ) -> Vec<Option<Rc<Transition>>> {
        let written = written.iter().enumerate();
        let mut read = Vec::new();
        for (place, transition) in written {
            let path = format!("{path}transitions.{place}");
            read.push(match &transition.0 {
                Ok(transition) => self.transition(transition, &path).map(Rc::new),
                Err(why) => {
                    self.report(&path, why);
                    None
                }
            });
        }
        read
    }

    fn transition(&mut self, written: &config::Transition, path: &str) -> Option<Transition> {
        let to = self.target(&written.to, path);
        let trigger = self.trigger(written, path);
        let effects = self.effects(&written.set, &written.send, path);
        let (trigger, description) = trigger?;
        Some(Transition {
            to: to?,
            trigger,
            effects,
            description,
        })
    }

    fn target(&mut self, to: &str, path: &str) -> Option<Target> {
        if to == TERMINATE {
            return Some(Target::End);
        }
        let statuses = self.status_names();
        let number = statuses.iter().position(|known| known == to);
        if number.is_none() {
            let names = statuses.iter().map(String::as_str);
            let hint = suggestion(to, names.chain([TERMINATE]));
            self.report(
                &format!("{path}.to"),
                format!("there is no status {to:?}{hint}"),
            );
        }
        number.map(Target::Status)
    }

    fn trigger(&mut self, written: &config::Transition, path: &str) -> Option<(Trigger, String)> {
        let config::Transition {
            cron,
            zone,
            after,
            received,
            probability,
            connection,
            when,
            ..
        } = written;
        let given = [
            cron.is_some(),
            after.is_some(),
            received.is_some(),
            probability.is_some(),
            connection.is_some(),
            when.is_some(),
        ];
        let count = given.iter().filter(|given| **given).count();
        if count != 1 {
            self.report(
                path,
                format!(
                    "exactly one of cron, after, received, probability, connection and when says at what it happens, not {count}"
                ),
            );
        }
        if zone.is_some() && cron.is_none() {
            self.report(&format!("{path}.zone"), "only cron has a time zone");
        }
        // Compiles each trigger, so that all problems are reported.
        let mut triggers = Vec::new();
        if let Some(pattern) = cron {
            let cron = self.cron(pattern, zone.as_deref(), path);
            triggers
                .push(cron.map(|cron| (Trigger::Cron(Box::new(cron)), format!("at {pattern}"))));
        }
        if let Some(length) = after {
            let path = format!("{path}.after");
            let read = DurationPlan::read(length, self.names, &path, self.problems);
            let said = match length {
                config::DurationSpec::Fixed(span) => format!("after {span}"),
                config::DurationSpec::Drawn(_) => "after its time".to_owned(),
            };
            triggers.push(read.map(|length| (Trigger::After(length), said)));
        }
        if let Some(received) = received {
            let read = self.received(received, &format!("{path}.received"));
            triggers.push(read.map(|received| {
                (
                    Trigger::Received(Box::new(received)),
                    "by command".to_owned(),
                )
            }));
        }
        if let Some(probability) = probability {
            if !(0.0..=1.0).contains(probability) {
                self.report(
                    &format!("{path}.probability"),
                    format!("{probability} is no probability; it lies between 0 and 1"),
                );
            }
            triggers.push(Some((
                Trigger::Probability(*probability),
                "by chance".to_owned(),
            )));
        }
        if let Some(connection) = connection {
            let said = match connection {
                config::Connection::Lost => "as the connection was lost",
                config::Connection::Up => "as the connection was up",
            };
            triggers.push(Some((Trigger::Connection(*connection), said.to_owned())));
        }
        if let Some(text) = when {
            let path = format!("{path}.when");
            let read = Expression::read(text, self.names, &path, self.problems);
            triggers.push(read.map(|condition| (Trigger::When(condition), format!("when {text}"))));
        }
        triggers.into_iter().next().flatten()
    }

    fn cron(&mut self, pattern: &str, zone: Option<&str>, path: &str) -> Option<Cron> {
        match Cron::read(pattern, zone) {
            Ok(cron) if cron.at_or_after(self.group.born).is_none() => {
                self.report(
                    &format!("{path}.cron"),
                    format!("{pattern:?} never comes; there is no such day"),
                );
                None
            }
            Ok(cron) => Some(cron),
            Err(problems) => {
                for problem in problems {
                    match problem {
                        CronProblem::Pattern(text) => self.report(&format!("{path}.cron"), text),
                        CronProblem::Zone(text) => self.report(&format!("{path}.zone"), text),
                    }
                }
                None
            }
        }
    }

    fn received(&mut self, written: &config::Received, path: &str) -> Option<Received> {
        Received::read(written, self.names, self.group, path, self.problems)
    }

    fn effects(
        &mut self,
        set: &std::collections::BTreeMap<String, String>,
        send: &[String],
        path: &str,
    ) -> Effects {
        let mut effects = Effects::default();
        for (name, text) in set {
            let path = format!("{path}.set.{name}");
            let expression = Expression::read(text, self.names, &path, self.problems);
            match self.names.variable(name) {
                Ok(position) => effects
                    .set
                    .extend(expression.map(|expression| (position, expression))),
                Err(why) => self.report(&path, why),
            }
        }
        effects.send = self.message_numbers(send, &format!("{path}.send"));
        effects
    }
}

impl Transition {
    /// The positions of the values that it reads.
    pub(crate) fn reads(&self) -> Vec<usize> {
        let mut reads = self.effects.reads();
        match &self.trigger {
            Trigger::When(condition) => reads.extend(condition.reads()),
            Trigger::Received(received) => reads.extend(received.reads()),
            _ => {}
        }
        reads
    }
}

impl Effects {
    /// The positions of the values that it reads.
    pub(crate) fn reads(&self) -> Vec<usize> {
        let set = self.set.iter();
        set.flat_map(|(_, expression)| expression.reads().to_vec())
            .collect()
    }

    /// The value that a variable stores. A missing one becomes null, or it would stay
    /// missing.
    pub(crate) fn remembered(value: Value) -> Value {
        match value {
            Value::Missing => Value::Null,
            value => value,
        }
    }
}
