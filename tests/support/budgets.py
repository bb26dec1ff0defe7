"""How many examples property tests try."""

from __future__ import annotations

from hypothesis import settings


def examples(share: float = 1.0) -> int:
    """Return a share of the number of examples of the profile, at least one.

    `tests/conftest.py` defines the profiles. Below 1 for tests whose examples are slow; above 1
    for those that need many and take little time.
    """
    return max(1, round(share * settings.default.max_examples))
