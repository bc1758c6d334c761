"""The same seed gives the same run, for any packing and any number of workers."""

import pytest

from support.rounds import fleet_seeds

GROUPS = {
    "thermometer": {"drift": 0.5},
    "vehicle": {"park-chance": 0.5, "park-seconds": 0.5, "parked-every": 0.3},
    "meter": {"samples": 4},
}


@pytest.fixture
def payloads(fleet, broker):
    """Runs a fleet of all three plugins and returns the payloads of each device."""
    fleet.broker(broker.url, qos=1, connections=4, channels=("telemetry", "reply"))
    for name, config in GROUPS.items():
        fleet.group(
            name,
            f"builtin:{name}",
            count=30,
            every="200ms",
            start="spread",
            jitter="10%",
            config=config,
        )

    def run(*arguments, devices_per_cell=64):
        for group in fleet.content["groups"]:
            group["devices-per-cell"] = devices_per_cell
        done = fleet.run(*arguments, duration="2s")
        # A machine too slow for the schedule would explain a difference.
        assert done.summary["missed_ticks"] == 0
        assert done.log.outcomes() == {"acked": done.counted()}
        return done.log.payloads()

    return run


@pytest.mark.smoke
@pytest.mark.parametrize("seed", fleet_seeds(20))
def test_same_seed_gives_the_same_payloads(payloads, seed):
    """The number of workers and of devices per cell changes nothing."""
    first = payloads("--seed", seed, "--workers", "1")
    assert len(first) == 90
    assert all(len(sequence) >= 3 for sequence in first.values())
    assert payloads("--seed", seed, "--workers", "1") == first, "the same once more"
    assert payloads("--seed", seed, "--workers", "3") == first, "spread over three threads"
    assert payloads("--seed", seed, "--workers", "2", devices_per_cell=1) == first, "a cell each"
    assert payloads("--seed", seed, "--workers", "2", devices_per_cell=1000) == first, "in one cell"


def test_different_seeds_give_different_payloads(payloads):
    first, other = payloads("--seed", "7"), payloads("--seed", "8")
    assert first.keys() == other.keys()
    same = [device for device in first if first[device] == other[device]]
    assert same == []


def test_devices_send_different_payloads(payloads):
    sequences = payloads()
    # Their own names apart.
    nameless = {
        tuple(payload.replace(device.encode(), b"") for payload in sequence)
        for device, sequence in sequences.items()
    }
    assert len(nameless) == len(sequences)
