"""Defines the errors of a call: the three cases of the contract."""

from collections.abc import Mapping


class InvalidConfig(Exception):
    """The settings cannot work. Raised only while a device is created; the run does not
    start.

    `problems` is a sentence, or several by their keys: `InvalidConfig({"route.2.lat": "91 is
    no latitude"})`. The host shows each at its line of the fleet file. Keys of settings are
    written as in the fleet file, entries of lists are counted from zero. """

    def __init__(self, problems: str | Mapping[str, str]) -> None:
        self.problems: dict[str, str] = (
            {"": problems} if isinstance(problems, str) else dict(problems)
        )
        super().__init__(str(self))

    def within(self, key: str) -> "InvalidConfig":
        """The same problems below `key`, which is put before their keys."""
        return InvalidConfig(
            {f"{key}.{path}" if path else key: text for path, text in self.problems.items()}
        )

    def __str__(self) -> str:
        lines = []
        for path, text in self.problems.items():
            # A line is a problem: its text must not have several.
            said = text.replace("\n", ", ")
            lines.append(f"config.{path}: {said}" if path else f"config: {said}")
        return "\n".join(lines)


class Failed(Exception):
    """This call failed, with a sentence of the cause: nothing of it is sent, and the device
    stays on and is called again. Any other exception has the same effect, and its place in
    the source is added."""


class Retired(Exception):
    """The device is done, for good, with the reason: `Device.retire` raises it."""
