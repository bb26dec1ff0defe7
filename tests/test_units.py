"""Conversions: exact by definition, or refused as a whole."""

from __future__ import annotations

import builtins
import sys
from fractions import Fraction
from importlib.util import find_spec

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.budgets import examples

from sectorsdf import units
from sectorsdf.errors import ConfigurationError, UnitError
from sectorsdf.reserves.reader import FIGURE_FIELDS
from sectorsdf.units import (
    convert,
    measured_by,
    metal_of,
    read_component,
    read_unit,
    usual_component,
)

TEXT = ["measure", "component", "unit", "raw"]

# Grams, or parts of the whole, by definition, independent of the code.
GRAMS = {
    "kg": Fraction(1000),
    "t": Fraction(10**6),
    "Kt": Fraction(10**9),
    "Mt": Fraction(10**12),
    "oz": Fraction("31.1034768"),
    "koz": Fraction("31103.4768"),
    "Moz": Fraction("31103476.8"),
}
PARTS = {"%": Fraction(1, 100), "g/t": Fraction(1, 10**6), "ppm": Fraction(1, 10**6)}


def tidy(*rows):
    """One row a figure: (measure, component, value, value_min, value_max, unit)."""
    names = ["measure", "component", "value", "value_min", "value_max", "unit"]
    frame = pd.DataFrame(rows, columns=names).reindex(columns=list(FIGURE_FIELDS))
    frame = frame.astype(dict.fromkeys(["value", "value_min", "value_max"], "float64"))
    frame = frame.astype(dict.fromkeys(TEXT, "string"))
    frame.attrs["sectorsdf"] = {"endpoint": "/sites/", "filters": {"year": 2022}}
    return frame


needs_pint = pytest.mark.skipif(
    find_spec("pint") is None, reason="the extra `units` (pint) is not installed"
)


@needs_pint
@pytest.mark.parametrize(
    ("measure", "component", "unit", "to", "value", "expected"),
    [
        ("tonnage", "ore", "Mt", "t", 1.5, 1_500_000.0),
        ("tonnage", "ore", "t", "Mt", 1_500_000.0, 1.5),
        ("tonnage", "coal", "Kt", "Mt", 250.0, 0.25),
        ("tonnage", "coal", "Kt", "kton", 250.0, 250.0),
        ("tonnage", "ore", "Mt", "kg", 2.0, 2e9),
        ("tonnage", "ore", "wmt", "wet t", 163.68, 163_680_000.0),
        ("tonnage", "ore", "wet t", "wmt", 2_500_000.0, 2.5),
        ("tonnage", "ore", "dmt", "dry t", 0.5, 500_000.0),
        ("contained", "Au", "koz", "kg", 1.0, 31.1034768),
        ("contained", "Au", "koz", "oz", 1.25, 1250.0),
        ("contained", "Ag", "Moz", "t", 1.0, 31.1034768),
        ("contained", "Au", "kg", "oz", 31.1034768, 1000.0),
        ("grade", "Ni", "%", "g/t", 1.5, 15000.0),
        ("grade", "Au", "g/t", "ppm", 0.33, 0.33),
        ("grade", "Au", "g/t", "%", 5000.0, 0.5),
    ],
)
def test_conversions_by_definition(measure, component, unit, to, value, expected):
    frame = tidy((measure, component, value, value, value, unit))
    out = convert(frame, to=to, measure=measure)
    assert out["value"].tolist() == [expected]
    assert out["value_min"].tolist() == [expected]
    assert out["value_max"].tolist() == [expected]
    assert out["unit"].tolist() == [units.read_unit(to)[0]]


@needs_pint
@settings(max_examples=examples(4), deadline=None)
@given(st.data(), st.floats(1e-9, 1e9))
def test_every_pair_of_units_is_right_to_the_last_digit(data, value):
    measure, table = data.draw(st.sampled_from([("contained", GRAMS), ("grade", PARTS)]))
    unit, to = data.draw(st.tuples(*[st.sampled_from(sorted(table))] * 2))
    out = convert(tidy((measure, "Au", value, None, None, unit)), to=to, measure=measure)
    exact = Fraction(value) * table[unit] / table[to]
    got = out["value"].iloc[0]
    assert abs(Fraction(got) - exact) <= exact / 2**51


@needs_pint
def test_only_the_rows_of_the_measure_change_and_the_argument_does_not():
    frame = tidy(
        ("tonnage", "ore", 1.5, None, None, "Mt"),
        ("tonnage", "ore", 2.5, None, None, "Kt"),
        ("contained", "Cu", 0.5, None, None, "Mt"),
        ("grade", "Cu", None, 0.5, 0.75, "%"),
        ("calorific_value", "coal", None, None, 5000.0, "kcal/kg"),
        ("tonnage", "ore", None, None, None, "wmt"),
        (None, None, 7.0, None, None, None),
    )
    frame.index = [3, 3, 1, 0, 0, 9, 9]
    before = frame.copy()
    out = convert(frame, to="t")
    pd.testing.assert_frame_equal(frame, before)
    assert frame.attrs == out.attrs
    assert out.attrs["sectorsdf"] == {"endpoint": "/sites/", "filters": {"year": 2022}}
    assert out["value"].iloc[:2].tolist() == [1_500_000.0, 2500.0]
    assert out["unit"].iloc[:2].tolist() == ["t", "t"]
    pd.testing.assert_frame_equal(out.iloc[2:], frame.iloc[2:])
    pd.testing.assert_series_equal(out.dtypes, frame.dtypes)
    graded = convert(frame, to="ppm", measure="grade")
    assert graded[["value_min", "value_max"]].iloc[3].tolist() == [5000.0, 7500.0]
    assert graded["value"].isna().iloc[3]


def test_nothing_to_convert():
    empty = tidy().iloc[:0]
    pd.testing.assert_frame_equal(convert(empty), empty)
    same = tidy(("tonnage", "ore", 1.5, None, None, "wmt"))
    pd.testing.assert_frame_equal(convert(same, to="wmt"), same)
    heat = tidy(("calorific_value", "coal", None, 5000.0, 6000.0, "kcal/kg"))
    pd.testing.assert_frame_equal(convert(heat, to="kcal/kg", measure="calorific_value"), heat)


ORE = ("tonnage", "ore", 1.5, None, None, "Mt")


@pytest.mark.parametrize(
    ("rows", "to", "measure", "words"),
    [
        ([ORE, ("tonnage", "ore", 2.5, None, None, "wmt")], "t", "tonnage", ["wmt", "wet t"]),
        (
            [("tonnage", "ore", 2.5, None, None, "wmt")],
            "dmt",
            "tonnage",
            ["wmt", "dmt", "moisture"],
        ),
        ([("tonnage", "ore", 2.5, None, None, "dmt")], "wmt", "tonnage", ["dmt", "moisture"]),
        ([ORE], "wmt", "tonnage", ["Mt", "stay wet or dry"]),
        ([("tonnage", "ore", 2.5, None, None, "wmt")], "dry t", "tonnage", ["moisture"]),
        ([("tonnage", "ore", 2.5, None, None, "wet t")], "dmt", "tonnage", ["moisture"]),
        ([ORE], "koz", "tonnage", ["Mt", "koz", "fitting"]),
        ([ORE], "%", "tonnage", ["Mt", "%", "fitting"]),
        ([ORE], "kcal/kg", "tonnage", ["energy"]),
        ([ORE], "mt", "tonnage", ["mt", "known"]),
        ([ORE, ("tonnage", "ore", 2.5, None, None, "MT")], "t", "tonnage", ["MT", "not known"]),
        ([ORE, ("tonnage", "ore", 2.5, None, None, None)], "t", "tonnage", ["missing"]),
        ([ORE, ("tonnage", "Cu", 0.5, None, None, "Mt")], "t", "tonnage", ["metal", "ore"]),
        ([("contained", "ore", 0.5, None, None, "Mt")], "t", "contained", ["metal", "ore"]),
        ([("contained", "Au", 0.5, None, None, "koz")], "wmt", "contained", ["koz", "fitting"]),
        ([("calorific_value", "coal", 1, 1, 1, "kcal/kg")], "t", "calorific_value", ["energy"]),
        ([ORE], "t", "mass", ["measure", "tonnage"]),
    ],
)
def test_what_is_not_exact_is_refused_by_name(rows, to, measure, words):
    frame = tidy(*rows)
    before = frame.copy()
    with pytest.raises(UnitError) as caught:
        convert(frame, to=to, measure=measure)
    for word in words:
        assert word in str(caught.value)
    pd.testing.assert_frame_equal(frame, before)


def test_a_refusal_names_every_unit_that_cannot_be_converted():
    rows = [("tonnage", "ore", 1.5, None, None, unit) for unit in ("Mt", "wmt", "dmt", "dmt", "MT")]
    with pytest.raises(UnitError) as caught:
        convert(tidy(*rows), to="t")
    text = str(caught.value)
    assert "1 row(s) in 'wmt', 2 row(s) in 'dmt'" in text
    assert "1 row(s) in 'MT'" in text
    assert "'Mt'" not in text
    assert text.endswith("Nothing was changed.")


def sites(*rows):
    frame = pd.DataFrame(rows, columns=["commodity_type", "production_volume", "unit"])
    return frame.astype({"production_volume": "float64", "unit": "string"})


@needs_pint
def test_production_follows_the_same_rule():
    frame = sites(("Gold", 10.0, "koz"), ("Copper", 2.0, "kton"), ("Nickel", None, "wmt"))
    out = convert(frame, to="t", measure="production_volume")
    assert out["production_volume"].tolist()[:2] == [0.311034768, 2000.0]
    assert out["unit"].tolist() == ["t", "t", "wmt"]
    assert frame["unit"].tolist() == ["koz", "kton", "wmt"]
    with pytest.raises(UnitError, match="not the same thing"):
        convert(sites(("Gold", 1.0, "koz"), ("Coal", 1.0, "Mt")), "t", "production_volume")
    with pytest.raises(UnitError, match="convert wmt"):
        convert(sites(("Nickel", 1.0, "wmt")), "t", "production_volume")
    with pytest.raises(UnitError, match="no column production_volume"):
        convert(frame.drop(columns="production_volume"), "t", "production_volume")


def test_without_pint_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "pint":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    units._registry.cache_clear()
    units._factor.cache_clear()
    monkeypatch.delitem(sys.modules, "pint", raising=False)
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigurationError, match=r"sectorsdf\[units\]"):
        convert(tidy(ORE), to="t")


def test_words_of_the_keys():
    assert read_unit("g_per_ton") == ("g/t", "share")
    assert read_unit("KT") == ("Kt", "mass")
    assert read_unit("MT") is None
    assert measured_by("mass", None) == "tonnage"
    assert measured_by("mass", "Cu") == "contained"
    assert measured_by("wet", "Ni") is None
    assert measured_by("dry", None) == "tonnage"
    assert read_unit("wet t") == ("wet t", "wet")
    assert measured_by("ounce", "ore") is None
    assert measured_by("share", "SiO2") == "grade"
    assert measured_by("share", None) is None
    assert [read_component(word) for word in ("Ore", "U3O8", "co", "No", "Li2CO3")] == [
        "ore", "U3O8", None, None, "Li2CO3"
    ]  # fmt: skip
    assert usual_component("tonnage", "COAL") == "coal"
    assert usual_component("tonnage", "Tin") == "ore"
    assert usual_component("tonnage", None) is None
    assert usual_component("contained", "Silver") == "Ag"
    assert usual_component("contained", "Copper") is None


def test_only_a_frame_is_converted():
    with pytest.raises(TypeError, match=r"takes a pandas\.DataFrame, not NoneType"):
        units.convert(None)


def test_labels_give_the_scale_of_wet_and_dry_tonnes():
    assert units.label("wmt") == "million wet tonnes (wmt)"
    assert units.label("dmt") == "million dry tonnes (dmt)"
    assert units.label("Mt") == "Mt"


def test_metals_of_commodities():
    names = ["Gold", " silver", "COPPER", "Tin", "Nickel", "Cobalt", "Platinum", "Zinc", "Lead"]
    assert [metal_of(name) for name in names] == [
        "Au", "Ag", "Cu", "Sn", "Ni", "Co", "Pt", "Zn", "Pb"
    ]  # fmt: skip
    assert {metal_of(name) for name in ("Coal", "Bauxite", "", None)} == {None}
    assert {read_component(metal_of(name)) for name in names} == {metal_of(name) for name in names}


def test_every_element_up_to_uranium_is_a_component():
    table = """
        H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge
        As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm
        Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th
        Pa U
    """
    symbols = table.split()
    assert len(symbols) == 92
    assert [read_component(symbol) for symbol in symbols] == symbols
