"""The tree shows what a company owns, with the effective shares and the licences."""

from __future__ import annotations

import pandas as pd
import pytest
from support.companies import edges
from support.figures import said

mpl = pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
mpl.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402

import sectorsdf.plot  # noqa: E402
from sectorsdf.companies import owned_by  # noqa: E402

OWNED = edges(
    ("top", "a", 80.0),
    ("a", "b", 50.0),
    ("top", "b", 10.0),
    ("top", "c", 5.0),
    ("c", "d", None),
    symbols={"top": "CQAA.JK", "c": "CQBB.JK"},
)
LINKS = pd.DataFrame({"company_slug": ["a", "b", "b", "top", None]}).astype("string")


def shares(ax):
    return {
        str(patch.get_gid()).removeprefix("share-"): patch.get_width()
        for patch in ax.patches
        if str(patch.get_gid()).startswith("share-")
    }


def test_the_bars_are_the_effective_shares():
    ax = sectorsdf.plot.ownership_tree(OWNED, "top")
    owned = owned_by("top", OWNED).dropna(subset="effective_pct")
    assert shares(ax) == pytest.approx(
        dict(zip(owned["owned_slug"], owned["effective_pct"], strict=True))
    )
    text = said(ax)
    assert "Effective share (%)" in text
    assert "50 %" in text
    assert "share not known" in text
    assert "(CQBB)" in text


def test_listed_companies_have_another_mark_and_colour():
    ax = sectorsdf.plot.ownership_tree(OWNED, "top")
    marks = {
        line.get_gid(): (line.get_marker(), line.get_color()) for line in ax.lines if line.get_gid()
    }
    assert marks["company-top"] == marks["company-c"] != marks["company-a"]
    assert {mark for mark, _ in marks.values()} == {"s", "o"}


def test_a_root_that_is_not_listed_is_a_circle_with_its_name():
    owned = OWNED.assign(parent_name="PT " + OWNED["parent_slug"].str.upper())
    ax = sectorsdf.plot.ownership_tree(owned, "a")
    (mark,) = [line.get_marker() for line in ax.lines if line.get_gid() == "company-a"]
    assert mark == "o"
    assert "PT A" in [text.get_text() for text in ax.texts]


def test_rows_go_down_from_each_owner():
    ax = sectorsdf.plot.ownership_tree(OWNED, "top")
    places = {
        line.get_gid().removeprefix("company-"): (line.get_xdata()[0], -line.get_ydata()[0])
        for line in ax.lines
        if line.get_gid()
    }
    assert sorted(places, key=lambda name: places[name][1]) == ["top", "a", "b", "c", "d"]
    x = {name: place[0] for name, place in places.items()}
    assert x["top"] < x["a"] == x["c"] < x["b"] == x["d"]


def test_licences_are_counted_and_companies_without_are_hatched():
    ax = sectorsdf.plot.ownership_tree(OWNED, "top", links=LINKS)
    text = said(ax)
    assert "80 %, 1 licence" in text
    assert "50 %, 2 licences" in text
    assert "top, 1 licence" in text
    hatched = {
        patch.get_gid() for patch in ax.patches if patch.get_gid() and patch.get_hatch() is not None
    }
    assert hatched == {"share-c"}
    assert "Hatched: no licence is linked" in text


def test_the_largest_shares_are_drawn_with_their_owners():
    ax = sectorsdf.plot.ownership_tree(OWNED, "top", top=2)
    assert set(shares(ax)) == {"a", "b"}
    assert "2 more company(ies) with smaller shares" in said(ax)


def test_circles_and_companies_that_own_nothing():
    circle = edges(("top", "a", 60.0), ("a", "top", 10.0))
    assert set(shares(sectorsdf.plot.ownership_tree(circle, "top"))) == {"a"}
    assert "owns no company" in said(sectorsdf.plot.ownership_tree(OWNED, "b"))


def test_a_frame_without_provenance_says_so_and_stays_as_it_is():
    kept = OWNED.copy(deep=True)
    ax = plt.figure(figsize=(6, 4)).add_subplot()
    bare = OWNED.copy()
    bare.attrs = {}
    assert sectorsdf.plot.ownership_tree(bare, "top", ax=ax) is ax
    assert "Source: unknown" in said(ax)
    pd.testing.assert_frame_equal(OWNED, kept)


def test_what_cannot_be_drawn_as_a_tree():
    with pytest.raises(ValueError, match="no edge of ownership names 'x'"):
        sectorsdf.plot.ownership_tree(OWNED, "x")
    with pytest.raises(ValueError, match="top=0 is not a number of rows"):
        sectorsdf.plot.ownership_tree(OWNED, "top", top=0)
    with pytest.raises(ValueError, match="no column parent_slug"):
        sectorsdf.plot.ownership_tree(LINKS, "top")
    with pytest.raises(ValueError, match="no column company_slug"):
        sectorsdf.plot.ownership_tree(OWNED, "top", links=OWNED)
