"""Why a call of a device fails: the three cases of the contract."""

from collections.abc import Mapping


class InvalidConfig(Exception):
    """The settings cannot work. Only raised while a device is made; the run does not start.

    `problems` is a sentence, or several by the key that each is about:
    `InvalidConfig({"route.2.lat": "91 is no latitude"})`. The person who runs the fleet
    reads each at its line of the fleet file. Keys of settings are written as in the fleet
    file, entries of lists are counted from zero.
    """

    def __init__(self, problems: str | Mapping[str, str]) -> None:
        self.problems: dict[str, str] = (
            {"": problems} if isinstance(problems, str) else dict(problems)
        )
        super().__init__(str(self))

    def within(self, key: str) -> "InvalidConfig":
        """The same problems of a part of something larger: `key` goes before theirs."""
        return InvalidConfig(
            {f"{key}.{path}" if path else key: text for path, text in self.problems.items()}
        )

    def __str__(self) -> str:
        lines = []
        for path, text in self.problems.items():
            # A line is a problem: what it says stays on it.
            said = text.replace("\n", ", ")
            lines.append(f"config.{path}: {said}" if path else f"config: {said}")
        return "\n".join(lines)


class Failed(Exception):
    """This call failed, with a sentence that says why: nothing of it is sent, the device
    lives on and is called again. Any other exception does the same, and says where in the
    source it came from."""


class Retired(Exception):
    """The device is done, for good, and why: `Device.retire` raises it."""
