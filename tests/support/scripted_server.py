"""A real server on loopback whose responses each test defines, byte by byte if necessary."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from dataclasses import dataclass
from http import HTTPStatus

RECORD = {"wiup_code": "1234567890123456", "slug": "a-site", "year": 2024, "phases": []}


@dataclass(frozen=True)
class Request:
    """A request as it was received; header names are in lower case."""

    line: str
    headers: dict[str, str]

    @property
    def target(self):
        return self.line.split(" ")[1]

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return self.target.partition("?")[2]


def answer(body=b"", status=200, *, length=None, headers=()):
    """Return the bytes of a response; a body that is not bytes is sent as JSON."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    length = len(body) if length is None else length
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Odd"
    lines = [f"HTTP/1.1 {status} {phrase}", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in dict(headers).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def page(records, total=None, **pagination):
    """Return the response for one page of a list, in the API's format."""
    total = len(records) if total is None else total
    return answer({"results": records, "pagination": {"total_count": total, **pagination}})


class Scripted:
    """A server that calls a function for each response.

    The function receives the `Request` and returns the bytes to send. A response shorter than its
    Content-Length ends the connection, and None resets it without a response. `STALL` sends
    nothing more until the server stops. A list, or a generator that takes its time, contains bytes
    to send, with `STALL` in between.
    """

    STALL = object()

    def __init__(self, respond):
        self.respond = respond
        self.requests = []
        self.connections = 0
        self._open = set()
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.stop()

    def stop(self):
        """End every connection."""
        self._ended.set()
        # Closing a socket does not wake the thread that waits for it; a connection does.
        with socket.socket() as last:
            last.connect_ex(("127.0.0.1", self.port))
        self._threads[0].join(5)
        self._listener.close()
        for sock in list(self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self):
        while not self._ended.is_set():
            sock, _ = self._listener.accept()
            if self._ended.is_set():
                sock.close()
                return
            self.connections += 1
            self._open.add(sock)
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            ahead = b""
            while True:
                while b"\r\n\r\n" not in ahead:
                    data = sock.recv(65536)
                    if not data:
                        return
                    ahead += data
                head, _, ahead = ahead.partition(b"\r\n\r\n")
                if not self._answer(sock, head.decode("latin-1")):
                    return
        except OSError:
            pass
        finally:
            self._open.discard(sock)
            sock.close()

    def _answer(self, sock, head):
        """Send one response; return whether the connection stays open."""
        line, *lines = head.split("\r\n")
        headers = dict(entry.split(": ", 1) for entry in lines)
        request = Request(line, {name.lower(): value for name, value in headers.items()})
        self.requests.append(request)
        response = self.respond(request)
        if response is None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        sent = b""
        for part in [response] if isinstance(response, bytes) else response:
            if part is self.STALL:
                self._ended.wait(30)
                return False
            sock.sendall(part)
            sent += part
            if self._ended.is_set():
                return False
        head, _, body = sent.partition(b"\r\n\r\n")
        lengths = [x for x in head.lower().split(b"\r\n") if x.startswith(b"content-length: ")]
        return bool(lengths) and len(body) == int(lengths[0].split()[1])


def always(response):
    """Return a function that returns the same response for every request."""
    return lambda request: response


def in_turn(*responses):
    """Return a function that returns one response after the other, then always the last."""
    remaining = list(responses)
    return lambda request: remaining.pop(0) if len(remaining) > 1 else remaining[0]
