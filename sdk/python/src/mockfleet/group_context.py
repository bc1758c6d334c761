"""Provides the values of `data` and `group`: from the host in a plugin, from a test natively."""

from dataclasses import dataclass, field
from typing import Protocol


class GroupContext(Protocol):
    """The context of a group in the fleet file."""

    def size(self, name: str) -> int: ...

    def read(self, name: str, offset: int, length: int) -> bytes: ...

    def channels(self) -> list[str] | None: ...

    def downlink(self) -> list[str] | None: ...

    def interval(self) -> int | None: ...


@dataclass
class TestContext:
    """The context that a test sets; see `mockfleet.testing.group_context`."""

    files: dict[str, bytes] = field(default_factory=dict)
    sends: list[str] | None = None
    receives: list[str] | None = None
    every: int | None = None

    def _file(self, name: str) -> bytes:
        if name not in self.files:
            names = ", ".join(self.files) or "none"
            raise FileNotFoundError(f'there is no data file "{name}"; there are {names}')
        return self.files[name]

    def size(self, name: str) -> int:
        return len(self._file(name))

    def read(self, name: str, offset: int, length: int) -> bytes:
        return self._file(name)[offset : offset + min(length, 1 << 20)]

    def channels(self) -> list[str] | None:
        return self.sends

    def downlink(self) -> list[str] | None:
        return self.receives

    def interval(self) -> int | None:
        return self.every


#: The exports of a plugin set the host as the source.
source: GroupContext = TestContext()


def set_source(given: GroupContext) -> None:
    """Uses this source from now on."""
    global source
    source = given
