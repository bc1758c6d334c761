//! Compiles the patterns of received messages: a channel, a path, a condition.

use mockfleet_sdk::generate::{Context, Value, same_value};
use mockfleet_sdk::{Error, Problem};
use serde_json_path::JsonPath;

use crate::compile::expression::Expression;
use crate::compile::names::Names;
use crate::config;
use crate::group_context::GroupContext;
use crate::problems::suggestion;

/// A pattern of a received message.
#[derive(Debug)]
pub(crate) struct Received {
    channel: Option<String>,
    path: Option<JsonPath>,
    /// The value that it has; numbers are compared by all their digits: 20 equals 20.0.
    equals: Option<Value>,
    condition: Option<Expression>,
}

impl Received {
    pub(crate) fn read(
        written: &config::Received,
        names: &Names,
        group: &GroupContext,
        path: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        if let (Some(channel), Some(downlink)) = (&written.channel, &group.downlink)
            && !downlink.contains(channel)
        {
            let hint = suggestion(channel, downlink.iter().map(String::as_str));
            problems.push(Problem::new(
                format!("{path}.channel"),
                format_args!(
                    "the group's target delivers nothing on {channel:?}{hint} (add it under [targets.NAME.downlink])"
                ),
            ));
        }
        let place = match &written.path {
            None => Some(None),
            Some(text) => match JsonPath::parse(text) {
                Ok(place) => Some(Some(place)),
                Err(error) => {
                    problems.push(Problem::new(
                        format!("{path}.path"),
                        format_args!("{text:?} is no JSONPath: {error}; write for example $.mode"),
                    ));
                    None
                }
            },
        };
        let condition = match &written.condition {
            None => Some(None),
            Some(text) => {
                let path = format!("{path}.condition");
                Expression::read(text, names, &path, problems).map(Some)
            }
        };
        Some(Self {
            channel: written.channel.clone(),
            path: place?,
            equals: written.equals.as_ref().map(Value::from),
            condition: condition?,
        })
    }

    /// The value at the path in a message; `None` if the message does not match. Does not
    /// check the condition.
    pub(crate) fn find<'a>(
        &self,
        channel: &str,
        json: &'a serde_json::Value,
    ) -> Option<&'a serde_json::Value> {
        if self
            .channel
            .as_deref()
            .is_some_and(|known| known != channel)
        {
            return None;
        }
        let found = match &self.path {
            None => json,
            Some(path) => path.query(json).first()?,
        };
        match &self.equals {
            Some(wanted) if !same_value(wanted, &Value::from(found)) => None,
            _ => Some(found),
        }
    }

    /// Computes whether the condition holds. The value must be set before.
    pub(crate) fn holds(&self, context: &Context<'_>) -> Result<bool, Error> {
        self.condition
            .as_ref()
            .map_or(Ok(true), |condition| condition.is_true(context))
    }

    /// The positions of the values that its condition reads.
    pub(crate) fn reads(&self) -> &[usize] {
        self.condition.as_ref().map_or(&[], Expression::reads)
    }
}
