"""`Transport`: sends requests with `requests`, retries them and settles their price.

Owns the retry policy, timeouts, redirects and the connections of one key and host. It must not know
datasets or pages: the caller passes a function that parses the body.
"""

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
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from sectorsdf import errors
from sectorsdf._version import __version__
from sectorsdf.config.settings import is_loopback
from sectorsdf.http.credits import CreditBudget, Ledger, key_fingerprint, price
from sectorsdf.http.limiter import LimiterStoppedError, Permit, RateLimiter
from sectorsdf.http.responses import RawResponse, describe, error_for, parse_retry_after, redact
from sectorsdf.http.session import KeyAuth, PooledAdapter, Session, normalize_url, ssl_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sectorsdf.config.api_key import ApiKey

__all__ = ["Response", "RetryPolicy", "Transport"]


_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 3


@dataclass(frozen=True)
class RetryPolicy:
    """How often a failed request is sent again, and after which delay.

    Retried are connections that fail, timeouts, 5xx, and 2xx responses that are cut short or are
    not JSON. Not retried are 4xx, and JSON of an unexpected shape, which would cost another credit
    each time. A 429 does not count as a try: the request waits for the rate window.

    Attributes
    ----------
    tries : int
        The most times that a request is sent.
    base, cap : float
        The delay after ``n`` failures is random, between 0 and ``min(cap, base * 2**n)`` seconds.

    Raises
    ------
    ConfigurationError
        If a number is out of range.
    """

    tries: int = 5
    base: float = 0.5
    cap: float = 20.0

    def __post_init__(self) -> None:
        is_int = isinstance(self.tries, int) and not isinstance(self.tries, bool)
        if not (is_int and self.tries >= 1 and 0 <= self.base < math.inf and 0 <= self.cap < 1e6):
            message = (
                f"{self!r} cannot be used: tries must be a whole number of at least 1, base and "
                "cap seconds of at least 0, and cap below 1e6."
            )
            raise errors.ConfigurationError(message)

    def wait(self, failures: int) -> float:
        """Return the delay in seconds after a number of failures."""
        # Limited, because 2.0 to the power of a thousand overflows.
        return random.uniform(0, min(self.cap, self.base * 2.0 ** min(failures, 64)))


@dataclass(frozen=True)
class Response(Generic[_T]):
    """A parsed response.

    Attributes
    ----------
    value : object
        The parsed body.
    body : bytes
        The body as it was received.
    source : str or None
        The server's ``X-Data-Source`` header.
    """

    value: _T
    body: bytes = field(repr=False)
    source: str | None = None


class _PreparedSession(NamedTuple):
    """A session with a prepared request and the settings with which to send it."""

    session: requests.Session
    request: requests.PreparedRequest
    settings: dict[str, Any]


class Transport:
    """Send requests with one key to one host; safe to share between threads.

    Parameters
    ----------
    key : ApiKey
        The key.
    base_url : str
        The API's URL.
    timeout : tuple of float
        Seconds to connect, and to wait for each part of a response.
    retry : RetryPolicy
        When to send a failed request again.
    limiter : RateLimiter
        Delays requests so that all threads and processes keep to the rate limit.
    ledger : Ledger
        Records each billed response.
    """

    def __init__(
        self,
        key: ApiKey,
        base_url: str,
        *,
        timeout: tuple[float, float],
        retry: RetryPolicy,
        limiter: RateLimiter,
        ledger: Ledger,
    ) -> None:
        self.base_url = base_url
        self.timeout = timeout
        self.retry = retry
        self.limiter = limiter
        self.ledger = ledger
        self._key = key
        self._tls: tuple[str | bool, ssl.SSLContext] | None = None
        self._tls_lock = threading.Lock()
        self._key_fingerprint = key_fingerprint(key.secret())
        # The threads of a call end with it; their sessions stay here for the next call's threads.
        self._idle: list[_PreparedSession] = []
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
        budgets: Sequence[CreditBudget] = (),
        what: str = "the request",
    ) -> Response[_T]:
        """Send a GET request, with retries, and return the parsed response.

        Parameters
        ----------
        path : str
            The endpoint's path, percent-encoded.
        params : mapping
            The query parameters.
        parse : callable
            Parses the body; raises ValueError if it cannot.
        budgets : sequence of CreditBudget
            A credit is reserved from each of them before a request is sent.
        what : str
            The name of the request in error messages.

        Raises
        ------
        APIError
            The subclass that matches the last response; the message lists every try.
        CreditLimitError
            If a budget has no credit left.
        """
        failures: list[str] = []
        while True:
            try:
                return self._get_once(path, params, parse, budgets)
            except errors.RateLimitError:
                continue
            except errors.APIError as error:
                failure = error
            failures.append(_summarize(failure))
            if not failure.retryable or len(failures) >= self.retry.tries:
                break
            delay = self.retry.wait(len(failures))
            _log.debug(
                "Try %d of %s: %s. Next in %.1f s.", len(failures), path, failures[-1], delay
            )
            if self._stopped.wait(delay):
                raise LimiterStoppedError("The client was interrupted.")
        if failure.retryable or len(failures) > 1:
            times = "once" if len(failures) == 1 else f"{len(failures)} times"
            failure.args = (f"{what} failed {times} ({', '.join(failures)}). {failure}",)
        raise failure.with_traceback(None)

    def _get_once(
        self,
        path: str,
        params: Mapping[str, str],
        parse: Callable[[bytes], _T],
        budgets: Sequence[CreditBudget],
    ) -> Response[_T]:
        """Send one request and settle its price, whether it succeeds or fails."""
        for position, budget in enumerate(budgets):
            try:
                budget.reserve(1)
            except errors.CreditLimitError:
                for earlier in budgets[:position]:
                    earlier.settle(1, 0)
                raise
        response = RawResponse(self.base_url + path)
        try:
            permit = self.limiter.acquire(url=response.url)
            try:
                self._send(response, params)
                self._report(permit, response)
            finally:
                permit.failed()
        finally:
            status = response.status or 0
            cost = price(status)
            for budget in budgets:
                budget.settle(1, cost)
            if cost:
                self.ledger.record(
                    endpoint=path, status=status, credits=cost, key=self._key_fingerprint
                )
        if not response.ok:
            raise error_for(response, self._key.secret())
        problem, retryable = response.problem, True
        if problem is None:
            try:
                value = parse(response.body)
            except (ValueError, RecursionError) as error:
                problem = f"The response could not be parsed ({_first_line(error)})."
                # JSON of an unexpected shape would come again, and cost another credit.
                retryable = isinstance(error, json.JSONDecodeError | UnicodeDecodeError)
            else:
                source = response.headers.get("X-Data-Source")
                source = source and redact(self._key.secret(), source)
                return Response(value, response.body, source)
        failure = errors.ResponseError(
            problem, url=response.url, status=response.status, billed=True
        )
        failure.retryable = retryable
        raise failure

    def _report(self, permit: Permit, response: RawResponse) -> None:
        """Report the outcome of a request to the limiter."""
        if response.status == 429:
            seconds = parse_retry_after(response.headers.get("Retry-After"))
            permit.refused(seconds)
            raise errors.RateLimitError("Rate limited.", url=response.url, retry_after=seconds)
        if response.status is not None:
            permit.allowed()

    def _send(self, response: RawResponse, params: Mapping[str, str]) -> None:
        """Send one request and fill in what is received.

        Exceptions of `requests` end here: the frames of their tracebacks hold the header.
        """
        unexpected: BaseException | None = None
        begun = time.monotonic()
        with self._borrow_session() as prepared:
            try:
                self._exchange(prepared, response, params)
            except (OSError, ValueError, HTTPError) as error:
                problem = describe(error)
                if response.ok:
                    problem = f"The response was cut short ({problem})."
                # The status of an error is enough if its message cannot be read.
                response.problem = None if response.status and not response.ok else problem
            except BaseException as error:  # noqa: BLE001 - raised again below
                unexpected = error
        if unexpected is not None:
            unexpected.__cause__ = unexpected.__context__ = None
            raise unexpected.with_traceback(None)
        outcome = response.status or response.problem
        _log.debug("GET %s: %s in %.3f s", response.url, outcome, time.monotonic() - begun)

    def _exchange(
        self, prepared: _PreparedSession, response: RawResponse, params: Mapping[str, str]
    ) -> None:
        """Send the request, and follow redirects on the same host."""
        # A shallow copy, because only its URL is changed.
        request = copy.copy(prepared.request)
        query = f"?{urlencode(params)}" if params else ""
        request.url = normalize_url(response.url) + query
        url = response.url = request.url
        for _ in range(_MAX_REDIRECTS + 1):
            response.status, response.body = None, b""
            with prepared.session.send(request, **prepared.settings) as received:
                response.status, response.headers = received.status_code, received.headers
                response.body = received.content
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or location is None:
                return
            request = copy.copy(prepared.request)
            request.prepare_url(urljoin(url, location), None)
            url = str(request.url)
            # Compared in prepared form: parsers disagree about the host of an unusual URL.
            if _origin(url) != _origin(response.url):
                host = redact(self._key.secret(), str(urlsplit(url).hostname))
                response.problem = (
                    f"the server redirects to another host ({host}), which may not receive the key"
                )
                return
        response.problem = f"the server redirected more than {_MAX_REDIRECTS} times"

    @contextmanager
    def _borrow_session(self) -> Iterator[_PreparedSession]:
        """Lend a session to one thread at a time.

        Sessions are reused, because preparing the headers takes as long as the rest of a request.
        """
        if self._owner != os.getpid():
            # A forked process must not use the connections of its parent.
            self._owner, self._idle = os.getpid(), []
        idle = self._idle
        try:
            prepared = idle.pop()
        except IndexError:
            prepared = self._new_session()
        try:
            yield prepared
        finally:
            if idle is self._idle:
                idle.append(prepared)
            else:
                prepared.session.close()

    def _new_session(self) -> _PreparedSession:
        session = Session()
        session.headers["User-Agent"] = f"sectorsdf/{__version__}"
        session.headers["Accept"] = "application/json"
        auth = KeyAuth(self._key)
        request = session.prepare_request(requests.Request("GET", self.base_url, auth=auth))
        settings = dict(session.merge_environment_settings(self.base_url, {}, None, None, None))
        session.mount(self.base_url, PooledAdapter(self._ssl_context(settings["verify"])))
        settings.update(stream=True, allow_redirects=False, timeout=self.timeout)
        if is_loopback(urlsplit(self.base_url).hostname):
            # A key for a server on this machine must not be sent through a proxy.
            settings["proxies"] = {}
        return _PreparedSession(session, request, settings)

    def _ssl_context(self, verify: object) -> ssl.SSLContext | None:
        """Return the TLS context of all sessions: reading the certificates takes long."""
        if urlsplit(self.base_url).scheme != "https" or not isinstance(verify, str | bool):
            return None
        # If the certificates cannot be read, the first request raises the error.
        with self._tls_lock, suppress(OSError):
            if self._tls is None or self._tls[0] != verify:
                self._tls = (verify, ssl_context(verify))
            return self._tls[1]
        return None

    def stop(self) -> None:
        """Wake all waiting requests, which then raise; requests that are under way may finish."""
        self._stopped.set()
        self.limiter.stop()

    def resume(self) -> None:
        """Send requests again after `stop`."""
        self._stopped.clear()
        self.limiter.resume()

    def close(self) -> None:
        """Close the connections; one in use is closed when its request has finished."""
        idle, self._idle = self._idle, []
        with suppress(IndexError):
            while True:
                idle.pop().session.close()


def _summarize(error: errors.APIError) -> str:
    if isinstance(error, errors.ConnectionFailedError):
        return str(error).removeprefix("No response: ").rstrip(".")
    if isinstance(error, errors.ResponseError):
        return f"unusable {error.status} response"
    return str(error.status)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
