"""`UnlimitedPhase`: the requests of this process before a rate limit is met.

Owns their times, and after which of them the others wait: those at the counts of the limits that
users have measured. Knows nothing of how a limit is learnt.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from sectorsdf.http.window_lengths import MEASURED

if TYPE_CHECKING:
    from sectorsdf.http.window_lengths import MeasuredLimit

__all__ = ["UnlimitedPhase"]


_FEWEST = min(limit.requests for limit in MEASURED)
# One more than needed: a request under way may cost nothing, and then it does not count.
_TRIALS = 2
_LONGEST_HOLD = 2.0  # seconds, in case that a request gets no response


class UnlimitedPhase:
    """The times of responses, and whether a further request may be sent.

    Requests are sent at once. Only after as many as a measured limit allows, and one more, the next
    ones wait until all of these are answered. If the limit is there, one request is refused instead
    of all those that would follow, and refused requests can prolong a block.
    """

    def __init__(self) -> None:
        self.times: deque[tuple[float, bool]] = deque(maxlen=20_000)  # and whether it was billed
        self.latency = 0.0  # the mean response time of late
        self.flights: dict[str, float] = {}  # when each request under way was sent
        self._trials = dict.fromkeys(MEASURED, _TRIALS)
        self._held_since = 0.0

    def admit(self, now: float, name: str) -> bool:
        """Return whether a request may be sent now; it counts as sent."""
        if self._held_since and 0 <= now - self._held_since < _LONGEST_HOLD:
            return False
        reached = self._reached(now)
        self._held_since = 0.0 if reached is None else now
        if reached is not None:
            self._trials[reached] -= 1
        self.flights[name] = now
        return True

    def _reached(self, now: float) -> MeasuredLimit | None:
        """Return the measured limit that would allow the requests so far and no other, if any."""
        if len(self.times) + len(self.flights) < _FEWEST:
            return None
        for limit, trials in self._trials.items():
            if trials and len(self.flights) + self._answered(limit, now) == limit.requests:
                return limit
        return None

    def _answered(self, limit: MeasuredLimit, now: float) -> int:
        """Return how many responses of the last window count, or a number above the limit."""
        count = 0
        for at, billed in reversed(self.times):
            if at <= now - limit.seconds or count > limit.requests:
                break
            count += billed or not limit.billed_only
        return count

    def record(self, now: float, sent: float, *, billed: bool) -> None:
        """Record a response, or a request that got none."""
        self.times.append((now, billed))
        duration = max(0.0, now - sent)
        self.latency += (duration - self.latency) / min(len(self.times), 8)
        # A limit that has allowed one request more is not there.
        for limit in list(self._trials):
            if self._answered(limit, now) > limit.requests:
                del self._trials[limit]

    def end(self, name: str) -> bool:
        """End a request that was admitted; return whether others may have waited for it."""
        self.flights.pop(name, None)
        if self.flights or not self._held_since:
            return False
        self._held_since = 0.0
        return True
