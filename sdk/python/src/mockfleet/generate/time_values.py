"""Computes values from the time: curves, and profiles of the day or the week."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from .generator import Check, Specification, Context, number
from .interpolation import Interpolation, Interpolant
from .rng import Rng
from .span import EXPECTED, Span, span

_DAY = 86_400_000_000

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

#: Points of a day: the time of day, `06:30` or `06:30:15`, and the value there.
Day = Sequence[tuple[str, float]]


class _CurveState:
    __slots__ = ("ahead", "rng")

    def __init__(self, rng: Rng, ahead: int) -> None:
        self.rng, self.ahead = rng, ahead


@dataclass(frozen=True)
class Curve(Specification):
    """A curve through points. Before the first point it has the first value, and after the
    last point the last value, unless `period` repeats it."""

    #: Times, counted from the origin, and values; in order of time.
    points: Sequence[tuple[Span, float]]
    #: The period after which it repeats, longer than the last point.
    period: Span | None = None
    interpolation: Interpolation = "linear"
    #: The standard deviation of values from the curve.
    jitter: float = 0.0
    #: The largest time by which a device is ahead, drawn for each.
    spread: Span | None = None
    #: The origin of time: the device's start, its last change of status, or a fixed time.
    origin: Literal["born", "status"] | datetime = "born"
    decimals: int | None = None

    def __post_init__(self) -> None:
        check = Check()
        check.not_negative("jitter", self.jitter)
        check.decimals(self.decimals)
        check.expect(len(self.points) > 0, "points", "a curve has one point at least")
        points: list[tuple[int, float]] = []
        for place, (at, value) in enumerate(self.points):
            check.finite(f"points.{place}.value", value)
            micros = span(at)
            key = f"points.{place}.at"
            if micros is None:
                check.expect(False, key, f"{at!r} is no time; {EXPECTED}")
                continue
            if points:
                check.expect(
                    points[-1][0] < micros,
                    key,
                    f"{at} does not come after {self.points[place - 1][0]}; points are in order of time",
                )
            points.append((micros, float(value)))
        period = None if self.period is None else span(self.period)
        if self.period is not None:
            check.expect(
                period is not None and (not points or period > points[-1][0]),
                "period",
                f"{self.period} is not longer than the last point; it must be",
            )
        if self.spread is not None:
            check.expect(span(self.spread) is not None, "spread", f"{self.spread!r} is no time; {EXPECTED}")
        check.end()
        object.__setattr__(self, "_curve", Interpolant(points, self.interpolation, period))

    def _start(self, rng: Rng) -> _CurveState:
        ahead = 0 if self.spread is None else rng.below(span(self.spread) or 0)
        return _CurveState(rng, ahead)

    def _next(self, state: _CurveState, context: Context) -> float:
        if self.origin == "born":
            origin = context.born
        elif self.origin == "status":
            origin = context.status_since
        else:
            origin = micros_of(self.origin)
        curve: Interpolant = self._curve  # type: ignore[attr-defined]
        value = curve.value_at(context.now - origin + state.ahead)
        if self.jitter > 0.0:
            value = state.rng.normal(value, self.jitter)
        return number(value, self.decimals)


def micros_of(at: datetime) -> int:
    """The microseconds since 1970 of a `datetime`, in UTC if it has no zone."""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    since = aware - datetime.fromtimestamp(0, UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


@dataclass(frozen=True)
class Profile(Specification):
    """Values by the time of day, UTC: the same each day or by the day of the week."""

    #: The points of each day without points of its own, in order of time.
    daily: Day = ()
    #: Days with points of their own: `mon` to `sun`. With an empty list, the day is interpolated.
    weekly: Mapping[str, Day] | None = None
    #: The interpolation between two points, across midnight, too.
    interpolation: Interpolation = "linear"
    #: The standard deviation of values from the profile.
    jitter: float = 0.0
    decimals: int | None = None

    def __post_init__(self) -> None:
        check = Check()
        check.not_negative("jitter", self.jitter)
        check.decimals(self.decimals)
        daily = _day(check, "daily", self.daily)
        weekly = self.weekly or {}
        for name in weekly:
            check.expect(
                name in _DAYS, f"weekly.{name}", f"there is no such day; there are {', '.join(_DAYS)}"
            )
        points: list[tuple[int, float]] = []
        for place, name in enumerate(_DAYS):
            own = _day(check, f"weekly.{name}", weekly[name]) if name in weekly else daily
            points += [(place * _DAY + at, value) for at, value in own]
        check.expect(
            bool(points), "daily", "a profile has one point at least, here or in weekly"
        )
        check.end()
        object.__setattr__(self, "_curve", Interpolant(points, self.interpolation, 7 * _DAY))

    def _start(self, rng: Rng) -> Rng:
        return rng

    def _next(self, state: Rng, context: Context) -> float:
        curve: Interpolant = self._curve  # type: ignore[attr-defined]
        # 1970-01-01 was a Thursday.
        value = curve.value_at((context.now + 3 * _DAY) % (7 * _DAY))
        if self.jitter > 0.0:
            value = state.normal(value, self.jitter)
        return number(value, self.decimals)


def _day(check: Check, key: str, day: Day) -> list[tuple[int, float]]:
    points: list[tuple[int, float]] = []
    for place, (text, value) in enumerate(day):
        check.finite(f"{key}.{place}.value", value)
        at = time_of_day(text)
        if at is None:
            check.expect(
                False,
                f"{key}.{place}.at",
                f'"{text}" is no time of day; from "00:00" to "23:59:59" is right',
            )
            continue
        if points:
            check.expect(
                points[-1][0] < at,
                f"{key}.{place}.at",
                f"{text} does not come after {day[place - 1][0]}; points are in order of time",
            )
        points.append((at, float(value)))
    return points


def time_of_day(text: str) -> int | None:
    """`06:00`, `06:00:30`, `06:00:30.25`, in microseconds since midnight."""
    clock, _, fraction = text.partition(".")
    parts = clock.split(":")
    if len(parts) not in (2, 3) or not all(len(part) == 2 and part.isdecimal() for part in parts):
        return None
    if "." in text and (len(parts) != 3 or not fraction.isdecimal()):
        return None
    hour, minute, second = int(parts[0]), int(parts[1]), int(parts[2]) if len(parts) == 3 else 0
    if hour > 23 or minute > 59 or second > 59:
        return None
    return (hour * 3_600 + minute * 60 + second) * 1_000_000 + int(fraction[:6].ljust(6, "0"))
