from device import Sensor
from mockfleet.testing import run


def test_sensor_with_a_lower_limit_becomes_hot() -> None:
    sensor = run(Sensor, {"base": 21, "limit": 30}, ticks=1)
    assert sensor.on("telemetry") == [{"temperature": 21.0, "limit": 30.0}]
    assert sensor.status == "ok"

    sensor.receive("command", {"limit": 10}).ticks(1)
    assert sensor.status == "hot"
