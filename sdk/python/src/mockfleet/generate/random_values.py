"""Draws random values: normal numbers, walks, buckets."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

from .libm import power
from .generator import Check, Specification, Context, clamp, number
from .rng import Rng
from .span import EXPECTED, Span, span


@dataclass(frozen=True)
class Normal(Specification):
    """A number around a mean: the bell curve. Values outside of `min` and `max` are set to
    them."""

    mean: float
    deviation: float
    min: float | None = None
    max: float | None = None
    decimals: int | None = None

    def __post_init__(self) -> None:
        check = Check()
        check.finite("mean", self.mean)
        check.not_negative("deviation", self.deviation)
        check.bounds(self.min, self.max)
        check.decimals(self.decimals)
        check.end()

    def _start(self, rng: Rng) -> Rng:
        return rng

    def _next(self, state: Rng, context: Context) -> float:
        value = state.normal(self.mean, self.deviation)
        return number(clamp(value, self.min, self.max), self.decimals)


class _WalkState:
    __slots__ = ("last", "rng", "value")

    def __init__(self, rng: Rng, value: float) -> None:
        self.rng, self.value, self.last = rng, value, 0


@dataclass(frozen=True)
class Walk(Specification):
    """A random walk: each value is the one before plus a step, within bounds and pulled back
    to a mean."""

    #: The first value. Absent: `mean`, else the middle of `min` and `max`, else 0.
    start: float | None = None
    #: The standard deviation of the first value between devices.
    spread: float = 0.0
    #: The standard deviation of one step.
    step: float = 1.0
    #: The value that the walk is pulled back to.
    mean: float | None = None
    #: The share of the distance to `mean` that each step takes, 0 to 1.
    pull: float = 0.1
    #: The bounds at which the walk is reflected.
    min: float | None = None
    max: float | None = None
    #: The time of one step: `step` and `pull` are scaled to the time between two values. Absent:
    #: one step a value.
    every: Span | None = None
    decimals: int | None = None

    def __post_init__(self) -> None:
        check = Check()
        check.not_negative("spread", self.spread)
        check.not_negative("step", self.step)
        check.share("pull", self.pull)
        check.bounds(self.min, self.max)
        for key, value in (("start", self.start), ("mean", self.mean)):
            if value is not None and check.finite(key, value):
                inside = clamp(value, self.min, self.max) == value
                check.expect(inside, key, f"{value:g} lies outside of min and max")
        if self.every is not None:
            check.expect(bool(span(self.every)), "every", f"{self.every!r} is no time; {EXPECTED}")
        check.decimals(self.decimals)
        check.end()

    def _initial_value(self) -> float:
        if self.start is not None:
            return self.start
        if self.mean is not None:
            return self.mean
        if self.min is not None and self.max is not None:
            return self.min + (self.max - self.min) / 2.0
        return 0.0

    def _reflect(self, value: float) -> float:
        """Reflects a value at the bounds."""
        if self.min is not None and value < self.min:
            value = self.min + (self.min - value)
        elif self.max is not None and value > self.max:
            value = self.max - (value - self.max)
        # A step longer than the range ends at the bound.
        return clamp(value, self.min, self.max)

    def _start(self, rng: Rng) -> _WalkState:
        value = float(self._initial_value())
        if self.spread > 0.0:
            value = self._reflect(rng.normal(value, self.spread))
        return _WalkState(rng, value)

    def _next(self, state: _WalkState, context: Context) -> float:
        first, passed = state.last == 0, max(0, context.now - state.last)
        state.last = context.now
        if first:
            return number(state.value, self.decimals)
        pull, step = self.pull, self.step
        if self.every is not None:
            steps = passed / (span(self.every) or 1)
            pull = 1.0 - power(1.0 - self.pull, steps)
            step = self.step * math.sqrt(steps)
        value = state.value
        if self.mean is not None:
            value += (self.mean - value) * pull
        if step > 0.0:
            value = state.rng.normal(value, step)
        state.value = self._reflect(value)
        return number(state.value, self.decimals)


def cumulative_sums(weights: Sequence[float]) -> list[float]:
    """The sum of the weights up to each one."""
    return list(accumulate(weights, initial=0.0))[1:]


def weighted_index(up_to: list[float], share: float) -> int:
    """The index that a share of the whole, 0 to 1, falls to; never one with the weight 0."""
    whole = up_to[-1]
    # The product may be rounded up to the whole.
    return min(bisect_right(up_to, share * whole), bisect_left(up_to, whole))


class _BucketState:
    __slots__ = ("rng", "taken")

    def __init__(self, rng: Rng) -> None:
        self.rng, self.taken = rng, 0


@dataclass(frozen=True)
class Bucket(Specification):
    """One of several values of any type: at random, with or without weights, or in
    sequence."""

    values: Sequence[Any]
    weights: Sequence[float] | None = None
    order: Literal["random", "sequence"] = "random"

    def __post_init__(self) -> None:
        check = Check()
        check.expect(len(self.values) > 0, "values", "a bucket has one value at least")
        if self.weights is not None:
            check.expect(
                len(self.weights) == len(self.values),
                "weights",
                f"each value has one weight: weights {len(self.weights)}, values {len(self.values)}",
            )
            for at, weight in enumerate(self.weights):
                check.not_negative(f"weights.{at}", weight)
            check.expect(
                not self.weights or sum(self.weights) > 0,
                "weights",
                "all are 0, so that no value ever comes; one at least is above",
            )
            check.expect(
                self.order == "random",
                "weights",
                "values in sequence come equally often; take the weights away, or the order",
            )
        check.end()
        up_to = None if self.weights is None else cumulative_sums(self.weights)
        object.__setattr__(self, "_sums", up_to)

    def _start(self, rng: Rng) -> _BucketState:
        return _BucketState(rng)

    def _next(self, state: _BucketState, context: Context) -> Any:
        if self.order == "sequence":
            value = self.values[state.taken]
            state.taken = (state.taken + 1) % len(self.values)
            return value
        up_to: list[float] | None = self._sums  # type: ignore[attr-defined]
        if up_to is None:
            return state.rng.pick(self.values)
        return self.values[weighted_index(up_to, state.rng.unit())]
