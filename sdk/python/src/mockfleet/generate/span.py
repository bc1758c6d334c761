"""Parses and writes durations: `500ms`, `10s`, `1h30m`."""

import re
from datetime import timedelta

#: By name, in microseconds; the largest last.
UNITS = {
    "us": 1,
    "µs": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}

EXPECTED = 'a number with a unit is right, such as "500ms", "10s" or "1h30m" (us, ms, s, m, h, d)'

_PIECE = re.compile(r"\s*([0-9]+)(?:\.([0-9]*))?\s*(us|µs|ms|s|m|h|d)\s*")

#: A duration: a text such as `1h30m`, seconds, or a `timedelta`.
Span = str | float | timedelta


def parse_span(text: str) -> int | None:
    """The microseconds of `1h30m`; `None` for a text that is no duration."""
    total, place = 0, 0
    while place < len(text):
        piece = _PIECE.match(text, place)
        if piece is None:
            return None
        whole, fraction, unit = piece.groups()
        digits = (fraction or "")[:15]
        total += int(whole) * UNITS[unit]
        total += int(digits or 0) * UNITS[unit] // 10 ** len(digits)
        place = piece.end()
    return total if text.strip() else None


def write_span(micros: int) -> str:
    """Writes the largest units first: `1h30m`."""
    if micros == 0:
        return "0s"
    text = ""
    for unit in ("d", "h", "m", "s", "ms", "us"):
        count, micros = divmod(micros, UNITS[unit])
        if count:
            text += f"{count}{unit}"
    return text


def span(length: Span) -> int | None:
    """The microseconds of a duration; `None` for any other value."""
    if isinstance(length, str):
        return parse_span(length)
    if isinstance(length, timedelta):
        length = length.total_seconds()
    return round(length * 1_000_000) if length >= 0 else None
