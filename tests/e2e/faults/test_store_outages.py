"""Outages of the store during a run: devices send on, and the bucket gets each row once."""

import contextlib
import re

import pytest

from support.backends.s3 import Moto
from support.backends.store_proxy import (
    Proxy,
    Together,
    answering,
    dropping_replies,
    resetting,
    slow,
)
from support.log import Log
from support.rounds import rounds
from support.wait import wait_until

TROUBLES = {
    "resetting": resetting,
    "dropping-replies": dropping_replies,
    "403": answering(403),
    "500": answering(500),
    "503": answering(503),
}
# A tick of each device.
EVERY = "100ms"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with contextlib.closing(Moto(tmp_path_factory.mktemp("s3"))) as store:
        yield store.start()


@pytest.fixture
def proxy(store, closing):
    return closing(Proxy(store))


@pytest.fixture
def s3_fleet(fleet, broker, store, proxy):
    """A fleet whose log goes into the bucket through the proxy, under a prefix of its own;
    there are new files every second."""
    fleet.environment |= proxy.environment()
    fleet.broker(broker.url, qos=1, outbox=10_000).group(count=10, every=EVERY)
    fleet.set(log={"store": f"s3://{store.bucket}/{prefix(fleet)}", "roll": {"every": "1s"}})
    return fleet


def prefix(fleet):
    return fleet.folder.parent.name


def location(fleet):
    return fleet.content["log"]["store"]


def spool(fleet):
    return fleet.folder / "state/mockfleet/spool"


def waiting(fleet):
    """The manifests of files that are whole and not in the bucket."""
    return [file for file in spool(fleet).glob("*/*.json") if file.stem.isdigit()]


def objects(store, fleet):
    return store.keys(f"{prefix(fleet)}/sends")


def bucket_log(store, fleet, tmp_path, run=None):
    """The log in the bucket."""
    return Log(store.download(tmp_path / "copy", prefix(fleet)), run=run)


def assert_said_once(run, fleet):
    """The warning about the store was printed once, in one line, and is counted. A refused
    upload and a refused listing have texts of their own."""
    about = [line for line in run.process.err if line.startswith(f"warning: {location(fleet)}")]
    notices = run.notices(f"{location(fleet)} takes no file")
    assert 1 <= len(about) <= 2, run.stderr
    assert sorted(about) == sorted(f"warning: {notice['text']}" for notice in notices)
    assert sum(notice["times"] for notice in notices) >= 2


def assert_on_schedule(log):
    """Each device sent at each of its times: an outage of the store delays no device."""
    steps = log.column(
        """SELECT DISTINCT epoch_us(scheduled_at) - epoch_us(lag(scheduled_at) OVER
           (PARTITION BY device_id ORDER BY seq)) AS step FROM sends QUALIFY step IS NOT NULL"""
    )
    assert steps == [100_000]


def assert_all_there(run, store, fleet, broker, tmp_path):
    """The bucket has what the broker counted, each message once."""
    log = bucket_log(store, fleet, tmp_path, run.summary["run"])
    assert log.count() == run.summary["rows"] == run.counted() == broker.received()
    assert log.outcomes() == {"acked": run.counted()}
    log.assert_sound()
    assert len(store.files(prefix(fleet))) == run.summary["files"], "no file is there twice"
    assert run.summary["missed_ticks"] == 0
    assert_on_schedule(log)
    assert not spool(fleet).exists(), "what is in the bucket is on no disk"


def begin(fleet, store, *arguments):
    """Starts a run and waits until files of it are in the bucket."""
    return fleet.start_and_wait_for(lambda: objects(store, fleet), *arguments)


def end(fleet, process, store):
    """Ends a run once files have come after the trouble."""
    before = len(objects(store, fleet))
    wait_until(lambda: len(objects(store, fleet)) > before + 1, "files after the trouble")
    process.interrupt()
    return fleet.end(process, expect=130)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_store_failures_leave_each_row_in_the_bucket_once(
    s3_fleet, store, proxy, broker, tmp_path, trouble
):
    process = begin(s3_fleet, store)
    for _ in range(rounds(1, 5)):
        wait_until(lambda: not waiting(s3_fleet), "the files of the last outage to be uploaded")
        proxy.spoils(TROUBLES[trouble])
        # More than the HTTP client tries on its own, and more than one generation of files.
        proxy.wait_for_spoiled(6)
        wait_until(lambda: len(waiting(s3_fleet)) >= 3, "files that wait")
        proxy.heals()
    run = end(s3_fleet, process, store)
    assert_all_there(run, store, s3_fleet, broker, tmp_path)
    assert_said_once(run, s3_fleet)
    assert run.summary["log_error"] is None


def test_unreachable_store_gets_all_rows_after_its_return(
    s3_fleet, store, proxy, broker, tmp_path
):
    process = begin(s3_fleet, store)
    proxy.down()
    process.wait_for_line(f"^warning: {location(s3_fleet)}")
    wait_until(lambda: len(waiting(s3_fleet)) >= 3, "files that wait")
    proxy.up()
    run = end(s3_fleet, process, store)
    assert_all_there(run, store, s3_fleet, broker, tmp_path)
    assert_said_once(run, s3_fleet)


def test_slow_store_delays_no_device(s3_fleet, store, proxy, broker, tmp_path):
    process = begin(s3_fleet, store)
    proxy.spoils(slow)
    proxy.wait_for_spoiled(6)
    run = end(s3_fleet, process, store)
    assert_all_there(run, store, s3_fleet, broker, tmp_path)
    assert "takes no file" not in run.stderr, "slow is no trouble"
    assert run.summary["notices"] == []


def test_files_are_uploaded_concurrently(s3_fleet, store, proxy, broker, tmp_path):
    process = begin(s3_fleet, store)
    # Files pile up, so that there is more than one to bring when the store is back.
    proxy.spoils(answering(503))
    wait_until(lambda: len(waiting(s3_fleet)) >= 3, "files that wait")
    proxy.spoils(Together(3), methods=("PUT",))
    proxy.wait_for_spoiled(3)
    proxy.heals()
    run = end(s3_fleet, process, store)
    assert_all_there(run, store, s3_fleet, broker, tmp_path)


def test_stopped_run_with_its_store_down_reports_its_progress(
    s3_fleet, store, proxy, broker, tmp_path
):
    process = begin(s3_fleet, store)
    proxy.down()
    process.wait_for_line(f"^warning: {location(s3_fleet)}")
    wait_until(lambda: len(waiting(s3_fleet)) >= 2, "files that wait")
    process.interrupt()
    process.finish(150)
    # Not 130: the log is not whole, and that is not what was asked for.
    run = s3_fleet.end(process, expect=1)
    whole = run.summary["rows"] + run.summary["spooled_rows"]
    assert whole == run.counted() == broker.received()
    assert run.summary["rows"] == bucket_log(store, s3_fleet, tmp_path).count()
    assert run.summary["files"] > 0 and run.summary["bytes"] > 0
    assert "logs recover" in run.summary["log_error"]
    (notice,) = run.notices(f"{location(s3_fleet)} takes no file")
    assert notice["times"] >= 2


def test_run_waits_for_retries_of_its_last_files(s3_fleet, store, proxy, broker, tmp_path):
    process = begin(s3_fleet, store)
    proxy.spoils(answering(503))
    process.wait_for_line(f"^warning: {location(s3_fleet)}")
    process.interrupt()
    # Nobody sends any more, and files still wait.
    wait_until(lambda: broker.clients() and not connected(broker), "devices to leave")
    proxy.wait_for_spoiled(proxy.spoiled + 2)
    assert process.is_running()
    proxy.heals()
    run = s3_fleet.end(process, expect=130)
    assert_all_there(run, store, s3_fleet, broker, tmp_path)


def connected(broker):
    """How many devices have connected and not left."""
    return len(broker.clients()) - len(broker.logged(r"Client thermometer-\S+ disconnected"))


def recover(fleet, expect=0):
    process = fleet.mockfleet("logs", "recover", location(fleet))
    return process.expect(expect, patience=150)


@pytest.mark.timeout(600)
def test_next_run_uploads_files_that_the_store_did_not_take(
    s3_fleet, store, proxy, broker, tmp_path
):
    process = begin(s3_fleet, store, "--duration", "8s")
    proxy.down()
    process.wait_for_line(f"^warning: {location(s3_fleet)}")
    wait_until(lambda: len(waiting(s3_fleet)) >= 2, "files that wait")
    # The log is tried for a minute after the run.
    process.finish(150)
    run = s3_fleet.end(process, expect=1)
    (folder,) = spool(s3_fleet).iterdir()
    assert folder.name == run.summary["run"]
    assert str(folder) in run.summary["log_error"]
    assert str(folder) in run.stderr
    assert f"mockfleet logs recover {location(s3_fleet)}" in run.stderr
    left = sorted(file.name for file in folder.iterdir())

    # As long as it is down, a sentence and no harm.
    refused = recover(s3_fleet, expect=1)
    assert [line for line in refused.err if location(s3_fleet) in line], refused.report()
    assert sorted(file.name for file in folder.iterdir()) == left

    proxy.up()
    recovered = recover(s3_fleet)
    assert run.summary["run"] in recovered.stdout
    assert f" {run.summary['spooled_rows']:,} rows in sends" in recovered.stdout
    assert "nothing was left behind" in recover(s3_fleet).stdout
    log = bucket_log(store, s3_fleet, tmp_path)
    assert log.count() == run.counted() == broker.received() == 800
    assert log.outcomes() == {"acked": 800}
    log.assert_sound()
    assert run.summary["missed_ticks"] == 0
    assert_on_schedule(log)
    assert not spool(s3_fleet).exists()


@pytest.mark.parametrize("next_one", ["recover", "run"])
@pytest.mark.parametrize("trouble", ["down", "dropping-replies"])
def test_next_command_uploads_files_of_a_killed_process(
    s3_fleet, store, proxy, broker, tmp_path, trouble, next_one
):
    process = begin(s3_fleet, store)
    if trouble == "down":
        proxy.down()
    else:
        # They are in the bucket, and the process does not know.
        proxy.spoils(dropping_replies)
    process.wait_for_line(f"^warning: {location(s3_fleet)}")
    wait_until(lambda: len(waiting(s3_fleet)) >= 2, "files that wait")
    process.kill()
    (folder,) = spool(s3_fleet).iterdir()
    proxy.up() if trouble == "down" else proxy.heals()
    if next_one == "recover":
        assert folder.name in recover(s3_fleet).stdout
        assert "nothing was left behind" in recover(s3_fleet).stdout
    else:
        # It says what it found, and brings it there before it begins.
        assert re.search(f"recovered run {folder.name}", s3_fleet.run(duration="1s").stderr)
    log = bucket_log(store, s3_fleet, tmp_path, folder.name)
    assert log.count() >= process.published_outcomes()
    # What the broker has and no one knows of is a row too.
    everything = bucket_log(store, s3_fleet, tmp_path)
    assert broker.received() <= everything.count()
    assert set(log.outcomes()) <= {"acked", "unconfirmed"}
    log.assert_sound()
    assert_on_schedule(log)
    assert not spool(s3_fleet).exists()
