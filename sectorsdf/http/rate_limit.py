"""`RateLimit`: a number of requests in a length of time, and its text form.

Owns the syntax of ``rate_limit=`` and its bounds. Knows nothing of how a limit is learnt or kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sectorsdf import errors

__all__ = ["DAY", "RateLimit"]


DAY = 86400.0
_UNITS = {"s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": 3600.0}
_UNITS |= {"m": 60.0, "hr": 3600.0, "hour": 3600.0, "d": DAY, "day": DAY}
_RATE = re.compile(r"(\d+)\s*(?:/|per)\s*(\d+(?:\.\d*)?|\.\d+)?\s*([a-z]+)")


@dataclass(frozen=True)
class RateLimit:
    """A number of requests that a server accepts in a length of time.

    Attributes
    ----------
    requests : int
        The number of requests; at least 1.
    seconds : float
        The length of the window; more than 0 and at most a day.
    """

    requests: int
    seconds: float

    def __post_init__(self) -> None:
        if self.requests < 1 or not 0 < self.seconds <= DAY:
            raise errors.ConfigurationError(
                f"rate_limit: {self.requests} requests in {self.seconds} s cannot be used. It must"
                " be at least 1 request, in a window of more than 0 s and at most a day."
            )

    @classmethod
    def parse(cls, text: str | RateLimit) -> RateLimit:
        """Parse a rate such as ``"30/min"``, ``"30/60s"``, ``"5/s"`` or ``"1000/hour"``.

        Parameters
        ----------
        text : str or RateLimit
            Requests, a slash, and a unit of time with an optional number before it.

        Returns
        -------
        RateLimit
            The parsed rate.

        Raises
        ------
        sectorsdf.errors.ConfigurationError
            The text cannot be parsed, or a number is out of range.
        """
        if isinstance(text, RateLimit):
            return text
        match = _RATE.fullmatch(text.strip().lower()) if isinstance(text, str) else None
        unit = match and (_UNITS.get(match[3]) or _UNITS.get(match[3].removesuffix("s")))
        if not match or not unit:
            raise errors.ConfigurationError(
                f"rate_limit={text!r} cannot be parsed: write requests/time with a unit, such as"
                " '30/min', '30/60s', '5/s' or '1000/hour'."
            )
        return cls(int(match[1]), float(match[2] or 1) * unit)
