"""Checks: each finding has a case that has it and one that barely does not."""

from __future__ import annotations

import pandas as pd
import pytest

from sectorsdf.reserves.checks import FINDING_DTYPES, check_resources
from sectorsdf.reserves.reader import FIGURE_FIELDS, figures

KEY = ["slug", "year", "commodity_type", "company_slug"]
DTYPES = dict.fromkeys([*KEY, *FIGURE_FIELDS], "string") | {
    "year": "Int64",
    "measurement_year": "Int64",
    "value": "float64",
    "value_min": "float64",
    "value_max": "float64",
    "verified": "boolean",
}


def tidy(*sites):
    """Build the table from (site, answer) pairs; a site is its differences from a default."""
    rows = []
    for site, answer in sites:
        key = {"slug": "a-mine", "year": 2023, "commodity_type": "Coal", "company_slug": "a-firm"}
        key |= site
        found, _ = figures(answer, commodity_type=key["commodity_type"])
        rows.extend(key | row for row in found)
    return pd.DataFrame(rows, columns=list(DTYPES)).astype(DTYPES)


def checks(answer, **site):
    found = check_resources(tidy((site, answer)))
    assert {name: str(dtype) for name, dtype in found.dtypes.items()} == FINDING_DTYPES
    return list(found[["check", "source_field"]].itertuples(index=False, name=None))


SUM = {"proven_reserves_Mt": 10.4, "probable_reserves_Mt": 5.2}


@pytest.mark.parametrize(
    ("total", "found"),
    [
        (15.6, False),
        (15.7, False),
        (15.8, True),
        (15.4, True),
        (16.0, True),
        (15.45, True),
        (15.5, False),
    ],
)
def test_parts_and_total_within_rounding(total, found):
    answer = SUM | {"total_reserves_Mt": total}
    expected = [("parts_total", "total_reserves_Mt")] if found else []
    assert checks(answer) == expected


def test_whole_numbers_are_rounded_where_nothing_beside_them_shows_a_decimal():
    answer = {"measured_resources_Mt": 10.0, "indicated_resources_Mt": 20.0}
    answer |= {"inferred_resources_Mt": 30.0}
    assert checks(answer | {"total_resources_Mt": 62.0}) == []
    assert checks(answer | {"total_resources_Mt": 63.0}) == [("parts_total", "total_resources_Mt")]
    answer["indicated_resources_Mt"] = 20.1
    assert checks(answer | {"total_resources_Mt": 61.0}) == [("parts_total", "total_resources_Mt")]


def test_parts_that_are_missing():
    answer = {"measured_resources_Mt": 10.5, "indicated_resources_Mt": 20.5}
    assert checks(answer | {"total_resources_Mt": 45.5}) == []
    assert checks(answer | {"total_resources_Mt": 25.5}) == [("parts_total", "total_resources_Mt")]
    assert checks(answer) == []


def test_a_part_above_its_total():
    answer = {"measured_resources_Mt": 30.5, "total_resources_Mt": 25.5}
    assert checks(answer) == [("part_above_total", "measured_resources_Mt")]
    found = check_resources(tidy(({}, answer))).iloc[0]
    assert (found["expected"], found["found"], found["unit"]) == (25.5, 30.5, "Mt")


def test_more_reserves_than_resources():
    above = ("reserves_above_resources", "total_reserves_Mt")
    assert checks({"total_reserves_Mt": 9.6, "total_resources_Mt": 9.5}) == []
    assert checks({"total_reserves_Mt": 9.7, "total_resources_Mt": 9.5}) == [above]
    assert checks({"total_reserves_Mt": 0.2, "total_resources_Mt": 0.0}) == [above]
    assert checks({"total_reserves_Mt": 0.0, "total_resources_Mt": 0.0}) == []
    assert checks(SUM | {"total_resources_Mt": 9.5}) == [
        ("reserves_above_resources", "proven_reserves_Mt")
    ]
    metal = {"Au_reserves_koz": 20.5, "Au_resources_koz": 10.5}
    assert checks(metal, commodity_type="Gold") == [("reserves_above_resources", "Au_reserves_koz")]


def test_a_verified_figure_is_left_out():
    answer = {"total_reserves_Mt": 5.5, "total_resources_Mt": 9.5, "total_resources_verify_Mt": 1.5}
    assert checks(answer) == []


def test_a_figure_given_twice():
    answer = {"total_resources_Mt": 9.5, "ore_total_resources_Mt": 9.5}
    assert checks(answer, commodity_type="Gold") == []
    answer["ore_total_resources_Mt"] = 8.5
    assert checks(answer, commodity_type="Gold") == [("repeated_figure", "ore_total_resources_Mt")]


@pytest.mark.parametrize(
    ("key", "grade", "found"),
    [
        ("Ni_reserves_pct", 1.5, False),
        ("Ni_reserves_pct", -0.1, True),
        ("SiO2_reserves_pct", 99.9, False),
        ("SiO2_reserves_pct", 100.1, True),
        ("Fe_reserves_pct", 72.3, False),
        ("Fe_reserves_pct", 72.5, True),
        ("Co_reserves_pct", 42.0, False),
        ("Au_reserves_g_per_ton", 900_000, False),
        ("Au_reserves_g_per_ton", 1_000_001, True),
        ("Zn_reserves_ppm", 810_000, True),
    ],
)
def test_grades_within_what_the_element_can_have(key, grade, found):
    expected = [("grade_bounds", key)] if found else []
    assert checks({key: grade}, commodity_type="Gold") == expected
    assert checks({key: {"min": grade, "max": grade}}, commodity_type="Gold") == expected


def test_a_laterite_holds_less():
    answer = {"limonite": {"Co_reserves_pct": 2.1, "Ni_reserves_pct": 9.9}}
    assert checks(answer, commodity_type="Nickel") == [("grade_bounds", "limonite.Co_reserves_pct")]
    assert checks({"Co_reserves_pct": 2.1}, commodity_type="Nickel") == []


def test_bounds_of_a_range():
    assert checks({"calorific_value_kcal": {"min": 5000, "max": 6000}}) == []
    assert checks({"calorific_value_kcal": {"min": 6000, "max": 5000}}) == [
        ("min_above_max", "calorific_value_kcal")
    ]
    assert checks({"calorific_value_kcal": {"min": 7000, "max": None}}) == []
    assert checks({"calorific_value_kcal": {"min": None, "max": 9500}}) == [
        ("calorific_value_bounds", "calorific_value_kcal")
    ]
    assert checks({"calorific_value_kcal": {"min": 50, "max": 60}}) == [
        ("calorific_value_bounds", "calorific_value_kcal")
    ]
    assert checks({"total_reserves_Mt": -1.5}) == [("negative", "total_reserves_Mt")]


@pytest.mark.parametrize(
    ("measured", "found"),
    [(2023, False), (2024, True), (1950, False), (1949, True), (None, False)],
)
def test_the_year_of_the_measurement(measured, found):
    answer = {"measurement_year": measured, "total_reserves_Mt": 5.5, "total_resources_Mt": 9.5}
    assert checks(answer) == ([("measurement_year", "measurement_year")] if found else [])
    assert checks({"measurement_year": measured}) == checks(answer)


def test_ore_types_in_different_units():
    wet, dry = {"total_resources_wmt": 2.5}, {"total_resources_dmt": 2.5}
    nickel = {"commodity_type": "Nickel"}
    assert checks({"limonite": wet, "saprolite": wet | dry}, **nickel) == []
    assert checks({"limonite": wet}, **nickel) == []
    found = check_resources(tidy((nickel, {"limonite": wet, "saprolite": dry})))
    assert found["check"].tolist() == ["ore_type_units"]
    assert "dmt, wmt" in found["message"].iloc[0]


def test_more_dry_than_wet():
    answer = {"limonite": {"total_reserves_wmt": 2.5, "total_reserves_dmt": 2.5}}
    assert checks(answer, commodity_type="Nickel") == []
    answer["limonite"]["total_reserves_dmt"] = 2.7
    expected = [("dry_above_wet", "limonite.total_reserves_dmt")]
    assert checks(answer, commodity_type="Nickel") == expected


def test_contained_metal_against_tonnage_times_grade():
    # 10 Mt at 2 g/t hold 20 t of gold: 643 koz.
    answer = {"total_resources_Mt": 10.5, "Au_resources_g_per_ton": {"min": 2.0, "max": 2.0}}
    gold = {"commodity_type": "Gold"}
    assert checks(answer | {"Au_resources_koz": 600.0}, **gold) == []
    assert checks(answer | {"Au_resources_koz": 0.6}, **gold) == [
        ("contained_metal", "Au_resources_koz")
    ]
    assert checks(answer | {"Ag_resources_koz": 0.6}, **gold) == []
    found = check_resources(tidy((gold, answer | {"Au_resources_koz": 6000.0})))
    assert found["expected"].tolist() == pytest.approx([675.165], rel=1e-4)
    copper = {"total_reserves_Mt": 200, "Cu_reserves_pct": 0.5, "Cu_reserves_Mt": 1.1}
    assert checks(copper, commodity_type="Copper") == []


def test_sites_with_the_same_name_are_separate():
    low = {"total_reserves_Mt": 9.5, "total_resources_Mt": 20.5}
    high = {"total_reserves_Mt": 30.5, "total_resources_Mt": 40.5}
    table = tidy(({}, low), ({"company_slug": "b-firm"}, high), ({"company_slug": None}, low))
    assert check_resources(table).empty
    bad = {"total_reserves_Mt": 30.5, "total_resources_Mt": 20.5}
    table = tidy(
        ({}, low), ({"company_slug": None}, bad), ({"year": 2022}, bad), ({"slug": "z"}, low)
    )
    found = check_resources(table)
    assert found["check"].tolist() == ["reserves_above_resources"] * 2
    assert found["company_slug"].isna().tolist() == [True, False]
    assert found["year"].tolist() == [2023, 2022]


def test_nothing_is_changed_and_nothing_gives_the_same_shape():
    table = tidy(({}, {"proven_reserves_Mt": 30.5, "total_reserves_Mt": 20.5}))
    table.index = pd.Index([7] * len(table))
    before = table.copy()
    assert len(check_resources(table)) == 1
    pd.testing.assert_frame_equal(table, before)
    empty = check_resources(table.iloc[:0])
    assert len(empty) == 0
    assert {name: str(dtype) for name, dtype in empty.dtypes.items()} == FINDING_DTYPES
    loose = pd.DataFrame(table.to_dict("records")).astype(object)
    pd.testing.assert_frame_equal(check_resources(loose), check_resources(table))


def test_rows_outside_the_grammar_do_no_harm():
    assert (
        checks({"odd": 5.5, "other": "text", "limonite": {"x": 1, "total_reserves_wmt": 2}}) == []
    )


def test_findings_over_the_real_records(real_sites):
    """Recompute the two sums over the real records without the code under test."""
    table = tidy(*(({name: s[name] for name in KEY}, s["resources_reserves"]) for s in real_sites))
    found = check_resources(table)
    expected = set()
    for site in real_sites:
        answer = site["resources_reserves"] or {}
        names = ["total_reserves_Mt", "total_resources_Mt"]
        reserves, resources = (answer.get(name) for name in names)
        if reserves is None:
            parts = [answer.get(f"{part}_reserves_Mt") for part in ("proven", "probable")]
            reserves = None if None in parts else sum(parts)
        # Clear of any rounding on both sides, so that no rule for it is needed here.
        if None not in (reserves, resources) and reserves > resources * 1.02:
            expected.add(tuple(site[name] for name in KEY))
    above = found[found["check"] == "reserves_above_resources"]
    assert set(above[KEY].itertuples(index=False, name=None)) == expected
    assert found["message"].str.len().gt(10).all()
    assert not found["source_field"].isna().any()
    assert not found.duplicated([*KEY, "check", "source_field"]).any()
