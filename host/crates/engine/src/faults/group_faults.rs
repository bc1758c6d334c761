//! Draws the faults of a group: message, link and clock faults.
//!
//! A draw depends on the device's seed, the fault's position in the fleet file, and the
//! message's number or the time. The same run therefore has the same faults for any number of
//! workers, any packing and any machine.
//!
//! `windows` computes the times of a fault, and `payload` changes bytes. The worker's
//! `injection/pending_faults` holds delayed messages. Its `injection/link_faults` cuts and
//! restores connections.

use crate::time::numbers::part;
use mockfleet_metrics::noun_for;
use std::time::Duration;

use bytes::Bytes;

use crate::faults::payload;
use crate::faults::windows::{Window, Windows};
use crate::time::clock::{Micros, micros};
use crate::time::seed;
use mockfleet_config::{FaultFamily, FaultKind, Template, format_duration};
use mockfleet_transport::Routes;

/// The faults of a group.
pub(crate) struct GroupFaults {
    list: Vec<Fault>,
    /// Seed of the group, for the draws that all its devices share.
    seed: u64,
}

/// One fault of a group.
struct Fault {
    plan: mockfleet_config::Fault,
    /// Position in the fleet file, which every draw includes.
    place: u64,
    /// Highest draw of the devices that have the fault; `None` means all devices.
    max_draw: Option<u64>,
    windows: Windows,
    /// The only channel that the fault affects; `None` means all channels.
    route: Option<u16>,
}

/// Salts of the draws: devices, times, messages, flipped bytes, lengths of delays.
const DEVICES: u64 = 0x6661_756c_7400_0000;
const MOMENTS: u64 = 0x6661_756c_7401_0000;
const FAMILY: u64 = 0x6661_756c_7402_0000;
const BYTES: u64 = 0x6661_756c_7403_0000;
const LENGTH: u64 = 0x6661_756c_7404_0000;

/// The values that identify a message when faults are drawn.
#[derive(Clone, Copy)]
pub(crate) struct MessageKey {
    /// Seed of the message's device.
    pub(crate) seed: u64,
    /// Sequence number of the message.
    pub(crate) seq: u64,
    /// Due time of the call that returned the message.
    pub(crate) at: Micros,
    /// Route number of the message's channel.
    pub(crate) route: u16,
}

/// The changes that faults make to one message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FaultEffect {
    /// Payload that leaves, if it is not the one that the device returned.
    pub(crate) payload: Option<Bytes>,
    /// Position of the fault whose topic replaces the message's own.
    topic: Option<usize>,
    /// Value of the column `fault`.
    pub(crate) label: String,
    /// Value of the column `fault` for the message's copies.
    pub(crate) copy_label: String,
    /// Kinds of the faults that affected the message.
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) release: Release,
    /// Latency that a slow link adds, in microseconds.
    pub(crate) latency: Micros,
    /// Number of copies that are sent.
    pub(crate) copies: u8,
}

/// The time at which a message leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    /// Immediately.
    Now,
    /// After this many microseconds.
    After(Micros),
    /// After this number of later messages of its device.
    Behind(u32),
    /// Never.
    Never,
}

impl GroupFaults {
    /// Creates the faults of a group of `count` devices. Returns `None` for a group without
    /// faults.
    pub(crate) fn new(group: &mockfleet_config::Group, routes: &Routes, seed: u64) -> Option<Self> {
        if group.faults.is_empty() {
            return None;
        }
        let list = (0u64..).zip(&group.faults).map(|(place, plan)| Fault {
            plan: plan.clone(),
            place,
            max_draw: max_draw(plan.devices, place, seed, group.count),
            windows: Windows::new(&plan.schedule),
            route: plan.channel.as_deref().and_then(|name| routes.number(name)),
        });
        Some(Self {
            list: list.collect(),
            seed,
        })
    }

    /// Returns the effect of faults on a message, and `None` if no fault affects it.
    pub(crate) fn effect_on(&self, key: MessageKey, payload: &Bytes) -> Option<FaultEffect> {
        let mut picked = self.picked(key);
        if picked.is_empty() {
            return None;
        }
        let lost = picked
            .iter()
            .any(|fault| fault.plan.kind == FaultKind::Drop);
        if lost {
            // A dropped message is not changed, copied or held.
            let stays = |fault: &&Fault| match fault.plan.kind.family() {
                Some(family) => family == FaultFamily::Loss,
                None => true,
            };
            picked.retain(stays);
        }
        let mut effect = FaultEffect {
            payload: None,
            topic: None,
            label: String::new(),
            copy_label: String::new(),
            kinds: Vec::new(),
            release: Release::Now,
            latency: 0,
            copies: 0,
        };
        for fault in picked {
            fault.apply(self, key, payload, &mut effect);
        }
        (!effect.kinds.is_empty()).then_some(effect)
    }

    /// Returns the faults that affect a message. One draw selects at most one fault of each
    /// family. Faults without a family apply during their windows.
    fn picked(&self, key: MessageKey) -> Vec<&Fault> {
        // The draw of each family, and the sum of the probabilities so far.
        let mut draws = [(None, 0.0); 6];
        let mut picked = Vec::new();
        for fault in &self.list {
            let elsewhere = fault.route.is_some_and(|route| route != key.route);
            if elsewhere || fault.at(self, key.seed, key.at).is_none() {
                continue;
            }
            let Some(family) = fault.plan.kind.family() else {
                picked.push(fault);
                continue;
            };
            let place = family as usize;
            let Some((draw, taken)) = draws.get_mut(place) else {
                continue;
            };
            let draw = *draw.get_or_insert_with(|| {
                let purpose = FAMILY + u64::try_from(place).unwrap_or(0);
                seed::unit(seed::bits(key.seed, purpose), key.seq)
            });
            if *taken <= draw && draw < *taken + fault.plan.probability {
                picked.push(fault);
            }
            *taken += fault.plan.probability;
        }
        picked
    }

    /// Returns the topic template that replaces the message's own.
    pub(crate) fn topic(&self, effect: &FaultEffect) -> Option<&Template> {
        match &self.list.get(effect.topic?)?.plan.kind {
            FaultKind::WrongTopic { topic } => Some(topic),
            _ => None,
        }
    }

    /// Returns the error of a device's clock in microseconds.
    pub(crate) fn skew(&self, seed: u64, at: Micros) -> i64 {
        let skews = self.list.iter().map(|fault| fault.skew(self, seed, at));
        skews.fold(0, i64::saturating_add)
    }

    /// Returns the numbers of the link faults of a device.
    pub(crate) fn links(&self, seed: u64) -> impl Iterator<Item = usize> {
        let links = self.list.iter().enumerate();
        links
            .filter(move |(_, fault)| fault.plan.kind.is_link_fault() && fault.has(seed))
            .map(|(number, _)| number)
    }

    /// Returns the first window of a fault that is not over at `at`.
    pub(crate) fn next(&self, number: usize, seed: u64, at: Micros) -> Option<Window> {
        let fault = self.list.get(number)?;
        fault.windows.next(fault.seed(self, seed), at)
    }

    pub(crate) fn kind(&self, number: usize) -> Option<&FaultKind> {
        self.list.get(number).map(|fault| &fault.plan.kind)
    }
}

impl Fault {
    /// Returns whether a device has this fault.
    fn has(&self, seed: u64) -> bool {
        self.max_draw
            .is_none_or(|max_draw| seed::bits(seed, DEVICES + self.place) <= max_draw)
    }

    /// Returns the seed of the windows. All devices share the windows of a reconnect storm.
    fn seed(&self, faults: &GroupFaults, seed: u64) -> u64 {
        let owner = match self.plan.kind {
            FaultKind::ReconnectStorm => faults.seed,
            _ => seed,
        };
        seed::bits(owner, MOMENTS + self.place)
    }

    /// Returns the window of this fault that contains `at`, for one device.
    fn at(&self, faults: &GroupFaults, seed: u64, at: Micros) -> Option<Window> {
        if !self.has(seed) {
            return None;
        }
        self.windows.at(self.seed(faults, seed), at)
    }

    fn skew(&self, faults: &GroupFaults, seed: u64, at: Micros) -> i64 {
        let FaultKind::ClockSkew { offset, drift } = self.plan.kind else {
            return 0;
        };
        let Some(span) = self.at(faults, seed, at) else {
            return 0;
        };
        let since = at - span.begin;
        let drifted = i64::try_from(part(since, drift.abs())).unwrap_or(i64::MAX);
        offset.saturating_add(if drift < 0.0 { -drifted } else { drifted })
    }

    /// Applies this fault to a message.
    fn apply(
        &self,
        faults: &GroupFaults,
        key: MessageKey,
        payload: &Bytes,
        effect: &mut FaultEffect,
    ) {
        let kind = &self.plan.kind;
        let bytes = || Vec::from(effect.payload.clone().unwrap_or_else(|| payload.clone()));
        let mut label = kind.word().to_owned();
        match kind {
            FaultKind::Drop => effect.release = Release::Never,
            FaultKind::Duplicate { copies } => effect.copies = *copies,
            FaultKind::Delay { least, most } => {
                let length = self.delay(key, *least, *most);
                effect.release = Release::After(length);
                label = format!("delay {}", format_duration(Duration::from_micros(length)));
            }
            FaultKind::Reorder { messages } => effect.release = Release::Behind(*messages),
            FaultKind::Corrupt { bytes: count } => {
                let mut bytes = bytes();
                let drawn = seed::bits(seed::bits(key.seed, BYTES + self.place), key.seq);
                if !payload::corrupt(&mut bytes, *count, drawn) {
                    return;
                }
                effect.payload = Some(bytes.into());
            }
            FaultKind::Truncate(_) | FaultKind::Oversize { .. } => {
                let mut bytes = bytes();
                let before = bytes.len();
                let changed = match kind {
                    FaultKind::Truncate(to) => payload::truncate(&mut bytes, *to),
                    FaultKind::Oversize { size } => payload::oversize(&mut bytes, *size),
                    _ => false,
                };
                if !changed {
                    return;
                }
                effect.payload = Some(bytes.into());
                label = format!("{label} from {before} {}", noun_for(before, "byte"));
            }
            FaultKind::WrongTopic { .. } => effect.topic = usize::try_from(self.place).ok(),
            FaultKind::ClockSkew { .. } => {
                let skew = self.skew(faults, key.seed, key.at);
                let sign = if skew < 0 { "-" } else { "" };
                let length = format_duration(Duration::from_micros(skew.unsigned_abs()));
                label = format!("clock-skew {sign}{length}");
            }
            FaultKind::SlowLink { latency, .. } => {
                effect.latency = effect.latency.max(micros(*latency));
            }
            FaultKind::Disconnect { .. }
            | FaultKind::HalfOpen
            | FaultKind::Flapping { .. }
            | FaultKind::ReconnectStorm => {}
        }
        effect.kinds.push(kind.word());
        let add = |to: &mut String| {
            if !to.is_empty() {
                to.push('+');
            }
            to.push_str(&label);
        };
        add(&mut effect.copy_label);
        // Copies do not change the label of the message itself.
        if !matches!(kind, FaultKind::Duplicate { .. }) {
            add(&mut effect.label);
        }
    }

    /// Draws a delay, and rounds it down to a millisecond if it stays above `least`.
    fn delay(&self, key: MessageKey, least: Duration, most: Duration) -> Micros {
        let (least, most) = (micros(least), micros(most));
        let draw = seed::unit(seed::bits(key.seed, LENGTH + self.place), key.seq);
        let length = least + part(most - least, draw);
        let rounded = length - length % 1_000;
        if rounded > least { rounded } else { length }
    }
}

/// Returns the highest draw of the devices that have a fault. Exactly this share of a group's
/// devices has it, and at least one device.
fn max_draw(share: f64, place: u64, seed: u64, count: u32) -> Option<u64> {
    if share >= 1.0 {
        return None;
    }
    let mut draws: Vec<u64> = (0..count)
        .map(|index| seed::bits(seed::device(seed, index), DEVICES + place))
        .collect();
    let exact = f64::from(count) * share;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most the count of devices, 10,000,000"
    )]
    let wanted = (exact.round() as usize).clamp(1, draws.len().max(1));
    if draws.is_empty() {
        return None;
    }
    let (_, max_draw, _) = draws.select_nth_unstable(wanted - 1);
    Some(*max_draw)
}

#[cfg(test)]
mod tests;
