"""Calls a device by the rules of the contract. It reads the settings, reports a status only when
it changed, and turns exceptions into errors. The exports of a plugin and `mockfleet.testing` both
use it, so tests run the code of the plugin."""

import os
import sys
import traceback
from dataclasses import is_dataclass
from typing import Any

from .answer import to_turn
from .device import Device, Identity, NoConfig
from .errors import Failed, InvalidConfig, Retired
from .settings import read_settings, schema_of
from .turn import Answer, Event, Start, Tick, Turn

_SDK = os.path.dirname(os.path.abspath(__file__))
# Not by `os`, which has no file inside a plugin.
_LIBRARY = os.path.dirname(os.path.abspath(traceback.__file__))

#: The frames of one line that a traceback shows one after the other.
_MAX_SAME_FRAMES = 3

#: Frozen settings by their text, which are parsed once a cell.
_shared: dict[tuple[type, str], Any] = {}

#: Errors whose tracebacks have been printed: each is printed once a cell.
_printed: set[str] = set()


def find_device(module: Any) -> type[Device[Any]]:
    """The one class of a module that derives from `Device`."""
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Device)
        and value is not Device
        and value.__module__ == module.__name__
    ]
    # A base class of another device is not a device itself.
    ends = [one for one in found if not any(one in other.__mro__[1:] for other in found)]
    if len(ends) == 1:
        return ends[0]
    names = ", ".join(one.__name__ for one in ends) or "none"
    raise TypeError(f"a plugin has one class that derives from Device; there {_are(ends)} {names}")


def _are(things: list[Any]) -> str:
    return "are" if len(things) > 1 else "is"


def check_device(device: type[Device[Any]]) -> None:
    """Rejects a class that would fail later."""
    if device.tick is Device.tick:
        raise TypeError(f"{device.__name__} has no method tick(self, tick)")
    unknown = set(device.events) - {"link", "downlink", "receipts"}
    if isinstance(device.events, str) or unknown:
        raise TypeError(
            f"{device.__name__}.events names {device.events!r}; a list of link, downlink and receipts is right"
        )
    if device.handle is not Device.handle and not device.events:
        raise TypeError(
            f'{device.__name__} has a method handle, and no events that it is called for; events = ["downlink"] names one'
        )
    for names in ("channels", "statuses"):
        if isinstance(getattr(device, names), str):
            raise TypeError(f"{device.__name__}.{names} is a text; a list of texts is right")
    schema_of(device.config_type())


def has_start(device: type[Device[Any]]) -> bool:
    """Whether the class has a start of its own. The host calls no other."""
    return device.start is not Device.start


def summary(device: type[Device[Any]]) -> str:
    """The first line of the class' docstring, or of its module's."""
    text = device.__doc__ or sys.modules[device.__module__].__doc__ or ""
    return text.strip().partition("\n")[0].strip()


class DeviceSlot:
    """A device and its last reported status."""

    def __init__(self, kind: type[Device[Any]], identity: Identity, config: str) -> None:
        device = kind.__new__(kind)
        device._identity = identity
        device._now = identity.born
        device._status = ""
        device._status_since = identity.born
        device._random = None
        self.device = device
        with Guard():
            device.config = _settings(kind.config_type(), config)
            device.__init__()  # type: ignore[misc]

    def start(self, start: Start) -> Turn:
        """Starts the device. Raises `Failed` or `Retired`."""
        self.device._now = start.micros
        with Guard():
            return self._turn(self.device.start(start))

    def tick(self, tick: Tick) -> Turn:
        """Runs a scheduled call. Raises `Failed` or `Retired`."""
        self.device._now = tick.micros
        with Guard():
            return self._turn(self.device.tick(tick))

    def handle(self, event: Event) -> Turn:
        """Delivers an event to the device. Raises `Failed` or `Retired`."""
        self.device._now = event.micros
        with Guard():
            return self._turn(self.device.handle(event))

    def _turn(self, answer: Answer) -> Turn:
        turn = to_turn(answer, self.device.channels)
        status = turn.status
        if status == self.device._status:
            status = None
        elif status is not None:
            self.device._status = status
            self.device._status_since = self.device._now
        turn.status = status
        return turn


def _settings(kind: type, text: str) -> Any:
    if kind is NoConfig and text.strip() in ("", "{}"):
        return NoConfig()
    known = _shared.get((kind, text))
    if known is not None:
        return known
    settings = read_settings(kind, text)
    if is_dataclass(kind) and kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        _shared[kind, text] = settings
    return settings


class Guard:
    """Turns any exception of the author's code into `Failed`, with its place in the
    source."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, (Failed, InvalidConfig, Retired)):
            return
        if isinstance(error, SystemExit):
            raise Failed(
                f"{describe_error(error)}; a device cannot end its host, and self.retire(why) ends the device"
            ) from error
        if not isinstance(error, Exception):
            return
        said = describe_error(error)
        if said not in _printed:
            _printed.add(said)
            for line in traceback_lines(error):
                print(line, file=sys.stderr)
        raise Failed(said) from error


def describe_error(error: BaseException) -> str:
    """`ZeroDivisionError: division by zero (device.py:14, in tick: value = 1 / 0)`."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    # The message of an assertion may have several lines.
    text = text.replace("\n", ", ")
    if isinstance(error, SyntaxError) and error.filename:
        return f"{type(error).__name__}: {error.msg} ({shorten(error.filename)}:{error.lineno})"
    frames = _frames(error)
    # The author's line, and not one of Python's own library that it called.
    own = [frame for frame in frames if not _is_library(frame.filename)] or frames
    if own:
        last = own[-1]
        line = f": {last.line}" if last.line else ""
        text += f" ({shorten(last.filename)}:{last.lineno}, in {last.name}{line})"
    if isinstance(error, ModuleNotFoundError) and error.name and sys.platform == "wasi":
        text += (
            "; a plugin has the modules that were imported when it was built, and no files: "
            f"`import {error.name}` at the top of the file makes it one of them"
        )
    return text


def traceback_lines(error: BaseException) -> list[str]:
    """The traceback without the SDK's own frames, a line each."""
    frames = _frames(error)
    lines = ["Traceback (most recent call last):"] if frames else []
    same, before = 0, ("", 0)
    for frame in frames:
        place = (frame.filename, frame.lineno or 0)
        same, before = (same + 1 if place == before else 1), place
        # As Python prints a recursion.
        if same == _MAX_SAME_FRAMES + 1:
            lines.append("  ... and so on")
        if same > _MAX_SAME_FRAMES:
            continue
        lines.append(f"  {shorten(frame.filename)}:{frame.lineno}, in {frame.name}")
        if frame.line:
            lines.append(f"    {frame.line}")
    lines.extend(traceback.format_exception_only(error))
    return [part for line in lines for part in line.rstrip("\n").split("\n")]


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The frames of an error outside of the SDK and of the machinery of imports."""
    frames = traceback.extract_tb(error.__traceback__)
    return [
        frame
        for frame in frames
        if not _is_sdk(frame.filename) and not frame.filename.startswith("<frozen ")
    ]


def _is_sdk(file: str) -> bool:
    return os.path.abspath(file).startswith(_SDK + os.sep)


def _is_library(file: str) -> bool:
    """Whether a file is of Python's own library."""
    path = os.path.abspath(file)
    return path.startswith(_LIBRARY + os.sep) and "-packages" not in path


def shorten(file: str) -> str:
    """The path of a file below the folder that it was imported from."""
    folders = [folder for folder in (*sys.path, os.getcwd()) if folder]
    below = [
        os.path.relpath(file, folder)
        for folder in folders
        if os.path.abspath(file).startswith(os.path.abspath(folder).rstrip(os.sep) + os.sep)
    ]
    return min(below, key=len, default=file)
