//! Reads each data file once for the whole process.
//!
//! Groups share the content, under any name.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use mockfleet_config::File;
use mockfleet_files::bounded_read::{self, MAX_DATA_FILE};

/// The files that were read so far.
#[derive(Default)]
pub(crate) struct DataFiles(HashMap<std::path::PathBuf, Bytes>);

impl DataFiles {
    /// Returns the content of a group's files by their names. Calls `refuse` with the name and
    /// the cause for each file that cannot be read.
    pub(crate) fn read_all(
        &mut self,
        files: &BTreeMap<String, File>,
        mut refuse: impl FnMut(&str, String),
    ) -> BTreeMap<String, Bytes> {
        let mut content = BTreeMap::new();
        for (name, file) in files {
            match self.read(file) {
                Ok(bytes) => {
                    content.insert(name.clone(), bytes);
                }
                Err(why) => refuse(name, format!("{} cannot be read: {why}", file)),
            }
        }
        content
    }

    fn read(&mut self, file: &File) -> std::io::Result<Bytes> {
        let File::Disk(file) = file else {
            return file.read(MAX_DATA_FILE);
        };
        // Two spellings of one path are the same file.
        let whole = std::fs::canonicalize(file)?;
        if let Some(bytes) = self.0.get(&whole) {
            return Ok(bytes.clone());
        }
        let bytes: Bytes = bounded_read::read(&whole, MAX_DATA_FILE)?.into();
        self.0.insert(whole, bytes.clone());
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_held_once_however_often_it_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("weather.csv");
        std::fs::write(&file, "t\n1\n").unwrap();
        let other = folder.path().join(".").join("weather.csv");
        let mut files = DataFiles::default();
        let names =
            [("a", file), ("b", other)].map(|(name, file)| (name.to_owned(), File::Disk(file)));
        let names = BTreeMap::from(names);
        let content = files.read_all(&names, |name, why| panic!("{name}: {why}"));
        assert_eq!(content["a"].as_ptr(), content["b"].as_ptr());
        assert_eq!(&content["a"][..], b"t\n1\n");
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_name() {
        let mut said = Vec::new();
        let names = BTreeMap::from([("a".to_owned(), File::Disk("/nowhere/a.csv".into()))]);
        DataFiles::default().read_all(&names, |name, why| said.push(format!("{name}: {why}")));
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("a: /nowhere/a.csv cannot be read: "));
    }
}
