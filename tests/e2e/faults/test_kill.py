"""`kill -9` at any moment loses no counted row and duplicates none."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.fleet import Fleet
from support.log import Log
from support.rounds import generator, rounds

KILLS = rounds(100, 1000)
FLEETS = 4


def kill_again_and_again(fleet, kills):
    """Runs and kills; returns the outcomes that each run had published, by its id."""
    chance = generator(fleet.folder.name)
    spool = fleet.store / ".spool"
    runs = {}
    for number in range(kills):
        process = fleet.start()
        # Before the first row, in the first generation, or some rolls later: what is under
        # test is that the moment does not matter.
        time.sleep(chance.uniform(0.02, 2.5))
        process.kill()
        # What earlier runs left behind is finished by the next one, or by its own command.
        for folder in spool.iterdir() if spool.exists() else []:
            if folder.name not in runs and folder.name != "damaged":
                runs[folder.name] = process.published_outcomes()
        if number % 3 == 0:
            recovering = fleet.mockfleet("logs", "recover", "logs")
            if number % 2 == 0:
                # Recovery is killed too.
                time.sleep(chance.uniform(0, 0.05))
                recovering.kill()
            else:
                assert recovering.finish() == 0, recovering.report()
    recovering = fleet.mockfleet("logs", "recover", "logs")
    assert recovering.finish() == 0, recovering.report()
    assert not spool.exists() or {path.name for path in spool.iterdir()} <= {"damaged"}
    return runs


@pytest.mark.timeout(3600)
def test_killed_run_loses_and_duplicates_no_counted_row(tmp_path, broker, closing):
    fleets = []
    for number in range(FLEETS):
        folder = tmp_path / f"fleet-{number}"
        folder.mkdir()
        fleet = closing(Fleet(folder))
        fleet.broker(broker.url, qos=1, client_id=f"{number}-{{device}}")
        fleet.group(count=20, every="20ms").set(log={"roll": {"every": "1s"}})
        fleets.append(fleet)
    with ThreadPoolExecutor(FLEETS) as pool:
        shares = pool.map(kill_again_and_again, fleets, [KILLS // FLEETS] * FLEETS)
        counts = list(shares)
    rows = 0
    for fleet, runs in zip(fleets, counts, strict=True):
        assert len(runs) > KILLS // FLEETS // 2, "most runs came as far as a spool"
        for run, count in runs.items():
            log = Log(fleet.store, run=run)
            assert log.count() >= count, f"{run}: rows that were counted are missing"
            log.assert_sound()
        log = Log(fleet.store)
        rows += log.count()
        elsewhere = "SELECT count(*) FROM read_parquet('{}/sends/**/*.parquet', filename = true) WHERE NOT contains(filename, run_id)"
        assert log.one(elsewhere.format(fleet.store)) == 0, "a file has rows of another run"
    assert rows > 100 * KILLS
    # What the broker has, the log has: also what was on the wire when the process died.
    assert broker.received() <= rows
