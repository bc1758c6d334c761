"""A log, and the messages that were received."""

import json
import shutil

import pytest

from support.backends.subscriber_recorder import recorded_run
from support.fleet import Fleet
from support.verified import DEVICES, TICKS


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """A run, and its messages as a subscriber received them: all of them."""
    folder = tmp_path_factory.mktemp("sent")
    numbered = {
        "fields": {"t": {"kind": "normal", "mean": 20, "deviation": 2, "decimals": 2}},
        "messages": {"telemetry": {"json": {"seq": "{{ sequence }}", "t": "{{ t }}"}}},
    }
    with recorded_run(folder, count=DEVICES, every="50ms", config=numbered) as (fleet, run, recorder):
        assert run.counted("acked") == DEVICES * TICKS, run.process.report()
        yield fleet, recorder.rows()


@pytest.fixture
def rows(sent):
    """The received messages, to be spoiled by a test."""
    return [dict(row) for row in sent[1]]


@pytest.fixture
def verify(sent, tmp_path, closing):
    """Runs `mockfleet verify` on the log, and returns what it printed as JSON."""
    fleet = Fleet(tmp_path)
    closing(fleet)
    shutil.copytree(sent[0].store, fleet.store)

    def run(received, *arguments, expect=0, text=False, environment=None):
        fleet.environment |= environment or {}
        form = [] if text else ["--json"]
        process = fleet.mockfleet("verify", "logs", "--received", received, *form, *arguments)
        process.expect(expect)
        if expect == 2:
            assert process.stdout == ""
            return process.stderr
        return process.stdout if text else json.loads(process.stdout)

    run.fleet = fleet
    return run
