"""Reserve life: a bar of each site that has one, and the number of those that have none."""

from __future__ import annotations

import pandas as pd
import pytest
from support.figures import said

mpl = pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
mpl.use("Agg")


import sectorsdf  # noqa: E402

LIFE = pd.DataFrame(
    {
        "slug": pd.Series(["a", "b", "c", "d"], dtype="string"),
        "name": pd.Series(["Pit A", None, "Pit $C", "Pit D"], dtype="string"),
        "year": pd.Series([2024, 2024, 2023, 2024], dtype="Int64"),
        "commodity_type": pd.Series(["Coal", "Gold", "Coal", None], dtype="string"),
        "reserve_life": [12.0, 30.0, None, 5.0],
    }
)


def test_the_longest_life_is_on_top_and_missing_ones_are_counted():
    ax = sectorsdf.plot.reserve_life(LIFE)
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "b, 2024",
        "Pit A, 2024",
        "Pit D, 2024",
    ]
    widths = {bars.get_label(): [bar.get_width() for bar in bars] for bars in ax.containers}
    assert widths == {"Gold": [30.0], "Coal": [12.0], "not given": [5.0]}
    assert "1 row(s) without a reserve life" in said(ax)


def test_the_rows_beyond_the_top_are_counted():
    ax = sectorsdf.plot.reserve_life(LIFE, top=1)
    assert sum(len(bars) for bars in ax.containers) == 1
    assert "2 more row(s)" in said(ax)


def test_an_empty_frame_and_wrong_arguments():
    assert "No row has a reserve life" in said(sectorsdf.plot.reserve_life(LIFE[:0]))
    with pytest.raises(ValueError, match="top=0"):
        sectorsdf.plot.reserve_life(LIFE, top=0)
    with pytest.raises(ValueError, match="no column reserve_life"):
        sectorsdf.plot.reserve_life(LIFE.drop(columns="reserve_life"))
