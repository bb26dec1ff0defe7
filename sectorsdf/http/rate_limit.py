"""A rate limit as people write it: so many requests in so much time."""

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
    """So many requests in so many seconds.

    Attributes
    ----------
    requests : int
        How many; at least 1.
    seconds : float
        The window's length; more than 0, at most a day.
    """

    requests: int
    seconds: float

    def __post_init__(self) -> None:
        if self.requests < 1 or not 0 < self.seconds <= DAY:
            raise errors.ConfigurationError(
                f"rate_limit of {self.requests} requests in {self.seconds} s: at least 1 request"
                " and a window of more than 0 s and at most a day"
            )

    @classmethod
    def parse(cls, text: str | RateLimit) -> RateLimit:
        """Read a rate such as ``"30/min"``, ``"30/60s"``, ``"5/s"`` or ``"1000/hour"``.

        Parameters
        ----------
        text : str or RateLimit
            Requests, a slash, and a unit of time that may have a number before it.

        Returns
        -------
        RateLimit
            The same as numbers.

        Raises
        ------
        sectorsdf.errors.ConfigurationError
            The text is not understood, or a number is out of range.
        """
        if isinstance(text, RateLimit):
            return text
        found = _RATE.fullmatch(text.strip().lower()) if isinstance(text, str) else None
        unit = found and (_UNITS.get(found[3]) or _UNITS.get(found[3].removesuffix("s")))
        if not found or not unit:
            raise errors.ConfigurationError(
                f"rate_limit={text!r} is not understood: write requests/time with a unit, such as"
                " '30/min', '30/60s', '5/s' or '1000/hour'"
            )
        return cls(int(found[1]), float(found[2] or 1) * unit)
