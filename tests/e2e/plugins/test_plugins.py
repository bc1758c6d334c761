"""The fleet files of the built-in plugins run unchanged, but for the broker's address."""

import pytest

from support.fleet import PLUGINS, Run


@pytest.mark.parametrize("plugin", ["thermometer", "vehicle", "meter"])
def test_plugin_fleet_file_runs_and_rows_match_the_broker_count(fleet, broker, subscribe, plugin):
    subscriber = subscribe(broker)
    process = fleet.mockfleet(
        *("run", PLUGINS / plugin / "fleet.toml", "--json"),
        *("--set", f"targets.broker.url={broker.url}"),
        *("--duration", "3s", "--log", fleet.store),
    )
    assert process.finish() == 0, process.report()
    run = Run(process, fleet.store)
    rows = run.log.count()
    assert rows == run.summary["rows"] == run.counted() >= 100
    assert broker.received() == rows
    subscriber.wait_for(rows)
    assert subscriber.by_topic() == run.log.payloads(by="topic")
    assert run.log.outcomes() == {"acked": rows}
    (name,) = run.log.column("SELECT DISTINCT plugin FROM sends")
    assert name == f"{plugin}@0.1.0"
    run.log.assert_sound()


@pytest.mark.parametrize(
    ("plugin", "statuses"),
    [
        ("thermometer", {"ok"}),
        ("vehicle", {"driving", "parked"}),
        ("meter", {"normal", "peak"}),
    ],
)
def test_row_has_the_last_status_of_its_device(fleet, broker, plugin, statuses):
    config = {
        "thermometer": {},
        "vehicle": {"park-chance": 0.5},
        # Past the evening's peak in the second half.
        "meter": {"hour": 18.0, "day-seconds": 10.0},
    }[plugin]
    fleet.broker(broker.url, channels=("telemetry", "reply"), connections=1)
    fleet.group(plugin, f"builtin:{plugin}", count=20, every="250ms", config=config)
    run = fleet.run(duration="2s")
    assert set(run.log.column("SELECT DISTINCT device_status FROM sends")) == statuses
    reported = {detail for _, detail in run.log.events("status")}
    assert reported == statuses


def test_thermometer_with_empty_battery_retires(fleet, broker):
    """The run goes on."""
    fleet.broker(broker.url, qos=1)
    # 0.36 s, and up to a tenth more or less.
    fleet.group("short", count=3, every="100ms", config={"battery-hours": 0.0001})
    fleet.group("long", count=3, every="100ms")
    run = fleet.run(duration="1s")
    assert run.summary["retired"] == 3
    retired = run.log.events("retired")
    assert sorted(device for device, _ in retired) == [f"short-0000{n}" for n in range(3)]
    assert {detail for _, detail in retired} == {"the battery is empty"}
    assert run.log.count("\"group\" = 'long'") == 30
    last = run.log.column(
        """SELECT device_status FROM sends WHERE "group" = 'short'
           QUALIFY row_number() OVER (PARTITION BY device_id ORDER BY seq DESC) = 1"""
    )
    assert last == ["dead"] * 3
    assert broker.received() == run.log.count()
