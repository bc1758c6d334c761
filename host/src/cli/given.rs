//! What a user names as FILE: a fleet file, a bundle, or the address of one.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use bytes::Bytes;

use super::work::Work;
use crate::cli::print::tell;
use crate::fetch::{Address, fetch};
use mockfleet_bundle::{Bundle, is_bundle};
use mockfleet_config::{Fleet, InvalidConfig, Override, Problems, environment_names};

/// What was found there.
pub(super) enum Given {
    /// A fleet file on the disk.
    Fleet,
    /// One that came from an address, and what that is in messages.
    Fetched(String, Bytes),
    /// A bundle.
    Bundle(Box<Bundle>),
}

impl Given {
    /// Looks at what is there, and fetches it where it is an address.
    pub(super) fn find(file: &Path) -> Result<Self, Problems> {
        let address = file.to_str().and_then(Address::parse);
        let (shown, bytes) = match address {
            Some(Ok(address)) => (address.shown(), fetched(&address)?),
            Some(Err(why)) => return Err(Problems::one("FILE", why)),
            None if begins_as_bundle(file) => {
                let shown = file.display().to_string();
                let bytes = std::fs::read(file).map_err(|error| {
                    Problems::one(&shown, format!("the bundle cannot be read: {error}"))
                })?;
                (shown, bytes.into())
            }
            None => return Ok(Self::Fleet),
        };
        match is_bundle(&bytes) {
            true => Bundle::open(&shown, &bytes).map(Box::new).map(Self::Bundle),
            false => Ok(Self::Fetched(shown, bytes)),
        }
    }
}

/// Whether this is a bundle, or an address of what can only be a fleet.
pub(super) fn is_packed(file: &Path) -> bool {
    file.to_str().is_some_and(|text| text.contains("://")) || begins_as_bundle(file)
}

/// Reads the fleet that a user names, with the changes of the command line.
pub(super) fn read(file: &Path, overrides: &[Override]) -> Result<Fleet, InvalidConfig> {
    let given = Given::find(file).map_err(|problems| InvalidConfig {
        problems,
        rest: None,
    })?;
    let name = file.display().to_string();
    let again = |fleet: Fleet| match Address::parse(&name) {
        // With its pin, and without what may be secret.
        Some(Ok(address)) => fleet.with_rerun_argument(&address.again()),
        _ => fleet,
    };
    match given {
        Given::Fleet => Fleet::read(file, overrides),
        Given::Fetched(shown, bytes) => Fleet::from_bytes(&bytes, &shown, overrides).map(again),
        Given::Bundle(bundle) => {
            tell!("{}", said(&bundle));
            bundle.fleet(overrides).map(again)
        }
    }
}

/// A line on a bundle that is about to be used.
fn said(bundle: &Bundle) -> String {
    let mut line = format!(
        "bundle {}, packed by mockfleet {}, sha256 {}",
        bundle.shown(),
        bundle.manifest().mockfleet,
        bundle.digest()
    );
    let names = environment(bundle);
    if !names.is_empty() {
        line.push_str("; reads of the environment: ");
        line.push_str(&names.join(", "));
    }
    line
}

/// What the fleet file of a bundle asks the environment for.
pub(super) fn environment(bundle: &Bundle) -> Vec<String> {
    environment_names(bundle.fleet_text()).into_iter().collect()
}

fn fetched(address: &Address) -> Result<Bytes, Problems> {
    let mut work = Work::new();
    let shown = address.shown();
    let fetched = fetch(address, &mut |done, of| {
        work.show("fetching, bytes", done, of)
    });
    work.done();
    let fetched = fetched.map_err(|why| Problems::one(&shown, why))?;
    if address.pin().is_none() {
        tell!(
            "fetched {shown}; #sha256={} after the address pins what was there",
            fetched.digest
        );
    }
    Ok(fetched.bytes)
}

fn begins_as_bundle(file: &Path) -> bool {
    let mut begin = [0; 4];
    // What cannot be opened is said by who reads it.
    File::open(file)
        .and_then(|mut file| file.read_exact(&mut begin))
        .is_ok_and(|()| is_bundle(&begin))
}
