"""What stands beside the API: the front page, and the controls for tests in other processes."""

from __future__ import annotations

import html
import json
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from sectorsdf.sandbox.api import ENDPOINTS, Answer, problem
from sectorsdf.sandbox.records import encode
from sectorsdf.sandbox.service import DEFAULT_KEY

if TYPE_CHECKING:
    from sectorsdf.sandbox.http import Request
    from sectorsdf.sandbox.service import Service

__all__ = ["handle_control"]


_CONTROLS = {
    "/_sandbox/requests": "GET",
    "/_sandbox/stats": "GET",
    "/_sandbox/faults": "POST",
    "/_sandbox/reset": "POST",
}


def handle_control(service: Service, request: Request, peer: str) -> Answer | None:
    """Answer what is not the API, None for everything else.

    Parameters
    ----------
    service : Service
        The sandbox's memory.
    request : Request
        The request.
    peer : str
        Address of the client; the controls answer to loopback only.
    """
    if request.path == "/":
        return _front(service, request) if request.method in {"GET", "HEAD"} else _wrong("GET")
    if not request.path.startswith("/_sandbox/"):
        return None
    if not _is_loopback(peer):
        return problem(403, "The controls answer to loopback only.")
    method = _CONTROLS.get(request.path)
    if method is None:
        return problem(404)
    # The present faults can be read as well as set.
    if request.path == "/_sandbox/faults" and request.method == "GET":
        return _json(service.faults.as_dict())
    return _control(service, request) if request.method == method else _wrong(method)


def _control(service: Service, request: Request) -> Answer:
    match request.path.rpartition("/")[2]:
        case "requests":
            return _json({"requests": service.log()})
        case "stats":
            return _json(service.stats())
        case "reset":
            service.reset_counts()
            return _json({"reset": True})
        case _:
            try:
                changes = json.loads(request.body or b"{}")
                if not isinstance(changes, dict):
                    return problem(400, "The body must be a JSON object of faults.")
                return _json(service.set_faults(changes).as_dict())
            except (TypeError, ValueError, AttributeError) as error:
                return problem(400, "These faults cannot be set.", detail=str(error))


def _is_loopback(peer: str) -> bool:
    address = ip_address(peer.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _wrong(method: str) -> Answer:
    refusal = problem(405)
    return Answer(refusal.status, refusal.body, headers=(("Allow", method),))


def _json(value: object) -> Answer:
    return Answer(200, encode(value))


def _front(service: Service, request: Request) -> Answer:
    facts: dict[str, Any] = {
        "service": "sectorsdf sandbox: an imitation of the Sectors mining API on this machine",
        "data_source": service.source,
        # Only the key that opens nothing anywhere else is told to whoever asks.
        "key": DEFAULT_KEY if DEFAULT_KEY in service.keys else "the one this server was given",
        "endpoints": list(ENDPOINTS),
        "records": service.stats()["records"],
        "controls": [f"{method} {path}" for path, method in _CONTROLS.items()],
    }
    if "text/html" not in request.headers.get("accept", ""):
        return _json(facts)
    endpoints = "".join(f"<li><code>GET {html.escape(path)}</code></li>" for path in ENDPOINTS)
    counts = "".join(f"<li>{name}: {count}</li>" for name, count in facts["records"].items())
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        "<title>sectorsdf sandbox</title></head><body><h1>sectorsdf sandbox</h1>"
        "<p>An imitation of the Sectors mining API on this machine. "
        f"Data: <strong>{html.escape(service.source)}</strong>. "
        f"Key: <code>{facts['key']}</code>.</p>"
        f"<h2>Endpoints</h2><ul>{endpoints}</ul><h2>Records</h2><ul>{counts}</ul></body></html>\n"
    )
    return Answer(200, page.encode(), content_type="text/html; charset=utf-8")
