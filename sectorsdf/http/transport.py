"""HTTP with `requests`: the key, timeouts, connections, one retry policy."""

from __future__ import annotations

import copy
import json
import logging
import math
import os
import random
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from sectorsdf import errors
from sectorsdf._version import __version__
from sectorsdf.config.settings import is_loopback
from sectorsdf.http.credits import CreditBudget, Ledger, key_fingerprint, price
from sectorsdf.http.limiter import LimiterStoppedError, Permit, RateLimiter
from sectorsdf.http.responses import RawResponse, error_for, redact, retry_after
from sectorsdf.http.session import KeyAuth, PooledAdapter, Session, normalize_url, ssl_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sectorsdf.config.api_key import ApiKey

__all__ = ["Response", "RetryPolicy", "Transport"]


_log = logging.getLogger("sectorsdf")
_T = TypeVar("_T")
_Line: TypeAlias = tuple[requests.Session, requests.PreparedRequest, dict[str, Any]]
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 3


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and after how long, a request that may succeed later is sent again.

    Tried again are connections that fail, timeouts, 5xx, and 2xx answers that are cut short or no
    JSON. Not tried again are 4xx, and JSON of another shape, which would cost a credit each time.
    A 429 is not a try: it waits for the rate window.

    Attributes
    ----------
    tries : int
        How often a request is sent at most.
    base, cap : float
        Seconds: the wait after ``n`` failures is drawn evenly from 0 to ``min(cap, base * 2**n)``.

    Raises
    ------
    ConfigurationError
        If a number cannot be used.
    """

    tries: int = 5
    base: float = 0.5
    cap: float = 20.0

    def __post_init__(self) -> None:
        whole = isinstance(self.tries, int) and not isinstance(self.tries, bool)
        if not (whole and self.tries >= 1 and 0 <= self.base < math.inf and 0 <= self.cap < 1e6):
            message = f"{self!r}: give one try or more, and seconds from 0 (cap below 1e6)."
            raise errors.ConfigurationError(message)

    def wait(self, failures: int) -> float:
        """Return how long to wait after so many failures."""
        # No float holds 2.0 to the power of a thousand.
        return random.uniform(0, min(self.cap, self.base * 2.0 ** min(failures, 64)))


@dataclass(frozen=True)
class Response(Generic[_T]):
    """A usable answer.

    Attributes
    ----------
    value : object
        What the body says.
    body : bytes
        The body as it came.
    source : str or None
        What the server says of its data, where it says anything.
    """

    value: _T
    body: bytes = field(repr=False)
    source: str | None = None


class Transport:
    """Sends requests for one key to one host; safe to share between threads.

    Parameters
    ----------
    key : ApiKey
        The key.
    base_url : str
        The API's address.
    timeout : tuple of float
        Seconds to connect, and to wait for each part of the answer.
    retry : RetryPolicy
        When to try again.
    gate : RateLimiter
        The pace that all threads and processes keep.
    ledger : Ledger
        Where each billed answer is written down.
    """

    def __init__(
        self,
        key: ApiKey,
        base_url: str,
        *,
        timeout: tuple[float, float],
        retry: RetryPolicy,
        gate: RateLimiter,
        ledger: Ledger,
    ) -> None:
        self.base_url = base_url
        self.timeout = timeout
        self.retry = retry
        self.gate = gate
        self.ledger = ledger
        self._key = key
        self._tls: tuple[str | bool, ssl.SSLContext] | None = None
        self._tls_lock = threading.Lock()
        self._fingerprint = key_fingerprint(key.secret())
        # The threads of a call end with it; their connections wait here for those of the next.
        self._idle: list[_Line] = []
        self._owner = os.getpid()
        self._stopped = threading.Event()

    def __repr__(self) -> str:
        return f"Transport({self.base_url!r})"

    def get(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        parse: Callable[[bytes], _T],
        purse: Sequence[CreditBudget] = (),
        what: str = "the answer",
    ) -> Response[_T]:
        """Ask for a path until a usable answer comes.

        Parameters
        ----------
        path : str
            The endpoint's path, quoted.
        params : mapping
            The query.
        parse : callable
            Reads the body; raises ValueError where it cannot be understood.
        purse : sequence of CreditBudget
            Each is asked for a credit before the request is sent.
        what : str
            What is asked for, in an error's words.

        Raises
        ------
        APIError
            The kind that fits the last answer; its text tells every try.
        CreditLimitError
            If an allowance has no credit left.
        """
        seen: list[str] = []
        while True:
            try:
                return self._once(path, params, parse, purse)
            except errors.RateLimitError:
                continue
            except errors.APIError as error:
                failure = error
            seen.append(_in_short(failure))
            if not failure.retryable or len(seen) >= self.retry.tries:
                break
            wait = self.retry.wait(len(seen))
            _log.debug("try %d of %s failed (%s), next in %.1f s", len(seen), path, seen[-1], wait)
            if self._stopped.wait(wait):
                raise LimiterStoppedError("The client was interrupted.")
        if failure.retryable or len(seen) > 1:
            times = "once" if len(seen) == 1 else f"{len(seen)} times"
            failure.args = (f"{what} failed {times} ({', '.join(seen)}). {failure}",)
        raise failure.with_traceback(None)

    def _once(
        self,
        path: str,
        params: Mapping[str, str],
        parse: Callable[[bytes], _T],
        purse: Sequence[CreditBudget],
    ) -> Response[_T]:
        """Send one request and settle its price, whatever becomes of it."""
        for place, allowance in enumerate(purse):
            try:
                allowance.reserve(1)
            except errors.CreditLimitError:
                for earlier in purse[:place]:
                    earlier.settle(1, 0)
                raise
        reply = RawResponse(self.base_url + path)
        try:
            ticket = self.gate.acquire(url=reply.url)
            try:
                self._send(reply, params)
                self._tell(ticket, reply)
            finally:
                ticket.failed()
        finally:
            status = reply.status or 0
            used = price(status)
            for allowance in purse:
                allowance.settle(1, used)
            if used:
                self.ledger.record(
                    endpoint=path, status=status, credits=used, key=self._fingerprint
                )
        if not reply.good:
            raise error_for(reply, self._key.secret())
        reason, again = reply.problem, True
        if reason is None:
            try:
                value = parse(reply.body)
            except (ValueError, RecursionError) as error:
                reason = f"The answer could not be understood ({_first_line(error)})."
                # What is JSON, but of another shape, would come and cost the same again.
                again = isinstance(error, json.JSONDecodeError | UnicodeDecodeError)
            else:
                source = reply.headers.get("X-Data-Source")
                return Response(value, reply.body, source and redact(self._key.secret(), source))
        failure = errors.ResponseError(reason, url=reply.url, status=reply.status, billed=True)
        failure.retryable = again
        raise failure

    def _tell(self, ticket: Permit, reply: RawResponse) -> None:
        """Tell the gate how the request went."""
        if reply.status == 429:
            seconds = retry_after(reply.headers.get("Retry-After"))
            ticket.refused(seconds)
            raise errors.RateLimitError("Rate limited.", url=reply.url, retry_after=seconds)
        if reply.status is not None:
            ticket.allowed()

    def _send(self, reply: RawResponse, params: Mapping[str, str]) -> None:
        """Send one request and note what comes back.

        What `requests` raises ends here: its tracebacks lead through frames that hold the header.
        """
        stopped: BaseException | None = None
        begun = time.monotonic()
        with self._line() as line:
            try:
                self._exchange(line, reply, params)
            except (OSError, ValueError, HTTPError) as error:
                problem = _PROBLEMS.get(type(error).__name__, type(error).__name__)
                if reply.good:
                    problem = f"The answer was cut short ({problem})."
                # An error's status says enough without its words.
                reply.problem = None if reply.status and not reply.good else problem
            except BaseException as error:  # noqa: BLE001 - raised again below
                stopped = error
        if stopped is not None:
            stopped.__cause__ = stopped.__context__ = None
            raise stopped.with_traceback(None)
        seconds = time.monotonic() - begun
        _log.debug("GET %s: %s in %.3f s", reply.url, reply.status or reply.problem, seconds)

    def _exchange(self, line: _Line, reply: RawResponse, params: Mapping[str, str]) -> None:
        """Send the request, and once more to where the same host says that it has moved."""
        session, template, settings = line
        # A shallow copy: what the template holds beside the address is only ever read.
        request = copy.copy(template)
        query = f"?{urlencode(params)}" if params else ""
        request.url = normalize_url(reply.url) + query
        url = reply.url = request.url
        for _ in range(_MOST_REDIRECTS + 1):
            reply.status, reply.body = None, b""
            with session.send(request, **settings) as response:
                reply.status, reply.headers = response.status_code, response.headers
                reply.body = response.content
            target = reply.headers.get("Location")
            if reply.status not in _REDIRECTS or target is None:
                return
            request = copy.copy(template)
            request.prepare_url(urljoin(url, target), None)
            url = str(request.url)
            # Judged as it will be sent: parsers find different hosts in an odd address.
            if _origin(url) != _origin(reply.url):
                host = redact(self._key.secret(), str(urlsplit(url).hostname))
                reply.problem = f"the server redirects to another host ({host}); the key stays here"
                return
        reply.problem = "the server redirects in a circle"

    @contextmanager
    def _line(self) -> Iterator[_Line]:
        """Lend a session to one thread at a time, prepared once.

        A header built anew for each request costs as much as the rest of it.
        """
        if self._owner != os.getpid():
            # A forked process must not talk on the connections of its parent.
            self._owner, self._idle = os.getpid(), []
        idle = self._idle
        try:
            line = idle.pop()
        except IndexError:
            line = self._new_line()
        try:
            yield line
        finally:
            if idle is self._idle:
                idle.append(line)
            else:
                line[0].close()

    def _new_line(self) -> _Line:
        session = Session()
        session.headers["User-Agent"] = f"sectorsdf/{__version__}"
        session.headers["Accept"] = "application/json"
        auth = KeyAuth(self._key)
        template = session.prepare_request(requests.Request("GET", self.base_url, auth=auth))
        settings = dict(session.merge_environment_settings(self.base_url, {}, None, None, None))
        session.mount(self.base_url, PooledAdapter(self._trusted(settings["verify"])))
        settings.update(stream=True, allow_redirects=False, timeout=self.timeout)
        if is_loopback(urlsplit(self.base_url).hostname):
            # A key sent to this machine must not take the way over a proxy.
            settings["proxies"] = {}
        return session, template, settings

    def _trusted(self, verify: object) -> ssl.SSLContext | None:
        """Return what all connections verify the host with: reading the certificates takes long."""
        if urlsplit(self.base_url).scheme != "https" or not isinstance(verify, str | bool):
            return None
        # Where the certificates cannot be read, the first request says so.
        with self._tls_lock, suppress(OSError):
            if self._tls is None or self._tls[0] != verify:
                self._tls = (verify, ssl_context(verify))
            return self._tls[1]
        return None

    def stop(self) -> None:
        """Wake everybody who waits; what is under way may still end."""
        self._stopped.set()
        self.gate.stop()

    def resume(self) -> None:
        """Let requests through again after `stop`."""
        self._stopped.clear()
        self.gate.resume()

    def close(self) -> None:
        """Close the connections; those in use are closed once their request has ended."""
        idle, self._idle = self._idle, []
        with suppress(IndexError):
            while True:
                idle.pop()[0].close()


_PROBLEMS = {
    "ConnectTimeout": "the connection was not made in time",
    "ReadTimeout": "nothing came in time",
    "Timeout": "nothing came in time",
    "ConnectionError": "the connection failed or was reset",
    "ProxyError": "the proxy failed",
    "SSLError": "the TLS connection failed",
    "ChunkedEncodingError": "the connection ended early",
    "ContentDecodingError": "the compressed body is damaged",
    "InvalidURL": "the address is not valid",
    "OSError": "the connection could not be set up; are the TLS certificates where they should be",
}


def _in_short(error: errors.APIError) -> str:
    if isinstance(error, errors.ConnectionFailedError):
        return str(error).removeprefix("No answer: ").rstrip(".")
    unusable = isinstance(error, errors.ResponseError)
    return f"{error.status} that could not be used" if unusable else str(error.status)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
