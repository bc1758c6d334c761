//! Reads the files that `mockfleet new` writes from their archive.
//!
//! The archive has the templates, the SDKs and the contract (`wit/`). It replaces a second
//! copy of the folders, so that searches and lints find each source once. `rebuild` writes it
//! without compression, so that the same files give the same bytes with every zlib.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read as _};

use zip::ZipArchive;

const ARCHIVE: &[u8] = include_bytes!("../template-files.zip");

/// Returns each file's content by its path below the root of the repository, such as
/// `sdk/templates/rust/README.md`.
///
/// # Errors
/// The archive inside the program is damaged.
pub fn template_files() -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut archive = ZipArchive::new(Cursor::new(ARCHIVE))?;
    let mut files = BTreeMap::new();
    for number in 0..archive.len() {
        let mut file = archive.by_index(number)?;
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        files.insert(file.name()?.into_owned(), content);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    const LIST: &str = include_str!("../template-files.txt");

    /// Returns whether `template-files.txt` excludes an entry of this name.
    fn is_left_out(name: &str) -> bool {
        let patterns = LIST.lines().filter_map(|line| line.strip_prefix('!'));
        patterns
            .into_iter()
            .any(|pattern| match pattern.strip_prefix('*') {
                Some(suffix) => name.ends_with(suffix),
                None => name == pattern,
            })
    }

    fn read(root: &Path, below: &str, files: &mut BTreeMap<String, Vec<u8>>) {
        let path = root.join(below);
        if !path.is_dir() {
            files.insert(below.to_owned(), fs::read(&path).unwrap());
            return;
        }
        for entry in fs::read_dir(&path).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if !is_left_out(&name) {
                read(root, &format!("{below}/{name}"), files);
            }
        }
    }

    #[test]
    fn archive_has_the_files_of_the_repository() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
        if !root.join("sdk/templates").is_dir() {
            // The packaged crate is outside the repository.
            return;
        }
        let mut files = BTreeMap::new();
        let places = LIST.lines().filter(|line| !line.starts_with(['#', '!']));
        places.for_each(|place| read(&root, place, &mut files));

        let archived = template_files().unwrap();
        let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        let way_out = "`host/crates/builtin/rebuild --templates` renews the archive";
        assert_eq!(names(&archived), names(&files), "{way_out}");
        for (path, content) in &files {
            assert!(archived[path] == *content, "{path} differs; {way_out}");
        }
    }
}
