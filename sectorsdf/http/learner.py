"""The algorithm that learns a rate window and keeps to it.

Owns the rules and their state. It must not use threads, files or a clock: `limiter` passes the time
and shares the state between processes.

Until the first refusal (429), only the times of responses are recorded. After that:

1. A refusal closes the window. One request at a time, which holds a lease, is sent as a probe after
   each usual window length (1 s, 2 s, ... up to a day), counted from the window's first response.
2. The first probe that is accepted opens the next window. Concurrent requests fill it up to the
   count that is known to be safe; then one request at a time is sent until one is refused. That
   window is certainly full, so the probes that follow are conclusive.
3. The next probe is sent a little before the assumed length. If it is refused, the length is
   confirmed; if it is accepted, the window is shorter. If a probe at the length itself is refused,
   the first window had begun before its first request (for example, on the full minute).
4. Once the limit is settled, at most N requests are sent in any W seconds: each slot becomes free
   W seconds and a margin after its response. This fits windows that begin with a request, windows
   on the server's clock and sliding windows, without knowing where they begin.
5. A later refusal means that another client uses the key, or that the limit has changed. If fewer
   requests than the limit were recorded, the count is lowered, and raised one by one ten windows
   later; otherwise the limit is learnt again. Once a day, one request above the count tests whether
   the limit has grown.

A ``Retry-After`` header takes precedence over the usual lengths and gives the window's end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sectorsdf.http.rate_limit import DAY, RateLimit

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["POLL_SECONDS", "WINDOW_LENGTHS", "Decision", "WindowLearner", "WindowState"]


WINDOW_LENGTHS = (
    1.0, 2, 3, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, DAY,
)  # fmt: skip
LEASE_SECONDS = 45.0  # the longest delay for other processes if the probing one is killed
POLL_SECONDS = 0.05  # how often to check for changes that other processes do not announce

Role = Literal["", "free", "probe", "fill", "try", "slot", "explore"]


@dataclass
class WindowState:
    """What is known of the limit. The fields are written to disk as JSON.

    All times are seconds of wall time.
    """

    requests: int = 0
    seconds: float = 0.0  # the shortest length after which a probe was accepted; 0 while unknown
    shortest: float = 0.0  # the window is longer than this
    settled: bool = False
    opened: float = 0.0  # response to the first request of the current window
    closed: float = 0.0  # the refusal that closed the window; 0 while it is open
    tried: float = 0.0  # when the last refused probe was sent
    rounds: int = 0  # windows seen without settling
    tight: bool = False  # the window is known to have begun just before `opened`
    used: int = 0  # requests counted in the current window
    safe: int = 0  # requests that may be sent concurrently while the count is being learnt
    room: int = 0  # requests that a window accepted before a refusal below the settled limit
    lag: float = 0.0  # the longest response time of a request sent alone
    pause: float = 0.0  # no request before this time, by Retry-After
    explore: float = 0.0  # from this time on, one request above the count may be tried
    exhausted: float = 0.0  # when the credits were last found to be used up
    lease: str = ""  # the request that may be sent alone
    lease_until: float = 0.0
    slots: list[list[float]] = field(default_factory=list)  # [response time, count], ascending
    flights: dict[str, float] = field(default_factory=dict)  # requests without a response yet

    def count(self, since: float, before: float = math.inf) -> int:
        """Count the requests that were answered between two times."""
        return sum(int(count) for at, count in self.slots if since < at < before)


def _margin(length: float) -> float:
    # A request a few milliseconds early costs a whole window, and clocks drift over long windows.
    return 0.002 * length + 0.005


@dataclass(slots=True)
class Decision:
    """Whether a request may be sent, and for which purpose; the limiter adds `name` and `sent`."""

    role: Role  # "" means to wait
    until: float = 0.0  # when to ask again; for a probe, when it was due
    length: float = 0.0  # for a probe, the window length that it tests
    name: str = ""
    sent: float = 0.0


class WindowLearner:
    """Decide when a request may be sent, and learn the limit from the responses.

    `manual` is the limit that the caller has set, if any; `lengths` are the usual window lengths in
    ascending order, of which those beyond `max_wait` seconds are never tried.
    """

    def __init__(self, manual: RateLimit | None, max_wait: float, lengths: Sequence[float]) -> None:
        self.state = WindowState()
        self.manual = manual
        self.max_wait = max_wait
        self.lengths = [length for length in lengths if length <= max_wait]

    @property
    def limit(self) -> RateLimit | None:
        """The limit set by the caller or learnt; None while it is not settled."""
        if self.manual or not self.state.settled:
            return self.manual
        return RateLimit(max(1, self.state.requests), self.state.seconds)

    @property
    def unlimited(self) -> bool:
        """Whether no limit is known, so that every request may be sent at once."""
        state = self.state
        return not (self.manual or state.closed or state.seconds or state.pause)

    def _tolerance(self) -> float:
        # The server counted the request at an unknown time between sending and response.
        return 0.015 * self.state.seconds + 2 * self.state.lag

    def _full_window(self) -> float:
        limit = self.limit
        return limit.seconds if limit else max(self.state.seconds, self.max_wait)

    def _next_probe(self) -> Decision:
        """Return the next probe of the closed window; lengths count from its first response."""
        state, limit = self.state, self.limit
        if state.pause:
            return Decision("probe", state.pause, max(0.0, state.pause - state.opened))
        tried = max(0.0, state.tried - state.opened)
        passed = max(tried, state.closed - state.opened)
        known = limit.seconds if limit else state.seconds
        full = self._full_window()
        last = state.closed + full
        if not known:
            probes = [(state.opened + length, length) for length in self.lengths]
            spent = state.closed - state.opened
            probes += [
                (state.closed + length, length) for length in self.lengths if length <= spent
            ]
            after = max(state.closed, state.tried)
            at, length = min((p for p in probes if after < p[0] < last), default=(last, full))
            return Decision("probe", at + _margin(length), length)
        if passed < known * 0.9999:
            low = max(state.shortest, tried)
            near = known - low <= self._tolerance() * 1.05
            if limit or (near and tried):
                length = known
            elif near or known in self.lengths:
                length = known - self._tolerance()
            else:
                length = (low + known) / 2 - state.lag
            length = length if length > passed else known
        else:
            longer = [length for length in self.lengths if length > passed * 1.005]
            if limit or state.shortest >= 0.9 * known:
                longer.append(passed + max(0.015 * known, passed - known))
            length = min([*longer, last - state.opened])
        return Decision("probe", min(state.opened + length, last) + _margin(length), length)

    def decide(self, now: float, name: str) -> Decision:
        """Decide whether a request may be sent now, or until when it must wait."""
        self._clean_up(now)
        state = self.state
        if state.pause > now:
            return Decision("", state.pause)
        if state.closed:
            probe = self._next_probe()
            early = now < probe.until
            return Decision("", probe.until) if early else self._take_lease(probe, now, name)
        state.pause = 0.0
        if self.limit:
            return self._use_slot(self.limit, now, name)
        return self._fill_window(now, name) if state.seconds else Decision("free")

    def _fill_window(self, now: float, name: str) -> Decision:
        """Decide in a window whose count or length is not certain yet."""
        state = self.state
        ends = state.opened + state.seconds + _margin(state.seconds)
        if now >= ends:  # the last window was not filled, so this request opens the next one
            state.opened, state.used, state.tight = now, 0, False
        decision = Decision("fill")
        if state.used >= state.safe:
            if now > state.opened + 0.9 * state.seconds:
                return Decision("", ends)
            if state.flights:  # a refusal gives the exact count only if no request is under way
                return Decision("", now + POLL_SECONDS)
            decision = self._take_lease(Decision("try"), now, name)
        if decision.role:
            state.used += 1
            state.flights[name] = now
        return decision

    def _use_slot(self, limit: RateLimit, now: float, name: str) -> Decision:
        """Decide under a known limit."""
        state = self.state
        horizon = limit.seconds + _margin(limit.seconds)
        decision = Decision("slot")
        if state.count(now - horizon) + len(state.flights) >= limit.requests:
            if self.manual or now < state.explore or (state.lease and state.lease_until > now):
                live = (at for at, _ in state.slots if at > now - horizon)
                return Decision("", next(live, now + POLL_SECONDS - horizon) + horizon)
            decision = self._take_lease(Decision("explore"), now, name)
        state.flights[name] = now
        return decision

    def _take_lease(self, decision: Decision, now: float, name: str) -> Decision:
        """Let the request be sent if no other one is being sent alone."""
        state = self.state
        if state.lease and state.lease_until > now:
            return Decision("", min(state.lease_until, now + 1.0))
        state.lease, state.lease_until = name, now + LEASE_SECONDS
        return decision

    def record_response(self, decision: Decision, now: float, *, answered: bool = True) -> None:
        """Record a response other than 429, or with ``answered=False`` that none arrived."""
        state = self.state
        self._end_request(decision)
        self._count_response(now)
        if not answered:
            return
        if decision.role in ("probe", "try"):
            state.lag = max(state.lag, now - decision.sent)
        if decision.role == "free" and not self.unlimited:
            state.used += 1
        elif decision.role == "try":
            state.safe = max(state.safe, state.used)
        elif decision.role == "explore":
            state.requests += 1
        elif decision.role == "probe" and state.closed:
            self._open_window(decision, now)

    def _open_window(self, probe: Decision, now: float) -> None:
        """Open the next window with the response to an accepted probe."""
        state, length, named = self.state, probe.length, bool(self.state.pause)
        late = probe.sent - probe.until > 0.05 * length + POLL_SECONDS
        if named or not state.seconds:
            # Retry-After has whole seconds, and responses take time: 60.7 means a minute.
            near = min(self.lengths, key=lambda usual: abs(usual - probe.length), default=length)
            off = 0.02 * near + state.lag + (1.0 if named and length > 10 else 0.0)
            length = near if abs(near - probe.length) <= off else length
        if self.limit:
            # Used-up credits, unlike another user of the key, do not change the rate.
            if not state.exhausted and 0 < state.room < state.requests and not self.manual:
                state.requests, state.explore = state.room, now + 10 * state.seconds
        elif not state.seconds:
            if late:  # the window ended long before the probe, so its length is unknown
                self.state = WindowState(slots=state.slots)
                return
            whole = state.count(probe.until - _margin(length) - length - 0.002, probe.sent)
            state.seconds, state.safe = length, max(1, state.used // 2, whole)
            state.tight = named
        elif named and state.tight and not late:
            state.seconds = length  # between two openings that the server named
            self._settle(now)
        else:
            self._narrow_length(probe, now, length, named=named and not late)
        state.opened, state.closed, state.tried, state.pause = now, 0.0, 0.0, 0.0
        state.used, state.room, state.exhausted = 1, 0, 0.0

    def _narrow_length(self, probe: Decision, now: float, length: float, *, named: bool) -> None:
        """Narrow the assumed length by one more window, and settle if nothing is uncertain."""
        state = self.state
        same = state.used == state.safe
        state.safe = state.used if state.tight else min(state.safe, state.used)
        bound = probe.sent - state.opened + 2 * state.lag
        if state.tried - state.opened >= state.seconds * 0.999:
            state.seconds = max(length, state.shortest)
        elif state.shortest < bound < state.seconds:
            state.seconds = bound
        state.tight = named or now - state.tried <= 0.05 * state.seconds + 3 * state.lag
        if same and state.tight and self._length_known():
            self._settle(now)
        state.rounds += 1
        if state.rounds % 8 == 0 and not state.settled:
            # A part of a window can look like a whole one for a long time: try a longer one.
            longer = [length for length in self.lengths if length > state.seconds * 1.05]
            state.seconds, state.shortest = min(longer, default=state.seconds), 0.0

    def record_refusal(self, decision: Decision, now: float, retry_after: float | None) -> bool:
        """Record a 429; return whether it can only mean that the credits are used up."""
        state = self.state
        self._end_request(decision)
        current = decision.sent >= state.opened
        if decision.role in ("fill", "try") and current:
            state.used -= 1
        if retry_after is not None:
            state.pause = max(state.pause, now + retry_after + _margin(retry_after))
        if decision.role == "probe" and state.closed:
            if retry_after is None:
                state.pause = 0.0
            state.tried = decision.sent
            if not self.limit:
                known_since = state.opened if state.tight else state.closed
                state.shortest = max(state.shortest, decision.sent - known_since)
            if decision.sent >= state.closed + self._full_window():
                state.exhausted = now
            return state.exhausted == now
        if decision.role == "explore":
            state.explore = now + DAY
        elif not state.closed and current:
            self._close_window(decision, now)
        return False

    def _close_window(self, decision: Decision, now: float) -> None:
        """Close the window with its first refusal."""
        state, limit = self.state, self.limit
        if limit and decision.role in ("fill", "try"):  # sent before the limit was settled
            state.requests = max(1, state.requests - 1)
            return
        if decision.role == "try" and state.tight and self._length_known():
            self._settle(now)
            return
        state.closed = now
        length = limit.seconds if limit else state.seconds
        if limit or not length:
            since = now - (length or self.max_wait)
            state.opened = next((at for at, _ in state.slots if at > since), now)
            state.used, state.tight = state.count(since), False
        if limit and not self.manual:
            if state.count(now - 1.1 * length) < limit.requests:
                state.room = max(1, state.used)
                return
            # By the record the limit was reached, so its count or its length is wrong.
            state.settled, state.shortest, state.safe = False, 0.0, limit.requests // 2
            near = (usual for usual in self.lengths if length < usual <= 1.05 * length)
            state.seconds = next(near, length)

    def _length_known(self) -> bool:
        state = self.state
        near = state.seconds - state.shortest <= self._tolerance() * 1.05
        return near or state.seconds in self.lengths

    def _settle(self, now: float) -> None:
        state = self.state
        near = (usual for usual in self.lengths if state.shortest < usual <= 1.03 * state.seconds)
        state.seconds = max(near, default=state.seconds)
        state.requests, state.settled, state.rounds = max(1, state.used), True, 0
        state.explore = now + DAY

    def _count_response(self, now: float) -> None:
        slots, limit = self.state.slots, self.limit
        # Times in large windows are rounded up to a thousandth, so that the file stays small.
        step = limit.seconds / 1000 if limit and limit.requests > 500 else 0.001
        at = round(math.ceil(now / step) * step, 6)
        if slots and slots[-1][0] >= at:
            slots[-1][1] += 1
        else:
            slots.append([at, 1])

    def _end_request(self, decision: Decision) -> None:
        self.state.flights.pop(decision.name, None)
        if self.state.lease == decision.name:
            self.state.lease = ""

    def add_responses(self, times: Sequence[float]) -> None:
        """Record responses from before the limit was met; call this before `record_refusal`."""
        state = self.state
        for at in times:
            self._count_response(at)
        state.slots.sort()
        if state.closed and not state.seconds and not self.limit:
            since = state.closed - self.max_wait
            state.used += sum(at >= since for at in times)
            state.opened = min([state.opened, *(at for at, _ in state.slots if at >= since)])

    def eta(self, requests: int, now: float) -> float:
        """Estimate for how many seconds the limit delays the last of some requests."""
        state, limit = self.state, self.limit
        if state.seconds and not limit:
            limit = RateLimit(max(1, state.safe, state.used), state.seconds)
        probe = max(0.0, self._next_probe().until - now) if state.closed else 0.0
        if requests < 1 or not limit:
            return probe
        horizon = limit.seconds + _margin(limit.seconds)
        taken = [at + horizon for at, n in state.slots if at > now - horizon for _ in range(int(n))]
        taken += [now + horizon] * len(state.flights)
        taken = taken[-limit.requests :]
        opens = sorted([now] * (limit.requests - len(taken)) + taken)
        windows, position = divmod(requests - 1, limit.requests)
        return max(probe, opens[position] + windows * horizon - now)

    def _clean_up(self, now: float) -> None:
        """Drop expired entries, and shift times that lie in the future (a clock was set back)."""
        state, window = self.state, self.limit.seconds if self.limit else 0.0
        latest = [at for at, _ in state.slots[-1:]]
        ahead = max(state.opened, state.closed, state.tried, *state.flights.values(), *latest) - now
        if ahead > 1.0 + window / 1000:  # slots are rounded up
            for name in ("opened", "closed", "tried"):
                setattr(state, name, max(0.0, getattr(state, name) - ahead))
            state.slots = [[at - ahead, count] for at, count in state.slots]
            state.flights = {name: at - ahead for name, at in state.flights.items()}
        state.exhausted = min(state.exhausted, now)
        state.lease_until = min(state.lease_until, now + LEASE_SECONDS)
        state.explore = min(state.explore, now + DAY)
        state.pause = state.pause if state.pause < now + DAY else 0.0
        for name in [name for name, at in state.flights.items() if now - at > 2 * LEASE_SECONDS]:
            del state.flights[name]  # its process has ended, but the server may have counted it
            self._count_response(now)
        oldest = now - 1.2 * max(window, state.seconds, self.max_wait)
        if state.slots and state.slots[0][0] < oldest:
            state.slots = [slot for slot in state.slots if slot[0] >= oldest]
