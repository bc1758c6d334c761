"""Write virtual IoT devices for mockfleet in Python.

A device is a class that derives from `Device`, in one file. `python -m mockfleet.build` builds a
plugin from it. `mockfleet.testing` runs it natively, without WebAssembly. `mockfleet.generate`
has values that change as a sensor's do. """

from . import data, group
from .device import Device, NoConfig
from .errors import Failed, InvalidConfig, Retired
from .settings import setting
from .turn import (
    Answer,
    Connected,
    Disconnected,
    Duration,
    Event,
    Link,
    Message,
    Outcome,
    Received,
    Reconnect,
    Settled,
    Start,
    Tick,
    Turn,
    Vanish,
)

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Connected",
    "Device",
    "Disconnected",
    "Duration",
    "Event",
    "Failed",
    "InvalidConfig",
    "Link",
    "Message",
    "NoConfig",
    "Outcome",
    "Received",
    "Reconnect",
    "Retired",
    "Settled",
    "Start",
    "Tick",
    "Turn",
    "Vanish",
    "data",
    "group",
    "setting",
]
