"""The embedded API: a real HTTP server on loopback over synthetic or given records.

It answers the endpoints of `sandbox.endpoints` as the provider documents them, counts what each
answer would cost, and injects faults on request. The server uses the standard library only. It must
not import `sectorsdf.client`, `mining`, `frames` or `datasets`, because it is an independent check
of the client. Only `session`, which starts a server together with a client, imports both.
"""

from sectorsdf.sandbox.faults import Drift, Faults, RateLimit
from sectorsdf.sandbox.months import Month, months
from sectorsdf.sandbox.server import Sandbox
from sectorsdf.sandbox.service import DEFAULT_KEY, RequestRecord
from sectorsdf.sandbox.session import SandboxClient, running, use_sandbox

__all__ = [
    "DEFAULT_KEY",
    "Drift",
    "Faults",
    "Month",
    "RateLimit",
    "RequestRecord",
    "Sandbox",
    "SandboxClient",
    "months",
    "running",
    "use_sandbox",
]


def __dir__() -> list[str]:
    return __all__.copy()
