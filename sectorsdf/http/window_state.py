"""`WindowState`: what is known of a rate limit, as threads and processes share it.

Owns the fields, their JSON, and what happens to them when the clock is set. Decides nothing:
`learner` does.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sectorsdf.http.rate_limit import DAY
from sectorsdf.http.window_lengths import margin

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Decision", "WindowState", "number_between", "parse_state"]


Role = Literal["", "free", "probe", "slot", "explore"]

_TIMES = (
    "opened", "closed", "tried", "refused", "pause", "named", "explore", "exhausted",
    "lease_until", "seen",
)  # fmt: skip
_PROOF = 3  # windows after which a learnt length is trusted
_SET = 0.5  # seconds by which a clock differs once it was set, and not only corrected
_LATE_CLOCK = 1.0  # seconds by which the clocks of two processes may differ


@dataclass(slots=True)
class Decision:
    """Whether a request may be sent, and for which purpose; the limiter adds `name` and `sent`."""

    role: Role  # "" means to wait
    until: float = 0.0  # when to ask again; for a probe, when it was due
    length: float = 0.0  # for a probe, the window length that it tests
    reason: str = ""  # what is waited for
    name: str = ""
    sent: float = 0.0


@dataclass
class WindowState:
    """What is known of the limit. The fields are written to disk as JSON.

    All times are seconds of wall time.
    """

    version: int = 2  # of these rules; files of the first one have no such field
    requests: int = 0
    seconds: float = 0.0
    settled: bool = False  # `requests` and `seconds` are in use
    proved: int = 0  # responses under this limit since its length was last changed
    certain: float = 0.0  # the window is longer than this
    shortest: float = 0.0  # it seemed longer than this, but earlier refusals may have prolonged it
    checks: list[float] = field(default_factory=list)  # lengths to try in the next full window
    elapsed: float = 0.0  # a longer one that the first accepted probe would show as well
    growing: bool = False  # refused requests prolong the block
    shortened: bool = False  # a shorter length was accepted in a test
    grid: bool = False  # the server's clock begins windows, so that accepted tests prove nothing
    counts_all: bool = False  # responses that cost nothing count too
    total: int = 0  # the requests of a window, if all responses count
    billed: int = 0  # the same, if only billed ones count
    opened: float = 0.0  # when the current window was opened by a probe
    testing: bool = False  # the window is full, and `checks` are being tried
    closed: float = 0.0  # when the request was sent that was refused first; 0 while it is open
    tried: float = 0.0  # when the last refused probe was sent
    refused: float = 0.0  # when the last refusal arrived
    ladder: list[list[float]] = field(default_factory=list)  # [time, length] of each probe
    room: int = 0  # requests that a window accepted before a refusal below the limit
    too_short: bool = False  # a longer window would explain the refusal
    wary: bool = False  # one request at a time, after a refusal that was not expected
    burst: int = 0  # refusals before the first window opened again
    lag: float = 0.0  # the longest response time of a request sent alone
    pause: float = 0.0  # no request before this time, by Retry-After
    named: float = 0.0  # when a window began, by Retry-After
    explore: float = 0.0  # from this time on, one request above the count may be tried
    exhausted: float = 0.0  # when the credits were last found to be used up
    lease: str = ""  # the request that may be sent alone
    lease_until: float = 0.0
    slots: list[list[float]] = field(default_factory=list)  # [response time, count], ascending
    free: list[list[float]] = field(default_factory=list)  # the same, of responses without a price
    misses: list[list[float]] = field(default_factory=list)  # the same, of refusals
    flights: dict[str, float] = field(default_factory=dict)  # requests without a response yet
    boot: str = ""  # which run of which machine `offset` is of
    offset: float = 0.0  # wall time less the time of a clock that no user can set
    seen: float = 0.0  # the latest time at which the state was used

    @property
    def trusted(self) -> bool:
        """Whether some windows have passed as the learnt limit predicts."""
        return self.settled and self.proved >= _PROOF * self.requests

    @property
    def tries_shorter(self) -> bool:
        """Whether lengths below the assumed one are tried in this window."""
        return any(length < 0.999 * self.seconds for _, length in self.ladder)

    def excluded(self) -> float:
        """Return the longest length that a probe of this block has excluded; 0 if none has."""
        return max((length for due, length in self.ladder if due <= self.tried), default=0.0)

    def first(self, end: float, length: float) -> float:
        """Return the first response in the window of a length before a time, or that time."""
        return next(iter(self.times(end - length - margin(length))), end)

    def entries(self) -> list[list[float]]:
        """Return the entries of everything that takes up room in the window."""
        return [
            *self.slots,
            *(self.free if self.counts_all else ()),
            *(self.misses if self.growing else ()),
        ]

    def count(self, since: float, before: float = math.inf) -> int:
        """Count what takes up room in the window, between two times."""
        return number_between(self.entries(), since, before)

    def times(self, since: float) -> list[float]:
        """Return the times after another one of what takes up room in the window, ascending."""
        taken = sorted((at, n) for at, n in self.entries() if at > since)
        return [at for at, n in taken for _ in range(int(n))]

    def latest(self) -> float:
        """Return the latest time at which something had happened."""
        times = [at for at, _ in (*self.slots[-1:], *self.free[-1:], *self.misses[-1:])]
        known = (self.opened, self.closed, self.tried, self.refused, self.exhausted)
        return max(*known, *times, *self.flights.values(), 0.0)

    def shift(self, seconds: float) -> None:
        """Move all times, because the clock was set by this many seconds."""
        for name in _TIMES:
            value = getattr(self, name)
            setattr(self, name, max(0.0, value + seconds) if value else 0.0)
        for entries in (self.slots, self.free, self.misses, self.ladder):
            for entry in entries:
                entry[0] += seconds
        self.flights = {name: at + seconds for name, at in self.flights.items()}

    def follow_clock(self, now: float, window: float, boot: str, offset: float) -> None:
        """Move the times if the clock was set, so that no wait becomes longer.

        Parameters
        ----------
        now : float
            The wall time.
        window : float
            The length of the window, to which slots are rounded up.
        boot : str
            Names the clock of `offset`; empty if there is none.
        offset : float
            The wall time less the time of a clock that no user can set.
        """
        if boot and boot == self.boot and abs(offset - self.offset) > _SET:
            self.shift(offset - self.offset)
        if boot:
            self.boot, self.offset = boot, round(offset, 1)
        # Without such a clock, or after a restart, only times in the future show it.
        ahead = max(self.seen, self.latest()) - now
        if ahead > _LATE_CLOCK + window / 1000:
            self.shift(-ahead)
        self.seen = now
        # What no clock explains is damage, and must not keep requests waiting.
        self.pause = self.pause if self.pause <= now + DAY + _LATE_CLOCK else 0.0
        self.explore = min(self.explore, now + DAY)


def number_between(
    entries: Iterable[Sequence[float]], since: float, before: float = math.inf
) -> int:
    """Add the counts of the entries between two times."""
    return sum(int(count) for at, count in entries if since < at < before)


def parse_state(text: str) -> WindowState:
    """Return the state in a file's text, ignoring unknown fields; a damaged one is reset."""
    try:
        raw = json.loads(text)
        defaults = vars(WindowState())
        state = WindowState(
            **{name: type(value)(raw.get(name, value)) for name, value in defaults.items()}
        )
        for name in ("slots", "free", "misses"):
            setattr(state, name, [[float(at), int(n)] for at, n in getattr(state, name)])
        state.ladder = [[float(at), float(length)] for at, length in state.ladder]
        state.checks = [float(length) for length in state.checks]
        state.flights = {str(name): float(at) for name, at in state.flights.items()}
        numbers = [v for v in vars(state).values() if isinstance(v, float)]
        pairs = (*state.slots, *state.free, *state.misses, *state.ladder)
        numbers += [number for pair in pairs for number in pair]
        numbers += [*state.checks, *state.flights.values()]
        damaged = not all(map(math.isfinite, numbers))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        damaged = True
    if damaged:
        return WindowState()
    if state.requests < 1 or not 0 < state.seconds <= DAY:
        state.settled = False
    if "version" not in raw and state.settled:
        # The first version was certain of a limit when it used it.
        state.total = state.billed = state.requests
        state.proved = _PROOF * state.requests
    elif "version" not in raw:
        state.closed = 0.0  # what it knew while it learnt has other fields
    return state
