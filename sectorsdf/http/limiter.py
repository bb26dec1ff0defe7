"""`RateLimiter`: keeps all threads and processes of one key to the server's rate limit.

Owns the waiting threads and the file through which processes share what is known. Decides nothing
about the limit itself: `learner` does.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
import uuid
from collections import deque
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

import filelock

from sectorsdf import errors
from sectorsdf._fork import renew_in_child
from sectorsdf.config.checks import is_number
from sectorsdf.http.learner import (
    POLL_SECONDS,
    WINDOW_LENGTHS,
    Decision,
    WindowLearner,
    WindowState,
)
from sectorsdf.http.rate_limit import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

__all__ = ["LimiterStoppedError", "Permit", "RateLimiter"]


_MIN_ANNOUNCED = 1.5  # seconds; shorter waits are not reported to `on_wait`


class LimiterStoppedError(errors.SectorsdfError):
    """The limiter was stopped while a request waited for a permit."""


def _new_prefix() -> str:
    """Return a text that distinguishes this limiter from all others of the state file."""
    return f"{os.getpid():x}-{uuid.uuid4().hex[:6]}-"


def _parse_state(text: str) -> WindowState:
    """Return the state in a file's text, ignoring unknown fields; a damaged one is reset."""
    try:
        raw = json.loads(text)
        defaults = vars(WindowState())
        state = WindowState(
            **{name: type(value)(raw.get(name, value)) for name, value in defaults.items()}
        )
        state.slots = [[float(at), int(count)] for at, count in state.slots]
        state.flights = {str(name): float(at) for name, at in state.flights.items()}
        damaged = any(isinstance(v, float) and not math.isfinite(v) for v in vars(state).values())
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        damaged = True
    return WindowState() if damaged else state


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

    def allowed(self) -> None:
        """Report a response other than 429."""
        limiter, self._limiter = self._limiter, None
        if limiter:
            limiter._record_response(self._decision, answered=True)

    def failed(self) -> None:
        """Report that no response arrived; the server may have counted the request anyway."""
        limiter, self._limiter = self._limiter, None
        if limiter:
            limiter._record_response(self._decision, answered=False)

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
        The seconds of refusals after which the credits count as used up, while the length of the
        window is unknown; also the longest window that can be learnt.
    clock : callable, default time.time
        Returns wall time in seconds.
    window_lengths : sequence of float, optional
        The usual window lengths, in ascending order.

    Attributes
    ----------
    on_wait : callable or None
        Called with the seconds to wait whenever a new wait of more than 1.5 s begins.
    """

    def __init__(
        self,
        *,
        state_file: Path | None = None,
        rate_limit: str | RateLimit | None = None,
        max_wait: float = 65.0,
        clock: Callable[[], float] = time.time,
        window_lengths: Sequence[float] = WINDOW_LENGTHS,
    ) -> None:
        if not is_number(max_wait) or not max_wait > 0:
            raise errors.ConfigurationError(f"max_wait={max_wait!r}: give more than 0 seconds.")
        limit = None if rate_limit is None else RateLimit.parse(rate_limit)
        self.on_wait: Callable[[float], None] | None = None
        self._learner = WindowLearner(limit, max_wait, window_lengths)
        self._clock = clock
        self._condition = threading.Condition()
        self._stopped = False
        # The shared file, and its content and signature when it was last read or written.
        self._file = state_file
        self._file_lock: filelock.FileLock | None = None
        self._file_text = ""
        self._file_signature: tuple[int, int, int] | None = None
        self._next_check = -math.inf
        # Before a limit is met, the times of responses are kept here and not in the file.
        self._unlimited = limit is None
        self._response_times: deque[float] = deque(maxlen=20_000)
        self._name_prefix = _new_prefix()
        self._attempts = self._refusals = 0
        # Incremented to wake the waiting threads, which are listed with the time they wait for.
        self._wakeups = 0
        self._waiters: dict[int, float] = {}
        self._waiting_since = self._waited = self._announced = 0.0
        renew_in_child(self)

    def _after_fork(self) -> None:
        # The waiting threads, the lock of the file and what is written under this name are the
        # parent's; what the parent has learnt is read from the file again.
        self._condition = threading.Condition()
        self._waiters = {}
        self._name_prefix = _new_prefix()
        self._file_lock, self._file_signature = None, None

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
                self._wait(thread, wakeups, result)
        finally:
            with self._condition:
                if self._waiters.pop(thread, None) is not None and not self._waiters:
                    self._waited += max(0.0, self._clock() - self._waiting_since)

    def _try(self, begun: float, url: str) -> Permit | float:
        """Return a permit, or the time until which to wait. Blocks only for the file's lock."""
        with self._condition:
            if self._stopped:
                raise LimiterStoppedError(
                    "The rate limiter was stopped; call resume() before the next request."
                )
            now = self._clock()
            self._attempts += 1
            checked = now < self._next_check <= now + POLL_SECONDS
            if self._unlimited and (checked or not self._file_changed(now)):
                return Permit(self, Decision("free", sent=now), url)
            name = f"{self._name_prefix}{self._attempts}"
            with self._shared_state():
                now = self._clock()
                state = self._learner.state
                if state.exhausted > begun and state.closed:
                    raise self._quota_exhausted(url)
                decision = self._learner.decide(now, name)
                lease = state.lease
            if decision.role:
                decision.name, decision.sent = name, now
                return Permit(self, decision, url)
            # Another process cannot wake this one, so its result has to be polled.
            foreign = bool(lease) and not lease.startswith(self._name_prefix)
            return min(decision.until, now + POLL_SECONDS) if foreign else decision.until

    def _wait(self, thread: int, wakeups: int, until: float) -> None:
        now = self._clock()
        with self._condition:
            if not self._waiters:
                self._waiting_since = now
            self._waiters[thread] = until
            announce = (
                until - now > _MIN_ANNOUNCED and abs(until - self._announced) > _MIN_ANNOUNCED
            )
            if announce:
                self._announced = until
        if announce and self.on_wait:
            self.on_wait(until - now)
        with self._condition:
            if wakeups == self._wakeups:
                # At most 5 s at a time, so that a change of the clock is noticed.
                self._condition.wait(min(max(until - self._clock(), 0.0005), 5.0))

    def _wake(self) -> None:
        self._wakeups += 1
        self._condition.notify_all()

    def _record_response(self, decision: Decision, *, answered: bool) -> None:
        with self._condition:
            if self._unlimited and decision.role == "free":
                self._response_times.append(self._clock())
                return
            with self._shared_state():
                self._learner.record_response(decision, self._clock(), answered=answered)
            if decision.role != "slot":
                self._wake()

    def _record_refusal(self, decision: Decision, retry_after: float | None, url: str) -> None:
        with self._condition:
            self._refusals += 1
            with self._shared_state():
                exhausted = self._learner.record_refusal(decision, self._clock(), retry_after)
            self._wake()
        if exhausted:
            raise self._quota_exhausted(url)

    def _quota_exhausted(self, url: str) -> errors.QuotaExhaustedError:
        return errors.QuotaExhaustedError(
            "The server refused requests (429) for longer than a full rate window, so the plan's"
            " credits are probably used up. Top up, or wait until the quota is renewed.",
            url=url,
            status=429,
        )

    @contextmanager
    def _shared_state(self) -> Iterator[None]:
        """Lock the file, load the state from it, and save the state at the end."""
        with self._locked():
            self._load()
            if self._response_times:
                self._learner.add_responses(self._response_times)
                self._response_times.clear()
            yield
            self._unlimited = self._learner.unlimited
            self._save()

    def _locked(self) -> AbstractContextManager[object]:
        if self._file is not None:
            try:
                if self._file_lock is None:
                    self._file.parent.mkdir(parents=True, exist_ok=True)
                    self._file_lock = filelock.FileLock(f"{self._file}.lock")
                return self._file_lock.acquire(timeout=10, poll_interval=0.002)
            except (OSError, NotImplementedError):
                self._file = None  # from here on in memory only
        return nullcontext()

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            stat = os.stat(self._file) if self._file is not None else None  # noqa: PTH116 - speed
        except OSError:
            return None
        return (stat.st_ino, stat.st_mtime_ns, stat.st_size) if stat else None

    def _file_changed(self, now: float) -> bool:
        self._next_check = now + POLL_SECONDS
        signature = self._signature()
        return signature is not None and signature != self._file_signature

    def _load(self) -> None:
        signature = self._signature()
        if self._file is None or signature is None or signature == self._file_signature:
            return
        with suppress(OSError, ValueError):
            self._file_text = self._file.read_text(encoding="utf-8")
            self._learner.state = _parse_state(self._file_text)
        self._file_signature = signature

    def _save(self) -> None:
        text = json.dumps(vars(self._learner.state), separators=(",", ":"))
        if self._file is None or text == self._file_text:
            return
        temporary = self._file.with_name(f"{self._file.name}.{self._name_prefix}part")
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self._file)
        except OSError:
            self._file = None
            return
        self._file_text, self._file_signature = text, self._signature()

    @property
    def waiting_until(self) -> float | None:
        """The time on the limiter's clock until which requests wait; None if none does."""
        with self._condition:
            return max(self._waiters.values(), default=None)

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
            waited = self._waited
            if self._waiters:
                waited += max(0.0, self._clock() - self._waiting_since)
            return {
                "requests": limit.requests if limit else None,
                "seconds": round(limit.seconds, 3) if limit else None,
                "by_hand": self._learner.manual is not None,
                "refusals": self._refusals,
                "waited": round(waited, 3),
            }
