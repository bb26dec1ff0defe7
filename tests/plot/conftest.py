"""What the tests of plots share: no window, and nothing that a picture leaves behind."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _nothing_is_left():
    """Close each figure, and check that no setting of matplotlib has changed."""
    mpl = pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
    before = dict(mpl.rcParams)
    yield
    assert dict(mpl.rcParams) == before
    mpl.pyplot.close("all")
