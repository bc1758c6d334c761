//! Fetches an address, or takes its content from the cache.

use bytes::Bytes;

use mockfleet_files::sha256;

use crate::fetch::address::Address;
use crate::fetch::{cache, https};

/// Maximum size of a fetched file: 2 GiB, which fits in memory.
const LARGEST: u64 = 2 << 30;

/// The content of an address, with its digest.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    /// The whole content.
    pub bytes: Bytes,
    /// SHA-256 of the content, in hex.
    pub digest: String,
}

/// Fetches an address, or finds its pinned content in the cache. `progress` receives the bytes so
/// far, and the size if it is known.
///
/// # Errors
/// If the content cannot be fetched, or does not match the pin.
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
        Some((bucket, key)) => mockfleet_sendlog::fetch_object(bucket, key, LARGEST)
            .map_err(|error| error.to_string())?,
        None => https::get(address, LARGEST, progress)?,
    };
    let digest = sha256::hex(&bytes);
    if let Some(pin) = address.pin().filter(|pin| *pin != digest) {
        return Err(format!(
            "the content has the sha256 {digest}, and the address pins {pin}: it was changed since, or is another file; nothing of it was used"
        ));
    }
    cache::put(&digest, &bytes);
    Ok(Fetched { bytes, digest })
}
