"""The errors of requests that the rate limit would delay for too long.

Owns their texts. Decides nothing: `limiter` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorsdf import errors
from sectorsdf.http.clock import clock_time, duration_in_words

if TYPE_CHECKING:
    from sectorsdf.http.rate_limit import RateLimit

__all__ = ["limit_in_words", "quota_exhausted", "wait_too_long"]


def limit_in_words(limit: RateLimit) -> str:
    """Return a limit in words."""
    return f"{limit.requests} requests in {duration_in_words(limit.seconds)}"


def wait_too_long(
    until: float, now: float, max_wait: float, limit: RateLimit | None, *, named: bool, url: str
) -> errors.RateLimitError:
    """Return the error of a wait that is longer than a call waits.

    Parameters
    ----------
    until, now : float
        When the next request may be sent, and the present time.
    max_wait : float
        The seconds that a call waits at most.
    limit : RateLimit or None
        The limit, if it is known.
    named : bool
        Whether the server named the time, in Retry-After.
    url : str
        The URL of the request, without the key.
    """
    if named:
        cause = "The server refuses requests (429) and asks to send none"
    elif limit:
        cause = f"The rate limit of {limit_in_words(limit)}, as it was learnt, allows none"
    else:
        cause = "The server refuses requests (429). None is sent"
    error = errors.RateLimitError(
        f"{cause} before {clock_time(until)}, in {duration_in_words(until - now)}. That is longer"
        f" than a call waits (max_wait={max_wait:g} s). Call again then, or give the client a"
        " longer max_wait.",
        url=url,
        retry_after=max(0.0, until - now),
    )
    error.retryable = False
    return error


def quota_exhausted(window: float, *, known: bool, url: str) -> errors.QuotaExhaustedError:
    """Return the error of requests that were refused for longer than a full window.

    Parameters
    ----------
    window : float
        The seconds for which they were refused.
    known : bool
        Whether that is certainly a full window.
    url : str
        The URL of the request, without the key.
    """
    longer = " If your plan's rate window is longer, give the client a longer max_wait."
    return errors.QuotaExhaustedError(
        "The server refused requests (429) for longer than a full rate window"
        f" ({duration_in_words(window)}), so the plan's credits are probably used up. Top up, or"
        f" wait until the quota is renewed.{'' if known else longer}",
        url=url,
        status=429,
    )
