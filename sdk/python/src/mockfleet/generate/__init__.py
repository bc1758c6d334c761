"""Generates values that change over time as a sensor's do: for the same seed the same as in the
Rust and the JavaScript SDK.

```python
TEMPERATURE = Walk(21, step=0.2, min=15, max=30, decimals=2)

class Room(Device[NoConfig]):
    def __init__(self) -> None:
        self.temperature = TEMPERATURE.of(self, "temperature")

    def tick(self, tick: Tick) -> Answer:
        return self.message("telemetry", {"temperature": self.temperature.next()})
```

A specification checks itself when it is created, and raises `InvalidConfig` with all its
problems. Durations are texts such as `"1h30m"`, seconds, or a `timedelta`. """

from .random_values import Bucket, Normal, Walk
from .time_values import Curve, Day, Profile
from .generator import Generator, Specification
from .interpolation import Interpolation
from .markov import Markov, State
from .rng import Rng
from .span import Span

__all__ = [
    "Bucket",
    "Curve",
    "Day",
    "Generator",
    "Interpolation",
    "Specification",
    "Markov",
    "Normal",
    "Profile",
    "Rng",
    "Span",
    "State",
    "Walk",
]
