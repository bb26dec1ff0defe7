"""Servers and clients for the tests of the faults."""

from __future__ import annotations

from support.server_fixtures import connect, scripted  # noqa: F401 - fixtures
