//! SHA-256 as it is written: 64 hexadecimal digits, in lower case.

use sha2::{Digest, Sha256};

/// The digest of these bytes.
pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
