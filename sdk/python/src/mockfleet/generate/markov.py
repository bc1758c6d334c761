"""Walks through a Markov chain: the next state depends on the present one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .random_values import cumulative_sums, weighted_index
from .generator import Check, Specification, Context
from .rng import Rng
from .span import EXPECTED, Span, span

#: Steps at most between two values of a chain with `every`.
_MAX_STEPS_PER_VALUE = 10_000

_NAME = object()


@dataclass(frozen=True)
class State:
    """A state of a chain: the probability of each next state, and its value."""

    #: Probabilities by name, 0 to 1. The remainder to 1 is the probability to stay.
    to: Mapping[str, float] = field(default_factory=dict)
    #: Absent: the state's name.
    value: Any = _NAME


class _MarkovState:
    __slots__ = ("rng", "state", "stepped")

    def __init__(self, rng: Rng, state: str) -> None:
        self.rng, self.state, self.stepped = rng, state, 0


@dataclass(frozen=True)
class Markov(Specification):
    """States, and the probability that one leads to another."""

    states: Mapping[str, State]
    #: The first state.
    start: str
    #: Takes a step after each of these intervals. Absent: a step a value.
    every: Span | None = None

    def __post_init__(self) -> None:
        check = Check()
        known = ", ".join(sorted(self.states))

        def find(key: str, name: str) -> None:
            check.expect(
                name in self.states, key, f'no state is called "{name}"; there are {known}'
            )

        find("start", self.start)
        if self.every is not None:
            check.expect(bool(span(self.every)), "every", f"{self.every!r} is no time; {EXPECTED}")
        links = {}
        for name, state in self.states.items():
            key = f"states.{name}.to"
            # Sorted by name, so that all languages have the same order.
            others = sorted(state.to.items())
            for other, chance in others:
                find(key, other)
                check.share(f"{key}.{other}", chance, "probability")
            # Added one after the other: Python's sum() is more exact than that of other
            # languages.
            total = cumulative_sums([0.0, *(chance for _, chance in others)])[-1]
            check.expect(
                total <= 1.0 + 1e-9,
                key,
                f"the probabilities add up to {total:g}; at most 1 is right",
            )
            weights = [chance for _, chance in others] + [max(0.0, 1.0 - total)]
            links[name] = (cumulative_sums(weights), [other for other, _ in others] + [name])
        check.end()
        object.__setattr__(self, "_links", links)

    def _start(self, rng: Rng) -> _MarkovState:
        return _MarkovState(rng, self.start)

    def _next(self, state: _MarkovState, context: Context) -> Any:
        if self.every is None:
            steps = 0 if state.stepped == 0 else 1
            state.stepped = context.now
        else:
            every = span(self.every) or 1
            since = max(state.stepped, context.born)
            steps = max(0, context.now - since) // every
            state.stepped = since + steps * every
            steps = min(steps, _MAX_STEPS_PER_VALUE)
        links = self._links  # type: ignore[attr-defined]
        for _ in range(steps):
            up_to, following = links[state.state]
            state.state = following[weighted_index(up_to, state.rng.unit())]
        here = self.states[state.state]
        return state.state if here.value is _NAME else here.value
