//! Opens the runtime and the transports of a worker.

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

use crate::prepare::transport_spec::TransportSpec;
use mockfleet_metrics::{Counters, SharedCounters};
use mockfleet_transport::{
    Account, DeviceIndex, DeviceInfo, EventInbox, HttpTransport, LinkAction, MqttTransport,
    NullTransport, Transport,
};

/// The connections of one worker.
pub(crate) struct WorkerIo {
    pub(crate) runtime: LocalRuntime,
    /// This worker's part of each target, by the target's index.
    pub(crate) transports: Vec<Box<dyn Transport>>,
    /// The events that transports report.
    pub(crate) inbox: EventInbox,
    /// Number of workers of the run.
    pub(crate) workers: u32,
}

impl WorkerIo {
    /// Opens the runtime of worker number `worker` and its part of each target. The messages of all
    /// workers on their way take at most `in_flight` bytes. Returns `None` after an error, which it
    /// adds to the warnings of `board`.
    pub(crate) fn open(
        targets: &[TransportSpec],
        worker: u32,
        workers: u32,
        in_flight: u64,
        board: &SharedCounters,
    ) -> Option<Self> {
        let opened = Self::try_open(targets, worker, workers, in_flight);
        opened
            .map_err(|error| {
                tracing::error!(worker, %error, "the worker could not start");
                let mut counters = Counters::default();
                let text = format!("a worker could not start: {error}");
                counters.warnings.count(&text);
                board.publish(&counters);
            })
            .ok()
    }

    fn try_open(
        targets: &[TransportSpec],
        worker: u32,
        workers: u32,
        in_flight: u64,
    ) -> std::io::Result<Self> {
        let share = in_flight / u64::from(workers.max(1));
        let inbox = EventInbox::with_limit(usize::try_from(share).unwrap_or(usize::MAX));
        let runtime = Builder::new_current_thread()
            .enable_all()
            // As many tasks as one batch of ticks can wake: I/O has its time between batches, and
            // then all of it.
            .event_interval(1024)
            .build_local(LocalOptions::default())?;
        let inside = runtime.enter();
        let transports = targets
            .iter()
            .map(|target| open_transport(target, worker, workers, &inbox))
            .collect();
        drop(inside);
        Ok(Self {
            runtime,
            transports,
            inbox,
            workers,
        })
    }

    /// Counts the memory of rows that wait for the log, and of events that wait for devices.
    pub(crate) fn measure_memory(&self, (own, all): (usize, u64), events: usize) {
        let share = all / u64::from(self.workers.max(1));
        let log = own.saturating_add(usize::try_from(share).unwrap_or(usize::MAX));
        let budget = self.inbox.budget();
        budget.set(Account::Log, log);
        budget.set(Account::Receipts, events);
    }

    /// Adds a device to its target, and opens its connection.
    pub(crate) fn join(&mut self, target: usize, slot: DeviceIndex, info: DeviceInfo) {
        let _inside = self.runtime.enter();
        if let Some(transport) = self.transports.get_mut(target) {
            transport.join(slot, info);
        }
    }

    /// Returns whether the devices of a target have connections.
    pub(crate) fn has_connections(&self, target: usize) -> bool {
        let transport = self.transports.get(target);
        transport.is_some_and(|transport| transport.has_connections())
    }

    /// Performs an action on the connection of a device.
    pub(crate) fn apply_link_action(
        &mut self,
        target: usize,
        slot: DeviceIndex,
        action: LinkAction,
    ) {
        if let Some(transport) = self.transports.get_mut(target) {
            transport.apply_link_action(slot, action);
        }
    }
}

fn open_transport(
    target: &TransportSpec,
    worker: u32,
    workers: u32,
    inbox: &EventInbox,
) -> Box<dyn Transport> {
    match target {
        TransportSpec::Null => Box::new(NullTransport::new(inbox.clone())),
        TransportSpec::Mqtt(broker) => {
            Box::new(MqttTransport::new(broker, worker, workers, inbox.clone()))
        }
        TransportSpec::Http(server) => Box::new(HttpTransport::new(server, inbox.clone())),
    }
}
