//! Holds the names and files that specifications may refer to.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use crate::generate::data::file_source::FileSource;
#[cfg(feature = "files")]
use crate::generate::data::table_cache::TableCache;

/// The names of other fields and the data files that a specification may refer to.
///
/// Make one scope a cell and plan everything with it: a file is read and parsed once,
/// however many generators use it.
#[derive(Default)]
pub struct Scope {
    names: BTreeMap<Rc<str>, usize>,
    pub(crate) files: FileSource,
    #[cfg(feature = "files")]
    pub(crate) tables: TableCache,
}

impl Scope {
    /// A scope without names and files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds names after the present ones. The first name has its value in
    /// [`Context::fields`](crate::generate::Context::fields) at position 0. A name that is
    /// there already keeps its position.
    #[must_use]
    pub fn names<N: Into<Rc<str>>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        for name in names {
            let next = self.names.len();
            self.names.entry(name.into()).or_insert(next);
        }
        self
    }

    /// Reads data files with this function, which returns `None` if there is none of that
    /// name. The bytes are kept without another copy.
    ///
    /// In a behaviour these are the files of its group:
    /// `scope.files(|name| mockfleet_sdk::data::read_all(name).ok())`.
    #[must_use]
    pub fn files(mut self, reader: impl Fn(&str) -> Option<Vec<u8>> + 'static) -> Self {
        self.files.set_reader(Box::new(reader));
        self
    }

    /// Reads the data files of the device's group ([`data`](crate::data)) in windows: a cell
    /// keeps some KiB of a file, however large it is.
    #[must_use]
    pub fn group_files(mut self) -> Self {
        self.files.set_group_files();
        self
    }

    /// The position of a name in
    /// [`Context::fields`](crate::generate::Context::fields).
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// All names, in the order of the alphabet.
    pub(crate) fn all_names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(|name| &**name)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
