//! Runs the same load without mockfleet, and servers that only count.

mod bare_http;
mod bare_mqtt;
mod run;
mod serve;
mod server;
mod sink;

pub(crate) use run::bare_loop;
