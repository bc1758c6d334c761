//! Opens any bytes as a bundle: they are opened or refused with a reason.
#![no_main]

use std::io::{Cursor, Write};

use libfuzzer_sys::fuzz_target;
use mockfleet_bundle::Bundle;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fuzz_target!(|bytes: &[u8]| {
    look(bytes);
    // The bytes as the manifest of an archive, since random bytes are rarely an archive.
    look(&archive(bytes));
});

fn look(bytes: &[u8]) {
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
