//! Compiles plugins and keeps their code in a cache.

pub(crate) mod cache;
pub(crate) mod cache_index;
pub(crate) mod child;
pub(crate) mod compile_observer;
pub(crate) mod compiled;
pub(crate) mod engine;
pub(crate) mod engine_config;
pub(crate) mod inputs;
pub(crate) mod plugin;
