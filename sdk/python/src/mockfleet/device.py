"""Defines the class that the author of a device derives from."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, Literal, NoReturn, TypeVar, get_args

from .errors import Retired
from .turn import Answer, Event, Message, Start, Tick, moment

#: The settings of a device: a dataclass.
Config = TypeVar("Config")


@dataclass(frozen=True)
class NoConfig:
    """The settings of a device that has none: any key is rejected."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of a device. Constant for its whole life."""

    id: str
    group: str
    index: int
    seed: int
    #: Microseconds since 1970, UTC.
    born: int


class Device(Generic[Config]):
    """One virtual device. The plugin's file has one class that derives from this one.

    ```python
    class Door(Device[Settings]):
        '''A door contact: reports when the door opens and closes.'''

        channels = ["door"]

        def __init__(self) -> None:
            self.open = False

        def tick(self, tick: Tick) -> Answer:
            self.open = self.random.random() < self.config.open_chance
            return self.message("door", {"open": self.open})
    ```

    `Settings` is a dataclass; a device without settings derives from `Device[NoConfig]`. In
    `__init__` all properties below can be used, and no `super().__init__()` is needed. The
    first line of the class' docstring describes the device.

    The same seed must give the same messages: take randomness from `self.random` and from
    `mockfleet.generate`, and time from the calls. Keep nothing in globals, since thousands of
    devices share one instance of the plugin. """

    #: The name and the version in the send log. Absent: those of `plugin.toml`.
    name: ClassVar[str] = ""
    version: ClassVar[str] = ""
    #: Every channel that the device may send on; the fleet file maps each. None: its
    #: settings name them.
    channels: ClassVar[Sequence[str]] = ()
    #: Every status that the device may report.
    statuses: ClassVar[Sequence[str]] = ()
    #: The kinds of events that `handle` is called for.
    events: ClassVar[Sequence[Literal["link", "downlink", "receipts"]]] = ()

    #: The settings, written under `config` in the fleet file.
    config: Config

    _identity: Identity
    _now: int
    _status: str
    _status_since: int
    _random: random.Random | None

    def tick(self, tick: Tick) -> Answer:
        """Runs a scheduled call. Returns no message, one, several, or a `Turn` with a
        status or other actions. May also be a generator that yields messages."""
        raise NotImplementedError(f"{type(self).__name__} has no method tick")

    def start(self, start: Start) -> Answer:
        """Starts a device that is switched on, before its first tick and event. Returns the
        same as `tick`. A `next_tick` here comes in place of the first tick on schedule, and
        the tick after it follows from there. After a restart of its cell, the device is made
        and started again."""
        return None

    def handle(self, event: Event) -> Answer:
        """Handles the events that `events` names. Returns the same as `tick`."""
        return None

    @property
    def id(self) -> str:
        """Unique in the fleet, for example `thermometer-00042`."""
        return self._identity.id

    @property
    def group(self) -> str:
        """The group of the fleet file that the device belongs to."""
        return self._identity.group

    @property
    def index(self) -> int:
        """Its position in the group, counted from zero."""
        return self._identity.index

    @property
    def seed(self) -> int:
        """The seed of all its random numbers: the same seed gives the same messages."""
        return self._identity.seed

    @property
    def born(self) -> datetime:
        """The time at which the device was switched on, UTC."""
        return moment(self._identity.born)

    @property
    def now(self) -> datetime:
        """The due time of the tick, or the time of the start or the event, UTC."""
        return moment(self._now)

    @property
    def age(self) -> float:
        """Seconds since the device was switched on."""
        return (self._now - self._identity.born) / 1_000_000

    @property
    def random(self) -> random.Random:
        """A random number generator with the device's seed. Its state takes 2.5 KB after
        the first use."""
        if self._random is None:
            self._random = random.Random(self._identity.seed)
        return self._random

    def message(
        self, channel: str, value: Any, *, properties: Mapping[str, str] | None = None
    ) -> Message:
        """A message on this channel with this value as JSON. `properties` become MQTT 5
        user properties or HTTP headers. Times become RFC 3339."""
        return Message.of_json(channel, value, properties)

    def retire(self, why: str) -> NoReturn:
        """The device is done, for good. Nothing of this call is sent: a last message
        belongs to the turn before."""
        raise Retired(why)

    @classmethod
    def config_type(cls) -> type:
        """The dataclass of its settings."""
        for base in cls.__mro__:
            for generic in getattr(base, "__orig_bases__", ()):
                if getattr(generic, "__origin__", None) is Device:
                    (config,) = get_args(generic)
                    return config if isinstance(config, type) else NoConfig
        return NoConfig
