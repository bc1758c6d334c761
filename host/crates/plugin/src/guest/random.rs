//! Generates the random numbers of one call.

/// The most random bytes that one request returns, 64 KiB: the host allocates them.
const MAX_RANDOM_BYTES: u64 = 64 << 10;

/// A stream of random numbers for one call of one device: SplitMix64 (Steele, Lea,
/// Flood 2014).
///
/// It depends on the device's seed and on its number of calls only. Neighbours in the
/// cell and earlier calls do not change it.
#[derive(Default)]
pub(crate) struct Random(u64);

impl Random {
    /// Starts the stream of a call.
    pub(crate) fn for_call(seed: u64, call: u64) -> Self {
        // Two streams that start anywhere in the same cycle of 2^64 don't meet
        // within the numbers that one call can request.
        let mut random = Self(seed ^ 0x6d6f_636b_666c_6565);
        random.0 = random.next().wrapping_add(call);
        random.0 = random.next();
        random
    }

    /// Returns the next 64 random bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Returns `len` random bytes.
    ///
    /// # Errors
    /// Above [`MAX_RANDOM_BYTES`].
    pub(crate) fn bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if len > MAX_RANDOM_BYTES {
            wasmtime::bail!(
                "asked for {len} random bytes at once; at most {MAX_RANDOM_BYTES} are given; ask several times"
            );
        }
        let len = usize::try_from(len)?;
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(len);
        Ok(bytes)
    }
}

/// The output function of SplitMix64: spreads any difference over all 64 bits.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
