"""The memory of messages on their way has a limit, and what waits for it is told."""

import pytest

from support.backends.hostile_broker import HostileBroker, unconfirmed
from support.hostile_groups import run_and_measure

pytestmark = pytest.mark.xdist_group("memory")

SIZE = 200_000
LIMIT = 16 << 20
# A program with four devices, and a limit of 16 MiB.
MOST = 160 << 10


@pytest.fixture
def narrow(fleet, closing):
    """A fleet with little memory for messages, on a broker that confirms none."""
    server = closing(HostileBroker(unconfirmed))
    downlink = {"command": {"topic": "c/{device}"}}
    fleet.set(limits={"in_flight": "16MiB"}, log={"store": "logs", "payload": "none"})
    return fleet.broker(server.url, qos=1, downlink=downlink)


def test_ticks_wait_for_memory_and_are_missed(narrow):
    config = {"size": SIZE}
    narrow.guest("large", "answers_receipts", count=4, every="20ms", config=config)
    run, most = run_and_measure(narrow, 3)
    (notice,) = run.notices("the memory for messages on their way was full")
    assert "MiB of messages without an outcome" in notice["text"], notice
    # An outbox would hold a hundred messages of each device.
    assert LIMIT // SIZE // 2 < run.counted() < LIMIT // SIZE + 5, run.process.report()
    assert run.summary["ticks"] + run.summary["missed_ticks"] == 4 * 50 * 3
    assert run.log.events("missed")[-1][1].endswith("(in-flight in [limits])")
    assert run.counted("dropped") == 0
    assert run.log.count() == run.counted() and most < MOST, f"{most} KiB"


def test_answers_without_memory_are_dropped_with_the_reason(narrow):
    config = {"size": SIZE, "echoes": 1}
    narrow.guest("echo", "answers_receipts", count=4, every="1s", config=config)
    run, most = run_and_measure(narrow, 3)
    assert run.counted("dropped") > 0, run.process.report()
    errors = run.log.column("SELECT DISTINCT error FROM sends WHERE outcome = 'dropped'")
    words = "the memory for messages on their way was full (in-flight in [limits]), since "
    assert errors and all(error.startswith(words) for error in errors), errors
    # The devices wait for the broker, and not for ports of this machine.
    assert run.summary["bottleneck"]["who"] != "host", run.summary["bottleneck"]
    assert run.log.count() == run.counted() and most < MOST, f"{most} KiB"
