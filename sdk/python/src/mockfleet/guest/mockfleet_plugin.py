"""Exports the plugin in the form of componentize-py: a class with the name of the interface, and
the module `mockfleet_exports` with its resource."""

from mockfleet_exports import DEVICE, NAME, VERSION, SCHEMA
from mockfleet.device_slot import has_start, summary
from wit_world.imports.types import Description, Interests


class MockfleetExports:
    def describe(self) -> Description:
        interests = Interests(0)
        for name in DEVICE.events:
            interests |= Interests[name.upper()]
        if has_start(DEVICE):
            interests |= Interests.START
        return Description(
            name=DEVICE.name or NAME,
            version=DEVICE.version or VERSION,
            summary=summary(DEVICE),
            config_schema=SCHEMA,
            channels=list(DEVICE.channels),
            statuses=list(DEVICE.statuses),
            interests=interests,
        )
