"""Sums are within a unit, or they are refused."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.budgets import examples

from sectorsdf import UnitError, totals

UNITS = {"Coal": "Mt", "Gold": "koz", "Copper": "kton", "Nickel": "wmt"}


def sites(*rows):
    frame = pd.DataFrame(rows, columns=["commodity_type", "production_volume", "unit"])
    return frame.astype(
        {"commodity_type": "string", "production_volume": "float64", "unit": "string"}
    )


def tidy(*rows):
    names = ["slug", "measure", "stage", "category", "component", "value", "unit"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.astype(dict.fromkeys(set(names) - {"value"}, "string") | {"value": "float64"})


def test_one_sum_for_each_group_and_unit():
    frame = sites(
        ("Coal", 1.5, "Mt"), ("Gold", 9.0, "koz"), ("Coal", 2.5, "Mt"), ("Coal", None, "Mt")
    )
    frame.attrs = {"kept": True}
    before = frame.copy()
    sums = totals(frame, by="commodity_type")
    pd.testing.assert_frame_equal(frame, before)
    assert sums["production_volume"].tolist() == [4.0, 9.0]
    assert sums["unit"].tolist() == ["Mt", "koz"]
    assert sums["rows"].tolist() == [3, 1]
    assert sums["rows_without_number"].tolist() == [1, 0]
    assert sums.attrs == {"kept": True}


def test_a_group_of_two_units_has_two_sums():
    sums = totals(sites(("Nickel", 14.66, "wmt"), ("Nickel", 71311.0, "ton"), ("Coal", 1, None)))
    assert sums["unit"].fillna("none").tolist() == ["ton", "wmt", "none"]
    assert sums["production_volume"].tolist() == [71311.0, 14.66, 1.0]


def test_a_sum_of_nothing_is_missing_with_a_reason():
    sums = totals(sites(("Nickel", None, "wmt")))
    assert sums["production_volume"].isna().all()
    assert sums["reason_missing"].tolist() == ["no row of the group has a number"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*UNITS, None]),
            st.none() | st.floats(0, 1e6),
            st.sampled_from([*UNITS.values(), None]),
        ),
        max_size=8,
    )
)
@settings(max_examples=examples(), deadline=None)
def test_shape_and_sums(rows):
    frame = sites(*rows)
    sums = totals(frame, by=["commodity_type"])
    assert [(name, str(dtype)) for name, dtype in sums.dtypes.items()] == [
        ("commodity_type", str(frame["commodity_type"].dtype)),
        ("production_volume", "float64"),
        ("unit", "string"),
        ("rows", "Int64"),
        ("rows_without_number", "Int64"),
        ("reason_missing", "string"),
    ]
    assert not sums.duplicated(["commodity_type", "unit"]).any()
    assert sums["rows"].sum() == len(frame)
    assert sums["production_volume"].sum() == pytest.approx(frame["production_volume"].sum())


def test_a_column_with_one_unit():
    frame = pd.DataFrame({"province": ["Aceh", "Aceh"], "licensed_area_ha": [1.5, 2.0]})
    sums = totals(frame, "province", "licensed_area_ha")
    assert sums[["licensed_area_ha", "unit"]].to_numpy().tolist() == [[3.5, "ha"]]
    kdi = pd.DataFrame({"kdi": pd.array([2**40, 5], dtype="Int64")})
    sums = totals(kdi, value="kdi")
    assert (sums["kdi"].iloc[0], sums["kdi"].dtype, sums["unit"].iloc[0]) == (
        2**40 + 5,
        "Int64",
        "IDR",
    )


def test_a_details_tonnage_has_its_own_unit_column():
    frame = pd.DataFrame({"total_reserves": [1.0, 2.0], "tonnage_unit": ["Mt", "wmt"], "unit": "x"})
    assert totals(frame, value="total_reserves")["unit"].tolist() == ["Mt", "wmt"]


def test_figures_of_one_kind_are_added():
    frame = tidy(
        ("a", "tonnage", "reserves", "total", "ore", 1.0, "Mt"),
        ("b", "tonnage", "reserves", "total", "ore", 2.0, "Mt"),
        ("b", "tonnage", "resources", "total", "ore", 4.0, "Mt"),
    )
    assert totals(frame, "stage", "value")["value"].tolist() == [3.0, 4.0]


@pytest.mark.parametrize(
    ("frame", "value", "words"),
    [
        (pd.DataFrame({"strip_ratio": [1.0]}), "strip_ratio", "no known unit"),
        (pd.DataFrame({"year": [2024]}), "year", "no known unit"),
        (pd.DataFrame({"anything": [1.0]}), "anything", "no known unit"),
        (pd.DataFrame({"latitude": [1.0]}), "latitude", "degree is not an amount"),
        (pd.DataFrame({"production_volume": [1.0]}), "production_volume", "does not have"),
        (pd.DataFrame({"price": [1.0], "unit": ["USD/t"]}), "price", "USD/t is not an amount"),
        (
            tidy(("a", "grade", None, None, "Au", 1.0, "g/t")),
            "value",
            "g/t is not an amount",
        ),
        (
            tidy(
                ("a", "tonnage", "reserves", "total", "ore", 1.0, "Mt"),
                ("a", "tonnage", "reserves", "proven", "ore", 1.0, "Mt"),
            ),
            "value",
            "differ in 'category'",
        ),
    ],
)
def test_what_is_refused(frame, value, words):
    with pytest.raises(UnitError, match=words):
        totals(frame, value=value)


def test_wrong_arguments():
    with pytest.raises(TypeError, match="DataFrame is needed"):
        totals([1, 2])
    with pytest.raises(ValueError, match="no column 'region'"):
        totals(sites(("Coal", 1.0, "Mt")), by="region")
    with pytest.raises(ValueError, match="no column 'production_volume'"):
        totals(pd.DataFrame({"a": [1]}))
    with pytest.raises(ValueError, match="value= names the column to add up, such as 'licensed_ar"):
        totals(pd.DataFrame({"licensed_area_ha": [1.0], "longitude": [1.0]}))
