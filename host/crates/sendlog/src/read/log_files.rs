//! Finds the files of a log by run.

use std::sync::Arc;

use mockfleet_config::Store;

use crate::error::log_error::LogError;
use crate::error::read_error::ReadError;
use crate::format::file_name::FileName;
use crate::format::schema::LogTable;
use crate::read::parquet_rows::ParquetFile;
use crate::store::store_reader::ObjectMeta;
use crate::store::store_reader::StoreReader;

/// The files of a log's table `sends`, in the order of their hours.
pub struct LogFiles {
    reader: Arc<StoreReader>,
    files: Vec<(String, ObjectMeta)>,
}

/// A file of a log.
#[derive(Clone)]
pub struct LogFile {
    /// The file's location, as people write it.
    pub display_name: String,
    /// The run that wrote it.
    pub run: String,
    reader: Arc<StoreReader>,
    found: ObjectMeta,
}

impl LogFiles {
    /// Finds the files by their names.
    ///
    /// # Errors
    /// [`LogError::Read`] if the store cannot be read.
    pub fn find(store: &Store) -> Result<Self, LogError> {
        let reader = StoreReader::open(store)?;
        let files = reader.files(LogTable::Sends)?;
        let named = files.into_iter().filter_map(|found| {
            let run = FileName::parse(&found.key)?.run;
            Some((run, found))
        });
        Ok(Self {
            files: named.collect(),
            reader: Arc::new(reader),
        })
    }

    /// Returns the runs that have files, the oldest first.
    #[must_use]
    pub fn runs(&self) -> Vec<&str> {
        let mut runs: Vec<&str> = self.files.iter().map(|(run, _)| run.as_str()).collect();
        runs.sort_unstable();
        runs.dedup();
        runs
    }

    /// Returns the files of a run. Files of the same hour follow each other.
    #[must_use]
    pub fn of_run(&self, run: &str) -> Vec<LogFile> {
        let files = self
            .files
            .iter()
            .filter(|(from_reader, _)| from_reader == run);
        files
            .map(|(run, found)| LogFile {
                display_name: self.reader.display_name(&found.key),
                run: run.clone(),
                reader: Arc::clone(&self.reader),
                found: found.clone(),
            })
            .collect()
    }
}

/// Returns whether a store has any file of a log: a row, or the metadata of a run.
///
/// # Errors
/// The reason why the store cannot be read.
pub fn holds_log(store: &Store) -> Result<bool, LogError> {
    let reader = StoreReader::open(store)?;
    for folder in [LogTable::Sends.name(), LogTable::Events.name(), "runs"] {
        if reader.has_any(folder)? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl LogFile {
    /// Reads the file's footer.
    ///
    /// # Errors
    /// [`ReadError::Store`] or [`ReadError::Io`] if the file cannot be opened, and
    /// [`ReadError::Parquet`] or [`ReadError::DecoderPanic`] if it is no sound Parquet file.
    pub fn open(&self) -> Result<ParquetFile, ReadError> {
        if let Some(problem) = &self.found.problem {
            return Err(ReadError::Store(Arc::clone(problem)));
        }
        ParquetFile::from_reader(self.reader.open_file(&self.found)?)
    }
}
