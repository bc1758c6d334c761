//! Calls a behaviour the way the contract asks: reads its settings, hands it an
//! empty turn, reports a status only when it changed. The plugin's exports and the
//! test harness both go through here, so that what is tested is what runs. Must not
//! know either of them.

use std::borrow::Cow;
use std::ptr;

use crate::behaviour::{Behaviour, Device, Tick};
use crate::error::Error;
use crate::event::Event;
use crate::time::Instant;
use crate::turn::Turn;

/// A device, and the status that it last reported.
pub(crate) struct Seat<B> {
    behaviour: B,
    status: Option<Cow<'static, str>>,
}

impl<B: Behaviour> Seat<B> {
    /// Switches a device on; `config` is a JSON object.
    pub(crate) fn create(device: &Device, config: &str) -> Result<Self, Error> {
        Ok(Self {
            behaviour: B::create_from(device, config)?,
            status: None,
        })
    }

    /// Calls on schedule; `turn` is an empty one.
    pub(crate) fn tick(&mut self, tick: Tick, turn: &mut Turn) -> Result<(), Error> {
        self.behaviour.tick(tick, turn)?;
        self.note_status(turn);
        Ok(())
    }

    pub(crate) fn handle(&mut self, at: Instant, event: Event) -> Result<Turn, Error> {
        let mut turn = Turn::default();
        self.behaviour.handle(at, event, &mut turn)?;
        self.note_status(&mut turn);
        Ok(turn)
    }

    fn note_status(&mut self, turn: &mut Turn) {
        if same(&turn.status, &self.status) {
            turn.status = None;
        } else if turn.status.is_some() {
            self.status.clone_from(&turn.status);
        }
    }
}

/// Whether both say the same. Mostly they are the same words of the program, which need
/// not be read.
fn same(one: &Option<Cow<'static, str>>, other: &Option<Cow<'static, str>>) -> bool {
    match (one, other) {
        (Some(Cow::Borrowed(one)), Some(Cow::Borrowed(other))) if ptr::eq(*one, *other) => true,
        _ => one == other,
    }
}

/// The settings' JSON Schema, as text.
pub(crate) fn schema<B: Behaviour>() -> String {
    schemars::generate::SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<B::Config>()
        .as_value()
        .to_string()
}

/// The settings from their JSON.
pub(crate) fn read<B: Behaviour>(config: &str) -> Result<B::Config, Error> {
    let mut json = serde_json::Deserializer::from_str(config);
    let config = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let key = if path == "." {
            String::new()
        } else {
            format!(".{path}")
        };
        Error::invalid_config(format_args!("config{key}: {}", cause(error.inner())))
    })?;
    json.end()
        .map_err(|error| Error::invalid_config(format_args!("config: {error}")))?;
    Ok(config)
}

/// The error without its place in the text: the text was made from the fleet file,
/// and its author never sees it.
fn cause(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&place).unwrap_or(&message).to_owned()
}
