"""Reserves are divided by a production of the same thing, or the reason is given."""

from __future__ import annotations

import pandas as pd
import pytest

from sectorsdf import reserve_life
from sectorsdf.reserves import figures

KEY = {"slug": "a", "year": 2024, "commodity_type": "Coal", "company_slug": "f"}
TEXTS = ["slug", "name", "commodity_type", "company_slug", "unit"]


def sites(*rows):
    """One row for each: the differences from the key, production and unit."""
    frame = pd.DataFrame([{**KEY, "name": "A", "production_volume": 2.0, "unit": "Mt", **row}
                          for row in rows])  # fmt: skip
    types = dict.fromkeys(TEXTS, "string")
    return frame.astype(types | {"year": "Int64", "production_volume": "float64"})


def resources(*pairs):
    rows = []
    for site, answer in pairs:
        key = {**KEY, **site}
        rows += [key | row for row in figures(answer, commodity_type=key["commodity_type"])[0]]
    return pd.DataFrame(rows)


def life_of(site, answer):
    row = reserve_life(sites(site), resources((site_key(site), answer))).iloc[0]
    return row["reserve_life"], row["reason_missing"]


def site_key(site):
    return {name: value for name, value in site.items() if name in KEY}


def test_coal():
    life, reason = life_of({}, {"total_reserves_Mt": 33.0})
    assert life == pytest.approx(16.5)
    assert pd.isna(reason)


def test_the_sum_of_all_parts_is_a_total():
    life, _ = life_of({}, {"proven_reserves_Mt": 3.0, "probable_reserves_Mt": 7.0})
    assert life == pytest.approx(5.0)


GOLD = {"commodity_type": "Gold", "production_volume": 100.0, "unit": "koz"}
COPPER = {"commodity_type": "Copper", "production_volume": 100.0, "unit": "kton"}
NICKEL = {"commodity_type": "Nickel", "production_volume": 4.0, "unit": "wmt"}


def test_metal_over_metal():
    answer = {"total_reserves_Mt": 40.0, "Au_reserves_koz": 1250.0}
    assert life_of(GOLD, answer)[0] == pytest.approx(12.5)
    answer = {"total_reserves_Mt": 200.0, "Cu_reserves_Mt": 1.1}
    assert life_of(COPPER, answer)[0] == pytest.approx(11.0)


def test_gold_over_ore_is_no_number_of_years():
    life, reason = life_of(GOLD, {"total_reserves_Mt": 70.0})
    assert pd.isna(life)
    assert reason == (
        "the production is in koz of metal and the reserves are in Mt of ore, which is not the "
        "same thing"
    )


def test_nickel_over_all_ore_types_that_are_wet():
    wet = {"total_reserves_wmt": 30.0, "total_reserves_dmt": 19.0}
    both = {"limonite": wet, "saprolite": {"total_reserves_wmt": 10.0}}
    assert life_of(NICKEL, both)[0] == pytest.approx(10.0)
    one = {"limonite": {"total_reserves_dmt": 19.0}, "saprolite": {"total_reserves_wmt": 10.0}}
    life, reason = life_of(NICKEL, one)
    assert pd.isna(life)
    assert pd.notna(reason)
    life, reason = life_of(NICKEL, {"limonite": {"total_reserves_dmt": 19.0}})
    assert "in wmt and the reserves are in dmt of ore" in reason


@pytest.mark.parametrize(
    ("site", "answer", "words"),
    [
        ({"production_volume": None}, {"total_reserves_Mt": 33.0}, "no production"),
        ({"production_volume": 0.0}, {"total_reserves_Mt": 33.0}, "no production"),
        ({"unit": None}, {"total_reserves_Mt": 33.0}, "unit of the production"),
        ({"unit": "barrels"}, {"total_reserves_Mt": 33.0}, "unit of the production"),
        ({}, {"total_resources_Mt": 33.0}, "no total of its reserves"),
        (GOLD, {"Au_reserves_koz": 1250.0, "Au_resources_koz": 3.5}, "doubts.*stages_swapped"),
        (GOLD, {"total_reserves_Mt": 40.0, "Au_reserves_koz": 1.2}, "doubts.*implied_grade"),
    ],
)
def test_reasons(site, answer, words):
    life, reason = life_of(site, answer)
    assert pd.isna(life)
    assert pd.Series([reason]).str.contains(words).all(), reason


def test_rows_keep_their_order_and_other_years_do_not_count():
    frame = sites({"year": 2023}, {}, {"slug": "b"})
    before = frame.copy()
    table = resources(({}, {"total_reserves_Mt": 8.0}), ({"slug": "b"}, {"total_reserves_Mt": 2.0}))
    found = reserve_life(frame, table)
    pd.testing.assert_frame_equal(frame, before)
    assert found["year"].tolist() == [2023, 2024, 2024]
    assert found["reserve_life"].fillna(-1).tolist() == [-1, 4, 1]


def test_the_provenance_is_that_of_the_sites():
    frame = sites({})
    frame.attrs = {"kept": True}
    assert reserve_life(frame, resources(({}, {"total_reserves_Mt": 33.0}))).attrs == {"kept": True}


def test_the_same_shape_if_empty():
    frame, table = sites({}), resources(({}, {"total_reserves_Mt": 8.0}))
    full, empty = reserve_life(frame, table), reserve_life(frame.iloc[:0], table.iloc[:0])
    assert len(empty) == 0
    pd.testing.assert_series_equal(full.dtypes, empty.dtypes)


def test_wrong_arguments():
    with pytest.raises(TypeError, match="DataFrame is needed"):
        reserve_life("sites", resources())
    with pytest.raises(ValueError, match="get_mining_site_resources returns them"):
        reserve_life(sites({}), sites({}))
