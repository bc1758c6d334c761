"""Hostile plugins and brokers take neither the memory nor the rows of the group beside them.

All devices are on one worker, and all limits have their defaults.
"""

import time
from pathlib import Path

import pytest

from support.backends.hostile_broker import (
    HostileBroker,
    deaf,
    endless,
    flood,
    large,
    stray,
    tiny,
)
from support.fleet import Run
from support.rounds import rounds

# Each takes a core for seconds: one at a time.
pytestmark = pytest.mark.xdist_group("memory")

SECONDS = 4
GOOD = 40
# Ticks of a good device in a second.
RATE = 5
MIB = 1 << 10


@pytest.fixture
def good(fleet, broker):
    """A fleet with a group that behaves, on a broker of its own."""
    fleet.broker(broker.url, qos=1)
    fleet.group("good", count=GOOD, every="200ms", target="broker")
    return fleet


def hostile(fleet, closing, deed, *, count=2, plugin="echoes_events", keys=None, **more):
    """Adds a group on a broker that does something to its clients."""
    name = f"hostile-{deed.__name__}"
    server = closing(HostileBroker(deed))
    downlink = {"command": {"topic": "c/{device}"}}
    fleet.broker(server.url, name=name, qos=1, downlink=downlink, **(keys or {}))
    fleet.guest(deed.__name__, plugin, count=count, every="1s", target=name, **more)


def run_and_measure(fleet, seconds):
    """Runs the fleet on one worker. Returns the run, and the most memory that it took, in KiB."""
    process = fleet.start("--workers", "1", "--duration", f"{seconds}s")
    status = Path(f"/proc/{process.child.pid}/status")
    most = 0
    while process.is_running():
        try:
            text = status.read_text()
        except OSError:
            break
        for line in text.splitlines():
            if line.startswith("VmHWM:"):
                most = max(most, int(line.split()[1]))
        time.sleep(0.05)
    process.finish()
    assert process.out, process.report()
    return Run(process, fleet.store), most


def assert_unharmed(run, most, seconds):
    """The good group has its rows, none is lost, and the process is small."""
    log = run.log
    good = log.count("\"group\" = 'good' AND outcome = 'acked'")
    missed = sum(int(detail.split()[0]) for device, detail in log.events("missed") if "good" in device)
    all_ticks = GOOD * RATE * seconds
    assert good + missed == all_ticks, run.process.report()
    # It has nearly all of them on a machine that does nothing else.
    assert good > all_ticks / 2, run.process.report()
    assert most < 1024 * MIB, f"{most // MIB} MiB"
    counted = run.counted()
    assert log.count() == counted == run.summary["rows"], run.process.report()
    return good


def twice(fleet, closing):
    config = {"answers": 2, "size": 100}
    fleet.guest("twice", "answers_receipts", count=20, every="1s", config=config, target="broker")


def again(fleet, closing):
    """Each dropped message is sent again, and the outbox is always full."""
    config = {"answers": 1, "dropped": True, "size": 100}
    fleet.content["targets"]["narrow"] = fleet.content["targets"]["broker"] | {"outbox": 1}
    fleet.guest("again", "answers_receipts", count=20, every="10ms", config=config, target="narrow")


def slow(fleet, closing):
    """64 devices whose ticks take tens of milliseconds each."""
    config = {"effort": 30_000}
    more = {"config": config, "limits": {"deadline": "1s"}, "target": "broker"}
    fleet.guest("slow", "rogue", count=64, every="1s", **more)


def floods(fleet, closing):
    hostile(fleet, closing, flood)


def floods_slow_devices(fleet, closing):
    config = {"effort": 10_000}
    limits = {"deadline": "1s"}
    hostile(fleet, closing, flood, plugin="answers_receipts", config=config, limits=limits)


def deafens(fleet, closing):
    hostile(fleet, closing, deaf)


def fills(fleet, closing):
    hostile(fleet, closing, endless, count=20)


def sends_large(fleet, closing):
    hostile(fleet, closing, large, count=20)


def strays(fleet, closing):
    hostile(fleet, closing, stray, count=10)


def exceeds(fleet, closing):
    hostile(fleet, closing, tiny, count=10, keys={"max_downlink": "1B"})


DEEDS = [twice, again, slow, floods, floods_slow_devices, deafens, fills, sends_large]
DEEDS += [strays, exceeds]


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
def test_neighbour_of_a_hostile_group_keeps_its_rows(good, closing, deed):
    deed(good, closing)
    run, most = run_and_measure(good, SECONDS)
    assert_unharmed(run, most, SECONDS)


def test_good_group_beside_all_of_them_keeps_its_rows(good, closing):
    for deed in DEEDS:
        if deed is not floods_slow_devices:
            deed(good, closing)
    seconds = rounds(10, 600)
    run, most = run_and_measure(good, seconds)
    assert_unharmed(run, most, seconds)
