"""Passes requests on to a store, and fails in the ways of stores and networks."""

import http.client
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.wait import PATIENCE, free_port

# What an S3 server calls each status that is no success.
CODES = {403: "AccessDenied", 500: "InternalError", 503: "SlowDown"}


def answering(status):
    """The store refuses each request with this status."""

    def spoil(exchange):
        exchange.answer(status, {"content-type": "application/xml"}, error(status))

    return spoil


def resetting(exchange):
    """The connection breaks in the middle of a body, or before the answer if there is none."""
    exchange.pass_on(exchange.body[: len(exchange.body) // 2])
    exchange.reset()


def dropping_replies(exchange):
    """The store carries out the request, and the answer is lost."""
    exchange.pass_on(exchange.body)
    exchange.hear()
    exchange.reset()


def slow(exchange):
    """Each request takes a second, whatever its size: the body arrives in pieces."""
    exchange.pass_on(exchange.body, drops=20)
    exchange.answer(*exchange.hear())


class Together:
    """Requests go on once `count` of them are under way."""

    def __init__(self, count):
        self.barrier = threading.Barrier(count)

    def __call__(self, exchange):
        self.barrier.wait(PATIENCE)
        exchange.pass_on(exchange.body)
        exchange.answer(*exchange.hear())


def error(status):
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{CODES[status]}</Code>'
        f"<Message>spoiled by the test</Message></Error>"
    ).encode()


class Proxy:
    """Listens until it is closed. `store` is the server behind it."""

    def __init__(self, store):
        self.store = store
        self.port = free_port()
        self.changed = threading.Condition()
        self.spoil, self.methods = None, ()
        # How many requests were spoiled.
        self.spoiled = 0
        self.connections = set()
        self.http = None
        self.up()

    def environment(self):
        """The variables that a run needs to use the store through the proxy."""
        return self.store.environment() | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}"}

    def up(self):
        """Accepts connections, as it does from the start."""
        self.http = Listener(("127.0.0.1", self.port), handler(self))
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def down(self):
        """Refuses connections, and breaks the open ones."""
        if self.http:
            self.http.shutdown()
            self.http.server_close()
            self.http = None
        with self.changed:
            for connection in self.connections:
                break_off(connection)

    def spoils(self, spoil, *, methods=("PUT", "HEAD")):
        """From now on, requests with these methods are spoiled."""
        with self.changed:
            self.spoil, self.methods, self.spoiled = spoil, methods, 0

    def heals(self):
        """From now on, each request is passed on as it is."""
        self.spoils(None)

    def wait_for_spoiled(self, count):
        """Waits until `count` requests have been spoiled since `spoils`."""
        with self.changed:
            came = self.changed.wait_for(lambda: self.spoiled >= count, PATIENCE)
            assert came, f"{self.spoiled} requests were spoiled, {count} were waited for"

    def take(self, exchange):
        """Passes a request on, or spoils it and counts it."""
        with self.changed:
            spoil = self.spoil if exchange.method in self.methods else None
        if spoil:
            spoil(exchange)
            with self.changed:
                self.spoiled += self.spoil is spoil
                self.changed.notify_all()
        else:
            exchange.pass_on(exchange.body)
            exchange.answer(*exchange.hear())

    def close(self):
        self.down()


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    # Handlers may be in the middle of something slow: nobody waits for them.
    block_on_close = False

    def handle_error(self, request, client_address):
        # Lines that break are what the proxy is for.
        pass


def break_off(connection):
    """Resets the connection instead of closing it."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Whoever reads from it in another thread wakes up.
        connection.shutdown(socket.SHUT_RD)
        connection.close()
    except OSError:
        pass


class Exchange:
    """A request on its way to the store, and the answer on its way back."""

    def __init__(self, handler, store):
        self.handler = handler
        self.method, self.path = handler.command, handler.path
        self.body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        self.line = http.client.HTTPConnection("127.0.0.1", store.port, timeout=PATIENCE)

    def pass_on(self, body, *, drops=1):
        """Sends the head, which promises the whole body, and what `body` has of it."""
        self.line.putrequest(self.method, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.handler.headers.items():
            # As it was signed; the connections are two.
            if name.lower() not in ("connection", "keep-alive"):
                self.line.putheader(name, value)
        self.line.endheaders()
        size = len(body) // drops + 1
        for drop in range(drops):
            self.line.send(body[drop * size : (drop + 1) * size])
            if drops > 1:
                time.sleep(0.05)

    def hear(self):
        """The store's answer: status, headers, body."""
        answer = self.line.getresponse()
        return answer.status, dict(answer.headers), answer.read()

    def answer(self, status, headers, body):
        self.handler.send_response_only(status)
        given = {name.lower() for name in headers}
        for name, value in headers.items():
            if name.lower() not in ("connection", "keep-alive", "transfer-encoding"):
                self.handler.send_header(name, value)
        # What answers a HEAD speaks of a body that does not come.
        if "content-length" not in given and status not in (204, 304):
            self.handler.send_header("content-length", str(len(body)))
        self.handler.end_headers()
        if self.method != "HEAD":
            self.handler.wfile.write(body)

    def reset(self):
        self.handler.close_connection = True
        break_off(self.handler.connection)

    def close(self):
        self.line.close()


def handler(proxy):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body of an answer leave together.
        wbufsize = -1
        disable_nagle_algorithm = True

        def setup(self):
            super().setup()
            with proxy.changed:
                proxy.connections.add(self.connection)

        def finish(self):
            with proxy.changed:
                proxy.connections.discard(self.connection)
            super().finish()

        def handle_any(self):
            exchange = Exchange(self, proxy.store)
            try:
                proxy.take(exchange)
            finally:
                exchange.close()

        def log_message(self, *_):
            pass

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

    return Handler
