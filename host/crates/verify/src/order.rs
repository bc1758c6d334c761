//! Finds messages that arrived out of order.

use serde::{Deserialize, Serialize};

use crate::findings::collected::{Example, Findings, Found};
use crate::findings::explain::{Faults, FindingKind, Kinds};
use crate::key::resolution::ResolvedKeys;
use crate::progress::{Progress, ProgressFn};
use crate::rows::buckets::{BUCKETS, Buckets};

/// The first arrival of a message.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct FirstArrival {
    pub(crate) device: u32,
    pub(crate) seq: u64,
    pub(crate) at: Option<i64>,
    pub(crate) order: u64,
    pub(crate) faults: Faults,
    pub(crate) sent_at: i64,
    pub(crate) again: bool,
}

/// Checks the order of every device. Times of arrival determine the order, and equal times are
/// ignored; without times, the order of the rows is used.
pub(crate) fn look(
    mut arrived: Buckets,
    kinds: &Kinds,
    keys: &ResolvedKeys,
    findings: &mut Findings,
    report_progress: &mut ProgressFn<'_>,
) -> Result<(), String> {
    let timed = keys.received_at.is_some();
    for number in 0..BUCKETS {
        report_progress(Progress {
            doing: "looking at the order",
            done: number.into(),
            of: Some(BUCKETS.into()),
        });
        let taken = arrived.take(number)?;
        let mut messages: Vec<FirstArrival> = taken.records().collect();
        if timed {
            messages.retain(|message| message.at.is_some());
            messages.sort_by_key(|message| (message.device, message.at, message.seq));
        } else {
            messages.sort_by_key(|message| (message.device, message.order));
        }
        for device in messages.chunk_by(|a, b| a.device == b.device) {
            overtaken(device, |message, before| {
                let reason = why(message, before, kinds);
                let found = Found {
                    cause: FindingKind::OutOfOrder,
                    device: Some(message.device),
                    reason,
                };
                findings.add(found, |findings| Example {
                    device: findings.device(message.device),
                    seq: Some(message.seq),
                    at: Some(message.at.unwrap_or(message.sent_at)),
                    payload: String::new(),
                    about: format!("received after seq {}", before.seq),
                });
            });
        }
    }
    Ok(())
}

/// Passes each message that arrived after one with a higher number, with that message.
fn overtaken(device: &[FirstArrival], mut take: impl FnMut(&FirstArrival, &FirstArrival)) {
    let mut highest: Option<&FirstArrival> = None;
    for message in device {
        match highest {
            Some(before) if before.seq > message.seq => take(message, before),
            _ => highest = Some(message),
        }
    }
}

fn why(message: &FirstArrival, before: &FirstArrival, kinds: &Kinds) -> Option<String> {
    let faults = message.faults.and(before.faults);
    kinds
        .explains(FindingKind::OutOfOrder, faults)
        .or_else(|| {
            message
                .again
                .then(|| "sent again after a lost connection".to_owned())
        })
        .or_else(|| (message.sent_at > before.sent_at).then(|| "sent in that order".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived(seq: u64) -> FirstArrival {
        FirstArrival {
            device: 0,
            seq,
            at: None,
            order: 0,
            faults: Faults::default(),
            sent_at: i64::try_from(seq).unwrap(),
            again: false,
        }
    }

    #[test]
    fn of_a_pair_that_changed_places_one_was_overtaken() {
        let device: Vec<FirstArrival> = [0, 1, 3, 2, 4, 7, 5, 6].into_iter().map(arrived).collect();
        let mut found = Vec::new();
        overtaken(&device, |message, before| {
            found.push((message.seq, before.seq));
        });
        assert_eq!(found, [(2, 3), (5, 7), (6, 7)]);
    }

    #[test]
    fn what_was_sent_in_that_order_is_explained() {
        let (mut early, late) = (arrived(2), arrived(3));
        assert_eq!(why(&early, &late, &Kinds::default()), None);
        early.sent_at = 9;
        assert!(why(&early, &late, &Kinds::default()).is_some());
    }
}
