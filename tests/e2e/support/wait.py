"""Waits for conditions, and finds free ports."""

import random
import socket
import time

# Far longer than anything here takes: a machine may be slow, and no test measures time.
PATIENCE = 60


def wait_until(condition, what, patience=PATIENCE):
    """Returns the first true answer of `condition`; `what` names it in the failure."""
    end = time.monotonic() + patience
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"waited {patience} s in vain for {what}"
        time.sleep(0.02)


def free_port():
    """A free port of 127.0.0.1.

    It is below the range of outgoing connections (32768 and up): there, another connection could
    take it before its use, or a client of a missing server could be connected to itself.
    """
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def is_listening(port):
    """Whether a server accepts connections on a port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True
