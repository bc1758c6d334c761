"""A broker that speaks MQTT, and then does what a test wants."""

import contextlib
import socket
import threading
import time

CONNACK = b"\x20\x02\x00\x00"
PINGRESP = b"\xd0\x00"


def variable_length(number):
    """A length of MQTT (3.1.1, section 2.2.3)."""
    out = bytearray()
    while True:
        number, rest = divmod(number, 128)
        out.append(rest | (128 if number else 0))
        if not number:
            return bytes(out)


def publish_head(topic, payload, *, qos=0, packet_id=1):
    """A PUBLISH without its payload, whose length is given."""
    rest = len(topic).to_bytes(2) + topic.encode() + (packet_id.to_bytes(2) if qos else b"")
    return bytes([0x30 | qos << 1]) + variable_length(len(rest) + payload) + rest


def flood(line, topic):
    """Empty messages of QoS 0, as fast as the client reads."""
    many = publish_head(topic, 0) * 5_000
    while True:
        line.send(many)


def deaf(line, topic):
    """Messages of QoS 1, by a broker that reads nothing any more."""
    line.reads.clear()
    many = b"".join(publish_head(topic, 0, qos=1, packet_id=n) for n in range(1, 5_001))
    while True:
        line.send(many)


def endless(line, topic):
    """Messages of 256 MiB, each slowly: 1 MiB every 50 ms."""
    size = 268_435_455 - 2 - len(topic)
    line.send(publish_head(topic, size))
    while True:
        line.send(bytes(1 << 20))
        time.sleep(0.05)


def stray(line, topic):
    """Messages on a topic that nobody has subscribed to."""
    many = publish_head("elsewhere", 0) * 5_000
    while True:
        line.send(many)


def tiny(line, topic):
    """Messages of two bytes, as fast as the client reads."""
    many = (publish_head(topic, 2) + b"xx") * 5_000
    while True:
        line.send(many)


def unconfirmed(line, topic):
    """No confirmation from now on, and messages at a moderate pace."""
    line.confirms = False
    while True:
        line.send(publish_head(topic, 0))
        time.sleep(0.005)


def large(line, topic):
    """Messages of 900 KiB, as fast as the client reads."""
    packet = publish_head(topic, 900 << 10) + bytes(900 << 10)
    while True:
        line.send(packet)


class Line:
    """A connection of the broker."""

    def __init__(self, end, deed):
        self.end = end
        self.deed = deed
        self.reads = threading.Event()
        self.reads.set()
        self.confirms = True
        self.sending = threading.Lock()
        threading.Thread(target=self.serve, daemon=True).start()

    def send(self, data):
        with self.sending:
            self.end.sendall(data)

    def serve(self):
        with contextlib.suppress(OSError, ValueError):
            stream = self.end.makefile("rb")
            while first := stream.read(1):
                self.reads.wait()
                self.answer(first[0], self.body(stream))

    def body(self, stream):
        length = shift = 0
        while True:
            (byte,) = stream.read(1)
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return stream.read(length)

    def answer(self, first, body):
        match first >> 4:
            case 1:
                self.send(CONNACK)
            case 3 if first & 6 and self.confirms:
                topic = 2 + int.from_bytes(body[:2])
                self.send(b"\x40\x02" + body[topic : topic + 2])
            case 8:
                self.send(b"\x90\x03" + body[:2] + b"\x00")
                topic = body[4 : 4 + int.from_bytes(body[2:4])].decode()
                threading.Thread(target=self.act, args=(topic,), daemon=True).start()
            case 12:
                self.send(PINGRESP)

    def act(self, topic):
        with contextlib.suppress(OSError):
            self.deed(self, topic)


class HostileBroker:
    """Confirms messages. Once a client has subscribed, `deed(line, topic)` sends to it."""

    def __init__(self, deed):
        self.deed = deed
        self.lines = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"mqtt://127.0.0.1:{self.port}"

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                end, _ = self.listener.accept()
                self.lines.append(Line(end, self.deed))

    def close(self):
        self.listener.close()
        for line in self.lines:
            line.end.close()
