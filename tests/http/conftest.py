"""Servers and clients for the tests of the HTTP layer."""

from __future__ import annotations

import pytest
from support.scripted_server import Scripted, always
from support.transport import KEY, QUICK

import sectorsdf


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


@pytest.fixture(scope="module")
def _module_sandbox():
    with sectorsdf.sandbox.Sandbox(licenses=200, auctions=3, sites=40, keys=[KEY]) as server:
        yield server


@pytest.fixture
def sandbox(_module_sandbox):
    """Return the module's sandbox without faults and with its counts at zero."""
    no_faults = sectorsdf.sandbox.Faults()
    _module_sandbox.set_faults(**{name: getattr(no_faults, name) for name in no_faults.as_dict()})
    _module_sandbox.reset_counts()
    return _module_sandbox
