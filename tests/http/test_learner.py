"""The learner's rules, without threads and files."""

from __future__ import annotations

import pytest

from sectorsdf.http.learner import WINDOW_LENGTHS, Decision, WindowLearner
from sectorsdf.http.rate_limit import RateLimit

pytestmark = pytest.mark.newest

NOW = 1_700_000_000.0


def closed_after_three():
    """Return a learner whose fourth request was the first to be refused."""
    learner = WindowLearner(None, 65.0, WINDOW_LENGTHS)
    learner.add_responses([NOW, NOW + 0.1, NOW + 0.2])
    learner.record_refusal(Decision("free", sent=NOW + 0.3), NOW + 0.3, None)
    return learner


def take(learner, at):
    """Return the decision at a time, completed as the limiter does."""
    decision = learner.decide(at, str(at))
    decision.name, decision.sent = str(at), at
    return decision


class TestLearner:
    def test_sends_everything_at_first(self):
        learner = WindowLearner(None, 65.0, WINDOW_LENGTHS)
        assert learner.unlimited
        assert learner.limit is None
        assert learner.decide(NOW, "a").role == "free"

    def test_one_refusal_tells_the_count_and_one_the_length(self):
        learner = closed_after_three()
        probe = take(learner, NOW + 1.01)
        assert probe.role == "probe"
        learner.record_response(probe, NOW + 1.01)
        for at in (NOW + 1.02, NOW + 1.03):
            fill = take(learner, at)
            assert fill.role == "fill"
            learner.record_response(fill, at)
        last = take(learner, NOW + 1.04)
        assert last.role == "try"
        learner.record_refusal(last, NOW + 1.04, None)
        wait = take(learner, NOW + 1.05)
        assert wait.role == ""
        assert NOW + 1.9 < wait.until < NOW + 2.01
        early = take(learner, wait.until)
        assert early.role == "probe"
        learner.record_refusal(early, wait.until, None)
        end = take(learner, NOW + 2.02)
        assert end.role == "probe"
        learner.record_response(end, NOW + 2.02)
        assert learner.limit == RateLimit(3, 1.0)
