//! Finds the plugins inside the program by their names.
//!
//! `plugin = "builtin:thermometer"` in a fleet file needs no file. `rebuild` writes the
//! components and their digests.

use std::fmt;

const PLUGINS: [(&str, &[u8]); 4] = [
    (
        "thermometer",
        include_bytes!("../components/thermometer.wasm"),
    ),
    ("vehicle", include_bytes!("../components/vehicle.wasm")),
    ("meter", include_bytes!("../components/meter.wasm")),
    ("scenario", include_bytes!("../components/scenario.wasm")),
];

const COMPONENTIZER: &[u8] = include_bytes!("../components/componentizer.wasm");

/// A name that no built-in plugin has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownPlugin {
    name: String,
}

impl fmt::Display for UnknownPlugin {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = names().collect();
        let (name, names) = (&self.name, names.join(", "));
        write!(
            text,
            "there is no built-in plugin {name:?}; there are {names} (a file is named by its path: plugin = \"{name}.wasm\")"
        )
    }
}

impl std::error::Error for UnknownPlugin {}

/// Returns the WebAssembly component of a plugin.
///
/// # Errors
/// [`UnknownPlugin`] lists the names that exist.
pub fn find(name: &str) -> Result<&'static [u8], UnknownPlugin> {
    let found = PLUGINS.iter().find(|(known, _)| *known == name);
    let unknown = || UnknownPlugin { name: name.into() };
    found.map(|(_, bytes)| *bytes).ok_or_else(unknown)
}

/// Returns the component that makes components of core modules, for `mockfleet build`. It is no
/// plugin.
#[must_use]
pub fn componentizer() -> &'static [u8] {
    COMPONENTIZER
}

/// Returns the names of all plugins.
pub fn names() -> impl Iterator<Item = &'static str> {
    PLUGINS.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn components_have_the_digests_of_sha256sums() {
        let lines = include_str!("../components/SHA256SUMS").lines();
        let listed: BTreeMap<&str, &str> = lines
            .map(|line| line.split_once("  ").unwrap())
            .map(|(digest, file)| (file, digest))
            .collect();
        assert_eq!(listed.len(), PLUGINS.len() + 1);
        for (name, bytes) in [("componentizer", COMPONENTIZER)]
            .into_iter()
            .chain(PLUGINS)
        {
            let digest = format!("{:x}", Sha256::digest(bytes));
            assert_eq!(
                listed[format!("{name}.wasm").as_str()],
                digest,
                "{name}: host/crates/builtin/rebuild writes both"
            );
        }
    }

    #[test]
    fn unknown_plugin_error_lists_the_names() {
        let text = find("toaster").unwrap_err().to_string();
        assert_eq!(
            text,
            "there is no built-in plugin \"toaster\"; there are thermometer, vehicle, meter, scenario (a file is named by its path: plugin = \"toaster.wasm\")"
        );
    }
}
