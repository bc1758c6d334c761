//! Derives all seeds of a run.
//!
//! A seed depends on the seed of the fleet, the name of the group and the index of the device. The
//! same seed gives the same run for any packing and any number of workers.

/// Derives the seed of a group from the fleet's.
pub(crate) fn group(fleet: u64, name: &str) -> u64 {
    // FNV-1a never changes, unlike the hashes of the standard library.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(mix(fleet).wrapping_add(hash))
}

/// Derives the seed of a device from its group's.
pub fn device(group: u64, index: u32) -> u64 {
    mix(group.wrapping_add(GOLDEN.wrapping_mul(u64::from(index) + 1)))
}

/// Returns a number in 0..1 for one purpose (`salt`) of a seed's owner.
pub(crate) fn unit(seed: u64, salt: u64) -> f64 {
    let bits = bits(seed, salt);
    // An f64 holds 53 bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let unit = (bits >> 11) as f64 / (1u64 << 53) as f64;
    unit
}

/// Returns 64 random bits for one purpose (`salt`) of a seed's owner.
pub(crate) fn bits(seed: u64, salt: u64) -> u64 {
    mix(seed ^ mix(salt.wrapping_add(GOLDEN)))
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Applies the output function of SplitMix64 (Steele, Lea, Flood 2014). It spreads any
/// difference of the input over all 64 bits.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_of_a_fleet_never_change() {
        // A change of these numbers changes every recorded run.
        assert_eq!(device(group(42, "thermometer"), 0), 0x12d5_1546_a7c7_594d);
    }

    #[test]
    fn neighbours_and_namesakes_differ() {
        let group_a = group(0, "a");
        assert_ne!(group_a, group(0, "b"));
        assert_ne!(group_a, group(1, "a"));
        let mut seeds: Vec<_> = (0..10_000).map(|index| device(group_a, index)).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 10_000);
    }

    #[test]
    fn units_fill_the_interval_evenly() {
        let mut buckets = [0u32; 10];
        for seed in 0..10_000 {
            let unit = unit(device(7, seed), 3);
            assert!((0.0..1.0).contains(&unit));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0..10"
            )]
            let bucket = (unit * 10.0) as usize;
            buckets[bucket] += 1;
        }
        assert!(
            buckets.iter().all(|n| (900..1100).contains(n)),
            "{buckets:?}"
        );
    }
}
