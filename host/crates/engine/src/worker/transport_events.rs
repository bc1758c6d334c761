//! Handles the events of transports.
//!
//! A completed message becomes a row, and a change of a connection an event. Devices that asked for
//! them receive both.

use mockfleet_metrics::noun_for;
use std::fmt::Write;
use std::time::Instant;

use crate::group::device_group::Group;
use crate::time::clock::{Micros, micros};
use crate::time::tick_schedule::TickTime;
use crate::worker::calls::call_kind::CallKind;
use crate::worker::calls::pending_calls::{PendingCall, PendingEvent};
use crate::worker::devices::DeviceState;
use crate::worker::fleet_source::{FleetSource, apply};
use crate::worker::worker_loop::{BATCH, WorkerContext};
use mockfleet_plugin::{Event, Interests, Message, Receipt};
use mockfleet_sendlog::EventKind;
use mockfleet_transport::{
    Account, Cause, Completion, DeviceIndex, Downlink, Outcome, TransportEvent,
};

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
                held,
            } => {
                let detail = format!("{channel}: {size} {}", noun_for(size, "byte"));
                self.push_call(slot, PendingEvent::Oversize(detail, held));
            }
            TransportEvent::Received(slot, message) => {
                self.push_call(slot, PendingEvent::Received(message));
            }
            TransportEvent::Unproven(messages) => cx.record.counters.unproven += messages,
            TransportEvent::Warning { kind, text, times } => {
                cx.record.notice_times(&kind, text, times);
            }
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
        let budget = cx.io.inbox.budget();
        budget.remove(Account::Outboxes, completion.envelope.memory());
        if let Some(receipt) = receipt(cx, group, &completion) {
            self.push_receipt(cx, slot, receipt, &completion);
        }
    }

    /// Queues the call for a receipt. It comes later if its message was an answer to the receipt
    /// of a dropped message, and was dropped as well.
    fn push_receipt(
        &mut self,
        cx: &mut WorkerContext,
        slot: DeviceIndex,
        receipt: Receipt,
        completion: &Completion,
    ) {
        let drops = match completion.outcome {
            Outcome::Dropped => completion.envelope.drops.saturating_add(1),
            _ => 0,
        };
        let event = PendingEvent::Settled(receipt, drops);
        // By a virtual clock, the time of the machine does not pass.
        if drops <= 1 || cx.record.clock.is_virtual() {
            return self.push_call(slot, event);
        }
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        let call = PendingCall { slot, event };
        if !self.calls.delay(device.group, call, drops - 1, cx.now()) {
            let name = &group.name;
            let kind = format!("{name}: receipts withheld");
            let text = format!(
                "device {} answers the receipts of dropped messages with messages that are dropped as well; 100 of its receipts wait, and further ones are withheld",
                group.id(device.index)
            );
            cx.record.notice_as(&kind, text);
        }
    }

    /// Queues the call of a device for an event.
    fn push_call(&mut self, slot: DeviceIndex, event: PendingEvent) {
        if let Some(device) = self.devices.device(slot) {
            let group = device.group;
            self.calls.push(group, PendingCall { slot, event });
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
            self.push_call(slot, PendingEvent::Connected);
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
            let why = why.seen_by_device().into_owned();
            self.push_call(slot, PendingEvent::Disconnected(why));
        }
    }

    /// Makes the calls that events have caused, for about one batch. Returns whether there was one.
    ///
    /// They wait while the log takes no rows, and receipts wait while there is no memory for
    /// messages. The other calls do not: what they return is dropped then, since the connections
    /// must be read for messages to complete.
    pub(crate) fn run_pending_calls(&mut self, cx: &mut WorkerContext) -> bool {
        if !self.calls.has_any() || cx.is_running() && cx.log_is_full() {
            return false;
        }
        self.calls.release_delayed(cx.now());
        if cx.io.inbox.budget().has_room() {
            self.calls.release_held();
        }
        let is_virtual = cx.record.clock.is_virtual();
        let began = Instant::now();
        let mut moment = began;
        while let Some((group, call)) = self.calls.pop() {
            let is_receipt = matches!(call.event, PendingEvent::Settled(..));
            if is_receipt && cx.is_running() && !cx.io.inbox.budget().has_room() {
                self.calls.hold(group, call);
                continue;
            }
            self.run_call(cx, call);
            let after = Instant::now();
            let spent = after.saturating_duration_since(moment);
            self.calls.charge(group, spent);
            self.schedule.ticks.charge_group(group, spent);
            moment = after;
            if !is_virtual && moment.saturating_duration_since(began) >= BATCH {
                break;
            }
        }
        true
    }

    /// Handles all events that still wait for devices.
    pub(crate) fn run_all_calls(&mut self, cx: &mut WorkerContext) {
        self.calls.release_delayed(Micros::MAX);
        self.calls.release_held();
        while let Some((_, call)) = self.calls.pop() {
            self.run_call(cx, call);
        }
    }

    fn run_call(&mut self, cx: &mut WorkerContext, call: PendingCall) {
        let PendingCall { slot, event } = call;
        let (event, drops) = match event {
            PendingEvent::Connected => (Event::Connected, 0),
            PendingEvent::Disconnected(why) => (Event::Disconnected(why), 0),
            PendingEvent::Settled(receipt, drops) => (Event::Settled(receipt), drops),
            PendingEvent::Received(message) => {
                return self.receive(cx, slot, *message);
            }
            PendingEvent::Oversize(detail, held) => {
                drop(held);
                if let Some((device, group)) = self.devices.with_group(slot) {
                    let now = cx.now();
                    cx.record
                        .event(device, group, now, EventKind::Oversize, Some(&detail));
                }
                return;
            }
        };
        self.call_with_event(cx, slot, &event, drops);
    }

    fn receive(&mut self, cx: &mut WorkerContext, slot: DeviceIndex, message: Downlink) {
        let Downlink {
            channel,
            payload,
            content_type,
            code,
            held,
        } = message;
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        let size = payload.len();
        cx.record.count_received(size);
        let now = cx.now();
        let mut detail = format!("{channel}: {size} {}", noun_for(size, "byte"));
        if let Some(code) = code {
            let _ = write!(detail, ", status {code}");
        }
        cx.record
            .event(device, group, now, EventKind::Received, Some(&detail));
        let status = code.map(|code| ("status".to_owned(), code.to_string()));
        let event = Event::Received(Message {
            channel: channel.to_string(),
            payload: payload.into(),
            content_type,
            properties: status.into_iter().collect(),
        });
        self.call_with_event(cx, slot, &event, 0);
        drop(held);
    }

    /// Returns whether there is memory for the messages of ticks. If there is none, ticks wait, and
    /// those that are too late are missed.
    pub(crate) fn has_memory(&mut self, cx: &mut WorkerContext) -> bool {
        let budget = cx.io.inbox.budget();
        let has_room = budget.has_room();
        if has_room || self.is_held {
            self.is_held = !has_room;
            return has_room;
        }
        self.is_held = true;
        let mib = |account| budget.used(account) >> 20;
        let text = format!(
            "the memory for messages on their way was full (in-flight in [limits]), and devices waited; first with {} MiB of messages without an outcome, {} MiB of rows, {} MiB of messages from the backend and {} MiB of other events",
            mib(Account::Outboxes),
            mib(Account::Log),
            mib(Account::Downlink),
            mib(Account::Receipts),
        );
        cx.record.notice_as("in-flight", text);
        self.virtual_time.stalled |= cx.record.clock.is_virtual();
        false
    }

    /// Calls an active device with an event, sends the messages that it returns, and moves its next
    /// tick if it asks for that.
    fn call_with_event(
        &mut self,
        cx: &mut WorkerContext,
        slot: DeviceIndex,
        event: &Event,
        drops: u8,
    ) {
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
                let call = CallKind::Handle { drops };
                apply(cx, &mut entry, &mut self.faults, now, turn, call);
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
