"""Defines the input and the answer of a device: starts, ticks, events, messages, turns."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from .errors import Failed

#: A duration: seconds, or a `timedelta`.
Duration = float | timedelta


def micros(length: Duration) -> int:
    """A duration in microseconds; never below zero."""
    if isinstance(length, timedelta):
        length = length.total_seconds()
    return max(0, round(length * 1_000_000))


def moment(at: int) -> datetime:
    """The instant this many microseconds after 1970, UTC."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=at)


def _other(value: object) -> object:
    """Converts values that JSON has no form for."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} has no JSON form")


#: One for all messages: making an encoder costs more than using it.
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_other
)


#: The depth of JSON from outside. In a plugin, the parser of Python would exhaust the stack of the
#: host at some thousand, and end the cell with all its devices.
_MAX_DEPTH = 500

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)


def _is_deep(payload: bytes) -> bool:
    """Whether JSON is nested deeper than the limit."""
    if payload.count(b"[") + payload.count(b"{") <= _MAX_DEPTH:
        return False
    depth = deepest = 0
    for byte in _STRING.sub(b"", payload):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest > _MAX_DEPTH


@dataclass(slots=True)
class Message:
    """One message that a device sends or receives.

    `Device.message` makes one with a JSON payload; `Message("raw", b"...")` is one of any
    other format.
    """

    #: The logical channel, for example `telemetry`. The fleet file maps it to an MQTT
    #: topic or an HTTP request.
    channel: str
    #: The bytes on the wire, unchanged.
    payload: bytes
    #: The media type of `payload`, for example `application/cbor`.
    content_type: str | None = None
    #: MQTT 5 user properties, or HTTP headers.
    properties: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, channel: str, value: Any, properties: Mapping[str, str] | None) -> "Message":
        """A message with this value as JSON."""
        try:
            payload = _ENCODER.encode(value).encode()
        except (TypeError, ValueError) as error:
            raise Failed(
                f"the message on channel {channel} cannot be written as JSON: {error}"
            ) from error
        return cls(channel, payload, "application/json", properties or {})

    def json(self) -> Any:
        """The payload read as JSON."""
        if _is_deep(self.payload):
            why = f"it is nested more than {_MAX_DEPTH} deep"
            raise Failed(f"the message on channel {self.channel} cannot be read: {why}")
        try:
            return json.loads(self.payload)
        except ValueError as error:
            raise Failed(f"the message on channel {self.channel} cannot be read: {error}") from error


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Closes the connection and opens it again at once, after the turn's messages."""


@dataclass(frozen=True, slots=True)
class Vanish:
    """Drops the connection without a DISCONNECT, and opens it again after this time."""

    length: Duration


#: A connection change of a device.
Link = Reconnect | Vanish


@dataclass(slots=True)
class Turn:
    """The answer of a device to its start, a tick or an event. An empty turn sends nothing, changes
    nothing, and leaves the next tick to the fleet file."""

    #: The messages to send now, in this order: one or several.
    messages: "Message | Iterable[Message]" = ()
    #: The device's status, for example `low-battery`. Every turn may set it: only a change is
    #: reported.
    status: str | None = None
    #: The time until the next tick, instead of the fleet file's schedule. The tick after it
    #: follows the fleet file again.
    next_tick: Duration | None = None
    #: The connection change, after the messages.
    link: Link | None = None


#: The return values of `start`, `tick` and `handle`. A generator counts as several messages.
Answer = Turn | Message | Iterable[Message] | None


@dataclass(frozen=True, slots=True)
class Start:
    """The start of a device."""

    #: The time at which the device is switched on, or its cell has restarted, in microseconds
    #: since 1970, UTC.
    micros: int
    #: The time of its first tick on schedule, which may be the same. None if the schedule has
    #: none.
    first_tick_micros: int | None

    @property
    def at(self) -> datetime:
        """The time of the start, UTC."""
        return moment(self.micros)

    @property
    def first_tick(self) -> datetime | None:
        """The time of the first tick on schedule, UTC."""
        return None if self.first_tick_micros is None else moment(self.first_tick_micros)


@dataclass(frozen=True, slots=True)
class Tick:
    """One scheduled call."""

    #: The time at which this tick was due, in microseconds since 1970, UTC. A late call carries
    #: its due time, too.
    micros: int
    #: The number of ticks of this device before this one.
    sequence: int

    @property
    def at(self) -> datetime:
        """The time at which this tick was due, UTC."""
        return moment(self.micros)


@dataclass(frozen=True, slots=True)
class Connected:
    """The connection is up. In `events`: `link`."""

    micros: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection is lost. In `events`: `link`."""

    micros: int
    #: The reason.
    reason: str


@dataclass(frozen=True, slots=True)
class Received:
    """The backend sent this device a message. In `events`: `downlink`."""

    micros: int
    message: Message


#: The outcome of a message: `acked` (the backend confirmed it), `sent` (it is on the wire, and
#: the protocol has no confirmation), `failed`, or `dropped` (it never left the host).
Outcome = Literal["acked", "sent", "failed", "dropped"]


@dataclass(frozen=True, slots=True)
class Settled:
    """A message of this device has its final outcome. In `events`: `receipts`."""

    micros: int
    #: The message's number among all messages of this device, from zero.
    sequence: int
    channel: str
    outcome: Outcome
    #: Seconds from sending to confirmation.
    latency: float | None = None
    #: The protocol's own text, for example an HTTP status or a reason code.
    detail: str | None = None


#: Something that happened to a device between ticks. `micros` is its time in microseconds since
#: 1970, UTC.
Event = Connected | Disconnected | Received | Settled
