"""What follows from an accepted probe: the window's length, its count, and what to test next.

Owns the conclusions that `learner` draws. It must not use threads, files or a clock.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sectorsdf.http.rate_limit import DAY
from sectorsdf.http.window_lengths import MEASURED, lengths_between, margin, next_shorter, peaks
from sectorsdf.http.window_state import number_between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sectorsdf.http.learner import WindowLearner
    from sectorsdf.http.window_state import Decision, WindowState

__all__ = ["open_window", "plan_probes", "plan_test"]


# When a probe is accepted even if a refusal has prolonged the block, as shares of the length.
_LATER, _MUCH_LATER = 1.1, 1.25
_FLIGHT = 2.0  # seconds in which the responses of requests under way arrive
_LATE = 0.05  # seconds
_ROUND = 20  # a count of at least so many requests that is a multiple of 5 needs no test
_REST = 20  # windows until the next test, if refused requests prolong the block
_FEW = 4  # refusals, which cannot prolong a block by much
_RESPONSES = 20  # a window is hardly shorter than so many response times
_MUCH_SHORTER = 12  # times


def plan_probes(learner: WindowLearner) -> None:
    """Plan the probes after a refusal, each with its time and the window length that it tests."""
    state, limit = learner.state, learner.limit
    if limit is None:
        state.ladder = _first_ladder(learner)
        return
    length, sent = limit.seconds, state.closed
    since = sent - length - margin(length)
    if not learner.manual:
        _explain_refusal(learner, since)
    taken = state.times(since)
    allowed = limit.requests if learner.manual else state.room or state.requests
    first = taken[max(0, len(taken) - max(1, allowed))] if taken else sent
    if not state.testing:
        state.ladder = [[first + length + margin(length), length]]
        longer = [n for n in learner.lengths if n > 1.02 * length]
        later = [[state.first(sent, n) + n + margin(n), n] for n in longer]
        if state.too_short:
            state.ladder = sorted(later)
        elif not learner.trusted:
            state.ladder += later


def _explain_refusal(learner: WindowLearner, since: float) -> None:
    """Find out why a request was refused although there was room for it."""
    state = learner.state
    room = number_between(state.entries(), since)
    paid = number_between(state.slots, since)
    total = paid + number_between(state.free, since)
    # The server counted a request before its response arrived, and may have forgotten it since.
    missing = state.requests - number_between(state.entries(), since + state.lag)
    refused = 0 if state.growing else number_between(state.misses, since, state.closed)
    # In windows on a grid of the clock, a length that is too short can be accepted for a while.
    doubtful = state.shortened and (state.growing or room >= 0.9 * state.requests)
    state.room, state.too_short, state.wary = 0, False, True
    if state.counts_all and total < state.total and paid >= state.billed:
        state.counts_all, state.requests = False, state.billed
    elif not state.counts_all and paid < state.billed and total >= state.total:
        state.counts_all, state.requests = True, state.total
    elif 0 < missing <= refused and missing <= 0.3 * state.requests and not doubtful:
        # The refusals before this one may take up the room that seems to be missing.
        state.growing, state.explore = True, state.closed + _REST * state.seconds
    elif state.trusted and not doubtful:  # another client uses the key, or the limit has changed
        state.room = room
    elif 0.45 * state.requests <= room and not (doubtful and state.proved >= state.requests):
        state.room = room  # fewer than it seemed, as the first window was not a whole one
        first = next(iter(state.times(since)), state.closed)
        _plan_lengths(learner, state.checks, first, state.closed)
    else:
        state.too_short = True


def confirm_count(state: WindowState) -> None:
    """Conclude which responses count, when one request above the count was refused."""
    since = state.opened - 0.002
    total = number_between(state.slots, since) + number_between(state.free, since)
    if state.billed < state.requests <= state.total <= total and not state.counts_all:
        state.counts_all, state.requests = True, state.total
    else:
        state.billed, state.total = state.requests, max(state.total, state.requests)


def plan_test(learner: WindowLearner, first: float, now: float, *, conclusive: bool) -> None:
    """Close a full window, to open the next one with a single request.

    If the window is `conclusive`, shorter lengths are tried first.
    """
    state = learner.state
    checks = []
    if conclusive and state.refused < state.opened and not state.elapsed:
        checks = [length for length in state.checks if first + length > now]
        state.checks = checks
    _plan_lengths(learner, checks, first, now)


def _plan_lengths(
    learner: WindowLearner, checks: Sequence[float], first: float, now: float
) -> None:
    state, length = learner.state, learner.state.seconds
    plan = [*checks, *(usual for usual in learner.lengths if usual > 1.02 * length)]
    plan += [_MUCH_LATER * length] if checks else []
    plan += [state.elapsed] if state.elapsed else []
    dues = [[first + n + margin(n), n] for n in plan]
    # This length was accepted before, so its own probe need not be on time to show that.
    dues.append([first + length * (_LATER if checks else 1.0) + margin(length), length])
    state.ladder = sorted([due, n] for due, n in dues if due > now or n >= length)
    state.testing, state.tried = True, 0.0


def _first_ladder(learner: WindowLearner) -> list[list[float]]:
    state, lengths = learner.state, learner.lengths
    sent = state.closed
    begun = state.first(sent, learner.max_wait)
    measured = _measured(state)
    likely = [n for n in lengths if _is_likely(n, learner.latency, measured)] or lengths[-1:]
    fresh = [n for n in likely if n > sent - begun]
    times = state.times(-math.inf)
    # A window shorter than the time since the first response was not full before.
    older = [n for n in likely if n <= sent - begun and (not fresh or peaks(times, sent, n))]
    delays = {measured: _LATER}
    ladder = [[begun + n * delays.get(n, 1.0) + margin(n), n] for n in fresh]
    return sorted([*ladder, *([sent + n + margin(n), n] for n in older)])


def _is_likely(length: float, latency: float, measured: float) -> bool:
    """Return whether a length is worth a probe, which may prolong the block.

    If the count is that of a measured limit, few are tried before the length of that limit.
    """
    if not measured / _MUCH_SHORTER < length < measured:
        return length >= _RESPONSES * latency
    return 2 * _RESPONSES * latency <= length <= measured / 3


def _measured(state: WindowState) -> float:
    """Return the length of the measured limit whose count was met; 0 if it was none."""
    for count, seconds, billed_only in MEASURED:
        since, until = state.closed - seconds, state.closed + _FLIGHT
        found = number_between(state.slots, since, until)
        found += 0 if billed_only else number_between(state.free, since, until)
        if found == count:
            return seconds
    return 0.0


def open_window(learner: WindowLearner, probe: Decision, now: float) -> None:
    """Open the next window with the response to an accepted probe."""
    state = learner.state
    low = state.excluded()
    passed = [n for due, n in state.ladder if low < n and due <= probe.sent]
    length = min(passed, default=state.seconds or probe.length)
    named, trusted = bool(state.pause), state.trusted
    if learner.manual or state.exhausted:
        pass  # used-up credits say nothing about the rate
    elif named:
        if not trusted:
            _learn_named(learner, probe)
    elif not state.settled:
        if length > learner.max_wait or not passed:
            length = max(learner.lengths, default=learner.max_wait)
        _adopt(state, length, probe.sent)
        _plan_checks(state, low, length)
        elapsed = probe.until - state.first(state.closed, learner.max_wait)
        state.elapsed = elapsed if elapsed > 1.05 * length + margin(elapsed) else 0.0
    elif length > 1.001 * state.seconds:
        _lengthen(learner, length, max(low, state.seconds), probe.sent)
        state.room = 0  # a window that is longer explains the refusal
    elif state.testing:
        _judge_test(learner, length, low, probe.sent)
    if state.room and not (named or learner.manual or state.exhausted):
        # Another user of the key takes up a part of each window.
        state.proved -= state.requests if trusted else 0
        if state.room < state.requests:
            state.requests = state.room
            state.explore = now + (10 * state.seconds if trusted else DAY)
    state.opened, state.closed, state.tried, state.pause = now, 0.0, 0.0, 0.0
    state.testing, state.ladder, state.exhausted = False, [], 0.0
    state.room, state.too_short = 0, False
    state.named = probe.until if named else 0.0


def _adopt(state: WindowState, length: float, before: float) -> None:
    """Assume a length, and the count that goes with it."""
    closed = state.closed or before
    if not state.settled:
        since, until = closed - length - 0.002, min(before, closed + _FLIGHT)
        state.billed = max(1, number_between(state.slots, since, until))
        state.total = max(1, state.billed + number_between(state.free, since, until))
        # Plans have round numbers, which tell whether responses that cost nothing count.
        round_numbers = {count for count in (state.billed, state.total) if _is_round(count)}
        state.counts_all = state.billed not in round_numbers and bool(round_numbers)
        state.requests = state.total if state.counts_all else state.billed
        # Another client may have used the first window too.
        state.explore = before + (DAY if len(round_numbers) == 1 else 0.0)
    elif state.closed:
        since = max(closed - length, state.opened) - 0.002
        state.requests = max(state.requests, state.count(since, closed))
    state.seconds, state.settled, state.proved = length, True, 0


def _is_round(count: int) -> bool:
    return count >= _ROUND and count % 5 == 0


def _plan_checks(state: WindowState, low: float, high: float) -> None:
    """Plan the lengths to try in the next full window, between the bounds of the true one.

    Most windows have a usual length, which one refusal just below it confirms. Only if that is
    accepted, more lengths between the bounds are tried.
    """
    state.shortest, state.checks = low, []
    if not state.grid:
        # The refusals before it may have prolonged the block when the lower bound was refused.
        again = [low] if low > state.certain else []
        state.checks = again + lengths_between(max(low, state.certain), high, state.lag)[-1:]


def _lengthen(learner: WindowLearner, length: float, low: float, sent: float) -> None:
    """Assume a longer window, because a probe after the assumed one was refused."""
    state, high = learner.state, learner.state.seconds
    if state.tries_shorter and length not in learner.lengths:
        # Accepted a little later: the refusals of the test had prolonged the block.
        state.growing, state.checks, state.explore = True, [], sent + _REST * high
        return
    state.elapsed = 0.0
    if state.growing:
        state.certain, state.growing, state.explore = high, False, sent + DAY
    state.grid = state.grid or state.shortened
    _adopt(state, length, sent)
    _plan_checks(state, low, length)


def _judge_test(learner: WindowLearner, length: float, low: float, sent: float) -> None:
    """Draw the conclusions of a window in which shorter lengths were tried."""
    state = learner.state
    clean = not state.room
    state.elapsed = 0.0
    if length > 0.999 * state.seconds:
        if clean and low:
            state.certain = max(state.certain, low)
            state.checks = [] if state.growing else lengths_between(low, length, state.lag)
        return
    prolonged = length <= 1.001 * state.shortest
    state.shortened = state.shortened or not prolonged
    _adopt(state, length, sent)
    if not prolonged:
        state.certain = max(state.certain, low) if clean else state.certain
        state.checks = lengths_between(max(low, state.certain), length, state.lag)
        return
    # The length was refused before, because earlier refusals had prolonged the block.
    state.growing, state.checks, state.shortest = True, [], 0.0
    state.explore = sent + _REST * length
    if state.burst >= _FEW:
        state.shortest = next_shorter(length, learner.lengths)
        state.checks = [state.shortest]


def _learn_named(learner: WindowLearner, probe: Decision) -> None:
    """Learn the length from the window's end that the server has named."""
    state = learner.state
    first = next(iter(state.times(state.closed - learner.max_wait)), state.closed)
    length = probe.until - (state.named or first)
    # Retry-After has whole seconds, and responses take time: 60.7 means a minute.
    near = min(learner.lengths, key=lambda usual: abs(usual - length), default=length)
    off = 0.02 * near + state.lag + (1.0 if length > 10 else 0.0)
    length = near if abs(near - length) <= off else length
    if length > _LATE and probe.sent - probe.until <= 0.05 * length + _LATE:
        _adopt(state, length, probe.sent)
