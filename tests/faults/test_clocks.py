"""A clock that is set never lengthens a wait, and the state of a wait is read as it was meant."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.budgets import examples
from support.rate_limits import NOW, Clock

from sectorsdf.http.clock import boot_name, steady_clock
from sectorsdf.http.limiter import Permit, RateLimiter
from sectorsdf.http.window_state import WindowState, parse_state

pytestmark = pytest.mark.newest

HOURS = 3600.0
# How far, and after which part of the wait, the clock is set.
JUMPS = st.lists(
    st.tuples(
        st.floats(0.0, 1.0),
        st.one_of(st.floats(-9e4, -1.0), st.floats(1.0, 9e4), st.floats(-70, -1), st.floats(1, 70)),
    ),
    max_size=4,
)


def limiter_of(clock, *, steady=True, **options):
    return RateLimiter(clock=clock, steady=clock.seconds if steady else None, **options)


def waited(limiter, clock, jumps=()):
    """Wait for a permit as `acquire` does, while the clock is set; return the seconds waited."""
    jumps, begun = list(jumps), clock.steady
    while not isinstance(found := limiter._try(clock.now, ""), Permit):
        pause = min(max(found - clock.now, 0.0005), 5.0)
        share, jump = jumps.pop(0) if jumps else (1.0, 0.0)
        clock.pass_(pause * share)
        clock.set_to(clock.now + jump)
        clock.pass_(pause * (1 - share))
        assert clock.steady - begun < 1000, "it would wait for ever"
    found.failed()
    return clock.steady - begun


@given(JUMPS)
@settings(max_examples=examples(4), deadline=None)
def test_a_pause_lasts_as_long_as_the_server_said(jumps):
    clock = Clock()
    limiter = limiter_of(clock)
    limiter._try(clock.now, "").refused(20.0)
    assert waited(limiter, clock, jumps) == pytest.approx(20.0, abs=0.3)


@given(JUMPS)
@settings(max_examples=examples(4), deadline=None)
def test_without_a_steady_clock_a_pause_is_at_most_as_long_and_the_time_until_a_look(jumps):
    clock = Clock()
    limiter = limiter_of(clock, steady=False)
    limiter._try(clock.now, "").refused(20.0)
    assert waited(limiter, clock, jumps) <= 20.3 + 6.0 * len(jumps)


@given(JUMPS)
@settings(max_examples=examples(4), deadline=None)
def test_a_place_in_a_window_is_free_as_soon_as_it_would_be(jumps):
    clock = Clock()
    limiter = limiter_of(clock, rate_limit="2/15s")
    for _ in range(2):
        limiter._try(clock.now, "").allowed()
        clock.pass_(1.0)
    assert waited(limiter, clock, jumps) == pytest.approx(13.0, abs=0.3)


@pytest.mark.parametrize("hours", [-6.0, -0.01, 0.01, 6.0])
def test_a_learnt_limit_outlives_a_change_of_the_clock(hours):
    clock = Clock()
    limiter = limiter_of(clock)
    for _ in range(3):
        limiter._try(clock.now, "").allowed()
        clock.pass_(0.1)
    limiter._try(clock.now, "").refused()
    waited(limiter, clock)
    while not isinstance(permit := limiter._try(clock.now, ""), Permit):
        clock.pass_(0.05)
    permit.allowed()
    before = limiter.snapshot()
    clock.set_to(clock.now + hours * HOURS)
    assert waited(limiter, clock) < 1.1
    assert limiter.snapshot()["requests"] == before["requests"] == 3
    assert limiter.snapshot()["seconds"] == before["seconds"]


@pytest.mark.parametrize("hours", [-6.0, 6.0])
def test_processes_of_one_file_follow_the_clock_once(tmp_path, hours):
    clock = Clock()
    limiters = [limiter_of(clock, state_file=tmp_path / "state") for _ in range(3)]
    limiters[0]._try(clock.now, "").refused(30.0)
    assert isinstance(limiters[1]._try(clock.now, ""), float)
    clock.pass_(10.0)
    clock.set_to(clock.now + hours * HOURS)
    for limiter in (*limiters, limiter_of(clock, state_file=tmp_path / "state")):
        assert limiter._try(clock.now, "") == pytest.approx(clock.now + 20.0, abs=0.3)


def test_a_machine_that_slept_does_not_wait_for_what_is_over():
    clock = Clock()
    limiter = limiter_of(clock)
    limiter._try(clock.now, "").refused(60.0)
    clock.pass_(3 * HOURS)
    assert waited(limiter, clock) == 0.0


def test_the_clock_beside_the_wall_clock_is_steady_and_shared():
    first = steady_clock()
    assert first <= steady_clock() <= first + 60
    assert boot_name() == boot_name()
    limiter = RateLimiter()
    limiter.acquire().refused(0.01)
    limiter.acquire().allowed()
    state = limiter._learner.state
    assert state.boot
    assert state.offset == pytest.approx(time.time() - steady_clock(), abs=1.0)


class TestFilesFromTheFuture:
    """Files that were written before a clock was set back, or on a machine whose clock is wrong."""

    def limiter(self, tmp_path, clock, state):
        path = tmp_path / "state"
        path.write_text(json.dumps(state), encoding="utf-8")
        return limiter_of(clock, state_file=path)

    @pytest.mark.parametrize("ahead", [50.0, 6 * HOURS, 400 * 24 * HOURS])
    def test_a_pause_that_began_in_the_future_is_as_long_as_it_was(self, tmp_path, ahead):
        clock = Clock()
        at = NOW + ahead
        old = {"closed": at, "tried": 0.0, "pause": at + 20.0, "slots": [[at - 1, 3]]}
        new = {**vars(WindowState()), "closed": at, "refused": at, "pause": at + 20.0}
        for state in (old, new):
            limiter = self.limiter(tmp_path, clock, state)
            until = limiter._try(clock.now, "")
            assert until == pytest.approx(clock.now + 20.0, abs=2.0)

    def test_a_window_that_began_in_the_future_is_as_long_as_it_was(self, tmp_path):
        clock = Clock()
        slots = [[NOW + 5000.0 + n / 10, 1] for n in range(9)]
        old = {
            "requests": 9,
            "seconds": 30.0,
            "settled": True,
            "explore": NOW + 80_000,
            "slots": slots,
        }
        limiter = self.limiter(tmp_path, clock, old)
        assert waited(limiter, clock) == pytest.approx(30.0, abs=1.0)

    def test_a_pause_that_no_clock_explains_is_damage(self, tmp_path):
        clock = Clock()
        state = {**vars(WindowState()), "refused": NOW - 1.0, "closed": NOW - 1.0}
        # It comes from no Retry-After, as none is obeyed for longer than a day.
        limiter = self.limiter(tmp_path, clock, {**state, "pause": NOW + 48 * HOURS})
        assert waited(limiter, clock) < 70.0
        limiter = self.limiter(tmp_path, clock, {**state, "pause": NOW + 40.0})
        assert waited(limiter, clock) == pytest.approx(40.0, abs=0.1)

    def test_a_test_of_the_limit_that_is_due_in_years_is_due_in_a_day(self, tmp_path):
        clock = Clock()
        state = {"requests": 2, "seconds": 1.0, "settled": True, "explore": NOW + 9e9}
        limiter = self.limiter(tmp_path, clock, state)
        limiter._try(clock.now, "").allowed()
        assert limiter._learner.state.explore == NOW + 24 * HOURS

    def test_after_a_restart_the_file_is_read_by_the_wall_clock(self, tmp_path):
        clock = Clock()
        limiter = limiter_of(clock, state_file=tmp_path / "state")
        limiter._try(clock.now, "").refused(30.0)
        state = json.loads((tmp_path / "state").read_text(encoding="utf-8"))
        clock.now, clock.steady = clock.now + 10.0, 0.0
        state["boot"] = "the run before"
        limiter = self.limiter(tmp_path, clock, state)
        assert limiter._try(clock.now, "") == pytest.approx(clock.now + 20.0, abs=0.1)


def test_a_state_of_the_first_version_is_used_as_it_was():
    old = (
        '{"requests":9,"seconds":2,"shortest":1.93,"settled":true,"opened":5.0,"closed":0.0,'
        '"tried":0.0,"rounds":1,"tight":true,"used":1,"safe":9,"room":0,"lag":0.001,"pause":0.0,'
        '"explore":90.0,"exhausted":0.0,"lease":"","lease_until":4.0,"slots":[[4.5,9]],"flights":{}}'
    )
    state = parse_state(old)
    assert (state.requests, state.seconds, state.settled, state.trusted) == (9, 2.0, True, True)
    assert state.slots == [[4.5, 9]]
    # What it knew while it learnt is learnt anew.
    learning = parse_state(
        old.replace('"settled":true', '"settled":false').replace('"closed":0.0', '"closed":4.0')
    )
    assert (learning.settled, learning.closed) == (False, 0.0)
