//! Fetches files from `https://`, `s3://`, and pinned `http://` addresses.
//!
//! Fetched files are cached by their digest, so that a pinned address is fetched once.

pub(crate) mod address;
pub(crate) mod cache;
pub(crate) mod download;
mod https;
