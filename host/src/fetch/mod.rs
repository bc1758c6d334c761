//! What lies at an address: `https://`, `s3://`, or `http://` where a digest pins it. Knows
//! nothing of what it fetches. What was fetched is kept by its digest, so that a pinned
//! address asks the network once.

mod address;
mod https;
mod kept;

pub use address::Address;
pub use kept::{Kept, delete_halves, fetched};

use bytes::Bytes;

use mockfleet_files::sha256;

/// What is fetched at most, bytes.
const LARGEST: u64 = 2 << 30;

/// What was at an address.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// All of it.
    pub bytes: Bytes,
    /// Its SHA-256, in hex.
    pub digest: String,
    /// Whether it was here already.
    pub kept: bool,
}

/// Fetches an address, or finds what it pins; `progress` is told the bytes that are there,
/// and of how many.
///
/// # Errors
/// One sentence on why it cannot be had.
pub fn fetch(
    address: &Address,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Fetched, String> {
    if let Some(pin) = address.pin()
        && let Some(bytes) = kept::get(pin)
    {
        return Ok(Fetched {
            bytes,
            digest: pin.to_owned(),
            kept: true,
        });
    }
    let bytes = match address.bucket() {
        Some((bucket, key)) => mockfleet_sendlog::fetch_object(bucket, key, LARGEST)?,
        None => https::get(address, LARGEST, progress)?,
    };
    let digest = sha256::hex(&bytes);
    if let Some(pin) = address.pin().filter(|pin| *pin != digest) {
        return Err(format!(
            "what is there now has the sha256 {digest}, and the address pins {pin}: it was changed since, or is not what was meant; nothing of it was used"
        ));
    }
    kept::put(&digest, &bytes);
    Ok(Fetched {
        bytes,
        digest,
        kept: false,
    })
}
