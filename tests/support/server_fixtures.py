"""Fixtures of the tests that answer requests byte by byte: a scripted server, and its client."""

from __future__ import annotations

import pytest

import sectorsdf
from support.scripted_server import Scripted, always
from support.transport import KEY, QUICK

__all__ = ["connect", "scripted"]


@pytest.fixture
def connect(tmp_path):
    """Return a function that makes a client of a server, closed at the end of the test."""
    clients = []

    def connect(server, api_key=KEY, **options):
        url = server if isinstance(server, str) else server.url
        options = {"retry": QUICK, "timeout": (5, 5), "cache_folder": tmp_path, **options}
        clients.append(sectorsdf.Client(api_key, url, **options))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def scripted():
    """Return a function that starts a scripted server, stopped at the end of the test."""
    servers = []

    def scripted(respond):
        servers.append(Scripted(respond if callable(respond) else always(respond)))
        return servers[-1]

    yield scripted
    for server in servers:
        server.stop()
