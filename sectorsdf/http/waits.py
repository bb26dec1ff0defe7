"""`Waits`: the threads that wait for the rate limit, and what is announced of it.

Owns who waits, until when, and for how long in all. Decides nothing, and uses no lock: `limiter`
calls it under its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorsdf.http.clock import clock_time, duration_in_words

if TYPE_CHECKING:
    from sectorsdf.http.window_state import Decision

__all__ = ["Waits"]


_MIN_ANNOUNCED = 1.0  # seconds; shorter waits are not announced
_AGAIN = 10.0  # seconds until a wait whose end is not known is announced again


class Waits:
    """The threads that wait now, and the seconds in which at least one of them waited."""

    def __init__(self) -> None:
        self._ends: dict[int, float] = {}
        self._since = self._seconds = 0.0
        self._announced = 0.0  # up to when the wait was announced

    @property
    def until(self) -> float | None:
        """The time until which requests wait; None if none does."""
        return max(self._ends.values(), default=None)

    def seconds(self, now: float) -> float:
        """Return the seconds in which at least one thread waited."""
        return self._seconds + (max(0.0, now - self._since) if self._ends else 0.0)

    def add(self, thread: int, begun: float, now: float, decision: Decision) -> str:
        """Let a thread wait; return the announcement of it, or nothing if it needs none.

        Parameters
        ----------
        thread : int
            The thread. It may wait already.
        begun, now : float
            When it asked for the permit, and the present time.
        decision : Decision
            Until when it waits, and for what.
        """
        if not self._ends:
            self._since = now
        self._ends[thread] = until = decision.until
        if until - now > _MIN_ANNOUNCED:
            if abs(until - self._announced) <= _MIN_ANNOUNCED:
                return ""
            self._announced = until
            left = duration_in_words(until - now)
            return f"Waiting {left}, until {clock_time(until)}, for {decision.reason}"
        # It is not known how long another request takes, so each wait for it is short.
        if now - max(begun, self._announced) <= _MIN_ANNOUNCED:
            return ""
        self._announced = now + _AGAIN
        return f"Still waiting for {decision.reason}"

    def remove(self, thread: int, now: float) -> None:
        """End the wait of a thread, if it waits."""
        waited = self.seconds(now)
        if self._ends.pop(thread, None) is not None and not self._ends:
            self._seconds = waited

    def clear(self) -> None:
        """Forget the threads, which are those of a parent process."""
        self._ends.clear()
