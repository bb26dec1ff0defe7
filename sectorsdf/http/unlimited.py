"""`UnlimitedPhase`: the requests of this process before a rate limit is met.

Owns their times, and which of them are sent alone: those at the counts of the limits that users
have measured. Knows nothing of how a limit is learnt.
"""

from __future__ import annotations

from collections import deque

from sectorsdf.http.window_lengths import MEASURED

__all__ = ["UnlimitedPhase"]


_FEWEST = min(count for count, _, _ in MEASURED)
_LONGEST_HOLD = 2.0  # seconds, in case that a request gets no response


class UnlimitedPhase:
    """The times of responses, and whether a further request may be sent.

    Requests are sent at once. Only when as many were answered as a measured limit allows, the next
    one is sent alone. If the limit is there, one request is refused instead of all those under way,
    and refused requests can prolong a block.
    """

    def __init__(self) -> None:
        self.times: deque[tuple[float, bool]] = deque(maxlen=20_000)  # and whether it was billed
        self.latency = 0.0  # the mean response time of late
        self._flights = 0
        self._ahead = list(MEASURED)
        self._alone = False
        self._held_since = 0.0

    def admit(self, now: float) -> bool:
        """Return whether a request may be sent now; it counts as sent."""
        held = bool(self._held_since) and 0 <= now - self._held_since < _LONGEST_HOLD
        if held and self._alone:
            return False
        reached = self._reached(now)
        if reached is not None and self._flights and (held or not self._held_since):
            self._held_since = self._held_since or now
            return False
        self._held_since, self._alone = 0.0, reached is not None
        if reached is not None:
            self._ahead.remove(reached)
            self._held_since = now
        self._flights += 1
        return True

    def _reached(self, now: float) -> tuple[int, float, bool] | None:
        """Return the measured limit that the requests so far would exhaust, if any."""
        if len(self.times) + self._flights < _FEWEST:
            return None
        for limit in self._ahead:
            count, seconds, billed_only = limit
            taken = self._flights
            for at, billed in reversed(self.times):
                if at <= now - seconds or taken > count:
                    break
                taken += billed or not billed_only
            if taken == count:
                return limit
        return None

    def record(self, now: float, sent: float, *, billed: bool) -> None:
        """Record a response, or a request that got none."""
        self.times.append((now, billed))
        duration = max(0.0, now - sent)
        self.latency += (duration - self.latency) / min(len(self.times), 8)

    def end(self) -> bool:
        """End a request that was admitted; return whether others may be waiting for that."""
        self._flights = max(0, self._flights - 1)
        waiting = bool(self._held_since)
        if self._alone:
            self._alone, self._held_since = False, 0.0
        return waiting
