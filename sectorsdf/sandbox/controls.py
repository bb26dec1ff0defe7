"""What the server offers besides the API: its front page, and controls for other processes.

With the controls a test in another process reads the log and sets the faults. They cost nothing,
need no key, and are not logged.
"""

from __future__ import annotations

import html
import json
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from sectorsdf.sandbox.api import Response, error_response
from sectorsdf.sandbox.endpoints import ENDPOINTS
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


def handle_control(service: Service, request: Request, peer: str) -> Response | None:
    """Answer a request for the front page or a control; return None for any other path.

    Parameters
    ----------
    service : Service
        The state of the sandbox.
    request : Request
        The request.
    peer : str
        Address of the client. Only clients on this machine may use the controls.
    """
    if request.path == "/":
        allowed = request.method in {"GET", "HEAD"}
        return _front_page(service, request) if allowed else _not_allowed("GET")
    if not request.path.startswith("/_sandbox/"):
        return None
    if not _is_loopback(peer):
        return error_response(403, "Only clients on this machine may use the controls.")
    method = _CONTROLS.get(request.path)
    if method is None:
        return error_response(404)
    # The faults can be read as well as set.
    if request.path == "/_sandbox/faults" and request.method == "GET":
        return _json(service.faults.as_dict())
    return _control(service, request) if request.method == method else _not_allowed(method)


def _control(service: Service, request: Request) -> Response:
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
                    return error_response(400, "The body must be a JSON object of faults.")
                return _json(service.set_faults(changes).as_dict())
            except (TypeError, ValueError, AttributeError) as error:
                return error_response(400, "These faults cannot be set.", detail=str(error))


def _is_loopback(peer: str) -> bool:
    address = ip_address(peer.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _not_allowed(method: str) -> Response:
    refusal = error_response(405)
    return Response(refusal.status, refusal.body, headers=(("Allow", method),))


def _json(value: object) -> Response:
    return Response(200, encode(value))


def _front_page(service: Service, request: Request) -> Response:
    about: dict[str, Any] = {
        "service": "sectorsdf sandbox: an imitation of the Sectors mining API on this machine",
        "data_source": service.source,
        # Only the default key is shown: another one may be a key of the real API.
        "key": DEFAULT_KEY if DEFAULT_KEY in service.keys else "the key it was started with",
        "endpoints": [endpoint.path for endpoint in ENDPOINTS],
        "records": service.stats()["records"],
        "controls": [f"{method} {path}" for path, method in _CONTROLS.items()],
    }
    if "text/html" not in request.headers.get("accept", ""):
        return _json(about)
    endpoints = "".join(
        f"<li><code>GET {html.escape(path)}</code></li>" for path in about["endpoints"]
    )
    counts = "".join(f"<li>{name}: {count}</li>" for name, count in about["records"].items())
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        "<title>sectorsdf sandbox</title></head><body><h1>sectorsdf sandbox</h1>"
        "<p>An imitation of the Sectors mining API on this machine. "
        f"Data: <strong>{html.escape(service.source)}</strong>. "
        f"Key: <code>{about['key']}</code>.</p>"
        f"<h2>Endpoints</h2><ul>{endpoints}</ul><h2>Records</h2><ul>{counts}</ul></body></html>\n"
    )
    return Response(200, page.encode(), content_type="text/html; charset=utf-8")
