//! Finds data files by name.

#[cfg(feature = "files")]
use crate::generate::common::problems::Problems;

/// Returns a data file's content by its name; `None` if there is no such file.
type Reader = Box<dyn Fn(&str) -> Option<Vec<u8>>>;

/// The data files that a specification may name.
#[derive(Default)]
pub(crate) struct FileSource {
    reader: Option<Reader>,
    /// The files are those of the device's group, which can be read in windows.
    in_group: bool,
}

impl FileSource {
    /// Reads files with this function from now on.
    pub(crate) fn set_reader(&mut self, reader: Reader) {
        self.reader = Some(reader);
    }

    /// Reads the files of the device's group from now on.
    pub(crate) fn set_group_files(&mut self) {
        self.in_group = true;
        self.reader = Some(Box::new(|name| crate::lookup::data::read_all(name).ok()));
    }

    /// Whether the files are those of the device's group.
    #[cfg(feature = "files")]
    pub(crate) const fn is_in_group(&self) -> bool {
        self.in_group
    }

    /// The whole content of a file. `None` after reporting under `key` that there is none.
    #[cfg(feature = "files")]
    pub(crate) fn read(&self, name: &str, key: &str, problems: &mut Problems) -> Option<Vec<u8>> {
        let found = self.reader.as_ref().and_then(|reader| reader(name));
        problems.require(
            found.is_some(),
            key,
            format_args!(
                "there is no data file {name:?}; name it under data in the fleet file's group"
            ),
        );
        found
    }
}
