//! Generates the random numbers of a device.
//!
//! The same seed gives the same numbers, bit for bit, on every machine, natively and in
//! WebAssembly.

/// A deterministic random number generator of 8 bytes, so that each of many thousand
/// devices can have one. [`Device::rng`](crate::Device::rng) makes it.
///
/// SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number
/// generators", 2014. Not for secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rng(u64);

impl Rng {
    /// A generator with this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        // Mixed, so that neighbouring seeds start far apart on the generator's cycle.
        Self(mix(seed ^ 0x6d6f_636b_666c_6565))
    }

    /// Derives another generator with numbers of its own. It depends on the name and on the
    /// state of this generator, which does not change: derived from
    /// [`Device::rng`](crate::Device::rng), the same name gives the same numbers.
    ///
    /// The name is hashed by FNV-1a, 64 bits (draft-eastlake-fnv).
    #[must_use]
    pub const fn stream(&self, name: &str) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut rest = name.as_bytes();
        while let [byte, after @ ..] = rest {
            hash = (hash ^ *byte as u64).wrapping_mul(0x0000_0100_0000_01b3);
            rest = after;
        }
        Self(mix(self.0 ^ mix(hash)))
    }

    /// The next 64 random bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number from 0 (included) to 1 (excluded), uniform.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what an f64 holds")]
    pub const fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// A number from `low` (included) to `high` (excluded), uniform.
    pub const fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number from 0 (included) to `end` (excluded), uniform; 0 if `end` is 0.
    ///
    /// By multiplication (Lemire 2019) without rejection: uneven by `end` in 2^64.
    pub const fn below(&mut self, end: u64) -> u64 {
        ((self.bits() as u128 * end as u128) >> 64) as u64
    }

    /// True with this probability: never at 0 and below, always at 1 and above.
    pub const fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A normally distributed number (Marsaglia's polar method).
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        loop {
            let (x, y) = (self.range(-1.0, 1.0), self.range(-1.0, 1.0));
            let square = x * x + y * y;
            // Outside of the circle in 21 of 100 cases.
            if square > 0.0 && square < 1.0 {
                let scale = (-2.0 * libm::log(square) / square).sqrt();
                return mean + deviation * x * scale;
            }
        }
    }

    /// One of these, all equally likely; `None` if there are none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(choices.len()).ok()?;
        choices.get(usize::try_from(self.below(count)).ok()?)
    }
}

/// The output function of SplitMix64: spreads any difference over all 64 bits.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_is_splitmix64() {
        // The reference implementation's first numbers from state 0 (Vigna, prng.di.unimi.it).
        let mut rng = Rng(0);
        assert_eq!(rng.bits(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(rng.bits(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn same_seed_same_numbers_and_other_seed_other_numbers() {
        let numbers = |seed| {
            let mut rng = Rng::new(seed);
            [
                rng.bits(),
                rng.unit().to_bits(),
                rng.normal(0.0, 1.0).to_bits(),
            ]
        };
        assert_eq!(numbers(42), numbers(42));
        assert_ne!(numbers(42), numbers(43));
    }

    #[test]
    fn each_name_has_a_stream_of_its_own() {
        let rng = Rng::new(42);
        let first = |name| rng.stream(name).bits();
        assert_eq!(first("temperature"), first("temperature"));
        assert_ne!(first("temperature"), first("humidity"));
        assert_ne!(
            first("temperature"),
            Rng::new(43).stream("temperature").bits()
        );
        assert_ne!(first(""), rng.clone().bits());
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut rng = Rng::new(1);
        for _ in 0..10_000 {
            assert!((0.0..1.0).contains(&rng.unit()));
            assert!((-3.0..5.0).contains(&rng.range(-3.0, 5.0)));
            assert!(rng.below(7) < 7);
        }
        assert_eq!(rng.below(0), 0);
        assert!(!rng.chance(0.0));
        assert!(rng.chance(1.0));
        assert_eq!(rng.pick::<u8>(&[]), None);
        assert_eq!(rng.pick(&[9]), Some(&9));
    }

    #[test]
    fn the_distributions_have_their_mean_and_spread() {
        const COUNT: u32 = 100_000;
        let mut rng = Rng::new(7);
        let (mut sum, mut squares, mut hits, mut sixes) = (0.0, 0.0, 0_u32, 0_u32);
        for _ in 0..COUNT {
            let x = rng.normal(10.0, 2.0);
            sum += x;
            squares += (x - 10.0) * (x - 10.0);
            hits += u32::from(rng.chance(0.3));
            sixes += u32::from(rng.below(6) == 5);
        }
        let count = f64::from(COUNT);
        assert!((sum / count - 10.0).abs() < 0.05);
        assert!(((squares / count).sqrt() - 2.0).abs() < 0.05);
        assert!((f64::from(hits) / count - 0.3).abs() < 0.01);
        assert!((f64::from(sixes) / count - 1.0 / 6.0).abs() < 0.01);
    }
}
