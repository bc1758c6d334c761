//! Writes files atomically, hashes them, finds the cache folder, formats counts.
//!
//! Internal to mockfleet: other crates of the workspace use it, and it promises no stable API.

pub mod atomic_write;
pub mod bounded_read;
pub mod cache_dir;
pub mod counted;
pub mod dir_handle;
pub mod durations;
pub mod foreign_text;
pub mod sha256;
