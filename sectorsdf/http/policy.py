"""`RetryPolicy`, and the limits of a request: its timeouts and the size of its response.

Owns the defaults and their checks. Sends nothing itself.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sectorsdf import errors
from sectorsdf.config.checks import is_number

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MAX_BODY_BYTES", "TIMEOUT", "RetryPolicy", "checked_timeout"]


# Seconds to connect, to wait for each part of a response, and for all of it.
TIMEOUT = (5.0, 30.0, 120.0)
# A page of a list has some 20 kB.
MAX_BODY_BYTES = 64_000_000


@dataclass(frozen=True)
class RetryPolicy:
    """How often a failed request is sent again, and after which delay.

    Retried are connections that fail, timeouts, 5xx, responses that a proxy or gateway sent in
    place of the API, and 2xx responses that are cut short or are not JSON. A response that takes
    longer than the whole timeout is requested once more only. Not retried are 4xx of the API, JSON
    of an unexpected shape, which would cost another credit each time, and failures that would come
    again, such as a certificate that is not trusted. A 429 does not count as a try: the request
    waits for the rate window.

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
        numbers = is_int and is_number(self.base) and is_number(self.cap)
        if not (numbers and self.tries >= 1 and 0 <= self.base < math.inf and 0 <= self.cap < 1e6):
            message = (
                f"{self!r} cannot be used: tries must be a whole number of at least 1, base and "
                "cap seconds of at least 0, and cap below 1e6."
            )
            raise errors.ConfigurationError(message)

    def wait(self, failures: int) -> float:
        """Return the delay in seconds after a number of failures."""
        # Limited, because 2.0 to the power of a thousand overflows.
        return random.uniform(0, min(self.cap, self.base * 2.0 ** min(failures, 64)))


def checked_timeout(value: Sequence[float]) -> tuple[float, float, float]:
    """Return the seconds to connect, to wait for each part, and for all of a response.

    Raises
    ------
    ConfigurationError
        They are not two or three finite numbers above 0.
    """
    try:
        connect, read, *rest = (float(part) if is_number(part) else 0.0 for part in value)
        (total,) = rest or (max(TIMEOUT[2], 2 * (connect + read)),)
    except (TypeError, ValueError):
        connect = read = total = 0.0
    if not all(0 < seconds < math.inf for seconds in (connect, read, total)):
        message = (
            f"timeout={value!r}: give finite numbers of seconds, (connect, read) or (connect, "
            "read, total)."
        )
        raise errors.ConfigurationError(message)
    return connect, read, total
