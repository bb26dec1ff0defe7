"""The algorithm that learns a rate window and keeps to it.

Owns the rules. It must not use threads, files or a clock: `limiter` passes the time and shares the
state between processes. How a length is concluded from responses and refusals is in `conclusions`.

Servers count in windows that begin with a request, on a grid of the clock, or in any N seconds
("rolling"), and some leave out responses that cost nothing. One rule keeps to all of them: at most
N requests are sent in any W seconds, where a request takes up its place until W seconds and a
margin after its response. What has to be learnt is N, W, and whether free responses count:

1. Until the first refusal (429), only the times of responses are recorded. The refusal shows N: the
   requests that were answered in the window before it.
2. Then nothing is sent until a usual length (1 s, 2 s, ... up to `max_wait`) has passed since the
   window's first response. One request, which holds a lease, is sent as a probe; if it is refused,
   the next one follows after the next length. The first length whose probe is accepted is W.
   Users have measured two limits of the API (`MEASURED`). If N is that of one of them, few shorter
   lengths are tried, and the probe of its own length is late enough to be accepted even if the
   refusal has prolonged the block a little.
3. In the next window, which no refusal has disturbed, a length just below W is tried. If it is
   refused, W is exact. If it is accepted, shorter lengths are tried in the windows that follow. A
   length whose probe was refused after another refusal is tried again as well: refusals can prolong
   a block. If it is accepted then, they do: from then on, a whole window passes after each refusal,
   and no more are risked.
4. A later refusal means that another client uses the key, or that the limit has changed. N is
   lowered, and raised one by one ten windows later. Once a day, one request above N tests whether
   the limit has grown.

A ``Retry-After`` header takes precedence over the usual lengths and gives the window's end.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sectorsdf.http import conclusions
from sectorsdf.http.limit_errors import limit_in_words
from sectorsdf.http.rate_limit import DAY, RateLimit
from sectorsdf.http.window_lengths import WINDOW_LENGTHS, margin, next_shorter
from sectorsdf.http.window_state import Decision, WindowState, number_between

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["POLL_SECONDS", "WINDOW_LENGTHS", "Decision", "WindowLearner", "WindowState"]


LEASE_SECONDS = 45.0  # the longest delay for other processes if the probing one is killed
POLL_SECONDS = 0.05  # how often to check for changes that other processes do not announce
_FLIGHT_SECONDS = 2.0  # for how long to wait for responses after a refusal


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
        self.latency = 0.0  # the mean response time before the limit was met

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
        return not (self.manual or state.closed or state.settled or state.pause)

    @property
    def trusted(self) -> bool:
        """Whether the length of the window is certain."""
        return bool(self.manual) or self.state.trusted

    def full_window(self) -> float:
        """Return for how long refusals may last before they mean that the credits are used up."""
        limit = self.limit
        if limit and self.trusted:
            return limit.seconds
        return max(self.state.seconds, self.max_wait)

    def decide(self, now: float, name: str) -> Decision:
        """Decide whether a request may be sent now, or until when it must wait."""
        state = self.state
        if state.pause > now:
            return Decision("", state.pause, reason="the server, which asked to wait (Retry-After)")
        if state.closed or state.testing:
            return self._send_probe(now, name)
        state.pause = 0.0
        limit = self.limit
        return self._use_slot(limit, now, name) if limit else Decision("free")

    def _send_probe(self, now: float, name: str) -> Decision:
        """Decide in a closed window."""
        state = self.state
        if not state.ladder and not state.pause:
            if state.flights and now < state.closed + _FLIGHT_SECONDS:
                # What was accepted is known when the last response is in.
                return Decision("", now + POLL_SECONDS, reason="requests under way")
            conclusions.plan_probes(self)
        probe = self.next_probe()
        if now < probe.until:
            return Decision("", probe.until, reason="the server's rate window to open again")
        return self._take_lease(probe, now, name)

    def next_probe(self) -> Decision:
        """Return the next probe of the closed window."""
        state = self.state
        if state.pause:
            return Decision("probe", state.pause)
        full = self.full_window()
        last = state.closed + full if state.closed else math.inf
        low = state.excluded()
        # In case that refusals prolong the block, it is left alone for as long as it may last.
        quiet = state.seconds if state.growing else 0.0 if state.testing else low
        rested = state.refused + quiet + margin(quiet) if quiet else 0.0
        for due, length in state.ladder:
            if state.tried < due < last and length > low:
                return Decision("probe", max(due, min(rested, last)), length)
        return Decision("probe", max(last, state.tried) + margin(full), full)

    def _use_slot(self, limit: RateLimit, now: float, name: str) -> Decision:
        """Decide under a known limit."""
        state = self.state
        since = now - limit.seconds - margin(limit.seconds)
        over = state.count(since) + len(state.flights) - limit.requests
        if over < 0 and state.wary and state.flights:
            return Decision("", now + POLL_SECONDS, reason="a request under way")
        if over < 0:
            state.flights[name] = now
            return Decision("slot")
        taken = state.times(since)
        decision = None
        if taken and not self.manual:
            decision = self._test_limit(taken[0], now, name)
        if decision is None:
            until = taken[over] + now - since if over < len(taken) else now + POLL_SECONDS
            decision = Decision("", until, reason=f"the rate limit of {limit_in_words(limit)}")
        return decision

    def _test_limit(self, first: float, now: float, name: str) -> Decision | None:
        """Use a full window to test the limit, if a test is due.

        A test is conclusive only in a window that a single request has opened.
        """
        state = self.state
        if state.growing and now >= state.explore:
            state.checks = [next_shorter(state.seconds, self.lengths)]
            state.explore = now + DAY
        explore = now >= state.explore
        if not (explore or state.checks) and state.trusted:
            return None
        if state.flights:  # the window is full when the last response is in
            return Decision("", now + POLL_SECONDS, reason="requests under way")
        if number_between(state.entries(), state.opened - 0.002) < state.requests:
            return None
        state.wary = False
        fresh = now < state.opened + state.seconds
        if explore and fresh:
            decision = self._take_lease(Decision("explore"), now, name)
            if decision.role:
                state.flights[name] = now
            return decision
        conclusions.plan_test(self, first, now, conclusive=fresh)
        return self._send_probe(now, name)

    def _leased(self, now: float) -> bool:
        return bool(self.state.lease) and self.state.lease_until > now

    def _take_lease(self, decision: Decision, now: float, name: str) -> Decision:
        """Let the request be sent if no other one is being sent alone."""
        if self._leased(now):
            # How long the other request takes is not known, so this is no wait beyond `max_wait`.
            until = min(self.state.lease_until, now + min(1.0, self.max_wait))
            return Decision("", until, reason="another request, which tests the rate limit")
        self.state.lease, self.state.lease_until = name, now + LEASE_SECONDS
        return decision

    def record_response(
        self, decision: Decision, now: float, *, answered: bool = True, billed: bool = True
    ) -> None:
        """Record a response other than 429, or with ``answered=False`` that none arrived."""
        state = self.state
        self._end_request(decision)
        free = answered and not billed
        self._count_response(state.free if free else state.slots, now)
        if not answered or free:
            return
        if decision.role in ("probe", "explore"):
            longest = 0.05 * (state.seconds or decision.length)
            state.lag = max(state.lag, min(now - decision.sent, longest))
        if decision.role == "slot":
            state.proved += 1
        elif decision.role == "explore":
            state.requests += 1
        elif decision.role == "probe" and (state.closed or state.testing):
            conclusions.open_window(self, decision, now)

    def record_refusal(self, decision: Decision, now: float, retry_after: float | None) -> bool:
        """Record a 429; return whether it can only mean that the credits are used up."""
        state = self.state
        self._end_request(decision)
        state.refused = now
        if retry_after is not None:
            until = now + min(retry_after + min(margin(retry_after), 1.0), DAY)
            state.pause = max(state.pause, until)
        if decision.role == "probe" and (state.closed or state.testing):
            self._fail_probe(decision, now, named=retry_after is not None)
        elif decision.role == "explore":
            state.explore = now + DAY
            conclusions.confirm_count(state)
        elif state.closed:
            state.burst += not state.settled
        elif not state.testing and decision.sent >= state.opened:
            state.closed, state.tried, state.ladder = decision.sent, 0.0, []
        self._count_response(state.misses, now)
        return state.exhausted == now

    def _fail_probe(self, probe: Decision, now: float, *, named: bool) -> None:
        state = self.state
        state.pause = state.pause if named else 0.0
        state.tried = probe.sent
        state.closed = state.closed or probe.sent
        state.burst += not state.settled
        if state.tries_shorter and probe.length > 0.999 * state.seconds:
            state.growing = True  # it had been accepted after less time than this
        if probe.sent >= state.closed + self.full_window():
            state.exhausted = now

    def _count_response(self, entries: list[list[float]], now: float) -> None:
        limit = self.limit
        # Times in large windows are rounded up to a thousandth, so that the file stays small.
        step = limit.seconds / 1000 if limit and limit.requests > 500 else 0.001
        at = round(math.ceil(now / step) * step, 6)
        if entries and entries[-1][0] >= at:
            entries[-1][1] += 1
        else:
            entries.append([at, 1])

    def _end_request(self, decision: Decision) -> None:
        self.state.flights.pop(decision.name, None)
        if self.state.lease == decision.name:
            self.state.lease = ""

    def add_responses(self, times: Iterable[tuple[float, bool]]) -> None:
        """Record responses from before the limit was met, each with whether it was billed.

        Call this before `record_refusal`.
        """
        state = self.state
        for at, billed in times:
            self._count_response(state.slots if billed else state.free, at)
        state.slots.sort()
        state.free.sort()
        if state.closed and not self.limit:
            state.ladder = []  # planned anew

    def eta(self, requests: int, now: float) -> float:
        """Estimate for how many seconds the limit delays the last of some requests."""
        state, limit = self.state, self.limit
        closed = state.closed or state.testing
        probe = max(0.0, self.next_probe().until - now) if closed else 0.0
        if requests < 1 or not limit:
            return probe
        horizon = limit.seconds + margin(limit.seconds)
        taken = [at + horizon for at in state.times(now - horizon)]
        taken += [now + horizon] * len(state.flights)
        taken = taken[-limit.requests :]
        opens = sorted([now] * (limit.requests - len(taken)) + taken)
        windows, position = divmod(requests - 1, limit.requests)
        return max(probe, opens[position] + windows * horizon - now)

    def clean_up(self, now: float, boot: str = "", offset: float = 0.0) -> None:
        """Drop expired entries, and follow a clock that was set; call this before `decide`.

        `boot` and `offset` are those of `WindowState.follow_clock`.
        """
        state, window = self.state, self.limit.seconds if self.limit else 0.0
        state.follow_clock(now, window, boot, offset)
        state.lease_until = min(state.lease_until, now + LEASE_SECONDS)
        for name in [name for name, at in state.flights.items() if now - at > 2 * LEASE_SECONDS]:
            del state.flights[name]  # its process has ended, but the server may have counted it
            self._count_response(state.slots, now)
        oldest = now - 1.2 * max(window, state.seconds, self.max_wait)
        for entries in (state.slots, state.free, state.misses):
            if entries and entries[0][0] < oldest:
                entries[:] = [entry for entry in entries if entry[0] >= oldest]
