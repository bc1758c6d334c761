//! Handles the events of transports.
//!
//! A completed message becomes a row, and a change of a connection an event. Devices that asked for
//! them receive both.

use crate::time::clock::{Clock, Micros};
use crate::time::tick_schedule::TickTime;
use crate::worker::device_table::DeviceState;
use crate::worker::worker_loop::{Stage, Worker};
use mockfleet_plugin::{Event, Interests, Message, Receipt};
use mockfleet_sendlog::EventKind;
use mockfleet_transport::{Cause, Completion, DeviceIndex, Outcome, TransportEvent};

impl Worker {
    /// Takes one report.
    pub(crate) fn take(&mut self, report: TransportEvent) {
        match report {
            TransportEvent::Completed(settled) => self.settled(settled),
            TransportEvent::Connected(slot) => self.up(slot),
            TransportEvent::Disconnected(slot, why) => self.down(slot, &why),
            TransportEvent::Received {
                device: slot,
                channel,
                payload,
                content_type,
            } => {
                let message = Message {
                    channel: channel.to_string(),
                    payload: payload.to_vec(),
                    content_type,
                    properties: Vec::new(),
                };
                self.received(slot, message);
            }
            TransportEvent::Warning(text) => self.record.notice(&text),
        }
    }

    fn settled(&mut self, mut settled: Completion) {
        let clock = self.clock();
        let slot = settled.envelope.device;
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        let faults = group.faults.is_some() && self.faults.settled(&mut settled);
        self.record.settled(device, group, &settled, faults);
        device.open = device.open.saturating_sub(1);
        let flat_out = group.schedule.is_flat_out();
        // Half-empty: a device that is called for every single place in its outbox
        // is called once a write, and not for a batch of them.
        if flat_out
            && !device.armed
            && device.life == DeviceState::Alive
            && device.open <= group.outbox / 2
        {
            let now = clock.now();
            self.reschedule(
                slot,
                TickTime {
                    nominal: now,
                    due: now,
                },
            );
        }
        if let Some(receipt) = self.receipt(&settled) {
            self.tell(slot, &Event::Settled(receipt));
        }
    }

    /// What the behaviour is told of it, if it wants to know.
    fn receipt(&mut self, settled: &Completion) -> Option<Receipt> {
        let (_, group) = self.devices.with_group(settled.envelope.device)?;
        let running = self.stage == Stage::Running && settled.outcome != Outcome::Written;
        if !running || !group.interests.contains(Interests::RECEIPTS) {
            return None;
        }
        // Of what was lost on its way, and of what was sent again on its own, no device
        // hears.
        let envelope = &settled.envelope;
        if envelope.copy > 0 || is_lost_on_its_way(settled) {
            return None;
        }
        let latency = settled.sent_at.zip(settled.acked_at);
        let detail = match (settled.code, &settled.error) {
            (_, Some(error)) => Some(error.to_string()),
            (Some(code), None) => Some(code.to_string()),
            (None, None) => None,
        };
        Some(Receipt {
            sequence: settled.envelope.seq,
            channel: group.routes.channel(settled.envelope.route).to_owned(),
            outcome: match settled.outcome {
                Outcome::Acked => mockfleet_plugin::Outcome::Acked,
                Outcome::Sent | Outcome::Written => mockfleet_plugin::Outcome::Sent,
                Outcome::Dropped => mockfleet_plugin::Outcome::Dropped,
                Outcome::Failed | Outcome::Unconfirmed => mockfleet_plugin::Outcome::Failed,
            },
            latency: latency.map(|(sent, acked)| {
                crate::time::clock::micros(acked.saturating_duration_since(sent))
            }),
            detail,
        })
    }

    fn up(&mut self, slot: DeviceIndex) {
        let now = self.clock().now();
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        if !std::mem::replace(&mut device.up, true) {
            self.record.counters.up += 1;
        }
        self.record
            .event(device, group, now, EventKind::Connected, None);
        if group.interests.contains(Interests::LINK) {
            self.tell(slot, &Event::Connected);
        }
    }

    fn down(&mut self, slot: DeviceIndex, why: &Cause) {
        let now = self.clock().now();
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        if std::mem::replace(&mut device.up, false) {
            self.record.counters.up -= 1;
        }
        self.record.event(
            device,
            group,
            now,
            EventKind::Disconnected,
            Some(&why.text()),
        );
        if group.interests.contains(Interests::LINK) {
            self.tell(
                slot,
                &Event::Disconnected(why.seen_by_device().into_owned()),
            );
        }
    }

    fn received(&mut self, slot: DeviceIndex, message: Message) {
        let now = self.clock().now();
        let Some((device, group)) = self.devices.with_group(slot) else {
            return;
        };
        self.record.counters.received += 1;
        let detail = format!("{}: {} bytes", message.channel, message.payload.len());
        self.record
            .event(device, group, now, EventKind::Received, Some(&detail));
        self.tell(slot, &Event::Received(message));
    }

    /// Calls a device for an event and does what it answers.
    fn tell(&mut self, slot: DeviceIndex, event: &Event) {
        let alive = self
            .devices
            .device(slot)
            .is_some_and(|device| device.life == DeviceState::Alive);
        if self.stage != Stage::Running || !alive || !self.devices.can_call(slot) {
            return;
        }
        let clock: Clock = self.clock();
        let now = clock.now();
        let device_time = match self.devices.with_group(slot) {
            Some((device, group)) => group.device_time(device.index, now, clock.guest(now)),
            None => return,
        };
        match self.devices.handle(slot, device_time, event) {
            Ok(turn) => {
                let asked = turn.next_tick;
                self.apply(slot, now, turn, "handle");
                self.move_tick(slot, now, asked);
            }
            Err(error) => self.handle_call_error(slot, "handle", error),
        }
    }

    /// A device that names its next tick in an event has it moved.
    fn move_tick(&mut self, slot: DeviceIndex, now: Micros, asked: Option<Micros>) {
        if let Some(length) = asked {
            let reached = self.queue.rate_scale.schedule_time(now);
            let due =
                reached.saturating_add(length.max(crate::time::tick_schedule::MIN_TICK_INTERVAL));
            let Some((device, group)) = self.devices.with_group(slot) else {
                return;
            };
            let owner = group.owner(device.index, device.born);
            let moment = group.schedule.at(due, owner);
            self.reschedule(slot, moment);
        }
    }
}

/// Whether an injected fault has dropped it.
fn is_lost_on_its_way(settled: &Completion) -> bool {
    settled.error.as_ref().and_then(Cause::fault) == Some("drop")
}
