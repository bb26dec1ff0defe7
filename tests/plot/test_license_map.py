"""The map of licences by province shows the sums of the frame, its unit and its source."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.figures import said

mpl = pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
mpl.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402

from sectorsdf import places, plot  # noqa: E402

pytestmark = pytest.mark.newest


def licenses(*rows):
    columns = list(zip(*rows, strict=True)) or [[], []]
    return pd.DataFrame(
        {
            "province": pd.array(list(columns[0]), dtype="string"),
            "licensed_area_ha": pd.array(list(columns[1]), dtype="float64"),
        }
    )


FRAME = licenses(
    ("Aceh", 100.0),
    ("Aceh", 300.0),
    ("Kalimantan Timur", 1000.0),
    ("Kalimantan Tengah, Kalimantan Timur", 500.0),
    (None, 70.0),
    ("Atlantis", 80.0),
    ("Riau", None),
)


def circles(ax):
    """The places and the areas of the circles, the largest first."""
    drawn = ax.collections[-1]
    return np.asarray(drawn.get_offsets()), drawn.get_sizes()


def test_circles_have_the_area_of_the_sums_and_lie_at_the_centres():
    ax = plot.license_map(FRAME)
    points, sizes = circles(ax)
    assert (sizes / sizes[0] * 1000).tolist() == pytest.approx([1000, 500, 400])
    centres = places.provinces().set_index("name")[["longitude", "latitude"]]
    timur, tengah = centres.loc["Kalimantan Timur"], centres.loc["Kalimantan Tengah"]
    expected = [timur, (timur + tengah) / 2, centres.loc["Aceh"]]
    np.testing.assert_allclose(points, [list(each) for each in expected])


def test_unit_source_and_what_is_left_out_are_written():
    text = said(plot.license_map(FRAME))
    assert "Licensed area by province (ha)" in text
    assert "in several provinces" in text
    assert "2 licence(s) without a known province" in text
    assert "1 licence(s) without an area" in text
    assert "Source: unknown" in text
    assert "sectorsdf.places" in text
    assert "Kalimantan Timur 1,000" in text


def test_numbers_of_licences():
    ax = plot.license_map(FRAME, by="licenses")
    _, sizes = circles(ax)
    assert len(sizes) == 4
    assert "Licences by province (number)" in said(ax)


def test_other_names_of_a_province_are_known():
    ax = plot.license_map(licenses(("Daerah Istimewa Yogyakarta", 1.0)))
    assert len(circles(ax)[1]) == 1
    assert "Not drawn" not in said(ax)


def test_without_a_licence():
    assert "No licence has a province" in said(plot.license_map(licenses()))


def test_the_callers_axes_and_frame_are_used():
    before = FRAME.copy()
    _, ax = plt.subplots()
    assert plot.license_map(FRAME, ax=ax) is ax
    pd.testing.assert_frame_equal(FRAME, before)


def test_what_is_refused():
    with pytest.raises(ValueError, match="'area' is not one of 'hectares', 'licenses'"):
        plot.license_map(FRAME, by="area")
    with pytest.raises(ValueError, match="no column licensed_area_ha; get_mining_licenses"):
        plot.license_map(FRAME[["province"]])
