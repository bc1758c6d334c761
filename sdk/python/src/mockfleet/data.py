"""Reads the data files of a device's group: `data = { weather = "weather.csv" }` in the fleet
file.

The host holds each file once. Read it when the first device is created, and share the result
among the devices of the cell, for example with `functools.cache`. A copy for each device would
take too much memory. """

from . import group_context


def size(name: str) -> int:
    """The size of a file, in bytes. `FileNotFoundError` has the known names."""
    return group_context.source.size(name)


def read(name: str, offset: int, length: int) -> bytes:
    """Reads up to `length` bytes of a file from `offset` on: fewer at its end, and at most 1
    MiB in one call."""
    return group_context.source.read(name, offset, length)


def read_all(name: str) -> bytes:
    """Reads a whole file."""
    whole = bytearray()
    while window := read(name, len(whole), 1 << 20):
        whole += window
    return bytes(whole)
