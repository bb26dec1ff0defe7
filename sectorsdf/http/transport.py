"""`Transport`: retries requests and settles their price.

Owns the tries of a request and what each of them costs; `exchange` sends each of them. It must not
know datasets or pages: the caller passes a function that parses the body. It must not import
`requests` before the first request, because a result in the cache needs none.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from sectorsdf import errors
from sectorsdf.config.checks import positive
from sectorsdf.config.forks import Lock, renew_in_child
from sectorsdf.errors import printable
from sectorsdf.http.credits import CreditBudget, Ledger, key_fingerprint
from sectorsdf.http.limiter import LimiterStoppedError, Permit, RateLimiter
from sectorsdf.http.policy import (
    MAX_BODY_BYTES,
    TIMEOUT,
    RetryPolicy,
    checked_timeout,
)
from sectorsdf.http.responses import RawResponse, error_for, parse_retry_after, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sectorsdf.config.api_key import ApiKey
    from sectorsdf.http.exchange import Exchange

__all__ = ["Response", "RetryPolicy", "Transport"]


_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_MAX_SOURCE = 200


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


class _Failure(NamedTuple):
    """A try that failed: the exception, what it is in a list of tries, whether it took too long."""

    error: errors.APIError
    summary: str
    overdue: bool


class Transport:
    """Send requests with one key to one host; safe to share between threads.

    Parameters
    ----------
    key : ApiKey
        The key.
    base_url : str
        The API's URL.
    timeout : tuple of float
        Seconds to connect, to wait for each part of a response, and for all of it. Without the
        third number, it is 120 or twice the sum of the others.
    max_body_bytes : int
        The largest body that is accepted, as sent and unpacked.
    retry : RetryPolicy
        When to send a failed request again.
    limiter : RateLimiter
        Delays requests so that all threads and processes keep to the rate limit.
    ledger : Ledger
        Records each billed response.

    Raises
    ------
    ConfigurationError
        If `timeout` or `max_body_bytes` cannot be used.
    """

    def __init__(
        self,
        key: ApiKey,
        base_url: str,
        *,
        timeout: tuple[float, float] | tuple[float, float, float] = TIMEOUT,
        max_body_bytes: int = MAX_BODY_BYTES,
        retry: RetryPolicy,
        limiter: RateLimiter,
        ledger: Ledger,
    ) -> None:
        self.base_url = base_url
        self.timeout = checked_timeout(timeout)
        self.max_body_bytes = positive("max_body_bytes", max_body_bytes)
        self.retry = retry
        self.limiter = limiter
        self.ledger = ledger
        self._key = key
        self._key_fingerprint = key_fingerprint(key.secret())
        self._exchange: Exchange | None = None
        self._exchange_lock = Lock()
        self.on_response: Callable[[RawResponse], None] | None = None
        """Called with each response, before it is judged."""
        self._stopped = threading.Event()
        # What the last 429 was, if a proxy or gateway sent it.
        self._refused_by: str | None = None
        renew_in_child(self)

    def _after_fork(self) -> None:
        # A thread of the parent may hold the lock inside the event.
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
        failures: list[_Failure] = []
        while True:
            result = self._get_once(path, params, parse, budgets)
            if isinstance(result, Response):
                return result
            if result is None:
                continue
            failures.append(result)
            failure = result.error
            late = sum(entry.overdue for entry in failures) > 1
            if not failure.retryable or late or len(failures) >= self.retry.tries:
                break
            delay = self.retry.wait(len(failures))
            _log.debug(
                "Try %d of %s: %s. Next in %.1f s.", len(failures), path, result.summary, delay
            )
            if self._stopped.wait(delay):
                raise LimiterStoppedError("The client was interrupted.")
        if failure.retryable or len(failures) > 1:
            times = "once" if len(failures) == 1 else f"{len(failures)} times"
            reasons = [entry.summary for entry in failures]
            if len(failures) > 1 and len(set(reasons)) == 1:
                reasons = [f"each time {reasons[0]}"]
            failure.args = (f"{what} failed {times} ({', '.join(reasons)}). {failure}",)
        raise failure.with_traceback(None)

    def _get_once(
        self,
        path: str,
        params: Mapping[str, str],
        parse: Callable[[bytes], _T],
        budgets: Sequence[CreditBudget],
    ) -> Response[_T] | _Failure | None:
        """Send one request and settle its price, whether it succeeds or fails.

        Returns
        -------
        Response, _Failure or None
            None if the rate limit refused the request, which is then to be sent again.
        """
        for position, budget in enumerate(budgets):
            try:
                budget.reserve(1)
            except errors.CreditLimitError:
                for earlier in budgets[:position]:
                    earlier.settle(1, 0)
                raise
        response = RawResponse(self.base_url + path)
        try:
            refused = self._send_with_permit(response, params)
        finally:
            cost = response.price
            for budget in budgets:
                budget.settle(1, cost)
            if cost:
                self.ledger.record(
                    endpoint=path,
                    status=response.status or 0,
                    credits=cost,
                    key=self._key_fingerprint,
                )
        if refused:
            return None
        if not response.ok or response.foreign is not None:
            return _failure(error_for(response, self._key.secret()), response)
        problem, retryable = response.problem, not response.permanent
        if problem is None:
            try:
                value = parse(response.body)
            except (ValueError, RecursionError) as error:
                reason = redact(self._key.secret(), _first_line(error))
                problem = f"The response could not be parsed ({reason})."
                # JSON of an unexpected shape would come again, and cost another credit.
                retryable = isinstance(error, json.JSONDecodeError | UnicodeDecodeError)
            else:
                source = response.headers.get("X-Data-Source")
                if source:
                    source = printable(redact(self._key.secret(), source))[:_MAX_SOURCE]
                return Response(value, response.body, source)
        failure = errors.ResponseError(
            problem, url=response.url, status=response.status, billed=True
        )
        failure.retryable = retryable
        return _failure(failure, response)

    def _send_with_permit(self, response: RawResponse, params: Mapping[str, str]) -> bool:
        """Send one request when the rate limit allows it; return whether it was refused (429).

        Raises
        ------
        APIError
            If requests were refused for too long.
        """
        try:
            permit = self.limiter.acquire(url=response.url)
            try:
                self._send(response, params)
                return self._report(permit, response)
            finally:
                permit.failed()
        except errors.QuotaExhaustedError as error:
            if self._refused_by is None:
                raise
            message = f"{self._refused_by} It refused requests for longer than a rate window."
            foreign = errors.ResponseError(message, url=error.url, status=429)
            foreign.retryable = False
            raise foreign from None

    def _report(self, permit: Permit, response: RawResponse) -> bool:
        """Report the outcome of a request to the limiter; return whether it was refused."""
        if response.status != 429:
            self._refused_by = None
            if response.status is not None:
                permit.allowed(billed=response.price > 0)
            return False
        # Whichever server counts the requests, the next one has to wait. But only the API knows
        # whether the credits are used up.
        foreign = response.foreign is not None and not response.cut
        self._refused_by = str(error_for(response, self._key.secret())) if foreign else None
        permit.refused(parse_retry_after(response.headers.get("Retry-After")))
        return True

    def _send(self, response: RawResponse, params: Mapping[str, str]) -> None:
        """Send one request and fill in what is received."""
        begun = time.monotonic()
        self._get_exchange().send(response, params)
        outcome = response.status or response.problem
        _log.debug("GET %s: %s in %.3f s", response.url, outcome, time.monotonic() - begun)
        if self.on_response is not None:
            self.on_response(response)

    def _get_exchange(self) -> Exchange:
        """Return what sends the requests; the first request makes it."""
        with self._exchange_lock:
            if self._exchange is None:
                from sectorsdf.http.exchange import Exchange  # noqa: PLC0415 - see above

                self._exchange = Exchange(
                    self._key, self.base_url, self.timeout, self.max_body_bytes
                )
            return self._exchange

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
        if self._exchange is not None:
            self._exchange.close()


def _failure(error: errors.APIError, response: RawResponse) -> _Failure:
    """Return a failed try with its place in a list of tries."""
    if response.foreign is not None:
        summary = f"{response.status} with {response.foreign}"
    elif isinstance(error, errors.ConnectionFailedError):
        summary = str(response.problem)
    elif isinstance(error, errors.ResponseError):
        summary = f"unusable {error.status} response"
    else:
        summary = str(error.status)
    return _Failure(error, summary, response.overdue)


def _first_line(error: BaseException) -> str:
    return printable((str(error).splitlines() or [type(error).__name__])[0])[:120]
