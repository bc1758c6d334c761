//! What lies at an address: `https://`, `s3://`, or `http://` where a digest pins it. Knows
//! nothing of what it fetches. What was fetched is kept by its digest, so that a pinned
//! address asks the network once.

use bytes::Bytes;

use mockfleet_files::sha256;

use crate::fetch::address::Address;
use crate::fetch::{cache, https};

/// What is fetched at most, bytes.
const LARGEST: u64 = 2 << 30;

/// What was at an address.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    /// All of it.
    pub bytes: Bytes,
    /// Its SHA-256, in hex.
    pub digest: String,
}

/// Fetches an address, or finds what it pins; `progress` is told the bytes that are there,
/// and of how many.
///
/// # Errors
/// One sentence on why it cannot be had.
pub(crate) fn fetch(
    address: &Address,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Fetched, String> {
    if let Some(pin) = address.pin()
        && let Some(bytes) = cache::get(pin)
    {
        return Ok(Fetched {
            bytes,
            digest: pin.to_owned(),
        });
    }
    let bytes = match address.bucket() {
        Some((bucket, key)) => mockfleet_sendlog::object(bucket, key, LARGEST)?,
        None => https::get(address, LARGEST, progress)?,
    };
    let digest = sha256::hex(&bytes);
    if let Some(pin) = address.pin().filter(|pin| *pin != digest) {
        return Err(format!(
            "what is there now has the sha256 {digest}, and the address pins {pin}: it was changed since, or is not what was meant; nothing of it was used"
        ));
    }
    cache::put(&digest, &bytes);
    Ok(Fetched { bytes, digest })
}
