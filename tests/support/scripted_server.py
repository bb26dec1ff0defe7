"""A real server on loopback whose answers each test writes itself, byte for byte if need be."""

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
    """A request as it came; header names are in lower case."""

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
    """Return an answer's bytes; what is no bytes is sent as JSON."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    length = len(body) if length is None else length
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Odd"
    lines = [f"HTTP/1.1 {status} {phrase}", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in dict(headers).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def page(records, total=None, **pagination):
    """Return a page of a list as the API answers it."""
    total = len(records) if total is None else total
    return answer({"results": records, "pagination": {"total_count": total, **pagination}})


class Scripted:
    """A server that asks a function for each answer.

    The function gets the `Request`. It returns the bytes to send; an answer shorter than its own
    length ends the connection. None resets the connection without an answer, and `STALL` lets it
    wait for as long as the server runs; a list holds bytes to send, with `STALL` in between.
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
        # Closing a socket does not wake the thread that waits on it; a connection does.
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
        """Answer one request; return whether another may follow."""
        line, *lines = head.split("\r\n")
        headers = dict(entry.split(": ", 1) for entry in lines)
        request = Request(line, {name.lower(): value for name, value in headers.items()})
        self.requests.append(request)
        given = self.respond(request)
        if given is None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        sent = b""
        for part in given if isinstance(given, list) else [given]:
            if part is self.STALL:
                self._ended.wait(30)
                return False
            sock.sendall(part)
            sent += part
        head, _, body = sent.partition(b"\r\n\r\n")
        lengths = [x for x in head.lower().split(b"\r\n") if x.startswith(b"content-length: ")]
        return bool(lengths) and len(body) == int(lengths[0].split()[1])


def always(given):
    """Return a function that gives the same answer to every request."""
    return lambda request: given


def in_turn(*given):
    """Return a function that gives one answer after the other, and the last for ever."""
    left = list(given)
    return lambda request: left.pop(0) if len(left) > 1 else left[0]
