"""The two rate limits that users have measured are learnt, and a blocked window is left alone.

They are about 30 requests in fixed windows of 60 s, and 25 billed answers in any 30 s with a block
that grows when it is polled. The properties are tested on simulated time, with a server that counts
a request when it arrives, and then on real sockets with short windows.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.budgets import examples
from support.processes import SweepProcess
from support.rate_limits import NOW, Clock, ServerLimit, simulate, uniform

import sectorsdf
from sectorsdf.http.limiter import Permit, RateLimiter
from sectorsdf.http.unlimited import UnlimitedPhase
from sectorsdf.http.window_lengths import WINDOW_LENGTHS
from sectorsdf.sandbox import Faults, RateLimit, Sandbox

pytestmark = pytest.mark.newest

KINDS = {
    "fixed": {"requests": 30, "seconds": 60.0, "kind": "anchored"},
    "rolling": {"requests": 25, "seconds": 30.0, "kind": "rolling", "counts": "billed"},
}
WINDOWS = 12


def learn(kind, *, workers, latency, seed=0, free=0.0, windows=WINDOWS, limiters=1, **options):
    """Send as fast as possible to a server with one of the limits; return server and limiter."""
    server, clock = ServerLimit(**{**KINDS[kind], **options}), Clock()
    shared = options.get("state_file")
    each = [RateLimiter(clock=clock, state_file=shared) for _ in range(limiters)]
    seconds = windows * server.seconds
    simulate(
        server, clock, each, workers=workers, latency=latency, seconds=seconds, seed=seed, free=free
    )
    return server, each[0]


def after_first_block(server):
    """Return the throughput since the first block ended, as a share of the possible one."""
    counted = server.billed if server.counts == "billed" else server.passed
    block = server.refused[0]
    begun = next(at for at in counted if at > block + server.seconds / 4)
    windows = (NOW + WINDOWS * server.seconds - begun) / server.seconds
    return sum(at >= begun for at in counted) / (server.requests * windows)


@pytest.mark.parametrize("kind", KINDS)
@given(
    workers=st.integers(1, 16),
    fastest=st.floats(0.3, 0.6),
    spread=st.floats(0.0, 0.5),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=examples(0.6), deadline=None)
def test_each_limit_is_learnt_and_used_to_95_percent(kind, workers, fastest, spread, seed):
    latency = uniform(fastest, fastest + spread)
    server, limiter = learn(kind, workers=workers, latency=latency, seed=seed)
    snapshot = limiter.snapshot()
    assert (snapshot["requests"], snapshot["seconds"]) == (server.requests, server.seconds)
    assert server.share(NOW, 1, WINDOWS) >= 0.95
    # One request at the count, and one that shows the length, or a few; none after that.
    assert len(server.refused) <= 4
    assert max(server.refused) < NOW + 4.3 * server.seconds


@pytest.mark.parametrize("kind", KINDS)
@given(
    workers=st.integers(1, 8), seed=st.integers(0, 10_000), free=st.sampled_from([0.02, 0.1, 0.3])
)
@settings(max_examples=examples(0.6), deadline=None)
def test_answers_that_cost_nothing_count_as_the_server_counts_them(kind, workers, seed, free):
    latency = uniform(0.2, 0.6)
    server, _ = learn(kind, workers=workers, latency=latency, seed=seed, free=free, windows=16)
    assert server.share(NOW, 4, 16) >= 0.92
    assert len(server.refused) <= 14


@pytest.mark.parametrize("growth", [0.02, 0.05, 0.08, "counted"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_a_block_that_grows_is_left_alone(kind, growth, seed):
    seconds = KINDS[kind]["seconds"]
    growing = growth if growth == "counted" else growth * seconds
    server, limiter = learn(kind, workers=8, latency=uniform(0.6, 1.0), seed=seed, growth=growing)
    snapshot = limiter.snapshot()
    assert (snapshot["requests"], snapshot["seconds"]) == (server.requests, seconds)
    assert server.share(NOW, 1, WINDOWS) >= 0.95
    assert len(server.refused) <= 3


@pytest.mark.parametrize("growth", [15.0, "restart"])
@pytest.mark.parametrize("workers", [1, 8])
def test_a_block_that_grows_much_is_left_alone_for_a_whole_window(growth, workers):
    server, limiter = learn("rolling", workers=workers, latency=uniform(0.6, 1.0), growth=growth)
    snapshot = limiter.snapshot()
    assert (snapshot["requests"], snapshot["seconds"]) == (25, 30)
    assert after_first_block(server) >= 0.89
    assert len(server.refused) <= 4


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_sent_while_a_window_is_blocked(kind):
    server, _ = learn(kind, workers=16, latency=uniform(0.6, 1.0))
    first, shown = server.refused
    sent = sorted(server.passed + server.refused)
    # No request follows the first refusal in the same window. Later, one request just before the
    # end of a full window shows its length.
    assert not [at for at in sent if first < at < NOW + server.seconds]
    assert next(at for at in sent if at > shown) - shown > 0.1 * server.seconds
    full = [at for at in server.passed if at < shown][-server.requests :]
    assert 0.9 * server.seconds < shown - full[0] < server.seconds


def test_a_limiter_of_16_threads_meets_a_measured_limit_with_one_refusal():
    server, limiter = learn("rolling", workers=16, latency=uniform(0.6, 1.0), windows=0.3)
    assert len(server.refused) == 1
    assert len(server.passed) == 25
    assert limiter.waiting_until is None


@pytest.mark.parametrize("kind", KINDS)
def test_limiters_of_one_file_learn_it_together(kind, tmp_path):
    server, clock = ServerLimit(**KINDS[kind]), Clock()
    limiters = [RateLimiter(clock=clock, state_file=tmp_path / "state") for _ in range(4)]
    run = {"workers": 8, "latency": uniform(0.6, 1.0)}
    simulate(server, clock, limiters, seconds=8 * server.seconds, **run)
    assert server.share(NOW, 1, 8) >= 0.95
    learnt = {(one.snapshot()["requests"], one.snapshot()["seconds"]) for one in limiters}
    assert learnt == {(server.requests, server.seconds)}
    server.refused.clear()
    later = RateLimiter(clock=clock, state_file=tmp_path / "state")
    simulate(server, clock, [*limiters, later], seconds=4 * server.seconds, **run)
    assert server.refused == []
    json.loads((tmp_path / "state").read_text(encoding="utf-8"))


@pytest.mark.parametrize("seconds", [1, 2, 3, 5, 10, 4.0, 1.5])
@pytest.mark.parametrize("kind", KINDS)
def test_other_lengths_are_learnt_too(kind, seconds):
    latency = uniform(0.01 * seconds, 0.03 * seconds)
    server, limiter = learn(kind, workers=4, latency=latency, seconds=seconds)
    assert limiter.snapshot()["seconds"] == pytest.approx(seconds, rel=0.05)
    # A length that is not usual is found in the windows after the second one.
    assert after_first_block(server) >= (0.95 if seconds in WINDOW_LENGTHS else 0.92)


@pytest.mark.parametrize("room", [12, 29])
def test_another_client_of_the_key_takes_a_part(room):
    server, clock = ServerLimit(30, 60), Clock()
    limiter = RateLimiter(clock=clock)
    run = {"workers": 4, "latency": uniform(0.6, 1.0)}
    simulate(server, clock, [limiter], seconds=6 * 60, **run)
    server.requests = room
    server.refused.clear()
    simulate(server, clock, [limiter], seconds=20 * 60, **run)
    assert limiter.snapshot()["requests"] == room
    # Some of the requests under way, and one that asks for more after ten windows.
    assert len(server.refused) <= 6
    server.requests = 30
    clock.now += 86_400
    simulate(server, clock, [limiter], seconds=4 * 60, **run)
    assert limiter.snapshot()["requests"] == 30


class TestUnlimitedPhase:
    numbers = itertools.count()

    def fill(self, phase, now):
        """Send requests at once until the next one has to wait; return their names."""
        sent = []
        while phase.admit(now, name := f"request-{next(self.numbers)}"):
            sent.append(name)
            assert len(sent) < 200
        return sent

    def answer(self, phase, now, names, *, billed=True):
        """Answer requests; return whether others may have waited for the last of them."""
        woken = False
        for name in names:
            phase.record(now, now, billed=billed)
            woken = phase.end(name)
        return woken

    def test_after_one_more_than_each_measured_count_the_others_wait(self):
        phase = UnlimitedPhase()
        *sent, last = self.fill(phase, 100.0)
        assert len(sent) == 25
        assert not self.answer(phase, 100.1, [last, *sent[1:]])
        # Any of them may be the one that the server refuses.
        assert not phase.admit(100.1, "waits")
        assert self.answer(phase, 100.2, sent[:1])
        sent = self.fill(phase, 100.2)
        assert len(sent) == 31 - 26
        assert self.answer(phase, 100.3, sent)
        with pytest.raises(AssertionError):
            self.fill(phase, 100.3)

    def test_a_limit_may_still_be_there_if_an_answer_under_way_cost_nothing(self):
        phase = UnlimitedPhase()
        first, *others = self.fill(phase, 100.0)
        self.answer(phase, 100.1, [first], billed=False)
        self.answer(phase, 100.1, others)
        # So far 25 were billed, so the next one is the first that would be refused.
        assert len(self.fill(phase, 100.1)) == 1

    def test_answers_that_cost_nothing_do_not_lead_to_the_count_of_billed_ones(self):
        phase = UnlimitedPhase()
        for number in range(29):
            assert phase.admit(100.0, "one")
            self.answer(phase, 100.0, ["one"], billed=number % 2 == 0)
        # 30 of any kind are the other measured count.
        assert len(self.fill(phase, 100.0)) == 2

    def test_a_request_without_a_response_delays_the_others_briefly(self):
        phase = UnlimitedPhase()
        assert len(self.fill(phase, 100.0)) == 26
        assert not phase.admit(101.9, "waits")
        assert phase.admit(102.1, "waits")

    def test_slow_requests_are_never_delayed(self):
        phase = UnlimitedPhase()
        for second in range(100):
            assert phase.admit(2.0 * second, "one")
            self.answer(phase, 2.0 * second + 1, ["one"])


LIMITS = {
    "fixed": RateLimit(30, 1.0),
    "rolling": RateLimit(25, 1.0, kind="rolling", counts="billed", block_growth=0.1),
}


@pytest.mark.parametrize("kind", LIMITS)
def test_a_real_server_with_each_limit(kind, tmp_path):
    limit = LIMITS[kind]
    faults = Faults(rate_limit=limit, latency=(0.002, 0.006), status_rates={503: 0.03})
    with (
        Sandbox(licenses=30 * 110, faults=faults) as server,
        sectorsdf.Client(
            server.key, server.url, cache_folder=tmp_path, max_wait=10,
            retry=sectorsdf.RetryPolicy(tries=9, base=0.001),
        ) as client,
    ):  # fmt: skip
        assert len(sectorsdf.get_mining_licenses(client=client)) == 30 * 110
        assert client.spent == server.billed == 110
        log = server.requests
        # On a busy machine, a response can take as long as a window. How exactly a limit is learnt,
        # and how much of it is used, is tested on simulated time.
        assert client.pace()["seconds"] is not None
        refused = client.pace()["refusals"]
    assert refused == sum(record.status == 429 for record in log) <= 20


def test_threads_and_processes_share_a_rolling_limit(tmp_path):
    limit = RateLimit(25, 1.0, kind="rolling", counts="billed", block_growth=0.05)
    faults = Faults(rate_limit=limit, latency=(0.002, 0.006))
    with Sandbox(licenses=30 * 25, faults=faults) as server, ExitStack() as stack:
        task = {"client": {"max_wait": 10, "workers": 3}}
        children = [
            stack.enter_context(SweepProcess(server.url, tmp_path / "cache", **task))
            for _ in range(3)
        ]
        results = [child.end() for child in children]
        assert [len(result["frame"]) for result in results] == [750] * 3
        assert server.billed == 75
        statuses = Counter(record.status for record in server.requests)
    # Each process may have met the limit with its own requests under way.
    assert statuses[429] <= 3 * 3 + 8


def test_threads_that_wait_are_woken_one_after_the_other():
    limiter = RateLimiter(rate_limit="5/0.3s")
    times, lock = [], threading.Lock()

    def one(_):
        limiter.acquire().allowed()
        with lock:
            times.append(time.monotonic())

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(one, range(20)))
    times.sort()
    assert all(later - earlier >= 0.29 for earlier, later in zip(times, times[5:], strict=False))
    assert times[-1] - times[0] < 2.5


def test_the_limiter_of_a_clock_can_be_asked_step_by_step():
    clock = Clock()
    limiter = RateLimiter(clock=clock, max_wait=65.0)
    limiter.acquire().refused(5.0)
    clock.now -= 6 * 3600.0
    found = limiter._try(clock.now, "")
    assert found == pytest.approx(clock.now + 5.0, abs=0.1)
    clock.now = found
    assert isinstance(limiter._try(clock.now, ""), Permit)
