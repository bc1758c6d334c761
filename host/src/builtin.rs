//! The plugins inside the binary: `plugin = "builtin:thermometer"` needs no file.

const PLUGINS: [(&str, &[u8]); 4] = [
    (
        "thermometer",
        include_bytes!(concat!(env!("OUT_DIR"), "/thermometer.wasm")),
    ),
    (
        "vehicle",
        include_bytes!(concat!(env!("OUT_DIR"), "/vehicle.wasm")),
    ),
    (
        "meter",
        include_bytes!(concat!(env!("OUT_DIR"), "/meter.wasm")),
    ),
    (
        "scenario",
        include_bytes!(concat!(env!("OUT_DIR"), "/scenario.wasm")),
    ),
];

/// The component of a built-in plugin.
#[must_use]
pub(crate) fn find(name: &str) -> Option<&'static [u8]> {
    PLUGINS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, bytes)| *bytes)
}

/// The names of all of them.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    PLUGINS.iter().map(|(name, _)| *name)
}

/// Says that there is no such plugin, and which there are.
#[must_use]
pub(crate) fn unknown(name: &str) -> String {
    let names: Vec<&str> = PLUGINS.iter().map(|(name, _)| *name).collect();
    format!(
        "there is no built-in plugin {name:?}; there are {} (a file is named by its path: plugin = \"{name}.wasm\")",
        names.join(", ")
    )
}
