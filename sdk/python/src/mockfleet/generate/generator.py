"""Defines the base of every generator: a specification that is checked once, and a small state of
each device."""

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import Failed, InvalidConfig
from .libm import round_away
from .rng import Rng

if TYPE_CHECKING:
    from ..device import Device

#: Whole numbers up to here are exact in a float.
_WHOLE = 9_007_199_254_740_992.0


class Context(Protocol):
    """The time and the device that a value is made for, in microseconds since 1970."""

    now: int
    born: int
    status_since: int


class _DeviceContext:
    """The context of a device."""

    __slots__ = ("_device",)

    def __init__(self, device: "Device[Any]") -> None:
        self._device = device

    @property
    def now(self) -> int:
        return self._device._now

    @property
    def born(self) -> int:
        return self._device._identity.born

    @property
    def status_since(self) -> int:
        return self._device._status_since


class Generator:
    """A specification with the state of one device."""

    __slots__ = ("_spec", "_context", "_state")

    def __init__(self, spec: "Specification", rng: Rng, context: Context) -> None:
        self._spec, self._context, self._state = spec, context, spec._start(rng)

    def next(self) -> Any:
        """Makes the next value, at the time of the present tick or event."""
        return self._spec._next(self._state, self._context)


class Specification(ABC):
    """A specification, shared by all devices that use it: create it once, outside of the
    class or as an attribute of it."""

    def of(self, device: "Device[Any]", name: str) -> Generator:
        """Starts the generator of one device, in `__init__`. `name` is the name of its
        stream of random numbers: a different one for each generator of a device."""
        return Generator(self, Rng(device.seed).stream(name), _DeviceContext(device))  # type: ignore[arg-type]

    @abstractmethod
    def _start(self, rng: Rng) -> Any:
        """The state of a device that is switched on: an object of its own, which `_next`
        changes."""

    @abstractmethod
    def _next(self, state: Any, context: Context) -> Any:
        """Makes the next value."""


def number(value: float, decimals: int | None) -> float:
    """Rounds a number to these decimals; with 0 it becomes an integer."""
    if not math.isfinite(value):
        raise Failed(f"the value became {value}, which JSON cannot say; keep it in bounds")
    if decimals is None:
        return value
    if decimals == 0 and abs(value) < _WHOLE:
        return int(round_away(value))
    scale = float(10**decimals)
    scaled = value * scale
    return round_away(scaled) / scale if abs(scaled) < _WHOLE else value


def clamp(value: float, low: float | None, high: float | None) -> float:
    """The value, or the bound that it passes."""
    if low is not None and value < low:
        return low
    if high is not None and value > high:
        return high
    return value


class Check:
    """The problems of a specification."""

    def __init__(self) -> None:
        self.problems: dict[str, str] = {}

    def expect(self, right: bool, key: str, text: str) -> bool:
        """Reports a problem unless `right`. Returns `right`."""
        if not right:
            self.problems.setdefault(key, text)
        return right

    def finite(self, key: str, value: float) -> bool:
        return self.expect(
            math.isfinite(value), key, f"{value} is no number to work with; a finite one is"
        )

    def not_negative(self, key: str, value: float) -> bool:
        return self.finite(key, value) and self.expect(
            value >= 0, key, f"{value:g} is below zero; 0 and more is right"
        )

    def share(self, key: str, value: float, what: str = "share") -> None:
        self.expect(0 <= value <= 1, key, f"{value:g} is no {what}; it lies between 0 and 1")

    def bounds(self, low: float | None, high: float | None) -> None:
        sound = low is None or self.finite("min", low)
        sound = (high is None or self.finite("max", high)) and sound
        if sound and low is not None and high is not None:
            self.expect(
                low <= high, "min", f"{low:g} lies above max, {high:g}; the lower one is min"
            )

    def decimals(self, decimals: int | None) -> None:
        self.expect(
            decimals is None or 0 <= decimals <= 15,
            "decimals",
            f"{decimals} decimals are not what a number has; 0 to 15 are right",
        )

    def end(self) -> None:
        """Raises the reported problems."""
        if self.problems:
            raise InvalidConfig(self.problems)
