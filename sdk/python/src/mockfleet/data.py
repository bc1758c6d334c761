"""The data files of a device's group: `data = { weather = "weather.csv" }` in the fleet file.

The host holds each file once. Read it when the first device is made, and share what you
make of it among the devices of the cell (`functools.cache` does it): a copy for each device
would be too much.
"""

from . import group_context


def size(name: str) -> int:
    """How many bytes the file of this name has. `FileNotFoundError` says which names there
    are."""
    return group_context.source.size(name)


def read(name: str, offset: int, length: int) -> bytes:
    """Up to `length` bytes of the file from `offset` on: fewer at its end, and at most
    1 MiB in one call."""
    return group_context.source.read(name, offset, length)


def read_all(name: str) -> bytes:
    """The whole file."""
    whole = bytearray()
    while window := read(name, len(whole), 1 << 20):
        whole += window
    return bytes(whole)
