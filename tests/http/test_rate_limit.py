"""`RateLimit` and its text form."""

from __future__ import annotations

import pytest

from sectorsdf import errors
from sectorsdf.http.rate_limit import RateLimit

pytestmark = pytest.mark.newest


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
    def test_parses_common_forms(self, text, requests, seconds):
        assert RateLimit.parse(text) == RateLimit(requests, seconds)

    def test_parse_returns_a_rate_limit_unchanged(self):
        limit = RateLimit(3, 0.5)
        assert RateLimit.parse(limit) is limit

    @pytest.mark.parametrize(
        "text", ["", "30", "30/", "30/60", "0/min", "-1/s", "30/0s", "x/min", "30/month", 30, None]
    )
    def test_refuses_other_texts(self, text):
        with pytest.raises(errors.ConfigurationError, match="rate_limit"):
            RateLimit.parse(text)
