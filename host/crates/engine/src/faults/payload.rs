//! Changes the bytes of a message as faults ask.
//!
//! Each function returns whether it changed the payload. An empty payload has no byte to flip.

use rustc_hash::FxHashSet;

use crate::time::seed;
use mockfleet_config::CutTo;

/// Flips this number of bytes, at drawn positions and to drawn values.
pub(crate) fn corrupt(payload: &mut [u8], bytes: u32, seed: u64) -> bool {
    let length = u64::try_from(payload.len()).unwrap_or(u64::MAX);
    if length == 0 {
        return false;
    }
    let mut flipped = FxHashSet::default();
    for n in 0..u64::from(bytes).min(length) {
        let drawn = seed::bits(seed, n);
        let mut place = (drawn >> 8) % length;
        // A byte that is flipped twice might get its first value again.
        while !flipped.insert(place) {
            place = (place + 1) % length;
        }
        let change = u8::try_from(drawn % 255 + 1).unwrap_or(1);
        if let Some(byte) = usize::try_from(place)
            .ok()
            .and_then(|at| payload.get_mut(at))
        {
            *byte ^= change;
        }
    }
    true
}

/// Cuts the payload to its beginning.
pub(crate) fn truncate(payload: &mut Vec<u8>, to: CutTo) -> bool {
    let length = payload.len();
    let left = match to {
        CutTo::Size(size) => usize::try_from(size).unwrap_or(usize::MAX),
        CutTo::Share(share) => {
            let left = crate::time::numbers::part(u64::try_from(length).unwrap_or(u64::MAX), share);
            usize::try_from(left).unwrap_or(length)
        }
    };
    payload.truncate(left);
    left < length
}

/// Appends spaces up to a size. JSON stays valid.
pub(crate) fn oversize(payload: &mut Vec<u8>, size: u64) -> bool {
    let size = usize::try_from(size).unwrap_or(0);
    if size <= payload.len() {
        return false;
    }
    payload.resize(size, b' ');
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_asked_number_of_bytes_is_flipped_reproducibly(
            payload in prop::collection::vec(any::<u8>(), 1..200), bytes in 1u32..50, seed: u64,
        ) {
            let (mut once, mut again) = (payload.clone(), payload.clone());
            prop_assert!(corrupt(&mut once, bytes, seed));
            prop_assert!(corrupt(&mut again, bytes, seed));
            prop_assert_eq!(&once, &again);
            let changed = payload.iter().zip(&once).filter(|(old, new)| old != new).count();
            prop_assert_eq!(changed, payload.len().min(bytes as usize));
        }
    }

    #[test]
    fn what_is_there_already_is_not_touched() {
        assert!(!corrupt(&mut [], 1, 0));
        let mut payload = b"{\"a\":1}".to_vec();
        assert!(!truncate(&mut payload, CutTo::Size(7)));
        assert!(!oversize(&mut payload, 7));
        assert!(truncate(&mut payload, CutTo::Share(0.5)));
        assert_eq!(payload, b"{\"a");
        assert!(oversize(&mut payload, 5));
        assert_eq!(payload, b"{\"a  ");
    }
}
