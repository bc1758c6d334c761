"""Ctrl-C ends a run in order with a complete log; a second one ends it at once."""

import signal

import pytest

from support.backends.s3 import Moto
from support.wait import wait_until


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_ctrl_c_ends_the_run_with_a_complete_log(fleet, broker, subscribe, number):
    subscriber = subscribe(broker)
    fleet.broker(broker.url, qos=1).group(count=20, every="50ms")
    process = fleet.start()
    subscriber.wait_for(100)
    process.child.send_signal(number)
    run = fleet.end(process, expect=130)
    rows = run.log.count()
    assert rows == run.summary["rows"] == run.counted() >= 100
    assert broker.received() == rows
    assert run.log.outcomes() == {"acked": rows}
    assert "Ctrl-C again stops at once" in run.stderr
    run.log.assert_sound()


def test_second_ctrl_c_ends_the_run_at_once(fleet, silent_server):
    fleet.server(silent_server.url, timeout="1h").group(count=1, every="1h")
    process = fleet.start()
    silent_server.wait_for(1)
    process.interrupt()
    # From here on, the request that nobody answers would be waited for.
    process.wait_for_line("Ctrl-C again stops at once")
    process.interrupt()
    assert process.finish() == 130
    assert not any('"event":"summary"' in line for line in process.out)


def test_open_messages_get_time_to_be_confirmed(fleet, silent_server):
    fleet.server(silent_server.url, timeout="1h").group(count=3, every="1h")
    process = fleet.start()
    silent_server.wait_for(3)
    process.interrupt()
    process.wait_for_line("open messages have 5 s")
    silent_server.release.set()
    run = fleet.end(process, expect=130)
    assert run.log.outcomes() == {"acked": 3}


def test_run_without_a_duration_continues_until_stopped(fleet, broker, subscribe):
    subscriber = subscribe(broker)
    fleet.broker(broker.url).group(count=2, every="100ms")
    process = fleet.start()
    subscriber.wait_for(50)
    assert process.is_running()
    process.interrupt()
    fleet.end(process, expect=130)


def test_second_ctrl_c_ends_the_run_at_once_with_a_store_down(fleet, broker, tmp_path, closing):
    store = closing(Moto(tmp_path / "s3"))
    store.start()
    fleet.environment |= store.environment()
    fleet.set(log={"store": f"s3://{store.bucket}/logs"})
    fleet.broker(broker.url, qos=1).group(count=1)
    process = fleet.start()
    # The connections are open before the clock starts, and the log has no row before.
    wait_until(lambda: broker.received() > 0, "a message")
    store.close()
    process.interrupt()
    process.wait_for_line("closing the log: ")
    process.interrupt()
    # Far less than it would wait for the store.
    assert process.finish(patience=20) in (130, -signal.SIGINT)
    assert process.out == [] or '"summary"' not in process.out[-1]
