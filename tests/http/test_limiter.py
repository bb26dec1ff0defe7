"""The limiter fills each rate window to the limit, without refusals once it has learnt it.

Learning is tested on simulated time, waiting on real threads and processes with short windows.
"""

from __future__ import annotations

import http.client
import json
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
from support.budgets import examples
from support.paths import ROOT
from support.processes import wait_until
from support.rate_limits import NOW, Clock, ServerLimit, simulate, uniform

from sectorsdf import errors
from sectorsdf.http.limiter import LimiterStoppedError, Permit, RateLimiter
from sectorsdf.http.rate_limit import RateLimit

pytestmark = pytest.mark.newest

SHORT = (0.25, 0.5, 1.0, 2.0)


class TestLearning:
    @pytest.mark.parametrize("workers", [1, 4, 16])
    @pytest.mark.parametrize(
        ("requests", "seconds", "latency"),
        [(30, 60, (0.6, 1.0)), (5, 10, (0.05, 0.1)), (60, 10, (0.02, 0.06)), (20, 30, (0.1, 0.5))],
    )
    def test_window_of_a_first_request(self, requests, seconds, latency, workers):
        server, clock = ServerLimit(requests, seconds), Clock()
        limiter = RateLimiter(clock=clock)
        simulate(
            server,
            clock,
            [limiter],
            workers=workers,
            latency=uniform(*latency),
            seconds=12 * seconds,
        )
        snapshot = limiter.snapshot()
        assert (snapshot["requests"], snapshot["seconds"]) == (requests, seconds)
        assert server.share(NOW, 0, 12) >= 0.95
        assert server.share(NOW, 1, 12) >= 0.97
        # The next windows are used to find out whether that is exactly the limit.
        assert max(server.refused) < NOW + 3.3 * seconds
        assert len(server.refused) <= workers + 8

    @pytest.mark.parametrize("workers", [1, 4, 8])
    def test_refusals_are_few(self, workers):
        server, clock = ServerLimit(30, 2), Clock()
        limiter = RateLimiter(clock=clock)
        simulate(
            server, clock, [limiter], workers=workers, latency=uniform(0.003, 0.005), seconds=20
        )
        assert (limiter.snapshot()["requests"], limiter.snapshot()["seconds"]) == (30, 2)
        # One at the measured count, the probe after a second, and three that show the exact length.
        assert len(server.refused) <= 5
        assert server.share(NOW, 0, 4) >= 0.95

    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize("workers", [1, 4, 16])
    @pytest.mark.parametrize(
        ("requests", "seconds", "latency"), [(30, 60, (0.6, 1.0)), (5, 10, (0.05, 0.1))]
    )
    def test_window_on_a_grid(self, requests, seconds, latency, workers, seed):
        phase = NOW + random.Random(seed).uniform(0, seconds)
        server, clock = ServerLimit(requests, seconds, "grid", phase), Clock()
        limiter = RateLimiter(clock=clock)
        simulate(
            server,
            clock,
            [limiter],
            workers=workers,
            latency=uniform(*latency),
            seconds=30 * seconds,
            seed=seed,
        )
        snapshot = limiter.snapshot()
        assert (snapshot["requests"], snapshot["seconds"]) == (requests, seconds)
        assert server.share(NOW, 0, 30) >= 0.95
        assert max(server.refused) < NOW + 15 * seconds

    def test_first_window_partly_used_by_another_client(self):
        server, clock = ServerLimit(30, 60), Clock()
        for second in range(20):
            server.hit(NOW - 20 + second)
        limiter = RateLimiter(clock=clock)
        simulate(server, clock, [limiter], workers=4, latency=uniform(0.6, 1), seconds=720)
        assert limiter.snapshot()["requests"] == 30
        assert server.share(NOW, 6, 12) >= 0.96

    def test_limiters_of_one_file_learn_together(self, tmp_path):
        server, clock = ServerLimit(30, 60), Clock()
        limiters = [RateLimiter(clock=clock, state_file=tmp_path / "state") for _ in range(4)]
        simulate(server, clock, limiters, workers=8, latency=uniform(0.6, 1), seconds=600)
        assert {limiter.snapshot()["requests"] for limiter in limiters} == {30}
        assert max(server.refused) < NOW + 190
        assert server.share(NOW, 1, 10) >= 0.97
        server.refused.clear()
        later = RateLimiter(clock=clock, state_file=tmp_path / "state")
        simulate(
            server, clock, [*limiters, later], workers=10, latency=uniform(0.6, 1), seconds=300
        )
        assert server.refused == []
        assert later.snapshot()["requests"] == 30

    def test_once_a_day_one_request_asks_for_more(self, tmp_path):
        server, clock = ServerLimit(30, 60), Clock()
        limiter = RateLimiter(clock=clock, state_file=tmp_path / "state")
        simulate(server, clock, [limiter], workers=4, latency=uniform(0.1, 0.2), seconds=300)
        clock.now += 100_000
        server.refused.clear()
        limiter = RateLimiter(clock=clock, state_file=tmp_path / "state")
        simulate(server, clock, [limiter], workers=4, latency=uniform(0.1, 0.2), seconds=300)
        assert len(server.refused) == 1
        clock.now += 100_000
        server.refused.clear()
        server.requests = 60
        simulate(server, clock, [limiter], workers=4, latency=uniform(0.1, 0.2), seconds=300)
        assert limiter.snapshot()["requests"] == 60
        assert len(server.refused) == 1

    def test_lower_limit_is_noticed(self):
        server, clock = ServerLimit(30, 60), Clock()
        limiter = RateLimiter(clock=clock)
        simulate(server, clock, [limiter], workers=4, latency=uniform(0.1, 0.2), seconds=300)
        server.requests = 12
        simulate(server, clock, [limiter], workers=4, latency=uniform(0.1, 0.2), seconds=900)
        assert limiter.snapshot()["requests"] == 12

    @given(
        requests=st.integers(1, 40),
        seconds=st.sampled_from([0.7, 5, 10, 42, 60]),
        kind=st.sampled_from(["anchored", "grid"]),
        spare=st.integers(0, 5),
        workers=st.integers(1, 16),
        seed=st.integers(0, 1000),
    )
    @settings(max_examples=examples(), deadline=None)
    def test_a_limit_by_hand_is_never_exceeded(self, requests, seconds, kind, spare, workers, seed):
        server, clock = ServerLimit(requests + spare, seconds, kind, NOW + seed / 7), Clock()
        limiter = RateLimiter(clock=clock, rate_limit=RateLimit(requests, seconds))
        latency = uniform(0.01, 0.4 * seconds)
        simulate(server, clock, [limiter], workers=workers, latency=latency, seconds=6 * seconds)
        assert server.refused == []


def drive(limiter, server, workers, count, latency=0.004):
    """Send `count` requests from threads, each again if it is refused; return the seconds."""

    def one(_):
        while True:
            permit = limiter.acquire()
            good = server.hit(time.monotonic())
            time.sleep(latency)
            if good:
                permit.allowed()
                return
            permit.refused()

    start = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, range(count)))
    return time.monotonic() - start


class TestThreads:
    @pytest.mark.parametrize("kind", ["anchored", "grid"])
    def test_learns_on_the_real_clock(self, kind):
        server = ServerLimit(20, 0.5, kind, time.monotonic())
        limiter = RateLimiter(window_lengths=SHORT, max_wait=2)
        taken = drive(limiter, server, 8, 120)
        assert len(server.passed) == 120
        assert taken < (120 / 20 + 1) * 0.5 * 1.15
        if kind == "anchored":
            assert limiter.snapshot()["requests"] == 20
            server.refused.clear()
            drive(limiter, server, 8, 45)
            assert server.refused == []

    def test_costs_nothing_without_a_limit(self, tmp_path):
        limiter = RateLimiter(state_file=tmp_path / "cache" / "state")

        def batch():
            start = time.perf_counter()
            for _ in range(5000):
                limiter.acquire().allowed()
            return (time.perf_counter() - start) / 5000

        assert min(batch() for _ in range(5)) < 50e-6
        assert not (tmp_path / "cache").exists()
        assert limiter.eta(1000) == 0.0
        assert limiter.waiting_until is None

    def test_stop_wakes_all(self):
        limiter = RateLimiter(rate_limit="1/hour")
        limiter.acquire().allowed()
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(limiter.acquire) for _ in range(4)]
            wait_until(lambda: limiter.waiting_until)
            assert limiter.waiting_until == pytest.approx(time.time() + 3607, abs=2)
            start = time.monotonic()
            limiter.stop()
            for one in waiting:
                assert isinstance(one.exception(5), LimiterStoppedError)
            assert time.monotonic() - start < 0.5
        with pytest.raises(LimiterStoppedError):
            limiter.acquire()
        limiter.resume()
        assert limiter.waiting_until is None
        json.dumps(limiter.snapshot())

    @pytest.mark.skipif(os.name == "nt", reason="signals differ")
    def test_ctrl_c_ends_a_wait(self):
        code = (
            "import logging, sys\n"
            "import sectorsdf.http.limiter as p\n"
            "logging.basicConfig(level='INFO', stream=sys.stdout, format='%(message).7s')\n"
            "g = p.RateLimiter(rate_limit='1/hour'); g.acquire().allowed()\n"
            "try:\n    g.acquire()\nexcept KeyboardInterrupt:\n    print('interrupted')\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process:
            assert process.stdout.readline() == "Waiting\n"
            start = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.stdout.read() == "interrupted\n"
            assert time.monotonic() - start < 1.5


class TestRefusals:
    def test_limiter_refuses_a_bad_wait(self):
        with pytest.raises(errors.ConfigurationError, match="max_wait"):
            RateLimiter(max_wait=0)

    def start(self, **options):
        clock = Clock()
        limiter = RateLimiter(clock=clock, **options)
        for _ in range(3):
            limiter._try(clock.now, "").allowed()
            clock.now += 0.1
        return limiter, clock

    def test_retry_after_is_obeyed(self):
        limiter, clock = self.start()
        limiter._try(clock.now, "").refused(20)
        assert limiter._try(clock.now, "") == pytest.approx(clock.now + 20.045)
        clock.now += 20.05
        permit = limiter._try(clock.now, "")
        assert permit.role == "probe"
        permit.allowed()
        # The window may be a rolling one, so the next request waits for its own place.
        clock.now = found = limiter._try(clock.now, "")
        assert found < NOW + 20.6
        assert isinstance(limiter._try(clock.now, ""), Permit)

    @pytest.mark.parametrize("kind", ["anchored", "grid"])
    def test_retry_after_teaches_the_window_at_once(self, kind):
        server, clock = ServerLimit(30, 60, kind, NOW + 20), Clock()
        limiter = RateLimiter(clock=clock)
        simulate(
            server,
            clock,
            [limiter],
            workers=4,
            latency=uniform(0.6, 1),
            seconds=900,
            retry_after=True,
        )
        assert (limiter.snapshot()["requests"], limiter.snapshot()["seconds"]) == (30, 60)
        assert len(server.refused) <= 4 + 1
        assert server.share(NOW, 1, 15) >= 0.97

    def test_one_probe_at_a_time(self, tmp_path):
        limiter, clock = self.start(state_file=tmp_path / "state")
        other = RateLimiter(clock=clock, state_file=tmp_path / "state")
        limiter._try(clock.now, "").refused()
        clock.now += 1.5
        probe = limiter._try(clock.now, "")
        assert isinstance(probe, Permit)
        assert isinstance(limiter._try(clock.now, ""), float)
        assert isinstance(other._try(clock.now, ""), float)
        probe.failed()
        assert isinstance(other._try(clock.now, ""), Permit)

    def test_killed_probe_delays_others_only_briefly(self, tmp_path):
        limiter, clock = self.start(state_file=tmp_path / "state")
        limiter._try(clock.now, "").refused()
        clock.now += 1.5
        assert isinstance(limiter._try(clock.now, ""), Permit)
        other = RateLimiter(clock=clock, state_file=tmp_path / "state")
        assert isinstance(other._try(clock.now, ""), float)
        clock.now += 46
        assert isinstance(other._try(clock.now, ""), Permit)

    @pytest.mark.parametrize("options", [{}, {"rate_limit": "4/min"}, {"max_wait": 10}])
    def test_used_up_quota_is_recognized(self, options):
        limiter, clock = self.start(**options)
        limiter._try(clock.now, "").refused()
        closed, probes, begun = clock.now, 0, clock.now

        def keep_asking():
            nonlocal probes
            while True:
                found = limiter._try(clock.now, "https://example.test/")
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
            limiter._try(begun, "")  # waiting requests fail too
        clock.now += 1
        limiter._try(clock.now, "").allowed()  # topped up
        assert isinstance(limiter._try(clock.now, ""), Permit)

    def test_permit_counts_once(self):
        limiter = RateLimiter(rate_limit="2/min", clock=Clock())
        permit = limiter._try(NOW, "")
        permit.allowed()
        permit.refused()
        permit.failed()
        assert limiter.snapshot()["refusals"] == 0
        assert isinstance(limiter._try(NOW, ""), Permit)

    def test_eta(self):
        limiter = RateLimiter(rate_limit="10/min", clock=Clock())
        for _ in range(4):
            limiter._try(NOW, "").allowed()
        assert limiter.eta(6) == 0
        assert limiter.eta(7) == pytest.approx(60.125, abs=0.01)
        assert limiter.eta(17) == pytest.approx(120.25, abs=0.01)


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
        limiter = RateLimiter(state_file=path)
        limiter.acquire().allowed()
        assert limiter.snapshot()["requests"] is None
        assert RateLimiter(state_file=path, rate_limit="2/min").acquire().role == "slot"

    def test_bytes_that_are_no_text_are_ignored(self, tmp_path):
        path = tmp_path / "state"
        path.write_bytes(b"\xff\xfe\x80")
        assert RateLimiter(state_file=path, rate_limit="1/min").acquire().role == "slot"

    def test_future_state_delays_requests_only_briefly(self, tmp_path):
        path = tmp_path / "state"
        limiter = RateLimiter(state_file=path, rate_limit="1/min", clock=Clock(NOW + 1e6))
        limiter._try(NOW, "").allowed()
        now = Clock()
        limiter = RateLimiter(state_file=path, rate_limit="1/min", clock=now)
        until = limiter._try(NOW, "")
        assert NOW + 59 < until < NOW + 61

    def test_unwritable_folder_means_memory(self, tmp_path):
        (tmp_path / "file").touch()
        clock = Clock()
        limiter = RateLimiter(
            state_file=tmp_path / "file" / "state", rate_limit="1/min", clock=clock
        )
        limiter._try(NOW, "").allowed()
        assert isinstance(limiter._try(NOW, ""), float)

    def test_holds_no_secret_and_nothing_is_left_over(self, tmp_path):
        limiter = RateLimiter(state_file=tmp_path / "state", rate_limit="9/min")
        limiter.acquire(url="https://example.test/secret").allowed()
        assert "secret" not in (tmp_path / "state").read_text(encoding="utf-8")
        assert not list(tmp_path.glob("*part"))

    def test_large_windows_keep_the_file_small(self, tmp_path):
        clock = Clock()
        limiter = RateLimiter(state_file=tmp_path / "state", rate_limit="100000/hour", clock=clock)
        for _ in range(1000):
            limiter._try(NOW, "").allowed()
            clock.now += 0.03
        assert (tmp_path / "state").stat().st_size < 10_000


@pytest.fixture
def http_server():
    server = ServerLimit(20, 0.8)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            good = server.hit(time.monotonic())
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
        yield server, service.server_address[1]
        service.shutdown()
        thread.join()


def ask(port, path, rate, count):
    """Send requests from another process."""
    limiter = RateLimiter(
        state_file=path, rate_limit=rate, window_lengths=(0.2, 0.4, 0.8, 1.6), max_wait=3
    )

    def one(_):
        while True:
            permit = limiter.acquire()
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                link.request("GET", "/")
                status = link.getresponse().status
            finally:
                link.close()
            if status == 200:
                permit.allowed()
                return
            permit.refused()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(one, range(count)))


@pytest.mark.parametrize("rate", ["20/0.8s", None])
def test_processes_share_one_limit(http_server, tmp_path, rate):
    server, port = http_server
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

    excess = 0
    if rate is None:
        run(35)
        learnt = json.loads((tmp_path / "state").read_text(encoding="utf-8"))
        assert learnt["settled"]
        # A response that a busy machine reads late counts in the next window.
        excess = learnt["requests"] - 20
        assert excess in {0, 1}
        assert len(server.refused) <= 12 + 16
        server.refused.clear()
    run(8)
    # A refusal corrects the count, and another request may be on its way by then.
    assert len(server.refused) <= 2 * excess
    assert len(server.passed) == (32 if rate else 172)
