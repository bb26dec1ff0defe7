"""The chart of the cover shows the parts of each production, and what is not known."""

from __future__ import annotations

import pandas as pd
import pytest
from support.figures import said

mpl = pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
mpl.use("Agg")


import sectorsdf.plot  # noqa: E402
from sectorsdf.companies.cover import COVER_COLUMNS  # noqa: E402


def cover(*rows):
    """Return a cover from (symbol, bounds at 12, 24 and 36 months) and further fields."""
    usual = {
        "commodity_type": "Coal",
        "production_year": 2025,
        "attributable_production": 10.0,
        "production_unit": "Mt",
        "producing_subsidiaries": 3,
        "linked_subsidiaries": 2,
    }
    names = [f"production_share_{m}m_{end}" for m in (12, 24, 36) for end in ("min", "max")]
    made = [
        {**dict.fromkeys(COVER_COLUMNS), **usual, "symbol": f"{symbol}.JK",
         **dict(zip(names, bounds or [None] * 6, strict=True)), **dict(*more)}
        for symbol, bounds, *more in rows
    ]  # fmt: skip
    return pd.DataFrame(made, columns=list(COVER_COLUMNS)).astype(COVER_COLUMNS)


COVER = cover(
    ("CQAA", [0.1, 0.2, 0.3, 0.5, 0.4, 0.9]),
    ("CQBB", [0.0, 0.0, 0.0, 0.0, 0.0, 0.0], {"attributable_production": 2500.0}),
    ("CQCC", None, {"linked_subsidiaries": 0}),
    ("CQDD", [1.0] * 6, {"commodity_type": "Gold", "production_unit": "koz"}),
    ("CQEE", None, {"production_year": None, "attributable_production": None}),
    ("CQFF", None, {"attributable_production": None}),
)


def bars(ax):
    """Return the widths of the parts of each bar, by its label on the axis."""
    ax.figure.canvas.draw()
    names = {
        round(place): text.get_text()
        for place, text in zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)
    }
    found = {}
    for group in ax.containers:
        for patch in group:
            place = round(patch.get_y() + patch.get_height() / 2)
            found.setdefault(names[place], []).append(patch.get_width())
    return found


def test_the_parts_are_those_of_the_cover():
    found = bars(sectorsdf.plot.license_cover(COVER))
    assert found == {
        "CQAA, coal": pytest.approx([10, 20, 10, 50, 10]),
        "CQBB, coal": pytest.approx([0, 0, 0, 0, 100]),
        "CQCC, coal": pytest.approx([0, 0, 0, 100, 0]),
        "CQDD, gold": pytest.approx([100, 0, 0, 0, 0]),
    }


def test_what_is_not_known_is_hatched_and_the_units_are_beside_the_bars():
    ax = sectorsdf.plot.license_cover(COVER)
    hatched = {group.get_label() for group in ax.containers if group[0].get_hatch()}
    assert hatched == {"not known"}
    colours = [group[0].get_facecolor() for group in ax.containers]
    assert len(set(colours)) == len(colours) == 5
    text = said(ax)
    for words in (
        "10 Mt (2 of 3)",
        "2,500 Mt (2 of 3)",
        "10 Mt (0 of 3)",
        "10 koz (2 of 3)",
        "Share of attributable production (%)",
        "ends within 12 months",
    ):
        assert words in text
    note = " ".join(text.split())
    assert "1 row(s) without reported production; 1 row(s) whose production cannot be" in note


def test_one_commodity_and_the_number_of_rows():
    ax = sectorsdf.plot.license_cover(COVER, commodity="coal", top=2)
    # What is known comes first.
    assert list(bars(ax)) == ["CQBB", "CQAA"]
    text = said(ax)
    assert "When the licences under the coal production end" in text
    assert "1 more row(s)" in text


def test_a_cover_without_production_and_what_is_refused():
    assert "No production is reported" in said(sectorsdf.plot.license_cover(COVER.iloc[4:5]))
    assert "No production is reported" in said(sectorsdf.plot.license_cover(COVER.head(0)))
    with pytest.raises(ValueError, match="no commodity 'Tin'; there are Coal, Gold"):
        sectorsdf.plot.license_cover(COVER, commodity="Tin")
    with pytest.raises(ValueError, match="top=True is not a number of rows"):
        sectorsdf.plot.license_cover(COVER, top=True)
    with pytest.raises(ValueError, match="license_cover returns them"):
        sectorsdf.plot.license_cover(COVER[["symbol"]])
