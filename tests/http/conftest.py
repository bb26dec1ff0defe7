"""Servers and clients for the tests of the HTTP layer."""

from __future__ import annotations

import pytest
from support.server_fixtures import connect, scripted  # noqa: F401 - fixtures
from support.transport import KEY

import sectorsdf


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
