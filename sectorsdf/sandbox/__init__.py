"""The embedded API: a real HTTP server on loopback over synthetic or given records.

It answers the five mining endpoints as the provider documents them, counts what each answer
would cost, and can misbehave on demand. The server needs nothing beyond the standard library and
imports nothing of the client it is meant to try; only `running`, which gives a server together
with a client for it, knows both.
"""

from sectorsdf.sandbox.faults import Drift, Faults, RateLimit
from sectorsdf.sandbox.server import Sandbox
from sectorsdf.sandbox.service import DEFAULT_KEY, RequestRecord
from sectorsdf.sandbox.session import SandboxClient, running

__all__ = [
    "DEFAULT_KEY",
    "Drift",
    "Faults",
    "RateLimit",
    "RequestRecord",
    "Sandbox",
    "SandboxClient",
    "running",
]
