//! Collects the errors of a data file with their line and column.

use serde::{Deserialize, Serialize};

use crate::generate::common::problems::Problems;
use crate::generate::data::file_window::WindowedFile;

/// Errors that are listed of one file; of the others only the number is reported.
const MAX_LISTED_ERRORS: usize = 10;

/// The errors of a file, as sentences that name their places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileErrors(Vec<String>);

impl FileErrors {
    /// Reports each error under this key.
    pub(crate) fn report(self, key: &str, problems: &mut Problems) {
        for error in self.0 {
            problems.report(key, error);
        }
    }
}

/// A list of errors that is being made while a file is read.
pub(crate) struct FileErrorList<'a> {
    name: &'a str,
    file: &'a WindowedFile,
    listed: Vec<String>,
    count: usize,
}

impl<'a> FileErrorList<'a> {
    pub(crate) const fn new(name: &'a str, file: &'a WindowedFile) -> Self {
        Self {
            name,
            file,
            listed: Vec::new(),
            count: 0,
        }
    }

    /// Adds an error at an offset of the file.
    pub(crate) fn push(&mut self, offset: usize, error: impl std::fmt::Display) {
        self.count += 1;
        if self.listed.len() < MAX_LISTED_ERRORS {
            let (line, column) = self.file.line_and_column(offset);
            self.listed
                .push(format!("{}:{line}:{column}: {error}", self.name));
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// `value` if there are no errors.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, FileErrors> {
        let more = self.count - self.listed.len();
        let mut listed = self.listed;
        if more > 0 {
            listed.push(format!("{} has {more} more mistakes", self.name));
        }
        if listed.is_empty() {
            Ok(value)
        } else {
            Err(FileErrors(listed))
        }
    }
}
