"""Interpolates between points, once or repeated."""

from bisect import bisect_right
from typing import Literal

#: The interpolation between two points: a straight line, the value of the point before, or a
#: smooth curve that does not overshoot the points.
Interpolation = Literal["linear", "step", "smooth"]


class Interpolant:
    """A curve through `points`, which are microseconds and values: in order, at different
    times, and within the period."""

    def __init__(
        self, points: list[tuple[int, float]], interpolation: Interpolation, period: int | None
    ) -> None:
        if period is not None:
            # The first point is repeated at the end, so that each time is between two points.
            points = [*points, (points[0][0] + period, points[0][1])]
        self._times = [at for at, _ in points]
        self._values = [value for _, value in points]
        self._interpolation = interpolation
        self._period = period
        self._slopes = _slopes(points, period is not None) if interpolation == "smooth" else []

    def value_at(self, micros: int) -> float:
        """The value at a time. Before and after the points it is the first and the last
        value."""
        times, values = self._times, self._values
        if self._period is not None:
            micros = times[0] + (micros - times[0]) % self._period
        after = bisect_right(times, micros)
        if after == 0:
            return values[0]
        if after == len(times):
            return values[-1]
        return self._interpolate(after - 1, micros)

    def _interpolate(self, place: int, micros: int) -> float:
        times, values = self._times, self._values
        start, end = values[place], values[place + 1]
        length = float(times[place + 1] - times[place])
        part = (micros - times[place]) / length
        if self._interpolation == "step":
            return start
        if self._interpolation == "linear":
            return start + (end - start) * part
        left, right = self._slopes[place] * length, self._slopes[place + 1] * length
        rest = 1.0 - part
        # Hermite's form around the first point: exact there, and between equal values.
        return (
            start
            + (end - start) * part * part * (3.0 - 2.0 * part)
            + left * part * rest * rest
            - right * part * part * rest
        )


def _slopes(points: list[tuple[int, float]], round_: bool) -> list[float]:
    """Slopes that keep the curve between its points (Fritsch and Butland 1984)."""
    pieces = []
    for (start, low), (end, high) in zip(points, points[1:], strict=False):
        length = float(end - start)
        pieces.append((length, (high - low) / length))
    last = max(0, len(pieces) - 1)
    slopes = []
    for place in range(len(points)):
        before = after = None
        if place > 0:
            before = pieces[place - 1]
        elif round_ and pieces:
            before = pieces[last]
        if place > last and round_:
            after = pieces[0]
        elif place < len(pieces):
            after = pieces[place]
        if before is not None and after is not None:
            slopes.append(_inner_slope(before, after))
        else:
            only = before or after
            slopes.append(0.0 if only is None else only[1])
    return slopes


def _inner_slope(before: tuple[float, float], after: tuple[float, float]) -> float:
    (width, left), (next_width, right) = before, after
    if left * right <= 0.0:
        return 0.0
    first, second = 2.0 * next_width + width, next_width + 2.0 * width
    return (first + second) / (first / left + second / right)
