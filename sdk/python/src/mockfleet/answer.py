"""Checks the return value of a device's call, with a sentence for each mistake.

The types of the contract are strict: without these checks, a value of another type would end the
cell in the runtime, without the author's file."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from .errors import Failed
from .turn import Message, Reconnect, Turn, Vanish, micros

#: The longest duration of the contract: 64 bits of microseconds.
_MAX_MICROS = 2**64 - 1


def to_turn(answer: Any, channels: Sequence[str]) -> Turn:
    """The return value of a call as a turn with a list of messages. `channels` are the device's,
    for sentences. Raises `Failed`."""
    turn = answer if isinstance(answer, Turn) else Turn(() if answer is None else answer)
    messages = _messages(turn.messages, channels)
    for message in messages:
        _check_message(message)
    if turn.status is not None:
        _text(turn.status, "its status")
    if turn.next_tick is not None:
        _check_duration(turn.next_tick, "its next_tick")
    if turn.link is not None:
        _check_link(turn.link)
    return Turn(messages, turn.status, turn.next_tick, turn.link)


def _messages(given: Any, channels: Sequence[str]) -> list[Message]:
    if isinstance(given, Message):
        return [given]
    # These can be iterated, and are single values.
    single = isinstance(given, (str, bytes, bytearray, Mapping, type))
    if single or not isinstance(given, Iterable):
        raise Failed(f"it returned {_named(given)}; {_way_out(given, channels)}")
    messages = list(given)
    for message in messages:
        if not isinstance(message, Message):
            of = _named(given)
            raise Failed(f"it returned {of} with {_named(message)} in it; {_way_out(message, channels)}")
    return messages


def _way_out(value: Any, channels: Sequence[str]) -> str:
    """The way to return what was meant."""
    channel = next(iter(channels), "telemetry")
    if inspect.isawaitable(value) or inspect.isasyncgen(value):
        if inspect.iscoroutine(value):
            value.close()
        return "a call of a device answers at once, so start, tick and handle are not async"
    if isinstance(value, (bytes, bytearray)):
        return f'return Message("{channel}", payload) to send bytes'
    return (
        f'return self.message("{channel}", value) to send a value as JSON, a list of such messages, or '
        "a Turn with messages and a status"
    )


def _check_message(message: Message) -> None:
    # A message of `Device.message` passes at the first comparison of each field.
    if type(message.payload) is not bytes:
        _check_payload(message)
    _text(message.channel, "the channel of its message")
    if message.content_type is not None:
        _text(message.content_type, f"the content_type of its message on channel {message.channel}")
    if message.properties:
        _check_properties(message)
    elif not isinstance(message.properties, Mapping):
        # None, or an empty list, is no property.
        message.properties = {}


def _check_payload(message: Message) -> None:
    payload: Any = message.payload
    if isinstance(payload, (bytearray, memoryview)):
        message.payload = bytes(payload)
    elif not isinstance(payload, bytes):
        encode = "text.encode() makes them of a text, and " if isinstance(payload, str) else ""
        raise Failed(
            f"the payload of its message on channel {message.channel} is {_named(payload)}, and bytes "
            f"are right; {encode}self.message(channel, value) writes a value as JSON"
        )


def _check_properties(message: Message) -> None:
    properties: Any = message.properties
    if not isinstance(properties, Mapping):
        raise Failed(
            f"the properties of its message on channel {message.channel} are {_named(properties)}; "
            "a dict of texts is right"
        )
    for name, value in properties.items():
        _text(name, f"the name of a property of its message on channel {message.channel}")
        _text(value, f"the property {name} of its message on channel {message.channel}")


def _text(value: Any, place: str) -> None:
    if type(value) is str and value.isascii():
        return
    if not isinstance(value, str):
        raise Failed(f"{place} is {_named(value)}; a text is right")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Failed(f"{place} is {value!r}, which has half of a character; UTF-8 has none") from None


def _check_duration(length: Any, place: str) -> None:
    is_number = isinstance(length, (int, float, timedelta)) and not isinstance(length, bool)
    try:
        if is_number and micros(length) <= _MAX_MICROS:
            return
    except (ValueError, OverflowError):
        pass  # not a number, or infinite
    shown = repr(length) if is_number or isinstance(length, (str, bool)) else _named(length)
    raise Failed(f"{place} is {shown}; a number of seconds or a timedelta is right")


def _check_link(link: Any) -> None:
    if isinstance(link, Vanish):
        return _check_duration(link.length, "the length of its Vanish")
    if not isinstance(link, Reconnect):
        raise Failed(f"its link is {_named(link)}; Reconnect() or Vanish(seconds) is right")


def _named(value: Any) -> str:
    """`a dict`, `an int`, `the class Message`."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = type(value).__name__
    if name == "bytes":
        return name
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
