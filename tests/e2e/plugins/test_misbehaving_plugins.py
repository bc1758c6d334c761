"""Plugins that misbehave are named, and do not disturb the group beside them."""

import json
import re
from dataclasses import dataclass, field

import pytest

# Ticks of a device in a run, one every half second: five times the deadline of a call, so
# that a neighbour that is stopped there makes nobody miss a tick.
TICKS = 8
EVERY = "500ms"
DURATION = "4s"
GOOD = 20
BAD = 6
# The tick at which it happens, counted from zero.
AT = 2


@dataclass
class Misdeed:
    """A misdeed of the plugin `rogue`, the text that reports it, and its settings."""

    does: str
    said: str
    # The kind of the event: `stopped` takes the cell, `failed` the call, `retired` the device.
    kind: str = "stopped"
    limits: dict = field(default_factory=dict)


MISDEEDS = [
    Misdeed("spin", r"tick ran past 100 ms and was stopped"),
    # Filling 64 MiB could take longer than the deadline of a call.
    Misdeed(
        "eat",
        r"tick wanted more than the 8 MiB of memory a cell may have \(limits\.memory\)",
        limits={"memory": "8MiB"},
    ),
    Misdeed("panic", r"tick trapped: .*it said: .*device rogue-00001 was told to panic"),
    Misdeed("trap", r"tick trapped: .*unreachable"),
    # WASI 0.2 hands on whether the status is zero, and no more.
    Misdeed("exit", r"tick ended the plugin with exit\(1\)"),
    Misdeed(
        "flood",
        # And the one that each tick returns.
        r"returned 10001 messages in one turn, and 100 are allowed \(limits\.messages\)",
        "failed",
        # It is not its slowness that is to be found out.
        limits={"deadline": "400ms"},
    ),
    # 100 MiB do not fit into a cell of 64.
    Misdeed("giant", r"tick wanted more than the 64 MiB of memory a cell may have"),
    Misdeed("complain", r"tick failed: x{4096}… \(cut, of 1048576 bytes\)", "failed"),
    Misdeed("swell", r"returned a status of 12582912 bytes, and 1024 are allowed", "failed"),
    Misdeed("rename", r"tick returned more than 16 MiB in one call \(limits\.turn-size\)"),
    Misdeed("adorn", r"returned a message of 100000 properties, and 100 are allowed", "failed"),
    Misdeed("print", r"tick ran past 100 ms and was stopped"),
    Misdeed("fail", r"tick failed: told to fail", "failed"),
    Misdeed("retire", r"told to retire", "retired"),
]


@pytest.fixture
def good_group(fleet, broker):
    """A fleet with a group that behaves."""
    fleet.broker(broker.url, qos=1)
    return fleet.group("good", count=GOOD, every=EVERY)


def assert_good_group_did_not_notice(run):
    """Each of its devices sent on each of its ticks."""
    log = run.log
    counts = log.rows(
        """SELECT device_id, count(*) FROM sends WHERE "group" = 'good' AND outcome = 'acked'
           GROUP BY device_id ORDER BY device_id"""
    )
    assert counts == [(f"good-{n:05}", TICKS) for n in range(GOOD)]
    others = log.column(
        """SELECT DISTINCT kind FROM events WHERE "group" = 'good' AND kind NOT IN
           ('born', 'status', 'connected', 'disconnected')"""
    )
    assert others == []
    log.assert_sound()


@pytest.mark.parametrize("misdeed", MISDEEDS, ids=lambda misdeed: misdeed.does)
def test_misbehaving_device_is_named_and_others_are_unaffected(good_group, broker, misdeed):
    fleet = good_group
    config = {"does": misdeed.does, "at": AT, "index": 1}
    limits = misdeed.limits
    fleet.guest("rogue", count=BAD, every=EVERY, devices_per_cell=2, config=config, limits=limits)
    # On one thread, which the good group shares.
    run = fleet.run("--workers", "1", duration=DURATION)

    assert_good_group_did_not_notice(run)
    assert broker.received() == run.log.count()

    # Its cell is one of three: 0 and 1, 2 and 3, 4 and 5.
    untouched = run.log.rows(
        """SELECT device_id, count(*) FROM sends WHERE device_id >= 'rogue-00002'
           AND "group" = 'rogue' GROUP BY device_id ORDER BY device_id"""
    )
    assert untouched == [(f"rogue-{n:05}", TICKS) for n in range(2, BAD)]
    log = run.log
    culprit = [detail for device, detail in log.events(misdeed.kind) if device == "rogue-00001"]
    assert len(culprit) == 1
    assert re.search(misdeed.said.removeprefix("tick failed: "), culprit[0]), culprit
    if misdeed.kind == "stopped":
        stopped = [device for device, _ in log.events("stopped")]
        assert sorted(stopped) == ["rogue-00000", "rogue-00001"]
        restarted = [device for device, _ in log.events("restarted")]
        assert sorted(restarted) == ["rogue-00000", "rogue-00001"]
        assert run.summary["cell_restarts"] == 1
        sentence = r"device rogue-00001 \(plugin rogue 0\.1\.0\): " + misdeed.said
        assert re.search(sentence, run.stderr), run.stderr
        assert "2 devices of its cell restart in 1 s" in run.stderr
        # Down for a second and a bit: what it missed is counted, and it sends again.
        sent = log.count("device_id = 'rogue-00000'")
        missed = sum(
            int(detail.split()[0])
            for device, detail in log.events("missed")
            if device == "rogue-00000"
        )
        assert sent + missed == TICKS and missed >= 1
        assert log.count("device_id = 'rogue-00001' AND seq >= 3") > 0
    elif misdeed.kind == "failed":
        assert run.summary["failed_calls"] == 1
        assert run.summary["cell_restarts"] == 0
        sentence = r"device rogue-00001 \(plugin rogue 0\.1\.0\): tick failed: "
        assert re.search(sentence, run.stderr), run.stderr
        assert log.count("device_id = 'rogue-00001'") == TICKS - 1
    else:
        assert run.summary["retired"] == 1
        assert log.count("device_id = 'rogue-00001'") == AT


def test_cell_that_traps_again_waits_longer(good_group):
    fleet = good_group
    # Two devices of one cell: the second one comes to its tick when the cell is back.
    fleet.guest("rogue", count=2, every=EVERY, config={"does": "trap", "at": AT})
    run = fleet.run("--workers", "1", duration=DURATION)
    assert_good_group_did_not_notice(run)
    waits = [
        re.search(r"2 devices of its cell restart in (\d+) s", detail)[1]
        for device, detail in run.log.events("stopped")
        if not detail.startswith("device ")
    ]
    assert waits == ["1", "2"]


def test_message_of_100_mib_is_refused_with_enough_memory(good_group):
    fleet = good_group
    limits = {"memory": "512MiB", "deadline": "5s"}
    config = {"does": "giant", "at": AT, "index": 0}
    # Copying it takes longer than the good group can wait: a thread of its own.
    fleet.guest("rogue", count=2, every=EVERY, limits=limits, config=config)
    run = fleet.run("--workers", "2", duration=DURATION)
    events = run.log.events("failed") + run.log.events("stopped")
    assert events, run.process.report()
    assert re.search(
        r"returned more than 16 MiB in one call \(limits\.turn-size\)",
        events[0][1],
    ), events
    assert run.log.count("payload_size > 1000000") == 0


def test_output_of_a_guest_is_rate_limited(fleet, broker):
    fleet.broker(broker.url, qos=1)
    config = {"does": "print", "at": 0, "index": 0}
    fleet.guest("rogue", count=1, every=EVERY, limits={"log-lines": 3}, config=config)
    run = fleet.run(duration="1s")
    lines = [line for line in run.stderr.splitlines() if "prints without end" in line]
    assert 1 <= len(lines) <= 3
    assert all(line.startswith("rogue-00000: ") for line in lines)


def test_output_of_a_guest_goes_to_stderr_with_its_device_id(fleet, broker):
    fleet.broker(broker.url, qos=1)
    fleet.guest("probe", "probes_sandbox", count=1)
    run = fleet.run(duration="1s")
    assert "probe-00000: probe probe-00000 prints tick 0" in run.stderr
    assert "probe-00000 (stderr): probe probe-00000 complains at tick 0" in run.stderr


def test_guest_sees_only_the_clock_and_randomness_of_its_run(fleet, broker):
    """Files, environment and network of the machine are hidden."""
    fleet.environment["SECRET_OF_THE_MACHINE"] = "s3cret"
    fleet.broker(broker.url, qos=1)
    fleet.guest("probe", "probes_sandbox", count=2, every="250ms")
    runs = [fleet.run("--seed", "5", duration="1s") for _ in range(2)]
    reports = [
        [json.loads(payload) for payload in sequence]
        for sequence in runs[0].log.payloads().values()
    ]
    again = [
        [json.loads(payload) for payload in sequence]
        for sequence in runs[1].log.payloads().values()
    ]
    for device in reports:
        assert len(device) == 4
        for report in device:
            assert report["tick_us"] == report["system_us"]
            assert report["env"] == [] and report["args"] == []
            for forbidden in ("open", "write", "list", "tcp", "udp", "thread"):
                assert report[forbidden] != "ok", forbidden

    def chance(runs):
        return [[(r["random"], r["map"]) for r in device] for device in runs]

    assert chance(reports) == chance(again)
    numbers = [report["random"] for device in reports for report in device]
    assert len(set(numbers)) == len(numbers)


def test_channel_and_status_that_nothing_names_are_reported(fleet, broker):
    fleet.broker(broker.url, qos=1)
    fleet.guest("stray", count=1, config={"does": "stray"})
    fleet.guest("odd", count=2, config={"does": "status"})
    run = fleet.run(duration="1s")
    assert run.summary["failed_calls"] == 1
    ((_, why),) = run.log.events("failed")
    assert why.startswith('tick: returned a message on channel "elsewhere", which its description')
    (notice,) = run.notices("status")
    assert notice["times"] == 2
    assert notice["text"].endswith(
        '(plugin rogue 0.1.0) reported the status "weird", which its description does not list;'
        " there are well"
    )
    assert run.log.outcomes() == {"acked": 2}
