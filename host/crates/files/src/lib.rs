//! Digests and cache folders of files.

pub mod cache_folder;
pub mod sha256;
