"""A mosquitto of the benchmark's own, and its own count."""

import os
import resource
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path


class Mosquitto:
    """On a free port; `with` starts and ends it."""

    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self.received = 0
        config = Path(folder) / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
            "max_queued_messages 0\nsys_interval 1\n"
        )
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        paths = os.environ["PATH"] + ":/usr/local/sbin:/usr/sbin"
        program = shutil.which("mosquitto", path=paths)
        if not program:
            raise SystemExit("mosquitto is missing: apt-get install mosquitto mosquitto-clients")
        self.process = subprocess.Popen([program, "-c", config], stderr=subprocess.DEVNULL)
        self.counter = None
        self.wait()
        threading.Thread(target=self.count, daemon=True).start()

    def wait(self):
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.02)

    def count(self):
        topic = "$SYS/broker/publish/messages/received"
        command = ["mosquitto_sub", "-p", str(self.port), "-t", topic]
        self.counter = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.counter.stdout:
            self.received = int(line)

    def settled(self):
        """The count, once it rests: the broker publishes it every second, if it changed."""
        last, since = self.received, time.monotonic()
        while time.monotonic() - since < 3.5:
            time.sleep(0.05)
            if self.received != last:
                last, since = self.received, time.monotonic()
        return last

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.counter, self.process):
            if process:
                process.kill()
                process.wait()
