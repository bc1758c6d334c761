#!/usr/bin/env python3
"""What a hostile group takes from the group beside it, on one worker with the default limits.

    tests/.venv/bin/python host/benches/neighbours.py [--only DEED] [--rounds 3] [--short]

The good group has 40 devices with five messages a second each. Beside it is a group of plugins, or of
devices on a broker, that take what they can; `all` are all of them at once. Needs what the end-to-end
tests need (`tests/run --only-e2e` installs it), tests/guests and the release build. Writes
target/bench/neighbours.json.
"""

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent / "peers"), str(Path(__file__).parents[2] / "tests/e2e")]
os.environ.setdefault("MOCKFLEET_PROFILE", "release")
import bench
from broker import Mosquitto

GOOD, RATE = 40, 5
#: What the process may take at most, MiB.
MEMORY = 1024


def measured(deeds, seconds):
    """A run beside these groups: the share of ticks of the good group that ran, and the memory."""
    # Only here: it wants the packages of the tests.
    from support.fleet import Fleet
    from support.hostile_groups import run_and_measure

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker = stack.enter_context(Mosquitto(folder))

        def closing(thing):
            stack.callback(thing.close)
            return thing

        (folder / "fleet").mkdir()
        fleet = closing(Fleet(folder / "fleet"))
        fleet.broker(broker.url, qos=1)
        fleet.group("good", count=GOOD, every=f"{1000 // RATE}ms", target="broker")
        for deed in deeds:
            deed(fleet, closing)
        run, most = run_and_measure(fleet, seconds)
        acked = run.log.count("\"group\" = 'good' AND outcome = 'acked'")
        if run.log.count() != run.counted():
            raise SystemExit(f"{run.counted()} messages, and {run.log.count()} rows")
        return 100 * acked / (GOOD * RATE * seconds), most / 1024


def main():
    from support.hostile_groups import DEEDS, floods_slow_devices

    names = [deed.__name__ for deed in DEEDS]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", choices=[*names, "none", "all"], action="append")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", action="store_true", help="only prove that it runs")
    arguments = parser.parse_args()
    rounds, seconds = (1, 2) if arguments.short else (arguments.rounds, 10)
    report = bench.Report("neighbours", arguments.short)
    together = [deed for deed in DEEDS if deed is not floods_slow_devices]
    mixes = {"none": []} | {deed.__name__: [deed] for deed in DEEDS} | {"all": together}
    for name in arguments.only or mixes:
        runs = [measured(mixes[name], seconds) for _ in range(rounds)]
        share, memory = zip(*runs, strict=True)
        report.alone(f"{name}: ticks of the good group that ran", "%", list(share))
        report.alone(f"{name}: memory at most", "MiB", list(memory), counted_by="", at_most=MEMORY)
        print(
            f"{name}: {statistics.median(share):.1f} % of the ticks ({min(share):.1f} to "
            f"{max(share):.1f}), {statistics.median(memory):.0f} MiB at most, {rounds} rounds",
            flush=True,
        )
    report.finish()


if __name__ == "__main__":
    main()
