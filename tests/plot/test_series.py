"""Prices and production: a panel for each unit, and a line for each commodity."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

mpl = pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
mpl.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402

import sectorsdf  # noqa: E402


def _prices(commodities):
    """Return prices of three months: of each commodity its unit and values."""
    days = pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01"])
    parts = [
        pd.DataFrame({"commodity": name, "date": days, "price": values, "unit": unit})
        for name, (unit, values) in commodities.items()
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame.astype({"commodity": "string", "unit": "string", "price": "float64"})


def _volumes(rows):
    columns = ["commodity_type", "year", "production_volume", "unit"]
    frame = pd.DataFrame(rows, columns=columns)
    kinds = {"commodity_type": "string", "year": "Int64", "unit": "string"}
    return frame.astype({**kinds, "production_volume": "float64"})


PRICES = _prices(
    {
        "Coal": ("USD/t", [100, 120, 90]),
        "Gold": ("USD/oz", [2000, 2100, 2200]),
        "Silver": ("USD/oz", [22, 23, 24]),
        "Iron": ("unknown", [1, 2, 3]),
        "Titanium": (None, [5, 6, 7]),
    }
)


def lines(figure):
    """Return the values of each line, by the unit of its panel and its label."""
    return {
        (axes.get_ylabel(), line.get_label()): list(line.get_ydata())
        for axes in figure.axes
        for line in axes.get_lines()
    }


def texts(figure):
    figure.canvas.draw()
    return "\n".join(text.get_text() for text in figure.findobj(mpl.text.Text))


def test_each_unit_has_a_panel_and_unknown_units_share_none():
    figure = sectorsdf.plot.prices(PRICES)
    assert lines(figure) == {
        ("USD/t", "Coal"): [100, 120, 90],
        ("USD/oz", "Gold"): [2000, 2100, 2200],
        ("USD/oz", "Silver"): [22, 23, 24],
        ("unit not known", "Iron"): [1, 2, 3],
        ("unit not known", "Titanium"): [5, 6, 7],
    }
    assert [axes.get_ylabel() for axes in figure.axes].count("unit not known") == 2
    assert "Source: unknown, the frame has no provenance" in texts(figure)


def test_a_panel_for_each_commodity():
    figure = sectorsdf.plot.prices(PRICES, panels="series")
    assert [len(axes.get_lines()) for axes in figure.axes] == [1] * 5


def test_chosen_commodities_in_any_case():
    figure = sectorsdf.plot.prices(PRICES, commodities=["gold", "COAL"])
    assert {name for _, name in lines(figure)} == {"Gold", "Coal"}
    assert {n for _, n in lines(sectorsdf.plot.prices(PRICES, commodities="gold"))} == {"Gold"}
    with pytest.raises(ValueError, match="no commodity 'Lithium'; there are Coal, Gold"):
        sectorsdf.plot.prices(PRICES, commodities=["Gold", "Lithium"])


def test_what_cannot_be_drawn_is_counted():
    frame = PRICES.copy()
    frame.loc[0, "price"] = np.nan
    frame.loc[1, "date"] = pd.NaT
    frame.loc[3, "price"] = -1.0
    said = texts(sectorsdf.plot.prices(frame)).replace("\n", " ")
    assert "1 row(s) without a commodity or a day" in said
    assert "1 row(s) without a price that can be drawn" in said
    said = texts(sectorsdf.plot.prices(frame, scale="log")).replace("\n", " ")
    assert "2 row(s) without a price that can be drawn" in said


def test_the_lines_beyond_the_seventh_are_counted():
    many = _prices({f"Metal {number}": ("USD/t", [number, 2, number]) for number in range(1, 11)})
    figure = sectorsdf.plot.prices(many)
    assert {name for _, name in lines(figure)} == {f"Metal {number}" for number in range(4, 11)}
    assert "3 more line(s)" in texts(figure)
    looks = {(line.get_color(), line.get_marker()) for line in figure.axes[0].get_lines()}
    assert len(looks) == 7


def test_years_that_are_missing_are_gaps():
    rows = [("Coal", 2020, 500, "Mt"), ("Coal", 2022, 600, "Mt"), ("Gold", 2021, 60_000, "Kg")]
    figure = sectorsdf.plot.production(_volumes(rows))
    drawn = lines(figure)
    np.testing.assert_equal(drawn["Mt", "Coal"], [500, np.nan, 600])
    assert drawn["Kg", "Gold"] == [60_000]
    assert {name for _, name in drawn} == {"Coal", "Gold"}


def test_the_commodities_of_a_company_never_share_a_line():
    frame = _volumes([("Coal", 2020, 5, "Mt"), ("Nickel", 2020, 6, "Mt"), ("Coal", 2021, 7, "Mt")])
    frame["slug"] = pd.Series(["a", "a", "b"], dtype="string")
    drawn = lines(sectorsdf.plot.production(frame, by="slug"))
    assert {name for _, name in drawn} == {"a, coal", "a, nickel", "b, coal"}


def test_two_volumes_of_one_year_are_refused():
    frame = _volumes([("Coal", 2020, 5, "Mt"), ("Coal", 2020, 6, "Mt")])
    with pytest.raises(ValueError, match="several volumes of 'Coal' for 2020"):
        sectorsdf.plot.production(frame)


@pytest.mark.parametrize("draw", [sectorsdf.plot.prices, sectorsdf.plot.production])
def test_an_empty_frame_and_a_wrong_parameter(draw):
    frame = PRICES[:0] if draw is sectorsdf.plot.prices else _volumes([])
    before = frame.copy()
    assert "No row has a value" in texts(draw(frame))
    pd.testing.assert_frame_equal(frame, before)
    with pytest.raises(ValueError, match="panels='rows' is not one of 'unit', 'series'"):
        draw(frame, panels="rows")
    with pytest.raises(ValueError, match="the frame has no column unit"):
        draw(frame.drop(columns="unit"))


def test_a_logarithmic_scale_needs_its_word():
    assert sectorsdf.plot.prices(PRICES, scale="log").axes[0].get_yscale() == "log"
    with pytest.raises(ValueError, match="scale='sqrt' is not one of 'linear', 'log'"):
        sectorsdf.plot.prices(PRICES, scale="sqrt")


def test_the_callers_figure_is_used():
    left, right = plt.figure(layout="constrained").subfigures(1, 2)
    assert sectorsdf.plot.prices(PRICES, figure=left) is left
    assert len(left.axes) == 4
    assert not right.axes


def test_orange_and_vermilion_differ_in_shape_too():
    figure = sectorsdf.plot.prices(
        _prices({"Gold": ("USD/t", [1, 2, 3]), "Copper": ("USD/t", [3, 2, 1])})
    )
    assert len({line.get_marker() for line in figure.axes[0].get_lines()}) == 2
    licences = pd.DataFrame(
        {
            "license_expiry_date": pd.to_datetime(["2030-01-01", "2030-01-01"]),
            "commodity_type": pd.Series(["Gold", "Copper"], dtype="string"),
            "licensed_area_ha": [1.0, 2.0],
            "longitude": [110.0, 111.0],
            "latitude": [-1.0, -2.0],
        }
    )
    bars = sectorsdf.plot.expiry_timeline(licences, as_of="2026-01-01").patches
    assert {bar.get_hatch() for bar in bars if bar.get_gid() in {"Gold", "Copper"}} == {
        r"\\\\",
        "////",
    }
    collections = sectorsdf.plot.site_map(licences).collections
    (dots,) = [each for each in collections if isinstance(each, mpl.collections.PathCollection)]
    gold, copper = (path.vertices.tolist() for path in dots.get_paths())
    assert gold != copper
