//! Keeps the tables of a scope: each file is indexed once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::generate::common::problems::Problems;
use crate::generate::data::file_source::FileSource;
use crate::generate::data::table::{Table, TableOptions};

/// Tables by the names of their files and their options; `None` for a broken file.
type Tables = BTreeMap<(String, TableOptions), Option<Rc<Table>>>;

/// The tables of a scope.
#[derive(Debug, Default)]
pub(crate) struct TableCache(RefCell<Tables>);

impl TableCache {
    /// The table of a file, read on the first call. `None` after reporting a broken file
    /// under the key `file`.
    pub(crate) fn open(
        &self,
        source: &FileSource,
        name: &str,
        options: TableOptions,
        problems: &mut Problems,
    ) -> Option<Rc<Table>> {
        let key = (name.to_owned(), options);
        let cached = self.0.borrow().get(&key).cloned();
        if let Some(cached) = cached {
            if cached.is_none() {
                problems.report("file", format_args!("{name} is broken, as reported before"));
            }
            return cached;
        }
        let table = Table::open(source, name, &key.1, problems).map(Rc::new);
        self.0.borrow_mut().insert(key, table.clone());
        table
    }
}
