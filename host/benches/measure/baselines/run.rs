//! Runs the loop or server that the command line names.

use super::{bare_http, bare_mqtt, server, sink};

/// Runs the loop or server that the second argument names, if the first one is `bare`.
pub(crate) fn bare_loop() {
    match std::env::args().nth(2).as_deref() {
        Some("flat-out") => bare_mqtt::flat_out(),
        Some("on-schedule") => bare_mqtt::on_schedule(),
        Some("once") => bare_mqtt::once(),
        Some("sink") => sink::run(),
        Some("requests") => bare_http::requests(),
        Some("server") => server::run(),
        other => unreachable!("no bare loop is named {other:?}"),
    }
}
