"""The chart of changes shows the hectares that the changes and the registers give."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from support.figures import said

mpl = pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
mpl.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
from support.snapshots import complete_frame  # noqa: E402

import sectorsdf.plot  # noqa: E402
from sectorsdf import sandbox, snapshots  # noqa: E402

GAINS = ("licences added", "areas enlarged")
LOSSES = ("licences removed", "areas reduced")


@pytest.fixture(scope="module")
def registers():
    """The registers of four months, by day."""
    months = sandbox.months(4, licenses=900)
    return {pd.Timestamp(month.day): complete_frame(month.records) for month in months}


@pytest.fixture(scope="module")
def changes(registers, tmp_path_factory):
    """What has changed from each of them to the next."""
    root = tmp_path_factory.mktemp("plot") / "lake"
    for day, register in registers.items():
        snapshots.write(register, root, date=day)
    return snapshots.changes(root, "mining_licenses")


def heights(ax):
    """The heights of the bars of each part, by month."""
    return {group.get_label(): [bar.get_height() for bar in group] for group in ax.containers}


def balance(ax):
    (markers,) = (line for line in ax.get_lines() if line.get_label() == "balance")
    return markers.get_ydata()


def change(day, kind, **more):
    """One change, as `changes` gives it."""
    empty = dict.fromkeys(("column", "old", "new", "old_number", "new_number"))
    return {"to_date": pd.Timestamp(day), "change": kind, **empty, **more}


def table(*rows):
    kinds = {"change": "string", "column": "string", "old": "string", "new": "string"}
    numbers = dict.fromkeys(("old_number", "new_number"), "float64")
    return pd.DataFrame(rows).astype({**kinds, **numbers})


def test_the_balance_of_a_month_is_the_difference_of_its_registers(changes, registers):
    ax = sectorsdf.plot.changes(changes)
    totals = [register["licensed_area_ha"].sum() for register in registers.values()]
    expected = [after - before for before, after in pairwise(totals)]
    np.testing.assert_allclose(balance(ax), expected, atol=1e-6)
    drawn = heights(ax)
    # The synthetic registers enlarge no area.
    assert set(drawn) == {*GAINS, *LOSSES} - {"areas enlarged"}
    np.testing.assert_allclose(np.sum(list(drawn.values()), axis=0), expected, atol=1e-6)
    assert all(value >= 0 for name in GAINS for value in drawn.get(name, []))
    assert all(value <= 0 for name in LOSSES for value in drawn[name])
    codes = [set(register["wiup_code"]) for register in registers.values()]
    added = [
        register.loc[~register["wiup_code"].isin(before), "licensed_area_ha"].sum()
        for before, register in zip(codes, list(registers.values())[1:], strict=False)
    ]
    np.testing.assert_allclose(drawn["licences added"], added)


def test_unit_months_source_and_title_are_on_the_picture(changes):
    before = changes.copy()
    ax = sectorsdf.plot.changes(changes)
    pd.testing.assert_frame_equal(changes, before)
    text = " ".join(said(ax).split())
    for words in (
        "Licensed area gained and lost by month",
        "Licensed area (ha)",
        "Source: Sectors API, fetched 2026-11-01",
        *("licences added", "licences removed", "areas reduced", "balance"),
    ):
        assert words in text
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels == ["Feb\n2026", "Mar", "Apr"]


def test_parts_differ_without_colours():
    area = {"column": "licensed_area_ha", "old_number": 4.0}
    ax = sectorsdf.plot.changes(
        table(
            change("2026-02-01", "added", new='{"licensed_area_ha": 7.5}'),
            change("2026-02-01", "removed", old='{"licensed_area_ha": 2}'),
            change("2026-02-01", "changed", new_number=1.0, **area),
            change("2026-02-01", "changed", new_number=5.0, **area),
        )
    )
    hatches = [group[0].get_hatch() for group in ax.containers]
    assert len(set(hatches)) == 4
    colours = [group[0].get_facecolor() for group in ax.containers]
    assert len(set(colours)) == 4


def test_labels_and_legend_stay_on_a_narrow_picture(changes):
    one = '{"licensed_area_ha": 1}'
    # 3.6 inches at 100 dots are the width of a telephone.
    figure, ax = plt.subplots(figsize=(3.6, 4.4), layout="constrained")
    year = [change(f"2026-{month:02}-01", "added", new=one) for month in range(1, 13)]
    sectorsdf.plot.changes(pd.concat([changes, table(*year)]), ax=ax)
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))
    width = ax.figure.bbox.width
    for drawn in (ax.get_legend(), ax.yaxis.label):
        box = drawn.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= width
    assert ax.get_window_extent().width > width / 2


def test_a_month_without_changes_and_many_months():
    rows = [change(f"{2020 + n // 12}-{1 + n % 12:02}-05", "added", new='{"licensed_area_ha": 10}')
            for n in (0, 30)]  # fmt: skip
    ax = sectorsdf.plot.changes(table(*rows))
    assert heights(ax)["licences added"] == [10, *[0] * 29, 10]
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert len(labels) < 12
    assert labels[0] == "Jan\n2020"
    assert "fetched" not in said(ax)


def test_months_that_were_compared_are_drawn_though_nothing_has_changed(changes):
    march = changes[changes["to_date"] == pd.Timestamp("2026-03-01")]
    drawn = heights(sectorsdf.plot.changes(march))["licences added"]
    assert len(drawn) == 3
    assert drawn[0] == drawn[2] == 0 < drawn[1]


def test_what_has_no_area_is_counted():
    area = {"column": "licensed_area_ha"}
    ax = sectorsdf.plot.changes(
        table(
            change("2026-02-01", "added", new='{"wiup_code": "1"}'),
            change("2026-02-01", "added", new='{"licensed_area_ha": 7.5}'),
            change("2026-02-20", "removed", old='{"licensed_area_ha": 2}'),
            change("2026-02-20", "removed", old='{"licensed_area_ha": NaN}'),
            change("2026-02-20", "changed", old_number=4.0, new_number=1.0, **area),
            change("2026-02-20", "changed", old_number=4.0, new_number=5.0, **area),
            change("2026-02-20", "changed", old_number=4.0, **area),
            change("2026-02-20", "changed", old_number=1.0, new_number=9.0, column="longitude"),
        )
    )
    found = {name: values for name, (values,) in heights(ax).items()}
    assert found == dict(zip((*GAINS, *LOSSES), (7.5, 1, -2, -3), strict=True))
    assert list(balance(ax)) == [3.5]
    text = " ".join(said(ax).split())
    assert "2 licence(s) added or removed without an area" in text
    assert "1 area(s) that became known or unknown" in text


def test_no_change_gives_axes_that_say_so(changes):
    assert "No licensed area has changed" in said(sectorsdf.plot.changes(changes.head(0)))
    moved = changes[changes["kind"] == "moved"]
    assert "No licensed area has changed" in said(sectorsdf.plot.changes(moved))


def test_the_callers_axes_are_used(changes):
    with plt.style.context("dark_background"):
        figure, (left, right) = plt.subplots(1, 2, figsize=(14, 5))
        assert sectorsdf.plot.changes(changes, ax=right) is right
        assert not left.has_data()
        assert plt.get_fignums() == [figure.number]


def test_what_is_no_table_of_changes_is_refused(changes, registers):
    one, two = list(registers.values())[:2]
    for wrong in (one, snapshots.diff(one, two)):
        with pytest.raises(
            ValueError, match=r"to_date.*sectorsdf.snapshots.changes returns (it|them)"
        ):
            sectorsdf.plot.changes(wrong)
    with pytest.raises(ValueError, match="must have days"):
        sectorsdf.plot.changes(changes.assign(to_date="2026-02-01"))
    for text in ("no JSON", "[1]", '{"licensed_area_ha": "wide"}'):
        with pytest.raises(ValueError, match="is not a JSON object"):
            sectorsdf.plot.changes(table(change("2026-02-01", "added", new=text)))
