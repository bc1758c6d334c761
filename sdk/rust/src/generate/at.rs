//! When and for whom a value is made. Owns the moment's description and the scope of
//! names and files that specifications may refer to; must not know any generator.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use crate::behaviour::{Device, Tick};
use crate::time::Instant;

use super::value::Value;

/// The moment that a value is made for. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// When: the time at which the tick was due, or of the event.
    pub now: Instant,
    /// Ticks that the device has had before this one.
    pub sequence: u64,
    /// Whose value it is.
    pub device: &'a Device,
    /// The device's status, and since when it has it.
    pub status: &'a str,
    /// When the device's status became what it is.
    pub status_since: Instant,
    /// The values of the names in the [`Scope`], in its order. A name that a generator
    /// [reads](super::Plan::reads) must have its value before the generator is asked.
    pub fields: &'a [Value],
}

impl<'a> At<'a> {
    /// A tick of a device: no status, which it has since birth, and no fields.
    #[must_use]
    pub const fn new(device: &'a Device, tick: Tick) -> Self {
        Self {
            now: tick.at,
            sequence: tick.sequence,
            device,
            status: "",
            status_since: device.born,
            fields: &[],
        }
    }

    /// The same moment, with the device's status.
    #[must_use]
    pub const fn status(self, status: &'a str, since: Instant) -> Self {
        Self {
            status,
            status_since: since,
            ..self
        }
    }

    /// The same moment, with the values of the scope's names.
    #[must_use]
    pub const fn fields(self, fields: &'a [Value]) -> Self {
        Self { fields, ..self }
    }
}

/// Gives a data file's content by its name.
type Reader = Box<dyn Fn(&str) -> Option<Vec<u8>>>;

/// What a specification may refer to: other fields by name, and data files. Make one a
/// cell and plan everything with it: a file is read and parsed once, however many
/// generators use it.
#[derive(Default)]
pub struct Scope {
    pub(super) names: BTreeMap<Rc<str>, usize>,
    pub(super) reader: Option<Reader>,
    /// Data files are those of the group, read in windows.
    pub(super) group_files: bool,
    #[cfg(feature = "files")]
    pub(super) tables: super::table::Tables,
}

impl Scope {
    /// Nothing to refer to.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds names, after those that are there: the first one added has its value in
    /// [`At::fields`] at position 0. A name that is there already keeps its position.
    #[must_use]
    pub fn names<N: Into<Rc<str>>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        for name in names {
            let next = self.names.len();
            self.names.entry(name.into()).or_insert(next);
        }
        self
    }

    /// Says how a data file is read: `None` if there is none of that name. Its bytes are
    /// kept as they come, without another copy.
    ///
    /// In a behaviour these are the files of its group:
    /// `scope.files(|name| mockfleet_sdk::data::read_all(name).ok())`.
    #[must_use]
    pub fn files(mut self, reader: impl Fn(&str) -> Option<Vec<u8>> + 'static) -> Self {
        self.reader = Some(Box::new(reader));
        self
    }

    /// Data files are those of the group ([`data`](crate::data)). They are read in windows:
    /// a cell keeps some KiB of a file, however large it is.
    #[must_use]
    pub fn group_files(mut self) -> Self {
        self.group_files = true;
        self.files(|name| crate::data::read_all(name).ok())
    }

    /// The position of a name in [`At::fields`].
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
