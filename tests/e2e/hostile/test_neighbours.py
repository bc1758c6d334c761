"""Hostile plugins and brokers take neither the memory nor the rows of the group beside them.

All devices are on one worker, and all limits have their defaults.
"""

import pytest

from support.hostile_groups import DEEDS, floods_slow_devices, run_and_measure, twice
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


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
def test_neighbour_of_a_hostile_group_keeps_its_rows(good, closing, deed):
    deed(good, closing)
    run, most = run_and_measure(good, SECONDS)
    assert_unharmed(run, most, SECONDS)


def test_receipts_of_dropped_answers_are_withheld_in_words(good, closing):
    twice(good, closing)
    run, _ = run_and_measure(good, 2)
    (notice,) = run.notices("answers the receipts of dropped messages")
    assert "100 of its receipts wait, and further ones are withheld" in notice["text"]


@pytest.mark.timeout(900)
def test_good_group_beside_all_of_them_keeps_its_rows(good, closing):
    for deed in DEEDS:
        if deed is not floods_slow_devices:
            deed(good, closing)
    seconds = rounds(10, 600)
    run, most = run_and_measure(good, seconds)
    assert_unharmed(run, most, seconds)
