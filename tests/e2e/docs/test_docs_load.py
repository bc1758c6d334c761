"""docs/load.md and examples/load.toml are true."""

import duckdb
import pytest

from support.docs import code_blocks
from support.fleet import ROOT, Run

PAGE = "docs/load.md"

HEAD = """\
duration = "2s"

[targets.broker]
url = "@URL@"
connections = 4

[targets.broker.channels]
telemetry = { topic = "{device}/telemetry" }

[log]
store = "mockfleet-logs"

"""


@pytest.mark.parametrize("profile", code_blocks(PAGE, "toml"))
def test_each_profile_of_docs_load_runs(fleet, broker, profile):
    fleet.folder.joinpath("load.toml").write_text(HEAD.replace("@URL@", broker.url) + profile)
    process = fleet.mockfleet("run", "load.toml", "--json")
    process.finish()
    run = Run(process, fleet.folder / "mockfleet-logs")
    assert [stage["stage"] for stage in run.summary["stages"]] == [1], process.report()
    assert run.summary["limit"] is None


def test_query_of_docs_load_gives_rows(fleet, broker, monkeypatch):
    fleet.broker(broker.url, qos=1).group(count=5, every="100ms")
    fleet.set(log={"store": "mockfleet-logs"})
    fleet.store = fleet.folder / "mockfleet-logs"
    run = fleet.run()
    monkeypatch.chdir(fleet.folder)
    (query,) = code_blocks(PAGE, "sql")
    rows = duckdb.connect().execute(query).fetchall()
    assert sum(messages for _, messages, *_ in rows) == run.counted()
    assert {lost for _, _, lost, *_ in rows} == {0}


def test_examples_load_toml_sends_its_rates_in_each_stage(fleet, broker):
    process = fleet.mockfleet(
        *("run", ROOT / "examples/load.toml", "--json", "--log", fleet.store),
        *("--set", f"targets.broker.url={broker.url}"),
        *("--set", "groups.thermometer.count=10"),
    )
    assert process.finish(patience=120) == 0, process.report()
    run = Run(process, fleet.store)
    asked = {stage["stage"]: stage["asked"] for stage in run.summary["stages"]}
    # Each device within one of the area under its rate.
    areas = [10 * (1 + 10) * 10 / 20, 550, 500, 10 * 6 * 20, 10 * 11 * 9, 5 * 6]
    assert list(asked) == [1, 2, 3, 4, 5, 6]
    for area, ticks in zip(areas, asked.values(), strict=True):
        assert abs(ticks - area) <= 10
    assert run.summary["ticks"] + run.summary["missed_ticks"] == sum(asked.values())
    assert run.log.count() == run.counted() == broker.received()
    run.log.assert_sound()
