//! A bundle: a fleet file with its plugins and data in one file, which runs anywhere and
//! reads nothing else. It is a ZIP archive whose first entry, `manifest.json`, names every
//! other with its SHA-256; unpacked, it is a folder that runs as well.
//!
//! `pack` makes one, the same bytes for the same input; `open` reads one and trusts nothing
//! in it.

mod fleet_file;
mod manifest;
mod open;
mod pack;

pub use manifest::{Kind, Manifest, Part};
pub use open::{Bundle, is_bundle};
pub use pack::{Plugin, pack};

#[cfg(test)]
mod tests;
