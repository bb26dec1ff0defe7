"""The window lengths that are worth trying, and how exactly a length can be measured.

Owns the arithmetic of lengths only. Knows no state, clock or thread.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from sectorsdf.http.rate_limit import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "MEASURED",
    "WINDOW_LENGTHS",
    "MeasuredLimit",
    "lengths_between",
    "margin",
    "next_shorter",
    "peaks",
]


WINDOW_LENGTHS = (
    1.0, 2, 3, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, DAY,
)  # fmt: skip


class MeasuredLimit(NamedTuple):
    """A limit that users of the API have measured."""

    requests: int
    seconds: float
    billed_only: bool  # whether only billed responses count


# No limit is assumed to be one of them before it is met.
MEASURED = (MeasuredLimit(25, 30.0, True), MeasuredLimit(30, 60.0, False))  # noqa: FBT003 - named
_EXACT = 1.05  # how many times longer than the true length a learnt one may be


def margin(length: float) -> float:
    """Return the seconds to wait beyond the end of a window."""
    # A request a few milliseconds early costs a whole window, and clocks drift over long windows.
    return 0.002 * length + 0.005


def lengths_between(low: float, high: float, lag: float) -> list[float]:
    """Return lengths to try, to find out whether a window is as long as it seems.

    Parameters
    ----------
    low, high : float
        The window is longer than `low` (0 if that is not known), and seems to be `high`.
    lag : float
        How much later than the server counted a request its response can arrive.

    Returns
    -------
    list of float
        In ascending order. If the last one is refused, `high` is exact. None are needed if the
        bounds are so close that they cannot be distinguished.
    """
    tolerance = 0.015 * high + 2 * lag + margin(high)
    if high - low <= 1.3 * tolerance or high <= _EXACT * low:
        return []
    if not low:
        return [
            _round_number(0.4 * high, 0.6 * high),
            _round_number(0.6 * high, 0.85 * high),
            high - tolerance,
        ]
    middle = [_round_number(low, high)] if high > 1.15 * low + tolerance else []
    return [*middle, high - tolerance]


def next_shorter(length: float, lengths: Sequence[float]) -> float:
    """Return the usual length below another one, or half of it."""
    return max((usual for usual in lengths if usual < 0.98 * length), default=length / 2)


def _round_number(low: float, high: float) -> float:
    """Return a number near the middle of two others that has few digits, as plans do."""
    middle = math.sqrt(low * high)
    for power in range(5, -4, -1):
        for step in (5 * 10.0**power, 10.0**power):
            near = round(middle / step) * step
            if 1.05 * low < near < high / 1.05:
                return round(near, 6)
    return middle


def peaks(times: Sequence[float], end: float, length: float) -> bool:
    """Return whether clearly more of some times lie in the last window than in any before it."""
    last = sum(at > end - length for at in times)
    first = 0
    for position, at in enumerate(times):
        if at > end - 0.2 * length:
            break
        while times[first] <= at - length:
            first += 1
        if 1.25 * (position - first + 1) >= last:
            return False
    return True
