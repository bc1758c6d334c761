"""A room sensor: its temperature varies, and it reports when it is hot."""

from dataclasses import dataclass

from mockfleet import Answer, Device, Event, Received, Tick, Turn, setting
from mockfleet.generate import Walk


@dataclass(frozen=True)
class Settings:
    """The settings under `config` in the fleet file."""

    base: float = setting(
        21.0, minimum=-40, maximum=85, description="The first temperature, in °C."
    )
    limit: float = setting(22.0, description="The temperature above which the sensor is hot, in °C.")


class Sensor(Device[Settings]):
    """A room sensor: its temperature varies, and it reports when it is hot."""

    channels = ["telemetry"]
    statuses = ["ok", "hot"]
    events = ["downlink"]

    def __init__(self) -> None:
        self.limit = self.config.limit
        self.temperature = Walk(self.config.base, step=0.3, decimals=2).of(self, "temperature")

    def tick(self, tick: Tick) -> Answer:
        temperature = self.temperature.next()
        return Turn(
            self.message("telemetry", {"temperature": temperature, "limit": self.limit}),
            status="hot" if temperature > self.limit else "ok",
        )

    def handle(self, event: Event) -> Answer:
        """A command from the backend: {"limit": 25}."""
        if isinstance(event, Received):
            self.limit = float(event.message.json()["limit"])
        return None
