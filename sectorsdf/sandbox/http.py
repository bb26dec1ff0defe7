"""HTTP/1.1 on one connection: read a request, and send a response in a single write.

Owns bytes and headers. Knows neither paths nor records.
"""

from __future__ import annotations

import gzip
import socket
import struct
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorsdf.sandbox.api import Response

__all__ = ["Connection", "ProtocolError", "Request"]


_LONGEST_HEAD = 64 * 1024
_LONGEST_BODY = 1024 * 1024
_DRAIN_SECONDS = 1.0
# Compression makes a shorter body longer.
_SHORTEST_GZIP = 256


class ProtocolError(Exception):
    """Bytes that are not a request that this server can read.

    Attributes
    ----------
    status : int
        The status to answer them with: 400, 413, 431, 501 or 505.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes
    ----------
    method, path, query : str
        Parts of the request line. Path and query are still percent-encoded.
    headers : dict of str to str
        Names in lower case. Values of a repeated header are joined by commas.
    body : bytes
        The body, usually empty.
    keep_alive : bool
        Whether the client allows another request on the connection.
    """

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    keep_alive: bool = True


class Connection:
    """An accepted socket, with the bytes read from it that belong to later requests.

    Parameters
    ----------
    sock : socket.socket
        Plain or TLS.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._ahead = bytearray()

    def read(self) -> Request | None:
        """Return the next request, None if the client has closed the connection.

        Raises
        ------
        ProtocolError
            If the bytes are not a request that this server can read.
        """
        while (end := self._ahead.find(b"\r\n\r\n")) < 0:
            if len(self._ahead) > _LONGEST_HEAD:
                raise ProtocolError(431)
            if not self._receive():
                return None
        if end > _LONGEST_HEAD:
            raise ProtocolError(431)
        head = bytes(self._ahead[:end]).decode("latin-1")
        del self._ahead[: end + 4]
        first, *lines = head.lstrip("\r\n").split("\r\n")
        method, path, query, version = _request_line(first)
        headers = _headers(lines)
        connection = headers.get("connection", "").lower()
        body = self._body(headers)
        if body is None:
            return None
        keep_alive = "close" not in connection and (
            version == "HTTP/1.1" or "keep-alive" in connection
        )
        return Request(method, path, query, headers, body, keep_alive)

    def _receive(self) -> bool:
        data = self._sock.recv(64 * 1024)
        self._ahead += data
        return bool(data)

    def _body(self, headers: Mapping[str, str]) -> bytes | None:
        if "transfer-encoding" in headers:
            raise ProtocolError(501)
        text = headers.get("content-length", "0")
        if not (text.isascii() and text.isdigit()):
            raise ProtocolError(400)
        length = int(text) if len(text) < 10 else _LONGEST_BODY + 1
        if length > _LONGEST_BODY:
            raise ProtocolError(413)
        if length and headers.get("expect", "").lower() == "100-continue":
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(self._ahead) < length:
            if not self._receive():
                return None
        body = bytes(self._ahead[:length])
        del self._ahead[:length]
        return body

    def send(
        self, response: Response, source: str, request: Request, *, close: bool, cut: bool = False
    ) -> None:
        """Send a response, headers and body in one write.

        Two writes would take some 40 ms longer: Nagle's algorithm holds the second one back until
        the client acknowledges the first, and clients delay acknowledgements.

        Parameters
        ----------
        response : Response
            The response.
        source : str
            Value of the `X-Data-Source` header.
        request : Request
            The request that it answers.
        close : bool
            Whether the connection ends afterwards.
        cut : bool
            Whether to send only half of the body, with the Content-Length of the whole.
        """
        body = response.body
        headers = [
            ("Content-Type", response.content_type),
            ("X-Data-Source", source),
            ("Vary", "Accept-Encoding"),
            *response.headers,
        ]
        if len(body) >= _SHORTEST_GZIP and _accepts_gzip(request.headers):
            body = gzip.compress(body, compresslevel=1, mtime=0)
            headers.append(("Content-Encoding", "gzip"))
        lines = [
            f"HTTP/1.1 {response.status} {_phrase(response.status)}",
            "Server: sectorsdf-sandbox",
            f"Date: {formatdate(usegmt=True)}",
            *(f"{name}: {value}" for name, value in headers),
            f"Content-Length: {len(body)}",
            f"Connection: {'close' if close else 'keep-alive'}",
        ]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        if request.method == "HEAD":
            body = b""
        self._sock.sendall(head + (body[: len(body) // 2] if cut else body))

    def drain(self) -> None:
        """Read what the client still sends, for at most a second, before closing.

        Closing a socket with unread bytes resets the connection, and the client may lose the
        response.
        """
        self._sock.shutdown(socket.SHUT_WR)
        self._sock.settimeout(_DRAIN_SECONDS)
        left = 4 * _LONGEST_BODY
        while left > 0 and (data := self._sock.recv(64 * 1024)):
            left -= len(data)

    def abort(self) -> None:
        """Make the socket reset the connection when it is closed."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _request_line(line: str) -> tuple[str, str, str, str]:
    parts = line.split(" ")
    if len(parts) != 3 or not parts[0].isascii() or not parts[0].replace("-", "").isalpha():
        raise ProtocolError(400)
    method, target, version = parts
    if version not in {"HTTP/1.0", "HTTP/1.1"}:
        raise ProtocolError(505 if version.startswith("HTTP/") else 400)
    scheme, separator, rest = target.partition("://")
    if separator and scheme.lower() in {"http", "https"}:
        # The absolute form, which clients send to a proxy.
        target = f"/{rest.partition('/')[2]}"
    if not target.startswith("/"):
        raise ProtocolError(400)
    path, _, query = target.partition("?")
    return method, path, query, version


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise ProtocolError(400)
        key, text = name.lower(), value.strip()
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def _accepts_gzip(headers: Mapping[str, str]) -> bool:
    for item in headers.get("accept-encoding", "").lower().split(","):
        coding, _, weight = item.partition(";")
        if coding.strip() in {"gzip", "x-gzip", "*"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
