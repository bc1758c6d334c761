"""Delays or blocks the traffic between devices and a broker."""

import contextlib
import queue
import socket
import threading
import time

from support.wait import free_port


class Line:
    """Listens until it is closed, and forwards all bytes. The broker's answers arrive `late`
    seconds later. Connections are accepted one by one, with a `pause` in seconds before each."""

    def __init__(self, port, *, late=0.0, pause=0.0):
        self.far = port
        self.late = late
        self.pause = pause
        self.reads = threading.Event()
        self.reads.set()
        self.sockets = []
        self.listener = socket.create_server(("127.0.0.1", free_port()), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"mqtt://127.0.0.1:{self.port}"

    def stop_reading(self):
        """From now on, bytes from devices stay in the buffers of their machine."""
        self.reads.clear()

    def accept(self):
        while True:
            time.sleep(self.pause)
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.far))
            except OSError:
                return
            self.sockets += [near, far]
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            late = queue.SimpleQueue()
            for work in ((self.forth, near, far), (self.hear, far, late), (self.back, near, late)):
                threading.Thread(target=quietly, args=work, daemon=True).start()

    def forth(self, near, far):
        while self.reads.wait() and (data := near.recv(1 << 16)):
            # What came while it was not to be read any more waits here.
            self.reads.wait()
            far.sendall(data)
        far.shutdown(socket.SHUT_WR)

    def hear(self, far, late):
        while data := far.recv(1 << 16):
            late.put((time.monotonic() + self.late, data))
        late.put((0.0, b""))

    def back(self, near, late):
        while True:
            due, data = late.get()
            if not data:
                return near.shutdown(socket.SHUT_WR)
            time.sleep(max(0.0, due - time.monotonic()))
            near.sendall(data)

    def close(self):
        self.listener.close()
        self.reads.set()
        for end in self.sockets:
            end.close()


def quietly(work, *arguments):
    """Ignores broken connections: tests break them."""
    with contextlib.suppress(OSError):
        work(*arguments)
