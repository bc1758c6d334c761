"""Exports a device, and converts the types of the contract to those of the SDK and back."""

import importlib
import json
import linecache
import sys

from componentize_py_types import Err
from mockfleet import group_context
from mockfleet.device import Identity
from mockfleet.errors import Failed, InvalidConfig, Retired
from mockfleet.device_slot import DeviceSlot, check_device, find_device
from mockfleet.settings import schema_of
from mockfleet.turn import (
    Connected,
    Disconnected,
    Message,
    Received,
    Reconnect,
    Settled,
    Start,
    Tick,
    micros,
)
from mockfleet_build import LAZY, MODULE, NAME, OWN, VERSION
from wit_world.imports import data, group
from wit_world.imports import types as wit

DEVICE = find_device(importlib.import_module(MODULE))
check_device(DEVICE)
SCHEMA = json.dumps(schema_of(DEVICE.config_type()), ensure_ascii=False)

# What functions import later is imported now, while there are files.
for name in LAZY:
    try:
        importlib.import_module(name)
    except Exception as error:
        # It is there natively only. A call that needs it fails, and says so.
        print(f"{name} is no part of the plugin: {error}", file=sys.stderr)

# A plugin has no files: the source lines for tracebacks are kept in memory.
for module in list(sys.modules.values()):
    file = getattr(module, "__file__", None) or ""
    if file.endswith(".py") and getattr(module, "__name__", "") in OWN:
        lines = linecache.getlines(file)
        # Without a time, the cache is used without checking the file.
        linecache.cache[file] = (sum(map(len, lines)), None, lines, file)


class Host:
    """The context of the group, from the host."""

    def size(self, name: str) -> int:
        try:
            return data.size(name)
        except Err as error:
            raise FileNotFoundError(error.value) from None

    def read(self, name: str, offset: int, length: int) -> bytes:
        try:
            return data.read(name, offset, length)
        except Err as error:
            raise FileNotFoundError(error.value) from None

    def channels(self) -> list[str] | None:
        return group.channels()

    def downlink(self) -> list[str] | None:
        return group.downlink()

    def interval(self) -> int | None:
        return group.interval()


group_context.set_source(Host())


class Device:
    def __init__(self, slot: DeviceSlot) -> None:
        self.slot = slot

    @classmethod
    def create(cls, spec: wit.DeviceSpec) -> "Device":
        identity = Identity(spec.id, spec.group, spec.index, spec.seed, spec.born)
        try:
            return cls(DeviceSlot(DEVICE, identity, spec.config))
        except (Failed, InvalidConfig, Retired) as error:
            raise to_error(error) from None

    def start(self, at: int, first_tick: int | None) -> wit.Turn:
        try:
            return to_turn(self.slot.start(Start(at, first_tick)))
        except (Failed, InvalidConfig, Retired) as error:
            raise to_error(error) from None

    def tick(self, tick: wit.Tick) -> wit.Turn:
        try:
            return to_turn(self.slot.tick(Tick(tick.at, tick.sequence)))
        except (Failed, InvalidConfig, Retired) as error:
            raise to_error(error) from None

    def handle(self, at: int, event: wit.Event) -> wit.Turn:
        try:
            return to_turn(self.slot.handle(to_event(at, event)))
        except (Failed, InvalidConfig, Retired) as error:
            raise to_error(error) from None


def to_error(error: Failed | InvalidConfig | Retired) -> Err:
    if isinstance(error, InvalidConfig):
        return Err(wit.Error_InvalidConfig(str(error)))
    if isinstance(error, Retired):
        return Err(wit.Error_Retired(str(error)))
    return Err(wit.Error_Failed(str(error)))


def to_turn(turn) -> wit.Turn:
    link = turn.link
    if isinstance(link, Reconnect):
        link = wit.Link_Reconnect()
    elif link is not None:
        link = wit.Link_Vanish(micros(link.length))
    return wit.Turn(
        [
            wit.Message(
                message.channel,
                message.payload,
                message.content_type,
                list(message.properties.items()),
            )
            for message in turn.messages
        ],
        turn.status,
        None if turn.next_tick is None else micros(turn.next_tick),
        link,
    )


def to_event(at: int, event: wit.Event):
    match event:
        case wit.Event_Connected():
            return Connected(at)
        case wit.Event_Disconnected(reason):
            return Disconnected(at, reason)
        case wit.Event_Received(message):
            return Received(
                at,
                Message(
                    message.channel,
                    message.payload,
                    message.content_type,
                    dict(message.properties),
                ),
            )
        case wit.Event_Settled(receipt):
            return Settled(
                at,
                receipt.sequence,
                receipt.channel,
                receipt.outcome.name.lower(),
                None if receipt.latency is None else receipt.latency / 1_000_000,
                receipt.detail,
            )
    raise Failed("the host told of an event that this SDK does not know")
