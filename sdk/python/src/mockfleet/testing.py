"""Runs one device natively, on a clock of its own, to test it without WebAssembly.

```python
from mockfleet.testing import run

def test_a_door_that_always_moves_is_open_every_other_time():
    door = run(Door, {"move-chance": 1.0}, ticks=2)
    assert door.on("door") == [{"open": True}, {"open": False}]
```

The calls use the same code as in the plugin. A trial is stricter than the host: it raises
`AssertionError` when a device uses a channel, a status or an event that its class does not name.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import group_context as context
from .device import Device, Identity
from .errors import Failed, Retired
from .device_slot import DeviceSlot, check_device, has_start
from .settings import schema_of
from .turn import (
    Connected,
    Disconnected,
    Duration,
    Event,
    Link,
    Message,
    Received,
    Settled,
    Start,
    Tick,
    Turn,
    micros,
    moment,
)

#: 2026-01-01T00:00:00Z: the default time at which a device is switched on.
BORN = 1_767_225_600_000_000

#: The shortest interval that a device can schedule, as in the host.
MIN_TICK_INTERVAL = 1_000


@dataclass(frozen=True)
class Sent:
    """A message that the device sent, and when: the time of the start, the tick or the event."""

    at: datetime
    message: Message


class Trial:
    """One device on a clock of its own. `run` makes one."""

    def __init__(
        self,
        device: type[Device[Any]],
        config: Mapping[str, Any] | None = None,
        *,
        id: str = "device-00000",
        group: str = "device",
        index: int = 0,
        seed: int = 1,
        born: int = BORN,
        every: Duration = 1.0,
        phase: Duration = 0.0,
    ) -> None:
        """Switches a device on, and starts it. Raises `InvalidConfig` for settings that it
        rejects. `born` is in microseconds since 1970, `every` is the interval of the ticks,
        `phase` the time from `born` to the first one."""
        check_device(device)
        self.kind = device
        self._slot = DeviceSlot(
            device, Identity(id, group, index, seed, born), json.dumps(config or {})
        )
        self._every = micros(every)
        self._now = born
        self._due = born + micros(phase)
        self._sequence = 0
        #: The messages that the device has sent.
        self.messages: list[Sent] = []
        #: Every change of status with its time.
        self.statuses: list[tuple[datetime, str]] = []
        #: Every connection change of the device with its time.
        self.links: list[tuple[datetime, Link]] = []
        #: The reason why the device retired, once it has.
        self.retired: str | None = None
        if has_start(device):
            self._call(lambda: self._slot.start(Start(born, self._due)))

    @property
    def device(self) -> Any:
        """The device itself."""
        return self._slot.device

    @property
    def now(self) -> datetime:
        """The time on the device's clock."""
        return moment(self._now)

    @property
    def due(self) -> datetime:
        """The due time of the next tick."""
        return moment(self._due)

    @property
    def status(self) -> str | None:
        """The last reported status."""
        return self.statuses[-1][1] if self.statuses else None

    def on(self, channel: str) -> list[Any]:
        """The payloads that the device has sent on this channel, as JSON."""
        return [sent.message.json() for sent in self.messages if sent.message.channel == channel]

    def tick(self) -> None:
        """Moves the clock to the next tick and runs it. Raises `Failed` when it fails;
        does nothing once the device has retired."""
        if self.retired is not None:
            return
        self._now = self._due
        self._due += self._every
        tick = Tick(self._now, self._sequence)
        self._sequence += 1
        self._call(lambda: self._slot.tick(tick))

    def ticks(self, count: int) -> "Trial":
        """Runs this many ticks; fewer when the device retires."""
        for _ in range(count):
            self.tick()
        return self

    def run(self, length: Duration) -> "Trial":
        """Moves the clock by this time, and runs every tick that is due before its
        end."""
        end = self._now + micros(length)
        while self._due < end and self.retired is None:
            self.tick()
        self._now = end
        return self

    def receive(self, channel: str, value: Any) -> "Trial":
        """Sends the device a message, now: bytes as they are, anything else as JSON."""
        if isinstance(value, bytes):
            message = Message(channel, value)
        else:
            message = Message.of_json(channel, value, None)
        return self._event(Received(self._now, message))

    def connected(self) -> "Trial":
        """Delivers the event that the connection is up."""
        return self._event(Connected(self._now))

    def disconnected(self, reason: str = "as asked") -> "Trial":
        """Delivers the event that the connection is lost."""
        return self._event(Disconnected(self._now, reason))

    def settled(self, sequence: int, channel: str, outcome: Any = "acked") -> "Trial":
        """Delivers the outcome of one of the device's messages."""
        return self._event(Settled(self._now, sequence, channel, outcome))

    def _event(self, event: Event) -> "Trial":
        names = {Received: "downlink", Settled: "receipts"}
        name = names.get(type(event), "link")
        assert name in self.kind.events, (
            f"{self.kind.__name__}.events doesn't name {name}, and the host would not deliver this event"
        )
        if self.retired is None:
            self._call(lambda: self._slot.handle(event))
        return self

    def _call(self, call: Callable[[], Turn]) -> None:
        try:
            self._take(call())
        except Retired as why:
            self.retired = str(why)

    def _take(self, turn: Turn) -> None:
        assert isinstance(turn.messages, list)
        for message in turn.messages:
            self._declared("channels", message.channel)
            self.messages.append(Sent(self.now, message))
        if turn.status is not None:
            self._declared("statuses", turn.status)
            self.statuses.append((self.now, turn.status))
        if turn.link is not None:
            self.links.append((self.now, turn.link))
        if turn.next_tick is not None:
            self._due = self._now + max(MIN_TICK_INTERVAL, micros(turn.next_tick))

    def _declared(self, kind: str, name: str) -> None:
        names = getattr(self.kind, kind)
        # The settings name them where the class names none.
        assert not names or name in names, f'{self.kind.__name__}.{kind} doesn\'t name "{name}"'


def run(
    device: type[Device[Any]],
    config: Mapping[str, Any] | None = None,
    *,
    ticks: int = 0,
    **setup: Any,
) -> Trial:
    """Switches a device on and runs this many ticks. The other arguments are those of
    `Trial`."""
    return Trial(device, config, **setup).ticks(ticks)


def schema(device: type[Device[Any]]) -> dict[str, Any]:
    """The JSON Schema of the settings, as the host gets it."""
    return schema_of(device.config_type())


def group_context(
    *,
    data: Mapping[str, bytes] | None = None,
    channels: list[str] | None = None,
    downlink: list[str] | None = None,
    interval: Duration | None = None,
) -> None:
    """Sets the context of the group of the next devices: its data files, its target's
    channels, its interval."""
    every = None if interval is None else micros(interval)
    context.set_source(context.TestContext(dict(data or {}), channels, downlink, every))


__all__ = ["BORN", "Failed", "Sent", "Trial", "run", "schema", "group_context"]
