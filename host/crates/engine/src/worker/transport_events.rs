//! Handles the events of transports.
//!
//! A completed message becomes a row, and a change of a connection an event. Devices that asked for
//! them receive both.

use mockfleet_metrics::noun_for;
use std::fmt::Write;

use crate::group::device_group::Group;
use crate::time::clock::micros;
use crate::time::tick_schedule::TickTime;
use crate::worker::devices::DeviceState;
use crate::worker::fleet_source::{FleetSource, apply};
use crate::worker::worker_loop::WorkerContext;
use mockfleet_plugin::{Event, Interests, Message, Receipt};
use mockfleet_sendlog::EventKind;
use mockfleet_transport::{Cause, Completion, DeviceIndex, Outcome, TransportEvent};

impl FleetSource {
    /// Handles one event of a transport.
    pub(crate) fn handle_transport_event(&mut self, cx: &mut WorkerContext, event: TransportEvent) {
        match event {
            TransportEvent::Completed(completion) => self.complete(cx, completion),
            TransportEvent::Connected(slot) => self.connected(cx, slot, false),
            TransportEvent::Reconnected(slot) => self.connected(cx, slot, true),
            TransportEvent::Disconnected(slot, why) => self.disconnected(cx, slot, &why),
            TransportEvent::Refused(slot, why) => {
                if let Some((device, group)) = self.devices.with_group(slot) {
                    let now = cx.now();
                    cx.record
                        .event(device, group, now, EventKind::Refused, Some(&why));
                }
            }
            TransportEvent::Oversize {
                device: slot,
                channel,
                size,
            } => {
                if let Some((device, group)) = self.devices.with_group(slot) {
                    let now = cx.now();
                    let detail = format!("{channel}: {size} {}", noun_for(size, "byte"));
                    cx.record
                        .event(device, group, now, EventKind::Oversize, Some(&detail));
                }
            }
            TransportEvent::Received {
                device: slot,
                channel,
                payload,
                content_type,
                code,
            } => {
                let status = code.map(|code| ("status".to_owned(), code.to_string()));
                let message = Message {
                    channel: channel.to_string(),
                    payload: payload.into(),
                    content_type,
                    properties: status.into_iter().collect(),
                };
                self.received(cx, slot, message, code);
            }
            TransportEvent::Unproven(messages) => cx.record.counters.unproven += messages,
            TransportEvent::Warning { kind, text } => cx.record.notice_as(&kind, text),
        }
    }

    /// Records the outcome of a message, and frees its place in the outbox.
    fn complete(&mut self, cx: &mut WorkerContext, mut completion: Completion) {
        let slot = completion.envelope.device;
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        let by_fault = group.faults.is_some() && self.faults.attribute(&mut completion);
        cx.record
            .record_outcome(device, group, &completion, by_fault);
        device.open = device.open.saturating_sub(1);
        // At half: a device that is called for every free place in its outbox is called once per
        // write, and not for a batch of them.
        if group.schedule.is_flat_out()
            && device.state == DeviceState::Idle
            && device.open <= group.outbox / 2
        {
            let now = cx.now();
            let tick = TickTime {
                nominal: now,
                due: now,
            };
            self.schedule.set_next_tick(slot, device, tick);
        }
        if let Some(receipt) = receipt(cx, group, &completion) {
            self.call_with_event(cx, slot, &Event::Settled(receipt));
        }
    }

    /// Records a connection. `again` is true if the backend or the network ended the last one.
    fn connected(&mut self, cx: &mut WorkerContext, slot: DeviceIndex, again: bool) {
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        device.connection.set_up(&mut cx.record.counters);
        let now = cx.now();
        device.connected_at.get_or_insert(now);
        cx.record.connected(device.group, now, again);
        cx.record
            .event(device, group, now, EventKind::Connected, None);
        if group.interests.contains(Interests::LINK) {
            self.call_with_event(cx, slot, &Event::Connected);
        }
    }

    fn disconnected(&mut self, cx: &mut WorkerContext, slot: DeviceIndex, why: &Cause) {
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        device.connection.set_down(&mut cx.record.counters);
        let now = cx.now();
        let detail = why.text();
        cx.record
            .event(device, group, now, EventKind::Disconnected, Some(&detail));
        if group.interests.contains(Interests::LINK) {
            let event = Event::Disconnected(why.seen_by_device().into_owned());
            self.call_with_event(cx, slot, &event);
        }
    }

    fn received(
        &mut self,
        cx: &mut WorkerContext,
        slot: DeviceIndex,
        message: Message,
        code: Option<u16>,
    ) {
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        cx.record.count_received(message.payload.len());
        let now = cx.now();
        let size = message.payload.len();
        let mut detail = format!("{}: {size} {}", message.channel, noun_for(size, "byte"));
        if let Some(code) = code {
            let _ = write!(detail, ", status {code}");
        }
        cx.record
            .event(device, group, now, EventKind::Received, Some(&detail));
        self.call_with_event(cx, slot, &Event::Received(message));
    }

    /// Calls an active device with an event, sends the messages that it returns, and moves its next
    /// tick if it asks for that.
    fn call_with_event(&mut self, cx: &mut WorkerContext, slot: DeviceIndex, event: &Event) {
        let Some(mut entry) = self.devices.entry(slot) else {
            return;
        };
        if !cx.is_running() || !entry.device.state.is_active() || !entry.can_call() {
            return;
        }
        let clock = cx.record.clock;
        let now = clock.now();
        let (index, group) = (entry.device.index, entry.group);
        cx.record.counters.event_calls += 1;
        let device_time = group.device_time(index, now, clock.guest(now));
        match entry.handle(device_time, event) {
            Ok(turn) => {
                let asked = turn.next_tick;
                apply(cx, &mut entry, &mut self.faults, now, turn, "handle");
                if let Some(length) = asked {
                    let tick = self
                        .schedule
                        .requested_tick(entry.device, group, now, length);
                    self.schedule.set_next_tick(slot, entry.device, tick);
                }
            }
            Err(error) => self.handle_call_error(cx, slot, "handle", error),
        }
    }
}

/// Returns the receipt of a completed message, if its device asked for receipts.
fn receipt(cx: &WorkerContext, group: &Group, completion: &Completion) -> Option<Receipt> {
    let is_open = cx.is_running() && completion.outcome != Outcome::Written;
    if !is_open || !group.interests.contains(Interests::RECEIPTS) {
        return None;
    }
    // A device does not learn about messages that an injected fault has dropped or copied.
    let envelope = &completion.envelope;
    if envelope.copy > 0 || is_dropped_by_fault(completion) {
        return None;
    }
    let latency = completion.sent_at.zip(completion.acked_at);
    let detail = match (completion.code, &completion.error) {
        (_, Some(error)) => Some(error.to_string()),
        (Some(code), None) => Some(code.to_string()),
        (None, None) => None,
    };
    Some(Receipt {
        sequence: envelope.seq,
        channel: group.routes.channel(envelope.route).to_owned(),
        outcome: match completion.outcome {
            Outcome::Acked => mockfleet_plugin::Outcome::Acked,
            Outcome::Sent | Outcome::Written => mockfleet_plugin::Outcome::Sent,
            Outcome::Dropped => mockfleet_plugin::Outcome::Dropped,
            Outcome::Failed | Outcome::Unconfirmed => mockfleet_plugin::Outcome::Failed,
        },
        latency: latency.map(|(sent, acked)| micros(acked.saturating_duration_since(sent))),
        detail,
    })
}

/// Returns whether an injected fault has dropped the message.
fn is_dropped_by_fault(completion: &Completion) -> bool {
    completion.error.as_ref().and_then(Cause::fault) == Some("drop")
}
