//! Reads a bundle from an untrusted source.
//!
//! Names, sizes and digests are checked before anything in the bundle is used. Nothing is
//! unpacked to the disk, and memory has a limit.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

use bytes::Bytes;
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use super::manifest::{FORMAT, Kind, Manifest, NAME, Part, is_plain};
use mockfleet_config::{Files, Fleet, InvalidConfig, Override, Problem, Problems};
use mockfleet_files::bounded_read::{MAX_COMPONENT, MAX_DATA_FILE, MAX_TEXT};
use mockfleet_files::foreign_text::for_line;
use mockfleet_files::sha256;

/// Most bytes of all unpacked parts together.
const LARGEST: u64 = 2 << 30;
const LARGEST_MANIFEST: u64 = 4 << 20;

/// A bundle whose parts match its manifest.
#[derive(Debug, Clone)]
pub struct Bundle {
    shown: String,
    digest: String,
    manifest: Manifest,
    parts: BTreeMap<String, Bytes>,
}

/// Returns whether a file begins as a bundle. No fleet file begins in this way.
#[must_use]
pub fn is_bundle(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

impl Bundle {
    /// Reads a bundle; `shown` names it in messages.
    ///
    /// # Errors
    /// Returns all problems of the bundle.
    pub fn open(shown: &str, bytes: &[u8]) -> Result<Self, Problems> {
        let mut opening = Opening {
            shown,
            problems: Problems::default(),
        };
        let bundle = opening.bundle(bytes);
        match bundle {
            Some(bundle) if opening.problems.is_empty() => Ok(bundle),
            _ => Err(opening.problems),
        }
    }

    /// Returns the name of the bundle in messages.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns the SHA-256 of the whole file, in hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns the manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the text of the fleet file.
    #[must_use]
    pub fn fleet_text(&self) -> &str {
        let bytes = self.parts.get(&self.manifest.fleet);
        // `open` has checked that it is UTF-8.
        bytes.map_or("", |bytes| std::str::from_utf8(bytes).unwrap_or(""))
    }

    /// Reads the fleet of the bundle.
    ///
    /// # Errors
    /// Returns all problems of the fleet file.
    pub fn fleet(&self, overrides: &[Override]) -> Result<Fleet, InvalidConfig> {
        let files = Files::Parts {
            shown: &self.shown,
            parts: &self.parts,
        };
        let file = format!("{}/{}", self.shown, self.manifest.fleet);
        Fleet::parse_with_files(self.fleet_text(), &file, files, overrides)
            .map(|fleet| fleet.with_rerun_argument(&self.shown))
    }
}

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

struct Opening<'a> {
    shown: &'a str,
    problems: Problems,
}

impl Opening<'_> {
    fn wrong(&mut self, text: impl Into<String>) {
        self.problems.push(Problem {
            place: self.shown.to_owned(),
            text: text.into(),
        });
    }

    fn bundle(&mut self, bytes: &[u8]) -> Option<Bundle> {
        let mut archive = ZipArchive::new(Cursor::new(bytes))
            .map_err(|error| self.wrong(broken(&error)))
            .ok()?;
        let manifest = self.manifest(&mut archive)?;
        self.check_names(&archive, &manifest);
        let total: u64 = manifest
            .parts
            .iter()
            .fold(0, |sum, part| sum.saturating_add(part.size));
        if total > LARGEST {
            self.wrong(format!(
                "its parts have {total} bytes, and at most {LARGEST} are read; leave large files beside the fleet file, and run that"
            ));
            return None;
        }
        let mut parts = BTreeMap::new();
        for part in &manifest.parts {
            if let Some(bytes) = self.part(&mut archive, part) {
                parts.insert(part.path.clone(), bytes);
            }
        }
        self.check_fleet(&manifest, &parts);
        Some(Bundle {
            shown: self.shown.to_owned(),
            digest: sha256::hex(bytes),
            manifest,
            parts,
        })
    }

    fn manifest(&mut self, archive: &mut Archive<'_>) -> Option<Manifest> {
        let bytes = match archive.by_name(NAME) {
            Ok(entry) => read(entry, LARGEST_MANIFEST),
            Err(_) => {
                self.wrong(format!(
                    "it is an archive without {NAME}, so no bundle; `mockfleet bundle` makes one"
                ));
                return None;
            }
        };
        let bytes = bytes
            .map_err(|why| self.wrong(format!("{NAME} {why}")))
            .ok()?;
        // The format number is read first, since a later format may have other fields.
        let format = serde_json::from_slice::<serde_json::Value>(&bytes)
            .ok()
            .and_then(|value| value.get("format")?.as_u64());
        if let Some(format) = format.filter(|format| *format > u64::from(FORMAT)) {
            self.wrong(format!(
                "it is a bundle of form {format}, and this mockfleet ({}) reads up to {FORMAT}; run it with the version that made it, or a later one",
                env!("CARGO_PKG_VERSION")
            ));
            return None;
        }
        serde_json::from_slice(&bytes)
            .map_err(|error| {
                self.wrong(format!(
                    "{NAME} is not what mockfleet writes ({error}): the bundle was altered; take it from its source again"
                ))
            })
            .ok()
    }

    /// Checks that the archive has exactly the parts of the manifest, under safe names.
    fn check_names(&mut self, archive: &Archive<'_>, manifest: &Manifest) {
        let mut named = BTreeSet::new();
        for part in &manifest.parts {
            if !is_plain(&part.path) {
                self.wrong(format!(
                    "part {:?} has a name that leads elsewhere or is no plain path; nothing of the bundle is used",
                    part.path
                ));
            }
            let is_digit = |byte: u8| byte.is_ascii_hexdigit();
            if !part.inputs.iter().all(|text| text.bytes().all(is_digit)) {
                self.wrong(format!(
                    "the inputs of part {} are no SHA-256: the bundle was altered; take it from its source again",
                    for_line(&part.path)
                ));
            }
            if !named.insert(part.path.as_bytes()) {
                self.wrong(format!("part {} is listed twice: the bundle was altered; take it from its source again", for_line(&part.path)));
            }
        }
        if archive.has_duplicate_names() {
            self.wrong("two of its entries have one name: it was not made by mockfleet; make it with `mockfleet bundle`");
        }
        for name in archive.file_names_raw() {
            if name != NAME.as_bytes() && !named.contains(name) {
                self.wrong(format!(
                    "{:?} is in the archive and not in its manifest: the bundle was altered; take it from its source again",
                    String::from_utf8_lossy(name)
                ));
            }
        }
    }

    fn part(&mut self, archive: &mut Archive<'_>, part: &Part) -> Option<Bytes> {
        let most = max_bytes(part.kind);
        if part.size > most {
            self.wrong(format!(
                "part {} has {} bytes, and a part of its kind ({}) has at most {most}; make it smaller, and the bundle again",
                for_line(&part.path), part.size, part.kind.name()
            ));
            return None;
        }
        let Ok(entry) = archive.by_name(&part.path) else {
            self.wrong(format!(
                "part {} is in the manifest and not in the archive: the bundle was altered or cut; take it from its source again",
                for_line(&part.path)
            ));
            return None;
        };
        let bytes = match read(entry, part.size) {
            Ok(bytes) => bytes,
            Err(why) => {
                self.wrong(format!("part {} {why}", for_line(&part.path)));
                return None;
            }
        };
        let found = sha256::hex(&bytes);
        if found != part.sha256 {
            self.wrong(format!(
                "part {} is not what the manifest says (its sha256 is {found}, {} is written there): the bundle was altered; take it from its source again",
                for_line(&part.path), for_line(&part.sha256)
            ));
            return None;
        }
        Some(bytes.into())
    }

    fn check_fleet(&mut self, manifest: &Manifest, parts: &BTreeMap<String, Bytes>) {
        let listed = manifest
            .parts
            .iter()
            .any(|part| part.path == manifest.fleet && part.kind == Kind::Fleet);
        if !listed {
            self.wrong(format!(
                "its manifest names {:?} as the fleet file, which is none of its parts: the bundle was altered; take it from its source again",
                manifest.fleet
            ));
        }
        let text = parts.get(&manifest.fleet);
        if text.is_some_and(|bytes| std::str::from_utf8(bytes).is_err()) {
            self.wrong(format!(
                "{} is no text in UTF-8: the bundle was altered; take it from its source again",
                for_line(&manifest.fleet)
            ));
        }
    }
}

/// Returns the maximum size of a part, which is that of a file of its kind.
const fn max_bytes(kind: Kind) -> u64 {
    match kind {
        Kind::Fleet | Kind::Certificate => MAX_TEXT,
        Kind::Plugin => MAX_COMPONENT,
        Kind::Data => MAX_DATA_FILE,
    }
}

/// Reads an entry of at most `most` bytes. The archive's own size is not trusted.
fn read<R: Read>(entry: ZipFile<'_, R>, most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    entry
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| format!("is damaged ({error}); take the bundle from its source again"))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
        return Err(format!(
            "has more than {most} bytes, which is not what it should have: the bundle was altered; take it from its source again"
        ));
    }
    Ok(bytes)
}

fn broken(error: &ZipError) -> String {
    format!("the bundle is cut short or damaged ({error}); take it from its source again")
}
