"""A full disk during a run: devices wait, and with free space all rows are written."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

from support.fleet import BINARY, Fleet
from support.log import Log
from support.process import Process
from support.rounds import rounds
from support.wait import PATIENCE, wait_until

SIZE = 32 << 20


class Disk:
    """A small file system in a mount namespace of its own. It ends with the process that holds
    it, which ends with this one."""

    def __init__(self, folder, size=SIZE):
        self.folder = folder
        folder.mkdir()
        mount = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && echo mounted && exec cat'
        tried = []
        # Root needs no user namespace, and others get none on some machines.
        for self.flags in (["--mount"], ["--user", "--map-root-user", "--mount"]):
            self.holder = subprocess.Popen(
                ["unshare", *self.flags, "sh", "-c", mount, "sh", str(size), str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            if self.holder.stdout.readline() == "mounted\n":
                return
            _, why = self.holder.communicate(timeout=PATIENCE)
            tried.append(why.strip())
        pytest.skip(f"no file system can be mounted here: {'; '.join(tried)}")

    @property
    def seen(self):
        """The folder of the file system, from outside of the namespace."""
        return Path(f"/proc/{self.holder.pid}/root") / self.folder.relative_to("/")

    def inside(self, *command):
        """The command that runs another one inside of the namespace, in the folder."""
        enter = ["nsenter", "--target", str(self.holder.pid), "--mount"]
        if "--user" in self.flags:
            enter += ["--user", "--preserve-credentials"]
        return [*enter, "sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", self.folder, *command]

    def fill(self):
        """Takes the free space, to the last byte."""
        with open(self.seen / "ballast", "ab", buffering=0) as ballast:
            piece = 1 << 20
            while piece:
                try:
                    ballast.write(bytes(piece))
                except OSError as error:
                    assert error.errno == errno.ENOSPC, error
                    piece //= 2

    def give_back(self, room):
        """Frees `room` bytes of the taken space."""
        os.truncate(self.seen / "ballast", (self.seen / "ballast").stat().st_size - room)

    def make_room(self):
        (self.seen / "ballast").unlink()

    def close(self):
        self.holder.communicate(timeout=PATIENCE)


class FleetThere(Fleet):
    """A fleet whose folder and store are on such a disk."""

    def __init__(self, disk):
        super().__init__(disk.seen)
        self.disk = disk

    def mockfleet(self, *arguments):
        command = self.disk.inside(BINARY, *arguments)
        process = Process(command, environment=self.environment)
        self.processes.append(process)
        return process


@pytest.fixture
def disk(tmp_path, closing):
    return closing(Disk(tmp_path / "disk"))


@pytest.fixture
def small_fleet(disk, broker, closing):
    """A fleet of small payloads, with new files every second."""
    fleet = closing(FleetThere(disk))
    fleet.broker(broker.url, qos=1, outbox=10_000)
    fleet.group(count=20, every="50ms", config={"size": 1000})
    return fleet.set(log={"roll": {"every": "1s"}})


def begin(fleet):
    """Starts a run and waits until files of it are in the store. One worker: each reserves
    space of its own."""
    return fleet.start_and_wait_for(lambda: Log(fleet.store).files("sends"), "--workers", "1")


def wait_until_held_up(process, broker):
    """Waits until the run reports the full disk and no device sends."""
    process.wait_for_line("^warning: .*(No space left on device|is over its limit)")

    def still():
        # Each is a count of its own moment, a second or more after the one before.
        return broker.received() == broker.received()

    wait_until(still, "devices to wait")


def assert_everything_is_written(run, fleet, broker):
    log = run.log
    assert log.count() == run.summary["rows"] == run.counted()
    assert log.outcomes().get("acked") == broker.received()
    log.assert_sound()
    assert run.summary["log_error"] is None
    assert not (fleet.store / ".spool").exists()


def test_devices_wait_for_a_full_disk_and_all_rows_are_written(small_fleet, disk, broker):
    process = begin(small_fleet)
    outages = rounds(1, 5)
    for _ in range(outages):
        disk.fill()
        wait_until_held_up(process, broker)
        before = broker.received()
        assert process.is_running()
        disk.make_room()
        wait_until(lambda sent=before: broker.received() > sent + 100, "devices to go on")
    files = len(Log(small_fleet.store).files("sends"))
    wait_until(lambda: len(Log(small_fleet.store).files("sends")) > files, "a file")
    process.interrupt()
    run = small_fleet.end(process, expect=130)
    assert_everything_is_written(run, small_fleet, broker)
    assert run.counted("acked") == run.counted(), "what waited has left"
    # What was due meanwhile is no message, and counted.
    assert run.summary["missed_ticks"] > 0
    # And nobody else is blamed for it.
    assert run.summary["bottleneck"]["who"] == "log", run.summary["bottleneck"]
    assert run.summary["held_up"] > 0.01
    assert run.summary["ticks"] == run.counted()
    missed = run.log.column("SELECT detail FROM events WHERE kind = 'missed'")
    assert len(missed) >= 20, "each device missed something"
    # In each outage rows find no room, or files, or both: each is reported once.
    lines = [line for line in process.err if "No space left on device" in line]
    assert len(lines) == len(set(lines)) <= 2 * outages, run.stderr
    notices = {f"warning: {notice['text']}" for notice in run.notices("No space left on device")}
    assert set(lines) <= notices


def test_small_disk_passes_more_rows_than_it_holds(small_fleet, disk, broker):
    # Each message is 20 KB in the spool, and hardly anything in a file.
    small_fleet.content["groups"][0]["config"] = {"size": 20_000}
    disk.fill()
    disk.give_back(12 << 20)
    process = small_fleet.start("--workers", "1")
    # Whether devices have to wait now and then or not: nobody else makes room.
    wait_until(lambda: broker.received() > 3000, "five times as much as the disk has")
    process.interrupt()
    run = small_fleet.end(process, expect=130)
    assert_everything_is_written(run, small_fleet, broker)


def test_rows_without_room_are_lost_and_counted_when_configured(small_fleet, disk, broker):
    small_fleet.set(log={"spool_full": "drop"})
    process = begin(small_fleet)
    disk.fill()
    process.wait_for_line("^warning: .*(No space left on device|is over its limit)")
    before = broker.received()
    # Nobody waits for the disk.
    wait_until(lambda: broker.received() > before + 1000, "devices that go on")
    assert process.is_running()
    disk.make_room()
    files = len(Log(small_fleet.store).files("sends"))
    wait_until(lambda: len(Log(small_fleet.store).files("sends")) > files + 1, "new files")
    process.interrupt()
    run = small_fleet.end(process, expect=130)
    log, lost = run.log, run.summary["lost_rows"]
    assert lost > 0
    assert log.count() + lost == run.counted() == broker.received()
    assert log.count() == run.summary["rows"]
    assert run.summary["missed_ticks"] == 0
    assert log.events("lost"), "the log says where it has a hole"
    # What there is, is there once.
    assert log.one("SELECT count(DISTINCT (device_id, seq)) FROM sends") == log.count()
    numbers = log.column("SELECT log_seq FROM sends ORDER BY log_seq")
    assert numbers == list(range(len(numbers)))
    assert not (small_fleet.store / ".spool").exists()


def test_run_ending_on_a_full_disk_writes_rows_after_it_has_room(small_fleet, disk, broker):
    # So many that there are always some which have not left.
    small_fleet.content["groups"][0]["count"] = 200
    process = begin(small_fleet)
    disk.fill()
    wait_until_held_up(process, broker)
    process.interrupt()
    process.wait_for_line("stopping: no new ticks")
    process.wait_for_line("closing the log: ")
    disk.make_room()
    run = small_fleet.end(process, expect=130)
    assert_everything_is_written(run, small_fleet, broker)
    assert run.summary["missed_ticks"] > 0
    # A message that was not on the disk when the run ended never left, and its row says so.
    assert run.log.count("outcome = 'dropped' AND (attempt != 0 OR error IS NULL)") == 0
    assert set(run.log.outcomes()) <= {"acked", "dropped"}


def test_process_killed_on_a_full_disk_loses_no_counted_row(small_fleet, disk, broker):
    # Nothing may leave before it is on the disk, and what finds no room is much at once.
    small_fleet.content["groups"][0] |= {"count": 200, "config": {"size": 5000}}
    process = begin(small_fleet)
    disk.fill()
    wait_until_held_up(process, broker)
    process.kill()
    disk.make_room()
    recovering = small_fleet.mockfleet("logs", "recover", "logs")
    assert recovering.finish() == 0, recovering.report()
    log = Log(small_fleet.store)
    assert log.count() >= process.published_outcomes()
    assert set(log.outcomes()) <= {"acked", "unconfirmed"}
    log.assert_sound()
    assert broker.received() <= log.count(), "what left is a row"
    # The last record may be half on the disk: it is kept where nobody deletes it.
    spool = small_fleet.store / ".spool"
    left = [path.name for path in spool.iterdir()] if spool.exists() else []
    assert left in ([], ["damaged"]), recovering.report()
    assert bool(left) == ("set aside" in recovering.stdout), recovering.report()


def test_disk_full_at_start_is_reported_before_anything_is_sent(small_fleet, disk, broker):
    small_fleet.write()
    disk.fill()
    process = small_fleet.mockfleet("run", "fleet.toml", "--json", "--duration", "1s")
    assert process.finish() == 2, process.report()
    (sentence,) = process.err
    assert "No space left on device" in sentence and "--log" in sentence
    assert broker.clients() == []
    assert not small_fleet.store.exists(), "what it made, it took away"
