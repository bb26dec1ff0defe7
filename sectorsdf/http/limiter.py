"""`RateLimiter`: keeps all threads and processes of one key to the server's rate limit.

Owns the permits, the lock of the threads, and the errors of waits that would be too long. Decides
nothing about the limit itself: `learner` does. `state_file` shares what is known between processes,
and `waits` announces what is waited for.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sectorsdf import errors
from sectorsdf.config.checks import is_number
from sectorsdf.config.forks import renew_in_child
from sectorsdf.http.clock import boot_name, steady_clock
from sectorsdf.http.learner import POLL_SECONDS, WINDOW_LENGTHS, Decision, WindowLearner
from sectorsdf.http.limit_errors import quota_exhausted, wait_too_long
from sectorsdf.http.rate_limit import RateLimit
from sectorsdf.http.state_file import StateFile
from sectorsdf.http.unlimited import UnlimitedPhase
from sectorsdf.http.waits import Waits
from sectorsdf.http.window_lengths import margin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["LimiterStoppedError", "Permit", "RateLimiter"]


_log = logging.getLogger(__name__)
_LONGEST_SLEEP = 5.0  # seconds, so that a change of the clock is noticed


class LimiterStoppedError(errors.SectorsdfError):
    """The limiter was stopped while a request waited for a permit."""


def _new_prefix() -> str:
    """Return a text that distinguishes this limiter from all others of the state file."""
    return f"{os.getpid():x}-{uuid.uuid4().hex[:6]}-"


class Permit:
    """Permission to send one request.

    Call exactly one of `allowed`, `refused` and `failed` afterwards. Only the first call counts, so
    that `failed` in a ``finally`` does no harm.
    """

    __slots__ = ("_decision", "_limiter", "_url", "role")

    def __init__(self, limiter: RateLimiter, decision: Decision, url: str) -> None:
        self._limiter: RateLimiter | None = limiter
        self._decision, self._url = decision, url
        self.role = decision.role

    def allowed(self, *, billed: bool = True) -> None:
        """Report a response other than 429, and whether it cost a credit."""
        limiter, self._limiter = self._limiter, None
        if limiter:
            limiter._record_response(self._decision, answered=True, billed=billed)

    def failed(self) -> None:
        """Report that no response arrived; the server may have counted the request anyway."""
        limiter, self._limiter = self._limiter, None
        if limiter:
            limiter._record_response(self._decision, answered=False, billed=True)

    def refused(self, retry_after: float | None = None) -> None:
        """Report a 429; acquire another permit to send the request again.

        Parameters
        ----------
        retry_after : float, optional
            The seconds to wait, if the server returned them.

        Raises
        ------
        sectorsdf.errors.QuotaExhaustedError
            Requests have been refused for longer than a full window.
        sectorsdf.errors.RateLimitError
            The wait would be longer than `max_wait`.
        """
        limiter, self._limiter = self._limiter, None
        if limiter:
            limiter._record_refusal(self._decision, retry_after, self._url)


class RateLimiter:
    """Delay requests so that they stay within the server's rate limit.

    One limiter serves all threads of a client. Limiters with the same `state_file`, also in other
    processes, share one limit. Until a limit is met, a permit costs a few microseconds.

    Parameters
    ----------
    state_file : pathlib.Path, optional
        Where the limit is stored and shared; one file per key and host. Without it, or if it cannot
        be written, the limiter works in memory only.
    rate_limit : str or RateLimit, optional
        The limit, if it is known, such as ``"30/min"``. Without it, it is learnt from refusals.
    max_wait : float, default 65.0
        The longest wait in seconds. A longer one, by the server's Retry-After or by the limit that
        was learnt, is an error at once. It is also the longest window that can be learnt, and the
        time of refusals after which the credits count as used up while the window is not known.
    clock : callable, default time.time
        Returns wall time in seconds.
    steady : callable, optional
        Returns the seconds of a clock that is never set, so that a change of `clock` is noticed. By
        default the time since the machine was started, if `clock` is `time.time`.
    window_lengths : sequence of float, optional
        The usual window lengths, in ascending order.
    """

    def __init__(
        self,
        *,
        state_file: Path | None = None,
        rate_limit: str | RateLimit | None = None,
        max_wait: float = 65.0,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] | None = None,
        window_lengths: Sequence[float] = WINDOW_LENGTHS,
    ) -> None:
        if not is_number(max_wait) or not max_wait > 0:
            raise errors.ConfigurationError(f"max_wait={max_wait!r}: give more than 0 seconds.")
        limit = None if rate_limit is None else RateLimit.parse(rate_limit)
        self._learner = WindowLearner(limit, max_wait, window_lengths)
        self._max_wait = max_wait
        self._clock = clock
        self._steady = steady_clock if steady is None and clock is time.time else steady
        self._condition = threading.Condition()
        self._stopped = False
        self._name_prefix = _new_prefix()
        self._file = StateFile(state_file, self._name_prefix)
        self._next_check = -math.inf
        # Before a limit is met, the times of responses are kept here and not in the file.
        self._unlimited: UnlimitedPhase | None = UnlimitedPhase() if limit is None else None
        self._attempts = self._refusals = 0
        self._wakeups = 0  # incremented to wake the waiting threads
        self._waits = Waits()
        self._latest = Decision("")  # the latest decision to wait
        renew_in_child(self)

    def _after_fork(self) -> None:
        # The waiting threads, the lock of the file and what is written under this name are the
        # parent's; what the parent has learnt is read from the file again.
        self._condition = threading.Condition()
        self._waits.clear()
        self._name_prefix = _new_prefix()
        self._file.renew(self._name_prefix)
        if self._unlimited is not None:
            self._unlimited = UnlimitedPhase()

    def __repr__(self) -> str:
        return f"RateLimiter({self.snapshot()!r})"

    def acquire(self, *, url: str = "") -> Permit:
        """Wait until a request may be sent.

        Parameters
        ----------
        url : str, optional
            The URL of the request, for error messages; without the key.

        Returns
        -------
        Permit
            Must be informed of the outcome of the request.

        Raises
        ------
        sectorsdf.errors.QuotaExhaustedError
            During the wait, requests were refused for longer than a full window.
        sectorsdf.errors.RateLimitError
            The wait would be longer than `max_wait`.
        LimiterStoppedError
            `stop` was called.
        """
        begun = self._clock()
        thread = threading.get_ident()
        try:
            while True:
                wakeups = self._wakeups
                result = self._try(begun, url)
                if isinstance(result, Permit):
                    return result
                self._wait(thread, begun, wakeups, result)
        finally:
            with self._condition:
                self._waits.remove(thread, self._clock())

    def _try(self, begun: float, url: str) -> Permit | float:
        """Return a permit, or the time at which to ask again. Blocks only for the file's lock."""
        with self._condition:
            if self._stopped:
                raise LimiterStoppedError(
                    "The rate limiter was stopped; call resume() before the next request."
                )
            now = self._clock()
            self._attempts += 1
            checked = now < self._next_check <= now + POLL_SECONDS
            name = f"{self._name_prefix}{self._attempts}"
            if self._unlimited and (checked or not self._file_changed(now)):
                if not self._unlimited.admit(now, name):
                    self._latest = Decision("", now + POLL_SECONDS, reason="requests under way")
                    return self._latest.until
                return Permit(self, Decision("free", name=name, sent=now), url)
            with self._shared_state():
                now = self._clock()
                self._learner.clean_up(now, *self._offset(now))
                state = self._learner.state
                if state.exhausted > begun and state.closed:
                    raise self._refused_too_long(now, url)
                decision = self._learner.decide(now, name)
                lease = state.lease
            if decision.role:
                decision.name, decision.sent = name, now
                return Permit(self, decision, url)
            self._latest = decision
            # The caller knows how long a window lasts that the caller has set.
            if self._too_long(decision.until - now) and (state.pause or not self._learner.manual):
                raise self._wait_too_long(decision.until, now, url)
            # Another process cannot wake this one, so its result has to be polled.
            foreign = bool(lease) and not lease.startswith(self._name_prefix)
            return min(decision.until, now + POLL_SECONDS) if foreign else decision.until

    def _offset(self, now: float) -> tuple[str, float]:
        """Return the name and the offset of the clock that is never set."""
        if self._steady is None:
            return "", 0.0
        return boot_name() or self._name_prefix, now - self._steady()

    def _wait(self, thread: int, begun: float, wakeups: int, until: float) -> None:
        with self._condition:
            announcement = self._waits.add(thread, begun, self._clock(), self._latest)
        if announcement:
            _log.info("%s", announcement)
        with self._condition:
            if wakeups == self._wakeups:
                seconds = min(max(until - self._clock(), 0.0005), _LONGEST_SLEEP)
                self._condition.wait(seconds)

    def _wake(self) -> None:
        self._wakeups += 1
        self._condition.notify_all()

    def _end_free(self, decision: Decision) -> None:
        """End a request that was sent before a limit was met."""
        if self._unlimited and decision.role == "free" and self._unlimited.end(decision.name):
            self._wake()

    def _record_response(self, decision: Decision, *, answered: bool, billed: bool) -> None:
        with self._condition:
            self._end_free(decision)
            if self._unlimited and decision.role == "free":
                self._unlimited.record(self._clock(), decision.sent, billed=billed)
                return
            with self._shared_state():
                self._learner.record_response(
                    decision, self._clock(), answered=answered, billed=billed
                )
            if decision.role != "slot" or self._learner.state.wary:
                self._wake()

    def _record_refusal(self, decision: Decision, retry_after: float | None, url: str) -> None:
        with self._condition:
            self._refusals += 1
            self._end_free(decision)
            with self._shared_state():
                now = self._clock()
                exhausted = self._learner.record_refusal(decision, now, retry_after)
                pause = self._learner.state.pause
            self._wake()
            if self._too_long(pause - now):
                raise self._wait_too_long(pause, now, url)
            if exhausted:
                raise self._refused_too_long(now, url)

    def _too_long(self, seconds: float) -> bool:
        return seconds > self._max_wait + margin(self._max_wait) + POLL_SECONDS

    def _wait_too_long(self, until: float, now: float, url: str) -> errors.RateLimitError:
        learner = self._learner
        named = bool(learner.state.pause)
        return wait_too_long(until, now, self._max_wait, learner.limit, named=named, url=url)

    def _refused_too_long(self, now: float, url: str) -> errors.APIError:
        """Return the error of requests that were refused for longer than a full window."""
        learner = self._learner
        if learner.state.pause > now:
            return self._wait_too_long(learner.state.pause, now, url)
        return quota_exhausted(learner.full_window(), known=learner.trusted, url=url)

    @contextmanager
    def _shared_state(self) -> Iterator[None]:
        """Lock the file, load the state from it, and save the state at the end."""
        learner = self._learner
        with self._file.locked():
            learner.state = self._file.load() or learner.state
            if self._unlimited and self._unlimited.times:
                learner.latency = self._unlimited.latency
                learner.add_responses(self._unlimited.times)
                self._unlimited.times.clear()
            yield
            if self._unlimited is None and learner.unlimited:
                self._unlimited = UnlimitedPhase()
            elif self._unlimited and not learner.unlimited:
                # How many the limit allows is known once these are answered.
                learner.state.flights |= self._unlimited.flights
                self._unlimited = None
            self._file.save(learner.state)

    def _file_changed(self, now: float) -> bool:
        self._next_check = now + POLL_SECONDS
        return self._file.changed()

    @property
    def waiting_until(self) -> float | None:
        """The time on the limiter's clock until which requests wait; None if none does."""
        with self._condition:
            return self._waits.until

    def stop(self) -> None:
        """Wake all waiting threads; they, and all later calls, raise `LimiterStoppedError`."""
        with self._condition:
            self._stopped = True
            self._wake()

    def resume(self) -> None:
        """Give out permits again after `stop`."""
        with self._condition:
            self._stopped = False

    def eta(self, requests: int) -> float:
        """Estimate how long the limit delays a number of requests.

        Parameters
        ----------
        requests : int
            The number of requests still to be sent.

        Returns
        -------
        float
            The seconds until the last of them may be sent; 0.0 while no limit is known.
        """
        with self._condition:
            return self._learner.eta(requests, self._clock())

    def snapshot(self) -> dict[str, float | int | bool | None]:
        """Return what is known of the limit, ready for JSON.

        Returns
        -------
        dict
            ``requests`` and ``seconds`` of the limit (None while not settled); ``by_hand``, whether
            the caller set it; ``refusals``, the number of 429 that this limiter met; ``waited``,
            the seconds in which at least one request waited.
        """
        with self._condition:
            limit = self._learner.limit
            return {
                "requests": limit.requests if limit else None,
                "seconds": round(limit.seconds, 3) if limit else None,
                "by_hand": self._learner.manual is not None,
                "refusals": self._refusals,
                "waited": round(self._waits.seconds(self._clock()), 3),
            }
