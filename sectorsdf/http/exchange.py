"""`Exchange`: sends one request with `requests` and reads its response.

Owns the redirects that are followed, the limits of a body, and what a failure on the network means
for the response. Neither repeats a request nor decides what a response costs.
"""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin

from urllib3.exceptions import HTTPError

from sectorsdf.http.body import BodyError, read_body
from sectorsdf.http.connections import Connections, PreparedSession
from sectorsdf.http.network import NetworkProblem, diagnose
from sectorsdf.http.redirects import refusal
from sectorsdf.http.responses import redact
from sectorsdf.http.session import deadline, normalize_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorsdf.config.api_key import ApiKey
    from sectorsdf.http.responses import RawResponse

__all__ = ["Exchange"]


_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 3
# The message of an error is at the beginning of its body.
_MAX_ERROR_BYTES = 1_000_000


class Exchange:
    """Send single requests with one key to one host; safe to share between threads.

    Parameters
    ----------
    key : ApiKey
        The key.
    base_url : str
        The API's URL.
    timeout : tuple of float
        Seconds to connect, to wait for each part of a response, and for all of it.
    max_body_bytes : int
        The largest body that is accepted, as sent and unpacked.
    """

    def __init__(
        self,
        key: ApiKey,
        base_url: str,
        timeout: tuple[float, float, float],
        max_body_bytes: int,
    ) -> None:
        self._key = key
        self._timeout = timeout
        self._max_body_bytes = max_body_bytes
        self._connections = Connections(key, base_url, timeout)

    def send(self, response: RawResponse, params: Mapping[str, str]) -> None:
        """Send one request and fill in what is received.

        Exceptions of `requests` end here: the frames of their tracebacks hold the header.
        """
        unexpected: BaseException | None = None
        proxies: Mapping[str, str] = {}
        with deadline(self._timeout[2]) as until:
            try:
                with self._connections.borrow() as prepared:
                    proxies = prepared.settings["proxies"]
                    self._exchange(prepared, response, params)
            except (OSError, ValueError, HTTPError) as error:
                response.overdue = time.monotonic() >= until
                self._note(response, self._problem(response, error, proxies))
            except BaseException as error:  # noqa: BLE001 - raised again below
                unexpected = error
        if unexpected is not None:
            unexpected.__cause__ = unexpected.__context__ = None
            raise unexpected.with_traceback(None)

    def _problem(
        self, response: RawResponse, error: Exception, proxies: Mapping[str, str]
    ) -> NetworkProblem:
        if isinstance(error, BodyError):
            return NetworkProblem(str(error), error.permanent)
        problem = diagnose(error, response.url, proxies)
        if response.overdue and not problem.permanent:
            return NetworkProblem(f"the response took longer than {self._timeout[2]:g} s")
        return problem

    @staticmethod
    def _note(response: RawResponse, problem: NetworkProblem) -> None:
        """Fill in what failed."""
        response.cut = response.status is not None
        # Of an error, the beginning is enough, and whose it is decides about another try.
        response.permanent = problem.permanent and (response.status is None or response.ok)
        response.problem = problem.text
        if response.ok:
            way = "cannot be used" if problem.permanent else "was cut short"
            response.problem = f"The response {way} ({problem.text})."

    def _exchange(
        self, prepared: PreparedSession, response: RawResponse, params: Mapping[str, str]
    ) -> None:
        """Send the request, and follow redirects that ask the same of the same host."""
        # A shallow copy, because only its URL is changed.
        request = copy.copy(prepared.request)
        query = f"?{urlencode(params)}" if params else ""
        request.url = normalize_url(response.url) + query
        url = response.url = request.url
        for _ in range(_MAX_REDIRECTS + 1):
            response.status, response.body = None, b""
            with prepared.session.send(request, **prepared.settings) as received:
                response.status, response.headers = received.status_code, received.headers
                parts: list[bytes] = []
                limit = self._max_body_bytes if response.ok else _MAX_ERROR_BYTES
                try:
                    read_body(received, limit, parts, whole=response.ok)
                finally:
                    response.body = b"".join(parts)
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or location is None:
                return
            request = copy.copy(prepared.request)
            request.prepare_url(urljoin(url, location), None)
            url = str(request.url)
            refused = refusal(response.url, url)
            if refused is not None:
                response.problem = redact(self._key.secret(), refused)
                return
        response.problem = f"the server redirected more than {_MAX_REDIRECTS} times"

    def close(self) -> None:
        """Close the connections; one in use is closed when its request has finished."""
        self._connections.close()
