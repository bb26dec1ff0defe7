"""The gate fills each rate window to the limit and meets no refusal once it has learnt it.

The learning is shown on simulated time (whole hours in a moment), the waiting on real threads and
processes with short windows.
"""

from __future__ import annotations

import heapq
import http.client
import itertools
import json
import math
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import ROOT

from sectorsdf import errors
from sectorsdf.http.limiter import LimiterStoppedError, Permit, RateLimiter
from sectorsdf.http.rate_limit import RateLimit

pytestmark = pytest.mark.newest

NOW = 1_700_000_000.0
SHORT = (0.25, 0.5, 1.0, 2.0)


class Limiter:
    """So many requests a window; the window begins with a request, or on a grid of the clock."""

    def __init__(self, requests, seconds, kind="anchored", phase=0.0):
        self.requests, self.seconds, self.kind, self.phase = requests, seconds, kind, phase
        self.window = self.count = None
        self.lock = threading.Lock()
        self.passed, self.refused = [], []

    def hit(self, now):
        with self.lock:
            if self.kind == "grid":
                fresh = self.window != (now - self.phase) // self.seconds
            else:
                fresh = self.window is None or now >= self.window + self.seconds
            if fresh:
                grid = (now - self.phase) // self.seconds
                self.window, self.count = grid if self.kind == "grid" else now, 0
            good = self.count < self.requests
            self.count += good
            (self.passed if good else self.refused).append(now)
            return good

    def left(self, now):
        """Whole seconds until the next window, as servers put it into Retry-After."""
        grid = self.phase + (self.window + 1) * self.seconds
        end = grid if self.kind == "grid" else self.window + self.seconds
        return max(0, math.ceil(end - now))

    def share(self, start, first, last):
        """Requests that passed between two windows' numbers, as a part of the most there can."""
        low, high = start + first * self.seconds, start + last * self.seconds
        return sum(low <= at < high for at in self.passed) / (self.requests * (last - first))


class Clock:
    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


def simulate(limiter, clock, gates, *, workers, latency, seconds, seed=0, tell=False):
    """Let workers ask as fast as the gates let them; `tell` is a server with Retry-After."""
    rnd, order, until = random.Random(seed), itertools.count(), clock.now + seconds
    queue = [
        (clock.now + n * 1e-4, next(order), "ask", gates[n % len(gates)], None)
        for n in range(workers)
    ]
    while queue:
        at, _, what, gate, item = heapq.heappop(queue)
        clock.now = at
        if at > until:
            return
        if what == "ask":
            found = gate._try(at, "")
            if isinstance(found, Permit):
                whole = latency(rnd)
                there = whole * rnd.uniform(0.05, 0.9)
                entry = (at + there, next(order), "hit", gate, (found, whole - there))
            else:
                entry = (min(max(found, at + 0.01), at + 5), next(order), "ask", gate, None)
            heapq.heappush(queue, entry)
        elif what == "hit":
            ticket, back = item
            heapq.heappush(
                queue, (at + back, next(order), "answer", gate, (ticket, limiter.hit(at)))
            )
        else:
            ticket, good = item
            if good:
                ticket.allowed()
            else:
                ticket.refused(limiter.left(at) if tell else None)
            heapq.heappush(queue, (at, next(order), "ask", gate, None))


def uniform(low, high):
    return lambda rnd: rnd.uniform(low, high)


class TestLearning:
    @pytest.mark.parametrize("workers", [1, 4, 16])
    @pytest.mark.parametrize(
        ("requests", "seconds", "latency"),
        [(30, 60, (0.6, 1.0)), (5, 10, (0.05, 0.1)), (60, 10, (0.02, 0.06)), (20, 30, (0.1, 0.5))],
    )
    def test_window_of_a_first_request(self, requests, seconds, latency, workers):
        limiter, clock = Limiter(requests, seconds), Clock()
        gate = RateLimiter(clock=clock)
        simulate(
            limiter, clock, [gate], workers=workers, latency=uniform(*latency), seconds=12 * seconds
        )
        snapshot = gate.snapshot()
        assert (snapshot["requests"], snapshot["seconds"]) == (requests, seconds)
        assert limiter.share(NOW, 0, 12) >= 0.95
        assert limiter.share(NOW, 1, 12) >= 0.97
        assert max(limiter.refused) < NOW + 2.1 * seconds
        assert len(limiter.refused) <= workers + 11

    @pytest.mark.parametrize("workers", [1, 4, 8])
    def test_refusals_are_few(self, workers):
        limiter, clock = Limiter(30, 2), Clock()
        gate = RateLimiter(clock=clock)
        simulate(limiter, clock, [gate], workers=workers, latency=uniform(0.003, 0.005), seconds=20)
        assert (gate.snapshot()["requests"], gate.snapshot()["seconds"]) == (30, 2)
        # Those under way, the probe after a second, one for the count and one for the length.
        assert len(limiter.refused) <= workers + 3
        assert limiter.share(NOW, 0, 4) >= 0.95

    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("workers", [1, 4, 16])
    @pytest.mark.parametrize(
        ("requests", "seconds", "latency"), [(30, 60, (0.6, 1.0)), (5, 10, (0.05, 0.1))]
    )
    def test_window_on_a_grid(self, requests, seconds, latency, workers, seed):
        phase = NOW + random.Random(seed).uniform(0, seconds)
        limiter, clock = Limiter(requests, seconds, "grid", phase), Clock()
        gate = RateLimiter(clock=clock)
        simulate(
            limiter,
            clock,
            [gate],
            workers=workers,
            latency=uniform(*latency),
            seconds=30 * seconds,
            seed=seed,
        )
        snapshot = gate.snapshot()
        assert (snapshot["requests"], snapshot["seconds"]) == (requests, seconds)
        assert limiter.share(NOW, 0, 30) >= 0.95
        assert max(limiter.refused) < NOW + 15 * seconds

    def test_first_window_partly_used_by_somebody_else(self):
        limiter, clock = Limiter(30, 60), Clock()
        for second in range(20):
            limiter.hit(NOW - 20 + second)
        gate = RateLimiter(clock=clock)
        simulate(limiter, clock, [gate], workers=4, latency=uniform(0.6, 1), seconds=720)
        assert gate.snapshot()["requests"] == 30
        assert limiter.share(NOW, 6, 12) >= 0.96

    def test_gates_of_one_file_learn_together(self, tmp_path):
        limiter, clock = Limiter(30, 60), Clock()
        gates = [RateLimiter(clock=clock, state_file=tmp_path / "state") for _ in range(4)]
        simulate(limiter, clock, gates, workers=8, latency=uniform(0.6, 1), seconds=600)
        assert {gate.snapshot()["requests"] for gate in gates} == {30}
        assert max(limiter.refused) < NOW + 125
        assert limiter.share(NOW, 1, 10) >= 0.97
        limiter.refused.clear()
        later = RateLimiter(clock=clock, state_file=tmp_path / "state")
        simulate(limiter, clock, [*gates, later], workers=10, latency=uniform(0.6, 1), seconds=300)
        assert limiter.refused == []
        assert later.snapshot()["requests"] == 30

    def test_once_a_day_one_request_asks_for_more(self, tmp_path):
        limiter, clock = Limiter(30, 60), Clock()
        gate = RateLimiter(clock=clock, state_file=tmp_path / "state")
        simulate(limiter, clock, [gate], workers=4, latency=uniform(0.1, 0.2), seconds=300)
        clock.now += 100_000
        limiter.refused.clear()
        gate = RateLimiter(clock=clock, state_file=tmp_path / "state")
        simulate(limiter, clock, [gate], workers=4, latency=uniform(0.1, 0.2), seconds=300)
        assert len(limiter.refused) == 1
        clock.now += 100_000
        limiter.refused.clear()
        limiter.requests = 60
        simulate(limiter, clock, [gate], workers=4, latency=uniform(0.1, 0.2), seconds=300)
        assert gate.snapshot()["requests"] == 60
        assert len(limiter.refused) == 1

    def test_lower_limit_is_noticed(self):
        limiter, clock = Limiter(30, 60), Clock()
        gate = RateLimiter(clock=clock)
        simulate(limiter, clock, [gate], workers=4, latency=uniform(0.1, 0.2), seconds=300)
        limiter.requests = 12
        simulate(limiter, clock, [gate], workers=4, latency=uniform(0.1, 0.2), seconds=900)
        assert gate.snapshot()["requests"] == 12

    @given(
        requests=st.integers(1, 40),
        seconds=st.sampled_from([0.7, 5, 10, 42, 60]),
        kind=st.sampled_from(["anchored", "grid"]),
        spare=st.integers(0, 5),
        workers=st.integers(1, 16),
        seed=st.integers(0, 1000),
    )
    @settings(max_examples=25, deadline=None)
    def test_a_limit_by_hand_is_never_exceeded(self, requests, seconds, kind, spare, workers, seed):
        limiter, clock = Limiter(requests + spare, seconds, kind, NOW + seed / 7), Clock()
        gate = RateLimiter(clock=clock, rate_limit=RateLimit(requests, seconds))
        latency = uniform(0.01, 0.4 * seconds)
        simulate(limiter, clock, [gate], workers=workers, latency=latency, seconds=6 * seconds)
        assert limiter.refused == []


def drive(gate, limiter, workers, count, latency=0.004):
    """Send so many requests from threads; every refused one is sent again."""

    def one(_):
        while True:
            ticket = gate.acquire()
            good = limiter.hit(time.monotonic())
            time.sleep(latency)
            if good:
                ticket.allowed()
                return
            ticket.refused()

    start = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, range(count)))
    return time.monotonic() - start


class TestThreads:
    @pytest.mark.parametrize("kind", ["anchored", "grid"])
    def test_learns_on_the_real_clock(self, kind):
        limiter = Limiter(20, 0.5, kind, time.monotonic())
        gate = RateLimiter(ladder=SHORT, max_wait=2)
        taken = drive(gate, limiter, 8, 120)
        assert len(limiter.passed) == 120
        assert taken < (120 / 20 + 1) * 0.5 * 1.15
        if kind == "anchored":
            assert gate.snapshot()["requests"] == 20
            limiter.refused.clear()
            drive(gate, limiter, 8, 45)
            assert limiter.refused == []

    def test_costs_nothing_without_a_limit(self, tmp_path):
        gate = RateLimiter(state_file=tmp_path / "cache" / "state")

        def batch():
            start = time.perf_counter()
            for _ in range(5000):
                gate.acquire().allowed()
            return (time.perf_counter() - start) / 5000

        assert min(batch() for _ in range(5)) < 50e-6
        assert not (tmp_path / "cache").exists()
        assert gate.eta(1000) == 0.0
        assert gate.waiting_until is None

    def test_stop_wakes_all(self):
        gate = RateLimiter(rate_limit="1/hour")
        gate.acquire().allowed()
        told, begun = [], threading.Event()

        def on_wait(seconds):
            told.append(seconds)
            begun.set()

        gate.on_wait = on_wait
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(gate.acquire) for _ in range(4)]
            assert begun.wait(5)
            assert gate.waiting_until > time.time() + 3500
            start = time.monotonic()
            gate.stop()
            for one in waiting:
                assert isinstance(one.exception(5), LimiterStoppedError)
            assert time.monotonic() - start < 0.5
        assert told[0] == pytest.approx(3607, abs=2)
        with pytest.raises(LimiterStoppedError):
            gate.acquire()
        gate.resume()
        assert gate.waiting_until is None
        json.dumps(gate.snapshot())

    @pytest.mark.skipif(os.name == "nt", reason="signals differ")
    def test_ctrl_c_ends_a_wait(self):
        code = (
            "import sectorsdf.http.limiter as p\n"
            "g = p.RateLimiter(rate_limit='1/hour'); g.acquire().allowed()\n"
            "g.on_wait = lambda s: print('waiting', flush=True)\n"
            "try:\n    g.acquire()\nexcept KeyboardInterrupt:\n    print('interrupted')\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:
            assert process.stdout.readline() == "waiting\n"
            start = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.stdout.read() == "interrupted\n"
            assert time.monotonic() - start < 1.5


class TestRefusals:
    def test_gate_refuses_a_bad_wait(self):
        with pytest.raises(errors.ConfigurationError, match="max_wait"):
            RateLimiter(max_wait=0)

    def start(self, **options):
        clock = Clock()
        gate = RateLimiter(clock=clock, **options)
        for _ in range(3):
            gate._try(clock.now, "").allowed()
            clock.now += 0.1
        return gate, clock

    def test_retry_after_is_obeyed(self):
        gate, clock = self.start()
        gate._try(clock.now, "").refused(20)
        assert gate._try(clock.now, "") == pytest.approx(clock.now + 20.045)
        clock.now += 20.05
        ticket = gate._try(clock.now, "")
        assert ticket.role == "probe"
        ticket.allowed()
        assert isinstance(gate._try(clock.now, ""), Permit)

    @pytest.mark.parametrize("kind", ["anchored", "grid"])
    def test_retry_after_teaches_the_window_at_once(self, kind):
        limiter, clock = Limiter(30, 60, kind, NOW + 20), Clock()
        gate = RateLimiter(clock=clock)
        simulate(limiter, clock, [gate], workers=4, latency=uniform(0.6, 1), seconds=900, tell=True)
        assert (gate.snapshot()["requests"], gate.snapshot()["seconds"]) == (30, 60)
        assert len(limiter.refused) <= 4 + 1
        assert limiter.share(NOW, 1, 15) >= 0.97

    def test_one_probe_at_a_time(self, tmp_path):
        gate, clock = self.start(state_file=tmp_path / "state")
        other = RateLimiter(clock=clock, state_file=tmp_path / "state")
        gate._try(clock.now, "").refused()
        clock.now += 1.5
        probe = gate._try(clock.now, "")
        assert isinstance(probe, Permit)
        assert isinstance(gate._try(clock.now, ""), float)
        assert isinstance(other._try(clock.now, ""), float)
        probe.failed()
        assert isinstance(other._try(clock.now, ""), Permit)

    def test_killed_probe_holds_nobody_up_for_long(self, tmp_path):
        gate, clock = self.start(state_file=tmp_path / "state")
        gate._try(clock.now, "").refused()
        clock.now += 1.5
        assert isinstance(gate._try(clock.now, ""), Permit)
        other = RateLimiter(clock=clock, state_file=tmp_path / "state")
        assert isinstance(other._try(clock.now, ""), float)
        clock.now += 46
        assert isinstance(other._try(clock.now, ""), Permit)

    @pytest.mark.parametrize("options", [{}, {"rate_limit": "4/min"}, {"max_wait": 10}])
    def test_used_up_quota_is_told_apart(self, options):
        gate, clock = self.start(**options)
        gate._try(clock.now, "").refused()
        closed, probes, asked = clock.now, 0, clock.now

        def keep_asking():
            nonlocal probes
            while True:
                found = gate._try(clock.now, "https://example.test/")
                if isinstance(found, Permit):
                    probes += 1
                    clock.now += 0.5
                    found.refused()
                else:
                    clock.now = found

        with pytest.raises(errors.QuotaExhaustedError) as caught:
            keep_asking()
        full = {"rate_limit": 60, "max_wait": 10}.get(next(iter(options), ""), 65)
        assert full <= clock.now - closed < full + 2
        assert probes <= 12
        assert caught.value.url == "https://example.test/"
        with pytest.raises(errors.QuotaExhaustedError):
            gate._try(asked, "")  # whoever was waiting learns it as well
        clock.now += 1
        gate._try(clock.now, "").allowed()  # topped up
        assert isinstance(gate._try(clock.now, ""), Permit)

    def test_ticket_counts_once(self):
        gate = RateLimiter(rate_limit="2/min", clock=Clock())
        ticket = gate._try(NOW, "")
        ticket.allowed()
        ticket.refused()
        ticket.failed()
        assert gate.snapshot()["refusals"] == 0
        assert isinstance(gate._try(NOW, ""), Permit)

    def test_eta(self):
        gate = RateLimiter(rate_limit="10/min", clock=Clock())
        for _ in range(4):
            gate._try(NOW, "").allowed()
        assert gate.eta(6) == 0
        assert gate.eta(7) == pytest.approx(60.125, abs=0.01)
        assert gate.eta(17) == pytest.approx(120.25, abs=0.01)


class TestStateFile:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[]",
            "null",
            '{"slots": 3}',
            '{"slots": [[1]]}',
            '{"opened": NaN}',
            '{"flights": {"a": "b"}}',
            '{"settled": 1, "closed": "x"}',
            '{"seconds": 1e999}',
            "\ufffd\0",
        ],
    )
    def test_damage_is_ignored(self, tmp_path, text):
        path = tmp_path / "state"
        path.write_text(text, encoding="utf-8")
        gate = RateLimiter(state_file=path)
        gate.acquire().allowed()
        assert gate.snapshot()["requests"] is None
        assert RateLimiter(state_file=path, rate_limit="2/min").acquire().role == "slot"

    def test_bytes_that_are_no_text_are_ignored(self, tmp_path):
        path = tmp_path / "state"
        path.write_bytes(b"\xff\xfe\x80")
        assert RateLimiter(state_file=path, rate_limit="1/min").acquire().role == "slot"

    def test_future_state_holds_nobody_up_for_long(self, tmp_path):
        path = tmp_path / "state"
        gate = RateLimiter(state_file=path, rate_limit="1/min", clock=Clock(NOW + 1e6))
        gate._try(NOW, "").allowed()
        now = Clock()
        gate = RateLimiter(state_file=path, rate_limit="1/min", clock=now)
        until = gate._try(NOW, "")
        assert NOW + 59 < until < NOW + 61

    def test_unwritable_folder_means_memory(self, tmp_path):
        (tmp_path / "file").touch()
        clock = Clock()
        gate = RateLimiter(state_file=tmp_path / "file" / "state", rate_limit="1/min", clock=clock)
        gate._try(NOW, "").allowed()
        assert isinstance(gate._try(NOW, ""), float)

    def test_holds_no_secret_and_nothing_is_left_over(self, tmp_path):
        gate = RateLimiter(state_file=tmp_path / "state", rate_limit="9/min")
        gate.acquire(url="https://example.test/secret").allowed()
        assert "secret" not in (tmp_path / "state").read_text(encoding="utf-8")
        assert not list(tmp_path.glob("*part"))

    def test_large_windows_keep_the_file_small(self, tmp_path):
        clock = Clock()
        gate = RateLimiter(state_file=tmp_path / "state", rate_limit="100000/hour", clock=clock)
        for _ in range(1000):
            gate._try(NOW, "").allowed()
            clock.now += 0.03
        assert (tmp_path / "state").stat().st_size < 10_000


@pytest.fixture
def server():
    limiter = Limiter(20, 0.8)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            good = limiter.hit(time.monotonic())
            self.send_response(200 if good else 429)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.02,))
        thread.start()
        yield limiter, service.server_address[1]
        service.shutdown()
        thread.join()


def ask(port, path, rate, count):
    """Send requests from a process of its own."""
    gate = RateLimiter(state_file=path, rate_limit=rate, ladder=(0.2, 0.4, 0.8, 1.6), max_wait=3)

    def one(_):
        while True:
            ticket = gate.acquire()
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                link.request("GET", "/")
                status = link.getresponse().status
            finally:
                link.close()
            if status == 200:
                ticket.allowed()
                return
            ticket.refused()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(one, range(count)))


@pytest.mark.parametrize("rate", ["20/0.8s", None])
def test_processes_share_one_limit(server, tmp_path, rate):
    limiter, port = server
    context = multiprocessing.get_context("spawn")

    def run(count):
        start = time.monotonic()
        processes = [
            context.Process(target=ask, args=(port, tmp_path / "state", rate, count))
            for _ in range(4)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(60)
            assert process.exitcode == 0
        return time.monotonic() - start

    if rate is None:
        run(35)
        learnt = json.loads((tmp_path / "state").read_text(encoding="utf-8"))
        assert learnt["settled"]
        assert learnt["requests"] == 20
        assert len(limiter.refused) <= 12 + 16
        limiter.refused.clear()
    run(8)
    assert limiter.refused == []
    assert len(limiter.passed) == (32 if rate else 172)
