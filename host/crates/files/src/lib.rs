//! Writes files atomically, hashes them, and finds the user's cache folder.
//!
//! Internal to mockfleet: other crates of the workspace use it, and it promises no stable API.

pub mod atomic_write;
pub mod cache_dir;
pub mod sha256;
