"""Starts Mosquitto: a broker for each test, on a free port, with its own configuration."""

import re
import shutil
import signal
import subprocess
import threading

import paho.mqtt.client as mqtt

from support.wait import PATIENCE, free_port, is_listening, wait_until

RECEIVED = "$SYS/broker/publish/messages/received"
# The last of the counts that the broker publishes in one go, and one that always
# changes: the messages about the counts are themselves bytes.
LAST = "$SYS/broker/bytes/sent"


class Broker:
    """One broker. `stop` and `start` keep its port."""

    def __init__(
        self,
        folder,
        *,
        users=None,
        tls=None,
        client_certificates=False,
        persistent=False,
        max_packet_size=None,
    ):
        """`users`: passwords by name. `tls`: what `Certificates.server` made; with
        `client_certificates` a client must show one of the same CA. `persistent`: keeps
        sessions over a restart. `max_packet_size`: ends a connection on a longer packet."""
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.users, self.tls = users or {}, tls
        self.max_packet_size = max_packet_size
        # Always without login and in the clear: for the test's own clients.
        self.back_door = free_port()
        self.log = self.folder / "mosquitto.log"
        self.child = None
        self.config = self.folder / "mosquitto.conf"
        self.config.write_text("\n".join(self.lines(client_certificates, persistent)) + "\n")

    def lines(self, client_certificates, persistent):
        yield "per_listener_settings true"
        # What is published a second later is waited for a second less long.
        yield "sys_interval 1"
        # A count that a test relies on must not end at a limit.
        yield from ("max_queued_messages 0", "max_inflight_messages 0", "set_tcp_nodelay true")
        if self.max_packet_size:
            yield f"max_packet_size {self.max_packet_size}"
        if persistent:
            yield from ("persistence true", f"persistence_location {self.folder}/")
        yield f"log_dest file {self.log}"
        yield "log_type all"
        yield f"listener {self.back_door} 127.0.0.1"
        yield "allow_anonymous true"
        yield f"listener {self.port} 127.0.0.1"
        if self.tls:
            yield f"cafile {self.tls.ca}"
            yield f"certfile {self.tls.cert}"
            yield f"keyfile {self.tls.key}"
            yield f"require_certificate {'true' if client_certificates else 'false'}"
        if self.users:
            file = self.folder / "passwords"
            file.touch(mode=0o600)
            for name, password in self.users.items():
                command = ["mosquitto_passwd", "-b", str(file), name, password]
                subprocess.run(command, check=True, capture_output=True)
            yield f"password_file {file}"
            yield "allow_anonymous false"
        else:
            yield "allow_anonymous true"
        # Started by root, it would go on as a user who cannot read this folder.
        yield "user root"

    @property
    def url(self):
        return f"{'mqtts' if self.tls else 'mqtt'}://127.0.0.1:{self.port}"

    def start(self):
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.child = subprocess.Popen(
            [program, "-c", str(self.config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self.is_up, f"mosquitto on port {self.port}; see {self.log}")
        self.counts = Counts(self.back_door)
        return self

    def is_up(self):
        assert self.child.poll() is None, f"mosquitto ended:\n{self.log_text()}"
        return is_listening(self.port) and is_listening(self.back_door)

    def stop(self):
        if self.child is None:
            return
        self.counts.close()
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(PATIENCE)
        finally:
            self.child.kill()
        self.child = None

    def received(self):
        """The number of messages that clients have published, by the broker's own count.

        It leaves out those with QoS 2 or retain: mosquitto 2.0 compares the packet's first
        byte with too many of its flags. `published` has them all.
        """
        return self.counts.now()

    def published(self):
        """The number of messages that mockfleet has published, by the lines of the broker's log."""
        return len(self.logged(r"Received PUBLISH from (?!auto-)"))

    def clients(self):
        """The ids of the clients that connected, one for each time, without the test's own clients,
        whose ids are made up by paho and the broker."""
        lines = self.logged("New client connected from ")
        ids = [re.search(r" as (\S+) \(", line)[1] for line in lines]
        return [name for name in ids if name != "counts" and not name.startswith("auto-")]

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def logged(self, pattern):
        """The lines of its log that have the pattern."""
        return [line for line in self.log_text().splitlines() if re.search(pattern, line)]


class Counts:
    """Subscribes to the broker's own counts."""

    def __init__(self, port):
        self.changed = threading.Condition()
        self.rounds = 0
        self.received = 0
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="counts")
        self.client.on_connect = lambda client, *_: client.subscribe([(RECEIVED, 0), (LAST, 0)])
        self.client.on_message = self.take
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def take(self, _client, _data, message):
        with self.changed:
            if message.topic == RECEIVED:
                self.received = int(message.payload)
            elif not message.retain:
                self.rounds += 1
                self.changed.notify_all()

    def now(self):
        """The count of a round that began after this call: the next round to end may have begun
        before it."""
        with self.changed:
            after = self.rounds + 2
            came = self.changed.wait_for(lambda: self.rounds >= after, PATIENCE)
            assert came, "mosquitto publishes no counts"
            return self.received

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()
