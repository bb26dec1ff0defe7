"""The rules by which a rate window is learnt and kept; without threads, files or a clock.

Until the first refusal (429) it is only noted when requests were answered. Then:

1. A refusal closes the window. One request at a time (a lease says whose) is let through at human
   window lengths, counted from the window's first answer: these are the probes.
2. The probe that is let through opens the next window, which is filled side by side up to the count
   known to be safe, then one by one until one is refused: full for certain, so that probes tell.
3. A probe a little before the supposed length: refused, the length stands; let through, it was
   shorter. Refused at the length itself: the first window was the rest of one (a clock's grid).
4. Settled: N requests in any W seconds, each slot free again W and a margin after its answer. That
   keeps to windows anchored at a request, on a grid or sliding without knowing where they begin.
5. A refusal after that: somebody else uses the key, or the limit has changed. With room left by our
   count, the count is lowered and ten windows later raised one by one; without, all is learnt anew.
   Once a day one request too many asks whether the limit has grown.

Where the server says Retry-After it is obeyed instead of the ladder, and names the window's end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sectorsdf.http.rate_limit import DAY, RateLimit

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LADDER", "LOOK", "Decision", "WindowLearner", "WindowState"]


LADDER = (1.0, 2, 3, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, DAY)
LEASE = 45.0  # a process that was killed while it probed holds the others up for no longer
LOOK = 0.05  # how often a result that nobody announces is looked for, in seconds


@dataclass
class WindowState:
    """What is known of the limit; plain enough for JSON. All times are seconds of wall time."""

    requests: int = 0
    seconds: float = 0.0  # the shortest length that let a probe through; 0 while unknown
    shortest: float = 0.0  # the length is more than this
    settled: bool = False
    opened: float = 0.0  # answer of the present window's first request
    closed: float = 0.0  # the refusal that ended it; 0 while it is open
    tried: float = 0.0  # when the last refused probe was sent
    rounds: int = 0  # windows that were met without settling
    tight: bool = False  # the window is known to have begun just before `opened`
    used: int = 0
    safe: int = 0  # so many may be sent side by side while the count is being learnt
    room: int = 0  # what a refused window had let through although the limit is known
    lag: float = 0.0  # the longest answer of a request on its own
    pause: float = 0.0  # the server said not before
    explore: float = 0.0  # from then on one request more than the count may be tried
    exhausted: float = 0.0
    lease: str = ""
    lease_until: float = 0.0
    slots: list[list[float]] = field(default_factory=list)  # [answered, how many], rising
    flights: dict[str, float] = field(default_factory=dict)

    def count(self, since: float, before: float = math.inf) -> int:
        """Count the requests that were answered in a stretch of time."""
        return sum(int(count) for at, count in self.slots if since < at < before)


def _margin(length: float) -> float:
    # A few milliseconds too early waste a whole window, and clocks drift with its length.
    return 0.002 * length + 0.005


@dataclass(slots=True)
class Decision:
    """What the learner says to a request; the gate adds whose it was and when it was sent."""

    role: str  # "" to wait, else what the request is for
    until: float = 0.0  # when to ask again; of a probe, when it was due
    length: float = 0.0  # of a probe: the window length that it stands for
    name: str = ""
    sent: float = 0.0


class WindowLearner:
    """Decides when a request may be sent and learns from the answers; told what time it is."""

    def __init__(self, manual: RateLimit | None, max_wait: float, ladder: Sequence[float]) -> None:
        self.state = WindowState()
        self.manual = manual
        self.max_wait = max_wait
        self.ladder = [rung for rung in ladder if rung <= max_wait]

    @property
    def limit(self) -> RateLimit | None:
        """The limit, given by hand or learnt; None while it is not settled."""
        if self.manual or not self.state.settled:
            return self.manual
        return RateLimit(max(1, self.state.requests), self.state.seconds)

    @property
    def free(self) -> bool:
        """Whether no limit was met yet, so that nobody need be asked."""
        state = self.state
        return not (self.manual or state.closed or state.seconds or state.pause)

    def _tolerance(self) -> float:
        # An answer tells only to within its own latency when the server had counted the request.
        return 0.015 * self.state.seconds + 2 * self.state.lag

    def _full_window(self) -> float:
        limit = self.limit
        return limit.seconds if limit else max(self.state.seconds, self.max_wait)

    def _next_probe(self) -> Decision:
        """Say when the closed window is probed next; lengths count from its first answer."""
        state, limit = self.state, self.limit
        if state.pause:
            return Decision("probe", state.pause, max(0.0, state.pause - state.opened))
        tried = max(0.0, state.tried - state.opened)
        passed = max(tried, state.closed - state.opened)
        known = limit.seconds if limit else state.seconds
        full = self._full_window()
        last = state.closed + full
        if not known:
            probes = [(state.opened + rung, rung) for rung in self.ladder]
            spent = state.closed - state.opened
            probes += [(state.closed + rung, rung) for rung in self.ladder if rung <= spent]
            after = max(state.closed, state.tried)
            at, length = min((p for p in probes if after < p[0] < last), default=(last, full))
            return Decision("probe", at + _margin(length), length)
        if passed < known * 0.9999:
            low = max(state.shortest, tried)
            near = known - low <= self._tolerance() * 1.05
            if limit or (near and tried):
                length = known
            elif near or known in self.ladder:
                length = known - self._tolerance()
            else:
                length = (low + known) / 2 - state.lag
            length = length if length > passed else known
        else:
            rungs = [rung for rung in self.ladder if rung > passed * 1.005]
            if limit or state.shortest >= 0.9 * known:
                rungs.append(passed + max(0.015 * known, passed - known))
            length = min([*rungs, last - state.opened])
        return Decision("probe", min(state.opened + length, last) + _margin(length), length)

    def ask(self, now: float, name: str) -> Decision:
        """Let a request through, or say until when it waits."""
        self._mend(now)
        state = self.state
        if state.pause > now:
            return Decision("", state.pause)
        if state.closed:
            probe = self._next_probe()
            early = now < probe.until
            return Decision("", probe.until) if early else self._alone(probe, now, name)
        state.pause = 0.0
        if self.limit:
            return self._slot(self.limit, now, name)
        return self._learn(now, name) if state.seconds else Decision("free")

    def _learn(self, now: float, name: str) -> Decision:
        """Fill a window whose count or length is not certain yet."""
        state = self.state
        ends = state.opened + state.seconds + _margin(state.seconds)
        if now >= ends:  # nobody has filled that window, so the next one begins with this request
            state.opened, state.used, state.tight = now, 0, False
        verdict = Decision("fill")
        if state.used >= state.safe:
            if now > state.opened + 0.9 * state.seconds:
                return Decision("", ends)
            if state.flights:  # only when they are back does a refusal tell the count exactly
                return Decision("", now + LOOK)
            verdict = self._alone(Decision("try"), now, name)
        if verdict.role:
            state.used += 1
            state.flights[name] = now
        return verdict

    def _slot(self, limit: RateLimit, now: float, name: str) -> Decision:
        """Keep to a known limit."""
        state = self.state
        horizon = limit.seconds + _margin(limit.seconds)
        verdict = Decision("slot")
        if state.count(now - horizon) + len(state.flights) >= limit.requests:
            if self.manual or now < state.explore or (state.lease and state.lease_until > now):
                live = (at for at, _ in state.slots if at > now - horizon)
                return Decision("", next(live, now + LOOK - horizon) + horizon)
            verdict = self._alone(Decision("explore"), now, name)
        state.flights[name] = now
        return verdict

    def _alone(self, verdict: Decision, now: float, name: str) -> Decision:
        state = self.state
        if state.lease and state.lease_until > now:
            return Decision("", min(state.lease_until, now + 1.0))
        state.lease, state.lease_until = name, now + LEASE
        return verdict

    def allowed(self, sent: Decision, now: float, *, answered: bool = True) -> None:
        """Count a request that was let through (or, not `answered`, may have been)."""
        state = self.state
        self._land(sent)
        self._stamp(now)
        if not answered:
            return
        if sent.role in ("probe", "try"):
            state.lag = max(state.lag, now - sent.sent)
        if sent.role == "free" and not self.free:
            state.used += 1
        elif sent.role == "try":
            state.safe = max(state.safe, state.used)
        elif sent.role == "explore":
            state.requests += 1
        elif sent.role == "probe" and state.closed:
            self._open(sent, now)

    def _open(self, probe: Decision, now: float) -> None:
        """Begin the next window with the answer of the probe that was let through."""
        state, length, told = self.state, probe.length, bool(self.state.pause)
        late = probe.sent - probe.until > 0.05 * length + LOOK
        if told or not state.seconds:
            # Retry-After comes in whole seconds, and answers take time: 60.7 means a minute.
            near = min(self.ladder, key=lambda rung: abs(rung - probe.length), default=length)
            off = 0.02 * near + state.lag + (1.0 if told and length > 10 else 0.0)
            length = near if abs(near - probe.length) <= off else length
        if self.limit:
            # An empty purse, unlike other users of the key, says nothing about the rate.
            if not state.exhausted and 0 < state.room < state.requests and not self.manual:
                state.requests, state.explore = state.room, now + 10 * state.seconds
        elif not state.seconds:
            if late:  # the window ended long ago and nobody looked: nothing was learnt from it
                self.state = WindowState(slots=state.slots)
                return
            whole = state.count(probe.until - _margin(length) - length - 0.002, probe.sent)
            state.seconds, state.safe = length, max(1, state.used // 2, whole)
            state.tight = told
        elif told and state.tight and not late:
            state.seconds = length  # from one opening that the server named to the next
            self._settle(now)
        else:
            self._narrow(probe, now, length, named=told and not late)
        state.opened, state.closed, state.tried, state.pause = now, 0.0, 0.0, 0.0
        state.used, state.room, state.exhausted = 1, 0, 0.0

    def _narrow(self, probe: Decision, now: float, length: float, *, named: bool) -> None:
        """Bound the supposed length by a further window; settle where nothing is left to ask."""
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
            # A part of a window can look like a whole one for long: begin with a longer.
            longer = [rung for rung in self.ladder if rung > state.seconds * 1.05]
            state.seconds, state.shortest = min(longer, default=state.seconds), 0.0

    def refused(self, sent: Decision, now: float, retry_after: float | None) -> bool:
        """Take a 429 in; True when it can only mean that the quota is used up."""
        state = self.state
        self._land(sent)
        current = sent.sent >= state.opened
        if sent.role in ("fill", "try") and current:
            state.used -= 1
        if retry_after is not None:
            state.pause = max(state.pause, now + retry_after + _margin(retry_after))
        if sent.role == "probe" and state.closed:
            if retry_after is None:
                state.pause = 0.0
            state.tried = sent.sent
            if not self.limit:
                known_since = state.opened if state.tight else state.closed
                state.shortest = max(state.shortest, sent.sent - known_since)
            if sent.sent >= state.closed + self._full_window():
                state.exhausted = now
            return state.exhausted == now
        if sent.role == "explore":
            state.explore = now + DAY
        elif not state.closed and current:
            self._close(sent, now)
        return False

    def _close(self, sent: Decision, now: float) -> None:
        """End the window with its first refusal."""
        state, limit = self.state, self.limit
        if limit and sent.role in ("fill", "try"):  # the last ones of the window that settled it
            state.requests = max(1, state.requests - 1)
            return
        if sent.role == "try" and state.tight and self._length_known():
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
            # Our count was full, so the length or the count is wrong.
            state.settled, state.shortest, state.safe = False, 0.0, limit.requests // 2
            state.seconds = next((r for r in self.ladder if length < r <= 1.05 * length), length)

    def _length_known(self) -> bool:
        state = self.state
        near = state.seconds - state.shortest <= self._tolerance() * 1.05
        return near or state.seconds in self.ladder

    def _settle(self, now: float) -> None:
        state = self.state
        near = (r for r in self.ladder if state.shortest < r <= 1.03 * state.seconds)
        state.seconds = max(near, default=state.seconds)
        state.requests, state.settled, state.rounds = max(1, state.used), True, 0
        state.explore = now + DAY

    def _stamp(self, now: float) -> None:
        slots, limit = self.state.slots, self.limit
        # Large windows are kept in a thousand steps, rounded up, so that the file stays small.
        step = limit.seconds / 1000 if limit and limit.requests > 500 else 0.001
        at = round(math.ceil(now / step) * step, 6)
        if slots and slots[-1][0] >= at:
            slots[-1][1] += 1
        else:
            slots.append([at, 1])

    def _land(self, sent: Decision) -> None:
        self.state.flights.pop(sent.name, None)
        if self.state.lease == sent.name:
            self.state.lease = ""

    def adopt(self, answered: Sequence[float]) -> None:
        """Count what was let through before a limit was known; comes before the refusal."""
        state = self.state
        for at in answered:
            self._stamp(at)
        state.slots.sort()
        if state.closed and not state.seconds and not self.limit:
            since = state.closed - self.max_wait
            state.used += sum(at >= since for at in answered)
            state.opened = min([state.opened, *(at for at, _ in state.slots if at >= since)])

    def eta(self, requests: int, now: float) -> float:
        """Say how long the limit keeps so many requests waiting."""
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
        turn, place = divmod(requests - 1, limit.requests)
        return max(probe, opens[place] + turn * horizon - now)

    def _mend(self, now: float) -> None:
        """Drop what is over, and pull a clock that was set back (or lies ahead) to the present."""
        state, window = self.state, self.limit.seconds if self.limit else 0.0
        latest = [at for at, _ in state.slots[-1:]]
        ahead = max(state.opened, state.closed, state.tried, *state.flights.values(), *latest) - now
        if ahead > 1.0 + window / 1000:  # slots round up
            for name in ("opened", "closed", "tried"):
                setattr(state, name, max(0.0, getattr(state, name) - ahead))
            state.slots = [[at - ahead, count] for at, count in state.slots]
            state.flights = {name: at - ahead for name, at in state.flights.items()}
        state.exhausted = min(state.exhausted, now)
        state.lease_until = min(state.lease_until, now + LEASE)
        state.explore = min(state.explore, now + DAY)
        state.pause = state.pause if state.pause < now + DAY else 0.0
        for name in [name for name, at in state.flights.items() if now - at > 2 * LEASE]:
            del state.flights[name]  # its process is gone; it may have counted
            self._stamp(now)
        oldest = now - 1.2 * max(window, state.seconds, self.max_wait)
        if state.slots and state.slots[0][0] < oldest:
            state.slots = [slot for slot in state.slots if slot[0] >= oldest]
