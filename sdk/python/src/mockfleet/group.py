"""Looks up the settings of a device's group and its target in the fleet file, for devices whose
channels and times depend on them."""

from . import group_context


def channels() -> list[str] | None:
    """The channels of the group's target; `None` without a target, as in `mockfleet try`."""
    return group_context.source.channels()


def downlink() -> list[str] | None:
    """The channels on which the target delivers messages to devices; `None` without a
    target."""
    return group_context.source.downlink()


def interval() -> float | None:
    """The interval of the group's ticks in seconds; `None` when ticks follow one another as
    fast as possible."""
    micros = group_context.source.interval()
    return None if micros is None else micros / 1_000_000
