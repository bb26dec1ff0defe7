"""A server's rate limit and its clients, on simulated time."""

from __future__ import annotations

import heapq
import itertools
import math
import random
import threading
from collections import deque

from sectorsdf.http.limiter import Permit

NOW = 1_700_000_000.0


class Clock:
    """A wall clock, and beside it one that is never set."""

    def __init__(self, now=NOW):
        self.now = now
        self.steady = 0.0

    def __call__(self):
        return self.now

    def seconds(self):
        return self.steady

    def pass_(self, seconds):
        """Let time pass."""
        self.now += seconds
        self.steady += seconds

    def set_to(self, now):
        """Set the wall clock, as NTP or a user does."""
        self.now = now


class ServerLimit:
    """A server's rate limit.

    Parameters
    ----------
    requests, seconds : int and float
        The limit.
    kind : str
        The windows begin with a request ("anchored"), lie on a grid of the clock ("grid"), or are
        any so many seconds ("rolling").
    phase : float
        A time at which a window of a grid begins.
    counts : str
        Whether "all" answers count, or those "billed".
    growth : float or str
        The seconds by which a refused request prolongs the block; or it begins the block anew
        ("restart"), or counts like an answered one ("counted").
    """

    def __init__(self, requests, seconds, kind="anchored", phase=0.0, *, counts="all", growth=0.0):
        self.requests, self.seconds, self.kind, self.phase = requests, seconds, kind, phase
        self.counts, self.growth = counts, growth
        self.window = self.count = None
        self.opens = self.blocked = -math.inf
        self.times = deque()
        self.lock = threading.Lock()
        self.passed, self.refused, self.billed = [], [], []

    def hit(self, now, billed=True):
        with self.lock:
            # A request in a block begins no window.
            blocked = now < self.blocked
            if blocked or (self._roll(now) if self.kind == "rolling" else self._fill(now)):
                self._refuse(now)
                return False
            self.passed.append(now)
            if billed:
                self.billed.append(now)
            if billed or self.counts == "all":
                self.times.append(now)
                self.count = (self.count or 0) + 1
            return True

    def _roll(self, now):
        while self.times and self.times[0] <= now - self.seconds:
            self.times.popleft()
        full = len(self.times) >= self.requests
        self.opens = self.times[-self.requests] + self.seconds if full else now
        return full

    def _fill(self, now):
        grid = (now - self.phase) // self.seconds
        if self.kind == "grid":
            fresh = self.window != grid
        else:
            fresh = self.window is None or now >= self.window + self.seconds
        if fresh:
            self.window, self.count = grid if self.kind == "grid" else now, 0
        start = self.phase + self.window * self.seconds if self.kind == "grid" else self.window
        self.opens = start + self.seconds
        return self.count >= self.requests

    def _refuse(self, now):
        self.refused.append(now)
        if self.growth == "restart":
            self.blocked = now + self.seconds
        elif self.growth == "counted":
            self.times.append(now)
        elif self.growth:
            self.blocked = max(self.blocked, self.opens) + self.growth

    def left(self, now):
        """Return the whole seconds until the next window, as a server sends them in Retry-After."""
        return max(0, math.ceil(max(self.opens, self.blocked) - now))

    def share(self, start, first, last):
        """Return the requests accepted in a range of windows, as a share of the possible ones."""
        low, high = start + first * self.seconds, start + last * self.seconds
        counted = self.billed if self.counts == "billed" else self.passed
        return sum(low <= at < high for at in counted) / (self.requests * (last - first))


class _Simulation:
    """Workers that send as fast as their limiters allow."""

    def __init__(self, server, clock, limiters, rnd):
        self.server, self.clock, self.limiters, self.rnd = server, clock, limiters, rnd
        self.order, self.queue, self.waiting = itertools.count(), [], {}

    def push(self, at, what, worker, item=None):
        ticket = next(self.order)
        heapq.heappush(self.queue, (at, ticket, what, worker, item))
        return ticket

    def limiter(self, worker):
        return self.limiters[worker % len(self.limiters)]

    def ask(self, at, worker, latency):
        found = self.limiter(worker)._try(at, "")
        if isinstance(found, Permit):
            whole = latency(self.rnd)
            there = whole * self.rnd.uniform(0.05, 0.9)
            self.push(at + there, "hit", worker, (found, whole - there))
        else:
            until = min(max(found, at + 0.0005), at + 5)
            self.waiting[worker] = self.push(until, "again", worker)

    def answer(self, at, worker, permit, good, billed, retry_after):
        limiter = self.limiter(worker)
        before = limiter._wakeups
        if good:
            permit.allowed(billed=billed)
        else:
            permit.refused(retry_after)
        if limiter._wakeups != before:
            for other in [w for w in self.waiting if self.limiter(w) is limiter]:
                del self.waiting[other]
                self.push(at, "ask", other)
        self.push(at, "ask", worker)


def simulate(
    server, clock, limiters, *, workers, latency, seconds, seed=0, retry_after=False, free=0.0
):
    """Let workers send as fast as the limiters allow.

    With `retry_after`, the server returns that header. `free` is the share of requests whose
    answers cost nothing.
    """
    rnd, until = random.Random(seed), clock.now + seconds
    run = _Simulation(server, clock, limiters, rnd)
    for worker in range(workers):
        run.push(clock.now + worker * 1e-4, "ask", worker)
    while run.queue:
        at, ticket, what, worker, item = heapq.heappop(run.queue)
        if what == "again":
            if run.waiting.get(worker) != ticket:
                continue  # it was woken before
            del run.waiting[worker]
        clock.now = at
        if at > until:
            return
        if what in {"ask", "again"}:
            run.ask(at, worker, latency)
        elif what == "hit":
            permit, back = item
            billed = rnd.random() >= free
            good = server.hit(at, billed)
            wait = server.left(at) if retry_after and not good else None
            run.push(at + back, "answer", worker, (permit, good, billed, wait))
        else:
            run.answer(at, worker, *item)


def uniform(low, high):
    """Return a latency between two bounds."""
    return lambda rnd: rnd.uniform(low, high)
