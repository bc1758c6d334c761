//! Generates the bindings of the contract.

wit_bindgen::generate!({
    path: "src/wit_export/device.wit",
    world: "plugin",
    pub_export_macro: true,
    export_macro_name: "export_plugin",
    default_bindings_module: "mockfleet_sdk::wit_export::bindings",
    skip: ["[method]device.tick"],
});
