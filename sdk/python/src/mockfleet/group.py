"""What the fleet file says about a device's group and its target, for devices whose channels
and times depend on their settings."""

from . import group_context


def channels() -> list[str] | None:
    """The channels that the group's target has; `None` when there is no target, since the
    device is only tried."""
    return group_context.source.channels()


def downlink() -> list[str] | None:
    """The channels on which the target delivers messages to devices; `None` as above."""
    return group_context.source.downlink()


def interval() -> float | None:
    """Seconds from tick to tick, as the fleet file schedules it; `None` when ticks follow
    one another as fast as they can."""
    micros = group_context.source.interval()
    return None if micros is None else micros / 1_000_000
