//! Keeps messages that wait for a connection, in their order.

use std::collections::VecDeque;

use mockfleet_sdk::{Instant, Message};

use crate::config::{OverflowPolicy, StoreAndForward};

/// The kept messages of one device. Empty, it has no memory of its own.
#[derive(Debug, Default)]
pub(crate) struct Store {
    messages: VecDeque<Message>,
    /// The time of the next batch.
    pub(crate) next: Option<Instant>,
}

impl Store {
    /// Keeps a message. Without room, it drops one by the settings.
    pub(crate) fn push(&mut self, message: Message, settings: &StoreAndForward) {
        if self.messages.len() >= settings.capacity {
            match settings.full {
                OverflowPolicy::DropNewest => return,
                OverflowPolicy::DropOldest => drop(self.messages.pop_front()),
            }
        }
        self.messages.push_back(message);
    }

    /// Whether there are no messages.
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Takes the next batch, oldest first, and sets the time of the one after it.
    pub(crate) fn batch(
        &mut self,
        now: Instant,
        settings: &StoreAndForward,
    ) -> impl Iterator<Item = Message> {
        let count = settings.batch.min(self.messages.len());
        let batch: Vec<Message> = self.messages.drain(..count).collect();
        self.next = (!self.messages.is_empty()).then(|| now + settings.pause.into());
        if self.messages.is_empty() {
            self.messages = VecDeque::new();
        }
        batch.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(full: OverflowPolicy, count: u8) -> Vec<u8> {
        let settings: StoreAndForward =
            serde_json::from_str(r#"{ "capacity": 3, "batch": 2, "pause": "5s" }"#).unwrap();
        let settings = StoreAndForward { full, ..settings };
        let mut store = Store::default();
        for number in 0..count {
            store.push(Message::new("c", [number]), &settings);
        }
        let mut left = Vec::new();
        let now = Instant::from_micros(1_000_000);
        while !store.is_empty() {
            let batch: Vec<Message> = store.batch(now, &settings).collect();
            assert!(batch.len() <= 2);
            let next = (!store.is_empty()).then(|| Instant::from_micros(6_000_000));
            assert_eq!(store.next, next);
            left.extend(batch.into_iter().flat_map(|message| message.payload));
        }
        left
    }

    #[test]
    fn full_store_drops_by_its_overflow_policy() {
        assert_eq!(kept(OverflowPolicy::DropOldest, 5), [2, 3, 4]);
        assert_eq!(kept(OverflowPolicy::DropNewest, 5), [0, 1, 2]);
        assert_eq!(kept(OverflowPolicy::DropOldest, 2), [0, 1]);
    }
}
