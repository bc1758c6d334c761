//! Changes kept inputs at random, without the instrumentation of a fuzzer.

/// Texts that readers treat in a special way.
const TOKENS: [&[u8]; 16] = [
    b"../",
    b"\n",
    b"\0",
    b"</script><script>",
    b"\" onload=\"",
    b"\x1b[2J",
    "\u{202e}".as_bytes(),
    b"$(x)",
    b"{outside}",
    b"=== link .spool/x\n",
    b"\"$ref\":\"#\"",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"18446744073709551615",
    b"-9223372036854775808",
    b"1e309",
];

/// A generator of random numbers (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// Returns a number below `end`, or zero if `end` is zero.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        usize::try_from(number).unwrap_or(0) % end.max(1)
    }
}

/// Returns an input with a few changes; `other` is an input that parts are taken from.
pub(crate) fn mutated(input: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_owned();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(64)).min(bytes.len());
        match random.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => {
                bytes[at] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'<'][random.below(7)]
            }
            2 => drop(bytes.drain(at..end)),
            3 => {
                let copy = bytes[at..end].to_owned();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            4 => {
                let from = random.below(other.len() + 1);
                let until = (from + random.below(200)).min(other.len());
                bytes.splice(at..end, other[from..until].iter().copied());
            }
            5 => bytes.truncate(at),
            _ => drop(bytes.splice(at..at, TOKENS[random.below(TOKENS.len())].iter().copied())),
        }
    }
    bytes
}
