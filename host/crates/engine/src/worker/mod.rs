//! Runs the devices of one thread: calls, messages, connections, rows.

pub(crate) mod calls;
pub(crate) mod devices;
pub(crate) mod fleet_source;
pub(crate) mod injection;
pub(crate) mod io;
pub(crate) mod recorder;
pub(crate) mod schedule;
pub(crate) mod send_path;
mod transport_events;
mod virtual_time;
pub(crate) mod worker_loop;
