"""Generates the random numbers of generators: the same as those of the Rust SDK, bit for bit."""

import math
from collections.abc import Sequence
from typing import TypeVar

from .libm import log

T = TypeVar("T")

_MASK = (1 << 64) - 1


def _mix(z: int) -> int:
    """The output function of SplitMix64: spreads any difference over all 64 bits."""
    z = ((z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB) & _MASK
    return z ^ (z >> 31)


class Rng:
    """A deterministic random number generator of 8 bytes of state (SplitMix64: Steele, Lea
    and Flood 2014). Not for secrets."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        # Mixed, so that neighbouring seeds start far apart on the generator's cycle.
        self._state = _mix((seed & _MASK) ^ 0x6D6F_636B_666C_6565)

    def stream(self, name: str) -> "Rng":
        """Derives another generator with numbers of its own. It depends on the name and
        on the state of this generator, which does not change."""
        hashed = 0xCBF2_9CE4_8422_2325
        for byte in name.encode():
            hashed = ((hashed ^ byte) * 0x0000_0100_0000_01B3) & _MASK
        stream = Rng.__new__(Rng)
        stream._state = _mix(self._state ^ _mix(hashed))
        return stream

    def bits(self) -> int:
        """The next 64 random bits."""
        self._state = (self._state + 0x9E37_79B9_7F4A_7C15) & _MASK
        return _mix(self._state)

    def unit(self) -> float:
        """A number from 0 (included) to 1 (excluded), uniform."""
        return (self.bits() >> 11) * (1.0 / (1 << 53))

    def range(self, low: float, high: float) -> float:
        """A number from `low` (included) to `high` (excluded), uniform."""
        return low + (high - low) * self.unit()

    def below(self, end: int) -> int:
        """A whole number from 0 (included) to `end` (excluded), uniform; 0 if `end` is 0."""
        return (self.bits() * end) >> 64

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.unit() < probability

    def normal(self, mean: float, deviation: float) -> float:
        """A normally distributed number (Marsaglia's polar method)."""
        while True:
            x, y = self.range(-1.0, 1.0), self.range(-1.0, 1.0)
            square = x * x + y * y
            if 0.0 < square < 1.0:
                scale = math.sqrt(-2.0 * log(square) / square)
                return mean + deviation * x * scale

    def pick(self, choices: Sequence[T]) -> T:
        """One of these, all equally likely."""
        return choices[self.below(len(choices))]
