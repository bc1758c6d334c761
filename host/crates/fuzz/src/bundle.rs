//! Opens any bytes as a bundle.

use std::io::{Cursor, Write as _};

use mockfleet_bundle::Bundle;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Opens the bytes as a bundle, and as the manifest of one, since random bytes are rarely an
/// archive.
///
/// # Panics
/// A bundle is refused without a reason, or a part of it is outside of its folder.
pub fn bundle(bytes: &[u8]) {
    open(bytes);
    open(&archive(bytes));
}

fn open(bytes: &[u8]) {
    match Bundle::open("fuzz.bundle", bytes) {
        Ok(bundle) => {
            assert!(
                bundle
                    .manifest()
                    .parts
                    .iter()
                    .all(|part| !part.path.starts_with(['/', '.']))
            );
            // Environment variables of the fleet file may be missing.
            let _ = bundle.fleet(&[]);
        }
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
}

fn archive(manifest: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in [("manifest.json", manifest), ("fleet.toml", b"#")] {
        let started = zip.start_file(name, SimpleFileOptions::default());
        started.expect("an entry");
        zip.write_all(content).expect("in memory");
    }
    zip.finish().expect("in memory").into_inner()
}
