"""`--until` raises the rate until a limit breaks, and names it.

The limit found is near the limit of the test's own server.
"""

import itertools
import threading
import time

import pytest

from support.backends.server import Answer

# Requests a second that the server takes.
TAKES = 100


class Bucket:
    """A token bucket: each answer takes a token. Without one, a request is refused or waits."""

    def __init__(self, *, refuses):
        self.refuses = refuses
        self.lock = threading.Lock()
        self.free = time.monotonic()

    def __call__(self, _request):
        with self.lock:
            now = time.monotonic()
            # A quarter of a second's tokens fit.
            self.free = max(self.free, now - 0.25)
            wait = self.free + 1 / TAKES - now
            if wait > 0 and self.refuses:
                return Answer(status=503)
            self.free += 1 / TAKES
        if wait > 0:
            time.sleep(wait)
        return Answer()


def search(fleet, *bounds, expect=0, more=()):
    """Runs a search with steps of two seconds; returns its steps and its run."""
    until = [word for bound in bounds for word in ("--until", bound)]
    process = fleet.start("--step", "2s", *until, *more)
    # Some ten steps, and rests between them.
    code = process.finish(patience=240)
    assert code == expect, process.report()
    run = fleet.end(process, expect=expect)
    return [moment for moment in run.progress if moment["event"] == "step"], run


@pytest.mark.parametrize(
    ("refuses", "bound"), [(True, "failed > 5%"), (False, "ack.p99 > 400ms")]
)
def test_search_finds_the_limit_of_the_server(fleet, serve, refuses, bound):
    server = serve(answer=Bucket(refuses=refuses))
    fleet.server(server.url, outbox=1000).group(count=25, start="spread")
    steps, run = search(fleet, bound)
    limit = run.summary["limit"]
    assert limit["found"] and limit["who"] == "backend"
    held, broke = limit["held"], limit["broke"]
    # Both lie around what the server takes: a twentieth is allowed to fail, and a step's
    # rate is only as even as its devices.
    assert TAKES * 0.6 <= held["asked_per_second"] <= TAKES * 1.25
    assert TAKES * 0.8 <= broke["asked_per_second"] <= TAKES * 1.4
    assert held["factor"] < broke["factor"] <= held["factor"] * 1.1001
    assert broke["why"], "what broke it is named"
    # First twofold, from the rate of the fleet file on; on a busy machine a step may have
    # been tried twice.
    factors = [factor for factor, _ in itertools.groupby(step["factor"] for step in steps)]
    assert factors[:3] == [1.0, 2.0, 4.0]
    assert steps[0]["held"]
    # What breaks is tried twice before it is believed.
    for step, after in zip(steps, steps[1:], strict=False):
        if step["again"]:
            assert after["factor"] == step["factor"]
    # Every message is a row, as ever.
    assert run.log.count() == run.counted() == len(server.requests)
    run.log.assert_sound()


def test_broker_that_takes_every_rate_is_not_blamed(fleet, broker):
    # Ten times faster is as fast as a device can be.
    fleet.broker(broker.url, qos=1).group(count=2, every="10ms", start="spread")
    steps, run = search(fleet, "ack.p99 > 10s", "failed > 50%", "lag.p99 > 10s", expect=1)
    limit = run.summary["limit"]
    # On a machine that is busy, a thousand ticks a second are too many for one device.
    words = {"none": "nothing broke", "host": "the host was reached first"}
    assert not limit["found"] and words[limit["who"]] in limit["words"]
    if limit["who"] == "none":
        assert limit["broke"] is None and limit["held"]["factor"] == 10.0
    assert [step["factor"] for step in steps][0] == 1.0
    assert max(step["factor"] for step in steps) <= 10.0
    # The rates were really there.
    assert broker.received() == run.counted()
    for step in steps:
        if step["held"]:
            assert step["messages_per_second"] >= 0.8 * step["asked_per_second"]


def test_host_limit_is_reported_with_its_evidence(fleet, broker):
    fleet.broker(broker.url, qos=1)
    # Some milliseconds a tick: a few hundred a second are all that one thread can do.
    fleet.guest(count=50, every="1s", start="spread", config={"effort": 3_000})
    _, run = search(fleet, "ack.p99 > 10s", expect=1, more=["--workers", "1"])
    limit = run.summary["limit"]
    assert (limit["who"], limit["found"]) == ("host", False)
    assert "the host was reached first" in limit["words"]
    assert any("workers were busy" in why for why in limit["broke"]["why"])
    # Far below what mosquitto takes.
    assert limit["broke"]["asked_per_second"] < 10_000


def test_ctrl_c_ends_a_search_with_its_results_so_far(fleet, broker):
    fleet.broker(broker.url, qos=1).group(count=2, every="1s", start="spread")
    process = fleet.start("--step", "2s", "--until", "ack.p99 > 10s")
    process.wait_for_line('"event":"step"', of="out")
    process.interrupt()
    run = fleet.end(process, expect=130)
    assert run.summary["limit"]["interrupted"]
    assert "the search was stopped" in run.summary["limit"]["words"]


def test_search_prints_readable_lines(fleet, serve):
    server = serve(answer=lambda _: Answer(status=503))
    fleet.server(server.url).group(count=5, every="100ms", start="spread")
    fleet.write()
    process = fleet.mockfleet("run", "fleet.toml", "--step", "1s", "--until", "failed > 1%")
    process.wait_for_line(r"step 1: 50/s ticks asked \(1\.00 times the fleet file's rate\)")
    process.wait_for_line(r"broke \(backend\): failed was 100\.00 % \(> 1%\)")
    process.interrupt()
    assert process.finish() == 130
    assert "Limit                    not found: the search was stopped" in process.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--until", "ack.p98 > 1s"], 'ack has no "p98"'),
        (["--until", "ack.p99 > 200"], "wanted is a time, such as 200ms"),
        (["--until", "failed > 1%", "--duration", "5s"], "cannot be used with"),
        (["--until", "failed > 1%", "--step", "1ms"], "between 1s and 1h"),
        (["--step", "2s"], "--until"),
    ],
)
def test_faults_of_a_search_are_reported_before_anything_is_sent(fleet, serve, arguments, says):
    server = serve()
    fleet.server(server.url).group()
    process = fleet.start(*arguments)
    assert process.finish() == 2
    assert says in process.stderr
    assert server.requests == []


def test_groups_without_a_rate_to_raise_are_refused_together(fleet, serve):
    server = serve()
    fleet.server(server.url)
    fleet.group("fast", rate="max").group("staged", stages=[{"duration": "1s", "rate": "5/s"}])
    process = fleet.start("--until", "failed > 1%")
    assert process.finish() == 2
    assert 'group "fast" is called as fast as it goes' in process.stderr
    assert 'group "staged" has stages' in process.stderr
