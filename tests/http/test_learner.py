"""A rate is read as people write it, and the learner's rules hold without threads and files."""

from __future__ import annotations

import pytest

from sectorsdf import errors
from sectorsdf.http.learner import LADDER, Decision, WindowLearner
from sectorsdf.http.rate_limit import RateLimit

pytestmark = pytest.mark.newest

NOW = 1_700_000_000.0


class TestRateLimit:
    @pytest.mark.parametrize(
        ("text", "requests", "seconds"),
        [
            ("30/min", 30, 60),
            ("30/60s", 30, 60),
            ("5/s", 5, 1),
            ("1000/hour", 1000, 3600),
            ("30/2.5s", 30, 2.5),
            (" 30 / 2 Minutes ", 30, 120),
            ("30 per minute", 30, 60),
            ("7/day", 7, 86400),
        ],
    )
    def test_reads_what_people_write(self, text, requests, seconds):
        assert RateLimit.parse(text) == RateLimit(requests, seconds)

    def test_takes_itself(self):
        limit = RateLimit(3, 0.5)
        assert RateLimit.parse(limit) is limit

    @pytest.mark.parametrize(
        "text", ["", "30", "30/", "30/60", "0/min", "-1/s", "30/0s", "x/min", "30/month", 30, None]
    )
    def test_refuses_the_rest_clearly(self, text):
        with pytest.raises(errors.ConfigurationError, match="rate_limit"):
            RateLimit.parse(text)


def closed_after_three():
    """Return a learner that met its first refusal on the fourth request."""
    learner = WindowLearner(None, 65.0, LADDER)
    learner.adopt([NOW, NOW + 0.1, NOW + 0.2])
    learner.refused(Decision("free", sent=NOW + 0.3), NOW + 0.3, None)
    return learner


def take(learner, at):
    """Ask at a time; what is let through is marked as the gate does it."""
    verdict = learner.ask(at, str(at))
    verdict.name, verdict.sent = str(at), at
    return verdict


class TestLearner:
    def test_lets_everything_through_at_first(self):
        learner = WindowLearner(None, 65.0, LADDER)
        assert learner.free
        assert learner.limit is None
        assert learner.ask(NOW, "a").role == "free"

    def test_one_refusal_tells_the_count_and_one_the_length(self):
        learner = closed_after_three()
        probe = take(learner, NOW + 1.01)
        assert probe.role == "probe"
        learner.allowed(probe, NOW + 1.01)
        for at in (NOW + 1.02, NOW + 1.03):
            fill = take(learner, at)
            assert fill.role == "fill"
            learner.allowed(fill, at)
        last = take(learner, NOW + 1.04)
        assert last.role == "try"
        learner.refused(last, NOW + 1.04, None)
        wait = take(learner, NOW + 1.05)
        assert wait.role == ""
        assert NOW + 1.9 < wait.until < NOW + 2.01
        early = take(learner, wait.until)
        assert early.role == "probe"
        learner.refused(early, wait.until, None)
        end = take(learner, NOW + 2.02)
        assert end.role == "probe"
        learner.allowed(end, NOW + 2.02)
        assert learner.limit == RateLimit(3, 1.0)
