//! Commands for authors of plugins and bundles.

pub(crate) mod build;
pub(crate) mod bundle;
pub(crate) mod cache;
pub(crate) mod describe;
pub(crate) mod inspect;
pub(crate) mod new;
pub(crate) mod schema;
pub(crate) mod try_plugin;
