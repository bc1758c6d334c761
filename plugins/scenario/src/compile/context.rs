//! Carries the known parts and the problems of a scenario while it is compiled.

use mockfleet_sdk::Problem;

use crate::compile::fields::Fields;
use crate::compile::messages::Message;
use crate::compile::names::Names;
use crate::config::Config;
use crate::group_context::GroupContext;
use crate::problems::suggestion;

/// The name of the target that ends a device.
pub(crate) const TERMINATE: &str = "terminate";

/// The status of a device whose scenario has none.
const ONLY_STATUS: &str = "on";

/// The state of a compilation: the parts that are known, and the problems.
pub(crate) struct CompileContext<'a> {
    pub(crate) config: &'a Config,
    pub(crate) group: &'a GroupContext,
    pub(crate) names: &'a Names,
    pub(crate) fields: &'a Fields,
    pub(crate) messages: &'a [Option<Message>],
    pub(crate) problems: &'a mut Vec<Problem>,
}

impl CompileContext<'_> {
    /// The names of the statuses, in the order of their numbers.
    pub(crate) fn status_names(&self) -> Vec<String> {
        if self.config.statuses.is_empty() {
            return vec![ONLY_STATUS.to_owned()];
        }
        self.config.statuses.keys().cloned().collect()
    }

    /// The numbers of messages by name. Reports unknown ones.
    pub(crate) fn message_numbers(&mut self, names: &[String], path: &str) -> Vec<usize> {
        let known: Vec<&str> = self.config.messages.keys().map(String::as_str).collect();
        let mut numbers = Vec::new();
        for (place, name) in names.iter().enumerate() {
            let number = known.iter().position(|known| known == name);
            if number.is_none() {
                let hint = suggestion(name, known.iter().copied());
                self.report(
                    &format!("{path}.{place}"),
                    format!("there is no message {name:?}{hint}"),
                );
            }
            numbers.extend(number);
        }
        numbers
    }

    pub(crate) fn report(&mut self, path: &str, text: impl std::fmt::Display) {
        self.problems.push(Problem::new(path, text));
    }
}
