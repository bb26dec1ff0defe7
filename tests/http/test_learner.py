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
    learner.add_responses([(NOW, True), (NOW + 0.1, True), (NOW + 0.2, True)])
    learner.record_refusal(Decision("free", sent=NOW + 0.3), NOW + 0.3, None)
    return learner


def take(learner, at, role):
    """Return the decision at a time, which must have a role, completed as the limiter does."""
    learner.clean_up(at)
    decision = learner.decide(at, str(at))
    assert decision.role == role
    decision.name, decision.sent = str(at), at
    return decision


class TestLearner:
    def test_sends_everything_at_first(self):
        learner = WindowLearner(None, 65.0, WINDOW_LENGTHS)
        assert learner.unlimited
        assert learner.limit is None
        assert learner.decide(NOW, "a").role == "free"

    def test_refusals_show_the_count_and_the_length(self):
        learner = closed_after_three()
        assert take(learner, NOW + 0.31, "").until == pytest.approx(NOW + 1.007)
        probe = take(learner, NOW + 1.01, "probe")
        learner.record_response(probe, NOW + 1.01)
        assert learner.limit == RateLimit(3, 1.0)
        # The places of the other two become free one after the other.
        assert take(learner, NOW + 1.02, "").until == pytest.approx(NOW + 1.107)
        for at in (NOW + 1.11, NOW + 1.21):
            learner.record_response(take(learner, at, "slot"), at)
        # Another client may have used a part of the first window.
        learner.record_refusal(take(learner, NOW + 1.22, "explore"), NOW + 1.22, None)
        assert take(learner, NOW + 1.23, "").until == pytest.approx(NOW + 2.017)
        for at in (NOW + 2.02, NOW + 2.12, NOW + 2.22):
            role = "probe" if at == NOW + 2.02 else "slot"
            learner.record_response(take(learner, at, role), at)
        # In a window without refusals, one request shows whether the length is shorter.
        refused = take(learner, take(learner, NOW + 2.23, "").until + 0.001, "probe")
        assert refused.length == pytest.approx(0.98, abs=0.01)
        learner.record_refusal(refused, refused.sent, None)
        # It may have prolonged the block, so the next one comes a little later than it could.
        assert take(learner, NOW + 3.03, "").until == pytest.approx(NOW + 2.02 + 1.107)
        learner.record_response(take(learner, NOW + 3.13, "probe"), NOW + 3.13)
        assert learner.limit == RateLimit(3, 1.0)
        assert not learner.state.checks

    def test_a_refused_request_above_the_measured_count_is_not_sent_again_at_once(self):
        learner = closed_after_three()
        until = [take(learner, NOW + second, "").until for second in (0.4, 0.6, 1.0)]
        assert until == [pytest.approx(NOW + 1.007)] * 3
