"""Each wait of more than a second is announced once, with its end or with what it depends on."""

from __future__ import annotations

import pytest
from support.rate_limits import NOW

from sectorsdf.http.clock import clock_time
from sectorsdf.http.waits import Waits
from sectorsdf.http.window_state import Decision

pytestmark = pytest.mark.newest


def until(seconds, reason="the window"):
    return Decision("", NOW + seconds, reason=reason)


def test_a_wait_is_announced_once_for_all_threads():
    waits = Waits()
    assert waits.add(1, NOW, NOW, until(12)) == (
        f"Waiting 12 s, until {clock_time(NOW + 12)}, for the window"
    )
    assert waits.add(2, NOW, NOW, until(12)) == ""
    # Threads look at the clock in between, and in the last second too.
    for passed in (0.0, 5.0, 10.0, 11.5, 12.5):
        assert waits.add(1, NOW, NOW + passed, until(12)) == ""
    assert waits.add(3, NOW + 8, NOW + 11.5, until(12)) == ""
    assert waits.until == NOW + 12
    assert waits.add(1, NOW, NOW + 12.5, until(20, "more")).startswith("Waiting 7.5 s, until")


def test_a_short_wait_is_not_announced():
    waits = Waits()
    assert waits.add(1, NOW, NOW, until(0.9)) == ""
    assert waits.add(1, NOW, NOW + 0.9, until(1.0)) == ""


def test_many_short_waits_are_announced_as_one_that_goes_on():
    waits, said = Waits(), []
    for tenth in range(400):
        now = NOW + tenth / 10
        said.append(waits.add(1, NOW, now, Decision("", now + 0.1, reason="another request")))
    announced = [number for number, text in enumerate(said) if text]
    assert [said[number] for number in announced] == ["Still waiting for another request"] * 4
    assert announced == pytest.approx([11, 122, 233, 344], abs=3)


def test_the_seconds_of_threads_that_wait_together_count_once():
    waits = Waits()
    assert (waits.until, waits.seconds(NOW)) == (None, 0.0)
    waits.add(1, NOW, NOW, until(5))
    waits.add(2, NOW, NOW + 1, until(5))
    assert waits.seconds(NOW + 2) == 2.0
    waits.remove(1, NOW + 3)
    waits.remove(2, NOW + 4)
    waits.remove(2, NOW + 9)
    assert waits.seconds(NOW + 10) == 4.0
    waits.add(1, NOW, NOW + 10, until(12))
    # The clock was set back.
    assert waits.seconds(NOW) == 4.0
    waits.clear()
    assert waits.until is None
