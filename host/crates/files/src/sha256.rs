//! Hashes bytes with SHA-256.

use sha2::{Digest, Sha256};

/// Returns the digest as 64 hexadecimal digits in lower case.
pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
