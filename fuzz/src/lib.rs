//! The modules of the host that read what comes from outside, as they stand there. None
//! of them knows WebAssembly (`host/tests/borders.rs` holds that), so the targets are
//! built without it, which would be most of what there is to build.
#![allow(dead_code, unexpected_cfgs, unused_imports)]

#[path = "../../host/src/bundle/mod.rs"]
pub mod bundle;
#[path = "../../host/src/fleet/mod.rs"]
pub mod fleet;
pub mod line;
#[path = "../../host/src/sendlog/mod.rs"]
pub mod sendlog;
#[path = "../../host/src/transport/mod.rs"]
pub mod transport;
