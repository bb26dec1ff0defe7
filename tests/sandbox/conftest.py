"""Fixtures of the sandbox's tests: servers, sessions, and the reference material."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from datetime import date
from typing import TYPE_CHECKING

import pytest
import requests
from support.paths import SHARED

from sectorsdf.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TODAY = date(2026, 1, 1)


class Client(requests.Session):
    """A session with one server."""

    def __init__(self, server: Sandbox) -> None:
        super().__init__()
        self.trust_env = False
        self.server = server
        self.headers["Authorization"] = server.key

    def request(self, method, url, **options):
        options.setdefault("timeout", 10)
        options["allow_redirects"] = False
        return super().request(method, self.server.url + url, **options)

    def exchange(self, *requests: bytes) -> list[tuple[int, dict[str, str], bytes]]:
        """Send raw requests down one connection; return the answers until it ends."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as sock:
            sock.sendall(b"".join(requests))
            sock.shutdown(socket.SHUT_WR)
            data = b"".join(iter(lambda: sock.recv(65536), b""))
        answers = []
        while data:
            head, _, data = data.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines)
            length = int(headers["content-length"])
            answers.append((int(first.split()[1]), headers, data[:length]))
            data = data[length:]
        return answers

    def rows(self, path: str, **query: object) -> list[dict]:
        """Return every row of a list."""
        rows: list[dict] = []
        while True:
            page = self.get(path, params={"limit": 30, "offset": len(rows), **query}).json()
            rows += page["results"]
            if not page["pagination"]["has_next"]:
                assert len(rows) == page["pagination"]["total_count"]
                return rows


@pytest.fixture(scope="session")
def sample() -> Iterator[Sandbox]:
    """The default sample, which no test may change."""
    with Sandbox(today=TODAY, tokens=("a-token",)) as server:
        yield server


@pytest.fixture
def client(sample: Sandbox) -> Iterator[Client]:
    """A session with the sample."""
    with Client(sample) as session:
        yield session


@pytest.fixture
def serve() -> Iterator[Callable[..., Client]]:
    """Start a small server for one test; return a session with it."""
    with ExitStack() as stack:

        def start(**options: object) -> Client:
            sizes = {"licenses": 100, "auctions": 14, "sites": 60, "today": TODAY}
            if "records" in options or "data" in options:
                sizes = {"today": TODAY}
            server = stack.enter_context(Sandbox(**{**sizes, **options}))
            return stack.enter_context(Client(server))

        yield start


@pytest.fixture(scope="session")
def real_folder() -> Path:
    """The folder of real records, which is not part of the project."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real records is not on this machine")
    return folder


@pytest.fixture(scope="session")
def real(real_folder: Path) -> Iterator[Client]:
    """A session with the real records."""
    with Sandbox(data=real_folder, today=TODAY) as server, Client(server) as session:
        yield session
