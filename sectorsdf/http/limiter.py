"""The gate before the server: keeps all threads and processes to the rate window that it learns.

`sectorsdf.http.learner` decides what is learnt, and how. This module owns the threads that wait and
the file through which processes share the record.
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
from sectorsdf.http.learner import LADDER, LOOK, Decision, WindowLearner, WindowState
from sectorsdf.http.rate_limit import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

__all__ = ["LimiterStoppedError", "Permit", "RateLimit", "RateLimiter"]


TELL = 1.5  # shorter waits are not worth a word to the user


class LimiterStoppedError(errors.SectorsdfError):
    """The gate was stopped while a request waited before it."""


def _record(text: str) -> WindowState:
    """Take the known fields of a file's text; anything damaged makes the record a fresh one."""
    try:
        raw = json.loads(text)
        fresh = vars(WindowState())
        state = WindowState(
            **{name: type(value)(raw.get(name, value)) for name, value in fresh.items()}
        )
        state.slots = [[float(at), int(count)] for at, count in state.slots]
        state.flights = {str(name): float(at) for name, at in state.flights.items()}
        damaged = any(isinstance(v, float) and not math.isfinite(v) for v in vars(state).values())
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        damaged = True
    return WindowState() if damaged else state


class Permit:
    """Leave to send one request; tell exactly one of `allowed`, `refused`, `failed` afterwards.

    Only the first of them counts, so that `failed` in a ``finally`` does no harm.
    """

    __slots__ = ("_gate", "_url", "_verdict", "role")

    def __init__(self, gate: RateLimiter, verdict: Decision, url: str) -> None:
        self._gate: RateLimiter | None = gate
        self._verdict, self._url = verdict, url
        self.role = verdict.role

    def allowed(self) -> None:
        """Tell that an answer came and was no 429."""
        gate, self._gate = self._gate, None
        if gate:
            gate._answered(self._verdict, answered=True)

    def failed(self) -> None:
        """Tell that no answer came; the server may have counted the request nevertheless."""
        gate, self._gate = self._gate, None
        if gate:
            gate._answered(self._verdict, answered=False)

    def refused(self, retry_after: float | None = None) -> None:
        """Tell that the answer was a 429; the request is to be sent again with a new ticket.

        Parameters
        ----------
        retry_after : float, optional
            Seconds to wait, where the server said so.

        Raises
        ------
        sectorsdf.errors.QuotaExhaustedError
            Requests have been refused for longer than a full window.
        """
        gate, self._gate = self._gate, None
        if gate:
            gate._refused(self._verdict, retry_after, self._url)


class RateLimiter:
    """Stands before the server and lets requests through as fast as its limit allows.

    One gate serves all threads of a client; gates with the same `state_file` keep to one limit
    together, in other processes too. While no limit was met it costs a few microseconds a request.

    Parameters
    ----------
    state_file : pathlib.Path, optional
        Where the limit is remembered and shared, one file a key and host. Without it, or where it
        cannot be written, the gate works in memory.
    rate_limit : str or RateLimit, optional
        The limit, where it is known: ``"30/min"``. Without it, it is learnt from refusals.
    max_wait : float, default 65.0
        Seconds of refusals after which the quota counts as used up while the window's length is not
        known; also the longest window that can be learnt.
    clock : callable, default time.time
        Wall time in seconds.
    ladder : sequence of float, optional
        The window lengths that are thought likely, in rising order.

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
        ladder: Sequence[float] = LADDER,
    ) -> None:
        if not max_wait > 0:
            raise errors.ConfigurationError(f"max_wait={max_wait!r}: must be more than 0 seconds")
        limit = None if rate_limit is None else RateLimit.parse(rate_limit)
        self.on_wait: Callable[[float], None] | None = None
        self._learner = WindowLearner(limit, max_wait, ladder)
        self._file = state_file
        self._guard: filelock.FileLock | None = None
        self._clock = clock
        self._condition = threading.Condition()
        self._seen: tuple[int, int, int] | None = None
        self._text = ""
        self._free = limit is None
        self._look_at = -math.inf
        self._unlimited: deque[float] = deque(maxlen=20_000)
        self._me = f"{os.getpid():x}-{uuid.uuid4().hex[:6]}-"
        self._count = self._refusals = 0
        self._stopped = False
        self._turn = 0
        self._waiters: dict[int, float] = {}
        self._waits_since = self._waited = self._announced = 0.0

    def __repr__(self) -> str:
        return f"RateLimiter({self.snapshot()!r})"

    def acquire(self, *, url: str = "") -> Permit:
        """Wait until a request may be sent.

        Parameters
        ----------
        url : str, optional
            What will be asked, for an error's text; without the key.

        Returns
        -------
        Permit
            To be told how the request went.

        Raises
        ------
        sectorsdf.errors.QuotaExhaustedError
            While this waited, requests were refused for longer than a full window.
        LimiterStoppedError
            `stop` was called.
        """
        asked = self._clock()
        waiter = threading.get_ident()
        try:
            while True:
                turn = self._turn
                found = self._try(asked, url)
                if isinstance(found, Permit):
                    return found
                self._wait(waiter, turn, found)
        finally:
            with self._condition:
                if self._waiters.pop(waiter, None) is not None and not self._waiters:
                    self._waited += max(0.0, self._clock() - self._waits_since)

    def _try(self, asked: float, url: str) -> Permit | float:
        """Return a ticket, or the time until which to wait; blocks for the file's lock only."""
        with self._condition:
            if self._stopped:
                raise LimiterStoppedError("The gate was stopped; call resume() before asking again")
            now = self._clock()
            self._count += 1
            looked = now < self._look_at <= now + LOOK
            if self._free and (looked or not self._changed(now)):
                return Permit(self, Decision("free", sent=now), url)
            name = f"{self._me}{self._count}"
            with self._shared():
                now = self._clock()
                state = self._learner.state
                if state.exhausted > asked and state.closed:
                    raise self._exhausted(url)
                verdict = self._learner.ask(now, name)
                lease = state.lease
            if verdict.role:
                verdict.name, verdict.sent = name, now
                return Permit(self, verdict, url)
            # Another process does not wake this one, so its result has to be looked for.
            foreign = bool(lease) and not lease.startswith(self._me)
            return min(verdict.until, now + LOOK) if foreign else verdict.until

    def _wait(self, waiter: int, turn: int, until: float) -> None:
        now = self._clock()
        with self._condition:
            if not self._waiters:
                self._waits_since = now
            self._waiters[waiter] = until
            tell = until - now > TELL and abs(until - self._announced) > TELL
            if tell:
                self._announced = until
        if tell and self.on_wait:
            self.on_wait(until - now)
        with self._condition:
            if turn == self._turn:
                # In pieces, so that a clock that was set is noticed.
                self._condition.wait(min(max(until - self._clock(), 0.0005), 5.0))

    def _wake(self) -> None:
        self._turn += 1
        self._condition.notify_all()

    def _answered(self, sent: Decision, *, answered: bool) -> None:
        with self._condition:
            if self._free and sent.role == "free":
                self._unlimited.append(self._clock())
                return
            with self._shared():
                self._learner.allowed(sent, self._clock(), answered=answered)
            if sent.role != "slot":
                self._wake()

    def _refused(self, sent: Decision, retry_after: float | None, url: str) -> None:
        with self._condition:
            self._refusals += 1
            with self._shared():
                over = self._learner.refused(sent, self._clock(), retry_after)
            self._wake()
        if over:
            raise self._exhausted(url)

    def _exhausted(self, url: str) -> errors.QuotaExhaustedError:
        return errors.QuotaExhaustedError(
            "Requests were refused (429) for longer than a full rate window: the plan's credits"
            " seem to be used up. Top up, or wait until the quota is renewed.",
            url=url,
            status=429,
        )

    @contextmanager
    def _shared(self) -> Iterator[None]:
        """Hold the record, as the other processes left it, and hand it on when done."""
        with self._locked():
            self._load()
            if self._unlimited:
                self._learner.adopt(self._unlimited)
                self._unlimited.clear()
            yield
            self._free = self._learner.free
            self._save()

    def _locked(self) -> AbstractContextManager[object]:
        if self._file is not None:
            try:
                if self._guard is None:
                    self._file.parent.mkdir(parents=True, exist_ok=True)
                    self._guard = filelock.FileLock(f"{self._file}.lock")
                return self._guard.acquire(timeout=10, poll_interval=0.002)
            except (OSError, NotImplementedError):
                self._file = None  # a gate of its own is better than none
        return nullcontext()

    def _sign(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self._file) if self._file is not None else None  # noqa: PTH116 - speed
        except OSError:
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_size) if found else None

    def _changed(self, now: float) -> bool:
        self._look_at = now + LOOK
        sign = self._sign()
        return sign is not None and sign != self._seen

    def _load(self) -> None:
        sign = self._sign()
        if self._file is None or sign is None or sign == self._seen:
            return
        with suppress(OSError, ValueError):
            self._text = self._file.read_text(encoding="utf-8")
            self._learner.state = _record(self._text)
        self._seen = sign

    def _save(self) -> None:
        text = json.dumps(vars(self._learner.state), separators=(",", ":"))
        if self._file is None or text == self._text:
            return
        part = self._file.with_name(f"{self._file.name}.{self._me}part")
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(self._file)
        except OSError:
            self._file = None
            return
        self._text, self._seen = text, self._sign()

    @property
    def waiting_until(self) -> float | None:
        """The time (on the gate's clock) until which requests wait; None while none does."""
        with self._condition:
            return max(self._waiters.values(), default=None)

    def stop(self) -> None:
        """Wake all waiters at once; they, and all later ones, raise `LimiterStoppedError`."""
        with self._condition:
            self._stopped = True
            self._wake()

    def resume(self) -> None:
        """Let requests through again after `stop`."""
        with self._condition:
            self._stopped = False

    def eta(self, requests: int) -> float:
        """Estimate how long the limit keeps so many more requests waiting.

        Parameters
        ----------
        requests : int
            How many are still to be sent.

        Returns
        -------
        float
            Seconds until the last of them is let through; 0.0 while no limit is known.
        """
        with self._condition:
            return self._learner.eta(requests, self._clock())

    def snapshot(self) -> dict[str, float | int | bool | None]:
        """Return what is known, ready for JSON.

        Returns
        -------
        dict
            ``requests`` and ``seconds`` of the limit (None while not settled), ``by_hand`` (whether
            it was given), ``refusals`` that this gate met, ``waited``: seconds in which a request
            waited.
        """
        with self._condition:
            limit = self._learner.limit
            waited = self._waited
            if self._waiters:
                waited += max(0.0, self._clock() - self._waits_since)
            return {
                "requests": limit.requests if limit else None,
                "seconds": round(limit.seconds, 3) if limit else None,
                "by_hand": self._learner.manual is not None,
                "refusals": self._refusals,
                "waited": round(waited, 3),
            }
