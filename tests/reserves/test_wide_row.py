"""One row for each site: its tonnages in one unit, and no sum with a missing part."""

from __future__ import annotations

import pytest

from sectorsdf.reserves.wide_row import wide, widen


def test_wide_over_every_real_site(real_sites):
    names = ["proven_reserves", "probable_reserves", "total_reserves", "measured_resources"]
    names += ["indicated_resources", "inferred_resources", "total_resources"]
    for site in real_sites:
        answer = site["resources_reserves"] or {}
        out = wide(answer, commodity_type=site["commodity_type"])
        expected = {}
        for name in names:
            if "limonite" in answer:
                parts = [
                    answer[kind][f"{name}_wmt"]
                    for kind in ("limonite", "saprolite")
                    if f"{name}_wmt" in answer[kind]
                ]
                expected[name] = sum(parts) if parts and None not in parts else None
            else:
                expected[name] = answer.get(f"{name}_Mt")
        assert {name: out[name] for name in names} == pytest.approx(expected)
        unit = "wmt" if site["commodity_type"] == "Nickel" else "Mt"
        some = any(value is not None for value in expected.values())
        assert out["tonnage_unit"] == (unit if some else None)
        assert out["measurement_year"] == answer.get("measurement_year")
        heat = answer.get("calorific_value_kcal") or {}
        assert out["calorific_value_min"] == heat.get("min")
        assert out["calorific_value_max"] == heat.get("max")


def test_wide_takes_tonnages_only_and_never_a_verified_one():
    answer = {
        "measurement_year": 2022,
        "total_resources_Mt": 9.5,
        "total_resources_verify_Mt": 8.5,
        "Cu_resources_Mt": 0.5,
        "Au_resources_koz": 100,
        "exploration_target_Mt": 50,
        "Cu_total_reserves_Mt": 0.25,
    }
    out = wide(answer, commodity_type="Copper")
    assert out == dict.fromkeys(out) | {
        "measurement_year": 2022,
        "total_resources": 9.5,
        "tonnage_unit": "Mt",
    }
    assert (
        wide({"total_resources_verify_Mt": 8.5}, commodity_type="Gold")["total_resources"] is None
    )


def test_wide_reads_the_list():
    items = [
        {"category": "Measured Resources", "volume": 50, "unit": "kt"},
        {"category": "Proved Reserves", "volume": 20, "unit": "Kt"},
        {"category": "Calorific value", "volume": 5200, "unit": "kcal/kg"},
    ]
    out = wide(items, commodity_type="Coal")
    assert (out["measured_resources"], out["proven_reserves"]) == (50.0, 20.0)
    assert out["tonnage_unit"] == "Kt"
    assert (out["calorific_value_min"], out["calorific_value_max"]) == (5200.0, 5200.0)


def test_wide_never_mixes_units():
    answer = {"total_reserves_Mt": 1.5, "total_resources_Kt": 3000}
    out, problems = widen(answer, commodity_type="Gold")
    assert set(out.values()) == {None}
    assert [problem["column"] for problem in problems] == ["tonnage_unit"]


def test_wide_takes_wet_tonnes_throughout():
    answer = {
        "limonite": {
            "total_reserves_wmt": 1.5,
            "total_reserves_dmt": 1.0,
            "total_resources_dmt": 4,
        },
        "saprolite": {
            "total_reserves_wmt": 2.5,
            "total_reserves_dmt": 2.0,
            "total_resources_dmt": 5,
        },
    }
    out, problems = widen(answer, commodity_type="Nickel")
    assert (out["total_reserves"], out["tonnage_unit"]) == (4.0, "wmt")
    assert out["total_resources"] is None
    assert [problem["column"] for problem in problems] == ["total_resources"]
    dry = {name: {"total_reserves_dmt": 2.0} for name in ("limonite", "saprolite")}
    out = wide(dry, commodity_type="Nickel")
    assert (out["total_reserves"], out["tonnage_unit"]) == (4.0, "dmt")


@pytest.mark.parametrize(
    "other", [None, {}, {"total_reserves_wmt": None}, {"total_reserves_dmt": 1}]
)
def test_wide_gives_no_partial_sum(other):
    answer = {"limonite": other, "saprolite": {"total_reserves_wmt": 2.5}}
    out, problems = widen(answer, commodity_type="Nickel")
    assert out["total_reserves"] is None
    assert out["tonnage_unit"] is None
    assert problems
    alone = wide({"saprolite": {"total_reserves_wmt": 2.5}}, commodity_type="Nickel")
    assert alone["total_reserves"] == 2.5


def test_wide_leaves_figures_that_differ_missing():
    answer = {"total_reserves_Mt": 1.5, "ore_total_reserves_Mt": 2.5, "total_resources_Mt": 9}
    out, problems = widen(answer, commodity_type="Gold")
    assert out["total_reserves"] is None
    assert out["total_resources"] == 9.0
    assert [problem["column"] for problem in problems] == ["total_reserves"]
    answer = {"calorific_value_kcal": 5000, "oxidised": {"calorific_value_kcal": {"max": 4000}}}
    out, problems = widen(answer, commodity_type="Coal")
    assert out["calorific_value_max"] is None
    assert [problem["column"] for problem in problems] == ["calorific_value"]


def test_wide_of_nothing():
    out = wide(None, commodity_type=None)
    assert set(out.values()) == {None}
    assert len(out) == 11
