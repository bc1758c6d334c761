//! Opens the runtime and the transports of a worker.

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

use crate::prepare::transport_spec::TransportSpec;
use mockfleet_metrics::{Counters, SharedCounters};
use mockfleet_transport::{EventInbox, HttpTransport, MqttTransport, NullTransport, Transport};

/// A worker's runtime, and its end of each of these targets; where there can be none, the
/// board says why.
pub(crate) fn open_io(
    transports: &[TransportSpec],
    worker: u32,
    workers: u32,
    inbox: &EventInbox,
    board: &SharedCounters,
) -> Option<(LocalRuntime, Vec<Box<dyn Transport>>)> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        // As many tasks as one batch of ticks may have woken: I/O gets its turn
        // between batches, and then all of it.
        .event_interval(1024)
        .build_local(LocalOptions::default());
    let opened = runtime
        .map_err(|error| error.to_string())
        .and_then(|runtime| {
            let open_io = runtime.enter();
            let transports: Result<Vec<_>, String> = transports
                .iter()
                .map(|transport| open(transport, worker, workers, inbox))
                .collect();
            drop(open_io);
            Ok((runtime, transports?))
        });
    opened
        .map_err(|error| {
            let mut counters = Counters::default();
            let text = format!("a worker could not start: {error}");
            counters.warnings.count(&text);
            board.publish(&counters);
        })
        .ok()
}

fn open(
    transport: &TransportSpec,
    worker: u32,
    workers: u32,
    inbox: &EventInbox,
) -> Result<Box<dyn Transport>, String> {
    Ok(match transport {
        TransportSpec::Null => Box::new(NullTransport::new(inbox.clone())),
        TransportSpec::Mqtt(broker) => {
            Box::new(MqttTransport::new(broker, worker, workers, inbox.clone()))
        }
        TransportSpec::Http(server) => {
            let server =
                HttpTransport::new(server, inbox.clone()).map_err(|error| error.to_string())?;
            Box::new(server)
        }
    })
}
