//! Holds a connection's topic filters, and the devices behind each.
//!
//! Each filter is one subscription of the connection, also if many devices have it. Only
//! SUBACK confirms a subscription: the session of an earlier process may have others.

use std::collections::VecDeque;
use std::rc::Rc;

use mockfleet_config::Qos;
use rustc_hash::FxHashMap;

use crate::envelope::DeviceIndex;
use crate::mqtt::session_state::topic_filter::{is_pattern, is_shared, is_subscribed};

/// The number of filters up to which all are compared, instead of looked up.
const MAX_COMPARED: usize = 8;

/// The number of connections that end on a filter, sent alone, before it is given up.
const MAX_STRIKES: u8 = 2;

/// The subscriptions of one connection.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    filters: Vec<Filter>,
    /// Above [`MAX_COMPARED`] filters: their places by text.
    places: FxHashMap<Rc<str>, usize>,
    /// Above [`MAX_COMPARED`] filters: the places of those with wildcards.
    patterns: Vec<usize>,
    /// The places of the filters that are not sent in this session.
    unsent: VecDeque<usize>,
    /// Whether each filter is sent alone: the last connection ended before a SUBACK.
    one_by_one: bool,
}

#[derive(Debug)]
struct Filter {
    text: Rc<str>,
    qos: Qos,
    /// Whether it is among the unsent filters.
    unsent: bool,
    /// Whether the broker has confirmed it with SUBACK.
    confirmed: bool,
    strikes: u8,
    /// The number of messages that were shared out, by which the next receiver follows.
    shared_out: usize,
    receivers: Vec<Receiver>,
}

/// A device and the channel of its events.
#[derive(Debug)]
struct Receiver {
    device: DeviceIndex,
    channel: Rc<str>,
}

impl Subscriptions {
    /// Adds a filter of a device.
    pub(crate) fn add(&mut self, filter: &str, qos: Qos, device: DeviceIndex, channel: Rc<str>) {
        let place = self.place(filter).unwrap_or_else(|| self.insert(filter));
        let Some(entry) = self.filters.get_mut(place) else {
            return;
        };
        let is_new = entry.receivers.is_empty();
        if is_new || entry.qos < qos {
            entry.qos = entry.qos.max(qos);
            entry.confirmed = false;
            if !std::mem::replace(&mut entry.unsent, true) {
                self.unsent.push_back(place);
            }
        }
        entry.receivers.push(Receiver { device, channel });
    }

    fn place(&self, filter: &str) -> Option<usize> {
        match self.places.is_empty() {
            true => self.filters.iter().position(|entry| *entry.text == *filter),
            false => self.places.get(filter).copied(),
        }
    }

    fn insert(&mut self, filter: &str) -> usize {
        self.filters.push(Filter {
            text: filter.into(),
            qos: Qos::AtMostOnce,
            unsent: false,
            confirmed: false,
            strikes: 0,
            shared_out: 0,
            receivers: Vec::new(),
        });
        if self.filters.len() > MAX_COMPARED {
            let known = self.places.len();
            for (place, entry) in self.filters.iter().enumerate().skip(known) {
                self.places.insert(Rc::clone(&entry.text), place);
                if is_pattern(&entry.text) {
                    self.patterns.push(place);
                }
            }
        }
        self.filters.len() - 1
    }

    /// Removes a device. The broker keeps a subscription without devices until the session
    /// ends.
    pub(crate) fn remove(&mut self, device: DeviceIndex) {
        for filter in &mut self.filters {
            filter
                .receivers
                .retain(|receiver| receiver.device != device);
        }
    }

    /// Starts a session. If the broker kept the last one, it still has the subscriptions
    /// that it confirmed to this process.
    pub(crate) fn start_session(&mut self, kept: bool) {
        self.unsent.clear();
        for (place, filter) in self.filters.iter_mut().enumerate() {
            filter.confirmed &= kept;
            let is_wanted = !filter.receivers.is_empty() && filter.strikes < MAX_STRIKES;
            filter.unsent = is_wanted && !filter.confirmed;
            if filter.unsent {
                self.unsent.push_back(place);
            }
        }
        self.one_by_one &= !self.unsent.is_empty();
    }

    /// Returns whether a filter is not sent in this session.
    #[inline]
    pub(crate) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Returns whether each filter is sent alone.
    pub(crate) fn is_one_by_one(&self) -> bool {
        self.one_by_one
    }

    /// Takes the next filters to send, `limit` at most.
    pub(crate) fn take_unsent(&mut self, limit: usize) -> Vec<usize> {
        let limit = if self.one_by_one { 1 } else { limit };
        let taken: Vec<_> = self.unsent.drain(..limit.min(self.unsent.len())).collect();
        for place in &taken {
            if let Some(filter) = self.filters.get_mut(*place) {
                filter.unsent = false;
            }
        }
        taken
    }

    /// Returns the text and the QoS of a filter.
    pub(crate) fn filter(&self, place: usize) -> Option<(&str, Qos)> {
        let filter = self.filters.get(place)?;
        Some((&filter.text, filter.qos))
    }

    /// Returns the first channel that has a filter.
    pub(crate) fn channel(&self, place: usize) -> Option<&str> {
        let receiver = self.filters.get(place)?.receivers.first()?;
        Some(&receiver.channel)
    }

    /// Returns the devices that have a filter.
    pub(crate) fn devices(&self, place: usize) -> impl Iterator<Item = DeviceIndex> {
        let filter = self.filters.get(place);
        let receivers = filter.map_or(&[][..], |filter| &filter.receivers);
        receivers.iter().map(|receiver| receiver.device)
    }

    /// Notes that the broker confirmed a filter.
    pub(crate) fn confirm(&mut self, place: usize) {
        if let Some(filter) = self.filters.get_mut(place) {
            filter.confirmed = true;
            filter.strikes = 0;
        }
    }

    /// Notes that the connection was lost with these filters unanswered. Returns the filter
    /// that ends each connection, if one is found: it is not sent any more.
    pub(crate) fn note_lost(&mut self, unanswered: &[usize]) -> Option<&str> {
        let was_alone = self.one_by_one;
        self.one_by_one = true;
        let (true, [place]) = (was_alone, unanswered) else {
            return None;
        };
        let filter = self.filters.get_mut(*place)?;
        filter.strikes += 1;
        (filter.strikes >= MAX_STRIKES).then_some(&*filter.text)
    }

    /// Ends sending each filter alone, once all are answered.
    pub(crate) fn note_all_answered(&mut self) {
        self.one_by_one &= !self.unsent.is_empty();
    }

    /// Calls `deliver` with each device that receives a message of the topic, and with the
    /// channel. Returns whether there is a subscription to it.
    pub(crate) fn route(
        &mut self,
        topic: &str,
        mut deliver: impl FnMut(DeviceIndex, &Rc<str>),
    ) -> bool {
        let mut found = false;
        let mut through = |filter: &mut Filter| {
            found = true;
            filter.deliver(&mut deliver);
        };
        if self.places.is_empty() {
            let fitting = self.filters.iter_mut();
            fitting
                .filter(|filter| is_subscribed(topic, &filter.text))
                .for_each(through);
            return found;
        }
        let exact = self.places.get(topic).copied();
        if let Some(filter) = exact.and_then(|place| self.filters.get_mut(place)) {
            through(filter);
        }
        for place in &self.patterns {
            if Some(*place) != exact
                && let Some(filter) = self.filters.get_mut(*place)
                && is_subscribed(topic, &filter.text)
            {
                through(filter);
            }
        }
        found
    }
}

impl Filter {
    /// Delivers a message to each device. A message of a shared subscription is for one
    /// subscriber, so one device receives it, in turn.
    fn deliver(&mut self, deliver: &mut impl FnMut(DeviceIndex, &Rc<str>)) {
        if !is_shared(&self.text) {
            for receiver in &self.receivers {
                deliver(receiver.device, &receiver.channel);
            }
            return;
        }
        let next = self.shared_out.checked_rem(self.receivers.len());
        self.shared_out = self.shared_out.wrapping_add(1);
        if let Some(receiver) = next.and_then(|next| self.receivers.get(next)) {
            deliver(receiver.device, &receiver.channel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receivers(subscriptions: &mut Subscriptions, topic: &str) -> Vec<DeviceIndex> {
        let mut devices = Vec::new();
        subscriptions.route(topic, |device, _| devices.push(device));
        devices
    }

    fn add(subscriptions: &mut Subscriptions, filter: &str, device: DeviceIndex) {
        subscriptions.add(filter, Qos::AtLeastOnce, device, "c".into());
    }

    #[test]
    fn one_filter_of_many_devices_is_one_subscription() {
        let mut subscriptions = Subscriptions::default();
        for device in 0..20 {
            add(&mut subscriptions, "all", device);
            add(&mut subscriptions, &format!("own/{device}"), device);
        }
        assert_eq!(subscriptions.take_unsent(100).len(), 21);
        assert_eq!(receivers(&mut subscriptions, "all"), Vec::from_iter(0..20));
        assert_eq!(receivers(&mut subscriptions, "own/7"), [7]);
        subscriptions.remove(7);
        assert!(receivers(&mut subscriptions, "own/7").is_empty());
        assert!(subscriptions.route("own/7", |_, _| {}), "still known");
        assert!(!subscriptions.route("own/x", |_, _| {}));
    }

    #[test]
    fn many_filters_with_wildcards_find_their_devices() {
        let mut subscriptions = Subscriptions::default();
        for device in 0..20 {
            add(&mut subscriptions, &format!("+/{device}"), device);
            add(&mut subscriptions, "$share/g/jobs", device);
        }
        assert_eq!(receivers(&mut subscriptions, "a/7"), [7]);
        let shared: Vec<_> = (0..40)
            .flat_map(|_| receivers(&mut subscriptions, "jobs"))
            .collect();
        assert_eq!(shared, Vec::from_iter((0..20).chain(0..20)), "in turn");
    }

    #[test]
    fn only_confirmed_filters_outlive_a_connection() {
        let mut subscriptions = Subscriptions::default();
        add(&mut subscriptions, "a", 0);
        add(&mut subscriptions, "b", 0);
        assert_eq!(subscriptions.take_unsent(100), [0, 1]);
        subscriptions.confirm(0);
        subscriptions.start_session(true);
        assert_eq!(subscriptions.take_unsent(100), [1]);
        add(&mut subscriptions, "c", 1);
        subscriptions.start_session(true);
        assert_eq!(subscriptions.take_unsent(100), [1, 2]);
        subscriptions.start_session(false);
        assert_eq!(subscriptions.take_unsent(100), [0, 1, 2]);
    }

    #[test]
    fn higher_qos_of_a_second_device_is_subscribed_again() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.add("a", Qos::AtMostOnce, 0, "c".into());
        assert_eq!(subscriptions.take_unsent(100), [0]);
        subscriptions.add("a", Qos::AtMostOnce, 1, "c".into());
        assert!(!subscriptions.has_unsent());
        subscriptions.add("a", Qos::ExactlyOnce, 2, "c".into());
        assert_eq!(subscriptions.take_unsent(100), [0]);
        assert_eq!(subscriptions.filter(0), Some(("a", Qos::ExactlyOnce)));
    }

    #[test]
    fn filter_that_ends_connections_is_found_and_given_up() {
        let mut subscriptions = Subscriptions::default();
        for filter in ["a", "bad", "c"] {
            add(&mut subscriptions, filter, 0);
        }
        let all = subscriptions.take_unsent(100);
        assert_eq!(subscriptions.note_lost(&all), None);
        let mut given_up = None;
        for _ in 0..MAX_STRIKES {
            subscriptions.start_session(false);
            assert_eq!(subscriptions.take_unsent(100), [0]);
            subscriptions.confirm(0);
            assert_eq!(subscriptions.take_unsent(100), [1]);
            given_up = subscriptions.note_lost(&[1]).map(str::to_owned);
        }
        assert_eq!(given_up.as_deref(), Some("bad"));
        subscriptions.start_session(false);
        assert_eq!(subscriptions.take_unsent(100), [0]);
        assert_eq!(subscriptions.take_unsent(100), [2]);
        subscriptions.note_all_answered();
        assert!(!subscriptions.is_one_by_one());
    }
}
