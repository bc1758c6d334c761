//! Packs and reads bundles: a fleet file with its plugins and data.
//!
//! Internal to mockfleet: other crates of the workspace use it, and it promises no stable API.
//!
//! A bundle is a ZIP archive. Its first entry, `manifest.json`, names every other entry with
//! its SHA-256. An unpacked bundle is a folder that runs as well.
//!
//! `pack` makes the same bytes for the same input. `open` reads a bundle and trusts nothing in
//! it.

mod fleet_file;
mod manifest;
mod open;
mod pack;

pub use manifest::{Kind, Manifest, Part};
pub use open::{Bundle, is_bundle};
pub use pack::{Plugin, pack};

#[cfg(test)]
mod tests;
