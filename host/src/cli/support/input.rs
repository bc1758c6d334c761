//! Opens the input of a command: fleet file, bundle or address.

use std::io::Read;
use std::path::Path;

use bytes::Bytes;

use crate::cli::ui::out::err;
use crate::cli::ui::progress_bar::WorkProgress;
use crate::fetch::address::Address;
use crate::fetch::download::fetch;
use mockfleet_bundle::{Bundle, is_bundle};
use mockfleet_config::{Fleet, InvalidConfig, Override, Problems, environment_names};
use mockfleet_files::bounded_read::{self, MAX_BUNDLE};

/// The input that the user named.
pub(crate) enum FleetInput {
    /// A fleet file on the disk.
    Fleet,
    /// A fetched fleet file: its name in messages, and its bytes.
    Fetched(String, Bytes),
    /// A bundle.
    Bundle(Box<Bundle>),
}

impl FleetInput {
    /// Finds the input, and fetches it from an address.
    pub(crate) fn find(file: &Path) -> Result<Self, Problems> {
        let address = file.to_str().and_then(Address::parse);
        let (shown, bytes) = match address {
            Some(Ok(address)) => (address.shown(), fetched(&address)?),
            Some(Err(why)) => return Err(Problems::one("FILE", why)),
            None if begins_as_bundle(file) => {
                let shown = file.display().to_string();
                let bytes = bounded_read::read(file, MAX_BUNDLE).map_err(|error| {
                    Problems::one(&shown, format!("the bundle cannot be read: {error}; permit this user to read it, or take it from its source again"))
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

/// Returns whether the file is a bundle, or an address.
pub(crate) fn is_packed(file: &Path) -> bool {
    file.to_str().is_some_and(|text| text.contains("://")) || begins_as_bundle(file)
}

/// Reads the fleet, with the overrides of the command line.
pub(crate) fn read(file: &Path, overrides: &[Override]) -> Result<Fleet, InvalidConfig> {
    let given = FleetInput::find(file).map_err(|problems| InvalidConfig {
        problems,
        rest: None,
    })?;
    let name = file.display().to_string();
    let again = |fleet: Fleet| match Address::parse(&name) {
        // With the pin, and without secrets.
        Some(Ok(address)) => fleet.with_rerun_argument(&address.again()),
        _ => fleet,
    };
    match given {
        FleetInput::Fleet => Fleet::read(file, overrides),
        FleetInput::Fetched(shown, bytes) => {
            Fleet::from_bytes(&bytes, &shown, overrides).map(again)
        }
        FleetInput::Bundle(bundle) => {
            err!("{}", said(&bundle));
            bundle.fleet(overrides).map(again)
        }
    }
}

/// Describes a bundle in one line.
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

/// Returns the environment variables that the fleet file of a bundle reads.
pub(crate) fn environment(bundle: &Bundle) -> Vec<String> {
    environment_names(bundle.fleet_text()).into_iter().collect()
}

fn fetched(address: &Address) -> Result<Bytes, Problems> {
    let mut work = WorkProgress::new();
    let shown = address.shown();
    let fetched = fetch(address, &mut |done, of| {
        work.show("fetching, bytes", done, of)
    });
    work.done();
    let fetched = fetched.map_err(|why| Problems::one(&shown, why))?;
    if address.pin().is_none() {
        err!(
            "fetched {shown}; #sha256={} after the address pins this content",
            fetched.digest
        );
    }
    Ok(fetched.bytes)
}

fn begins_as_bundle(file: &Path) -> bool {
    let mut begin = [0; 4];
    // The reader of the file reports the error.
    bounded_read::open(file, u64::MAX)
        .and_then(|mut file| file.read_exact(&mut begin))
        .is_ok_and(|()| is_bundle(&begin))
}
