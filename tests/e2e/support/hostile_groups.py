"""Groups that take what they can: time, memory, rows."""

import re
import time
from pathlib import Path

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
        found = re.search(r"VmHWM:\s+(\d+) kB", text)
        most = max(most, int(found[1]) if found else 0)
        time.sleep(0.05)
    process.finish()
    assert process.out, process.report()
    return Run(process, fleet.store), most


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


def restarts(fleet, closing):
    """40 cells crash in the same moment, and each device takes tens of milliseconds to create."""
    config = {"does": "trap", "at": 1, "create_effort": 60_000}
    more = {"config": config, "limits": {"deadline": "1s"}, "devices_per_cell": 1}
    fleet.guest("restarts", "rogue", count=40, every="500ms", target="broker", **more)


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


DEEDS = [twice, again, slow, restarts, floods, floods_slow_devices, deafens, fills, sends_large]
DEEDS += [strays, exceeds]
