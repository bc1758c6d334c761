"""Serves HTTP/1.1: records the requests and gives the answers of the test."""

import socket
import ssl
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.wait import PATIENCE, free_port


@dataclass
class Request:
    """A received request."""

    method: str
    path: str
    headers: dict
    body: bytes
    # Which of the server's connections it came over, from 1.
    connection: int


@dataclass
class Answer:
    """An answer. `reset`: the connection is reset instead. `after`: an event that the answer
    waits for."""

    status: int = 204
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    reset: bool = False
    after: threading.Event | None = None


class Server:
    """Listens until it is closed. `answer` gets each request and returns its answer."""

    def __init__(
        self, *, answer=lambda request: Answer(), tls=None, client_certificates=False, port=0
    ):
        self.answer = answer
        self.requests = []
        self.connections = 0
        self.changed = threading.Condition()
        self.context = context(tls, client_certificates) if tls else None
        self.http = Listener(("127.0.0.1", port or free_port()), handler(self))
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def connected(self):
        with self.changed:
            self.connections += 1
            return self.connections

    def keep(self, request):
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()

    def wait_for(self, count):
        """Waits until `count` requests have arrived, and returns all of them."""
        with self.changed:
            came = self.changed.wait_for(lambda: len(self.requests) >= count, PATIENCE)
            assert came, f"{len(self.requests)} requests came, {count} were waited for"
            return list(self.requests)

    def close(self):
        self.http.shutdown()
        self.http.server_close()


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    # Handlers may still wait for a test's event: nobody waits for them.
    block_on_close = False
    # Connections that come at once; five is the library's own.
    request_queue_size = 128

    def handle_error(self, request, client_address):
        # Clients that go away in the middle are what some tests are about.
        pass


def context(tls, client_certificates):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(tls.cert, tls.key)
    if client_certificates:
        made.load_verify_locations(tls.ca)
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def handler(server):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body of an answer leave together.
        wbufsize = -1
        disable_nagle_algorithm = True

        def setup(self):
            if server.context:
                # Here and not when accepting: one bad handshake must not hold up the rest.
                self.request = server.context.wrap_socket(self.request, server_side=True)
            self.number = server.connected()
            super().setup()

        def handle_any(self):
            length = int(self.headers.get("content-length", 0))
            request = Request(
                method=self.command,
                path=self.path,
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(length),
                connection=self.number,
            )
            server.keep(request)
            self.give(server.answer(request))

        def give(self, answer):
            if answer.after:
                answer.after.wait(PATIENCE)
            if answer.reset:
                # Closing now sends RST instead of FIN.
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 204:
                self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_):
            pass

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    return Handler
