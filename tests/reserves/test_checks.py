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


BY_EYE = [
    "stages_swapped",
    "implied_grade",
    "repeated_estimate",
    "ounces_as_tonnes",
    "wet_is_dry",
    "reserves_above_measured_indicated",
    "moisture",
    "calorific_class",
]


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
    assert checks(metal, commodity_type="Gold") == [("stages_swapped", "Au_reserves_koz")]
    both = {"total_reserves_Mt": 9.7, "total_resources_Mt": 9.5}
    assert checks(both, commodity_type="Copper") == [("stages_swapped", "total_reserves_Mt")]


def test_one_more_finding_where_most_sites_of_a_metal_have_the_stages_swapped():
    swapped = {"total_reserves_Mt": 9.5, "total_resources_Mt": 2.5}
    right = {"total_reserves_Mt": 2.5, "total_resources_Mt": 9.5}

    def summary(*answers):
        sites = [
            ({"slug": f"s{n}", "commodity_type": "Gold"}, each) for n, each in enumerate(answers)
        ]
        found = check_resources(tidy(*sites))
        assert found["slug"].isna().tolist() == sorted(found["slug"].isna())
        return found.loc[found["slug"].isna(), "message"].tolist()

    assert summary(swapped, swapped) == []
    assert summary(*[swapped] * 3, *[right] * 3) == []
    (message,) = summary(*[swapped] * 3, *[right] * 2)
    assert message.startswith("reserves exceed resources at 3 of 5 sites of Gold")


def test_reserves_come_from_measured_and_indicated_resources():
    answer = {
        "total_reserves_Mt": 22.6,
        "measured_resources_Mt": 0.0,
        "indicated_resources_Mt": 0.0,
        "inferred_resources_Mt": 22.6,
        "total_resources_Mt": 22.6,
    }
    check = [("reserves_above_measured_indicated", "total_reserves_Mt")]
    assert checks(answer) == check
    (message,) = check_resources(tidy(({}, answer)))["message"]
    assert message.startswith("reserves of 22.6 Mt on 0 Mt of measured and indicated resources")
    assert checks(answer | {"indicated_resources_Mt": 22.6, "total_resources_Mt": 45.2}) == []
    # What is not given is not zero, and what exceeds all resources is reported as that.
    assert checks(answer | {"measured_resources_Mt": None}) == []
    more = checks(answer | {"total_reserves_Mt": 30.6})
    assert more == [("reserves_above_resources", "total_reserves_Mt")]


def estimates(*pairs):
    found = check_resources(tidy(*pairs))
    return found.loc[found["check"] == "repeated_estimate", ["slug", "message"]]


def test_the_same_estimate_at_two_sites():
    answer = {"total_reserves_Mt": 14.756, "total_resources_Mt": 82.1}
    one, other = {"commodity_type": "Gold"}, {"commodity_type": "Copper", "slug": "z"}
    found = estimates((one, answer), (other, answer))
    assert found["slug"].tolist() == ["z"]
    assert "the same estimate as a-mine" in found["message"].iloc[0]
    # The same site in another year, too few digits, one figure, and one other figure.
    assert estimates((one, answer), ({**one, "year": 2022}, answer)).empty
    short = {"total_reserves_Mt": 14.0, "total_resources_Mt": 82.0}
    assert estimates((one, short), (other, short)).empty
    single = {"total_resources_Mt": 14.75698}
    assert estimates((one, single), (other, single)).empty
    assert estimates((one, answer), (other, answer | {"total_reserves_Mt": 14.757})).empty


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
    wet, dry = {"total_resources_wmt": 2.5}, {"total_resources_dmt": 1.5}
    nickel = {"commodity_type": "Nickel"}
    assert checks({"limonite": wet, "saprolite": wet | dry}, **nickel) == []
    assert checks({"limonite": wet}, **nickel) == []
    found = check_resources(tidy((nickel, {"limonite": wet, "saprolite": dry})))
    assert found["check"].tolist() == ["ore_type_units"]
    assert "dmt, wmt" in found["message"].iloc[0]


def test_more_dry_than_wet():
    answer = {"limonite": {"total_reserves_wmt": 2.5, "total_reserves_dmt": 2.5}}
    assert checks(answer, commodity_type="Nickel") == [("moisture", "limonite.total_reserves_dmt")]
    answer["limonite"]["total_reserves_dmt"] = 2.7
    expected = [("dry_above_wet", "limonite.total_reserves_dmt")]
    assert checks(answer, commodity_type="Nickel") == expected


def test_moisture_between_wet_and_dry_tonnes():
    def found(wet, dry):
        answer = {"limonite": {"total_reserves_wmt": wet, "total_reserves_dmt": dry}}
        return checks(answer, commodity_type="Nickel")

    check = [("moisture", "limonite.total_reserves_dmt")]
    assert found(20.0, 13.0) == []
    assert found(19.83, 6.46) == check
    assert found(20.0, 19.5) == check
    # Rounding explains it.
    assert found(0.1, 0.1) == []
    answer = {"saprolite": {"total_resources_wmt": 19.83, "total_resources_dmt": 6.46}}
    row = check_resources(tidy(({"commodity_type": "Nickel"}, answer))).iloc[0]
    assert (round(row["found"], 1), row["unit"]) == (67.4, "%")
    assert "67 % water" in row["message"]


GOLD = {"commodity_type": "Gold"}


def test_the_implied_grade_against_the_grade():
    # 10.5 Mt at 2 g/t hold 21 t of gold: 675 koz.
    answer = {"total_resources_Mt": 10.5, "Au_resources_g_per_ton": {"min": 2.0, "max": 2.0}}
    implied = [("implied_grade", "Au_resources_koz")]
    assert checks(answer | {"Au_resources_koz": 600.0}, **GOLD) == []
    assert checks(answer | {"Au_resources_koz": 0.6}, **GOLD) == implied
    assert checks(answer | {"Ag_resources_koz": 600.0}, **GOLD) == []
    row = check_resources(tidy((GOLD, answer | {"Au_resources_koz": 6000.0}))).iloc[0]
    assert (row["expected"], row["unit"]) == (2.0, "g/t")
    assert row["found"] == pytest.approx(17.773, rel=1e-4)
    copper = {"total_reserves_Mt": 200, "Cu_reserves_pct": 0.5, "Cu_reserves_Mt": 1.1}
    assert checks(copper, commodity_type="Copper") == []


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        ({"total_resources_Mt": 40.2, "Au_resources_koz": 3.5}, "the koz are probably Moz"),
        # No deposit has 184 million ounces.
        ({"total_resources_Mt": 860, "Au_resources_koz": 184}, "Mt are probably thousand tonnes"),
        ({"total_resources_Mt": 10.5, "Au_resources_koz": 6.0}, "off by a hundred"),
        ({"total_resources_Mt": 10.5, "Au_resources_koz": 675e3}, "off by a thousand"),
        ({"total_resources_Mt": 10.5, "Au_resources_koz": 9000.0}, "the grade given is"),
    ],
)
def test_the_message_names_the_mistake_of_scale(answer, advice):
    answer = answer | {"Au_resources_g_per_ton": {"min": 2.0, "max": 6.0}}
    found = check_resources(tidy((GOLD, answer)))
    (message,) = found.loc[found["check"] == "implied_grade", "message"]
    assert advice in message


def test_pounds_of_copper():
    answer = {"total_resources_Mt": 3256, "Cu_resources_Mt": 48676, "Cu_resources_pct": 0.68}
    (message,) = check_resources(tidy(({"commodity_type": "Copper"}, answer)))["message"]
    assert message.endswith("the Mt of metal are probably in pounds instead of tonnes")


def test_a_stage_without_a_grade_has_that_of_the_other_or_of_mines():
    resources = {"total_resources_Mt": 6.8, "Au_resources_koz": 1.58}
    other = {"Au_reserves_g_per_ton": {"min": 1.8, "max": 1.8}}
    (message,) = check_resources(tidy((GOLD, resources | other)))["message"]
    assert "and the other stage has 1.8 g/t; the koz are probably Moz" in message
    (message,) = check_resources(tidy((GOLD, resources)))["message"]
    assert "beyond the grades of mines (0.05 g/t); the koz are probably Moz" in message
    # A factor of four is possible between reserves and resources.
    assert checks(resources | {"Au_resources_koz": 100.0} | other, **GOLD) == []
    assert checks(resources | {"Au_resources_koz": 1580.0}, **GOLD) == []


NICKEL = {"commodity_type": "Nickel"}


def test_wet_and_dry_tonnes_are_millions():
    dry = {"total_reserves_wmt": 264.29, "total_reserves_dmt": 163.68, "Ni_reserves_pct": 1.14}
    assert checks({"limonite": dry | {"Ni_reserves_Kt": 1860.0}}, **NICKEL) == []
    off = checks({"limonite": dry | {"Ni_reserves_Kt": 186.0}}, **NICKEL)
    assert off == [("implied_grade", "limonite.Ni_reserves_Kt")]


def test_wet_tonnes_that_are_dry():
    wet = {"total_resources_wmt": 708.9, "Ni_resources_pct": 1.12}
    # With a third of water there is less metal.
    assert checks({"limonite": wet | {"Ni_resources_Kt": 5300.0}}, **NICKEL) == []
    found = check_resources(tidy((NICKEL, {"limonite": wet | {"Ni_resources_Kt": 7922.0}})))
    assert found["check"].tolist() == ["wet_is_dry"]
    row = found.iloc[0]
    assert (row["found"], row["unit"]) == (708.9, "wmt")
    assert row["source_field"] == "limonite.total_resources_wmt"
    both = wet | {"total_resources_dmt": 450.5, "Ni_resources_Kt": 5045.0}
    assert checks({"limonite": both}, **NICKEL) == []


def test_ounces_as_tonnes():
    ounces = [("ounces_as_tonnes", "total_resources_Mt")]
    assert checks({"total_resources_Mt": 1510.5}, **GOLD) == ounces
    assert checks({"total_resources_Mt": 950.5}, **GOLD) == []
    assert checks({"total_resources_Mt": 1510.5}, commodity_type="Copper") == []
    assert checks({"total_resources_Mt": 1510.5, "Cu_resources_pct": 0.5}, **GOLD) == []
    # A deposit of gold and copper stands under both.
    answer = {"total_resources_Mt": 1510.5}
    table = tidy((GOLD, answer), ({"commodity_type": "Copper"}, answer))
    assert check_resources(table).empty


def test_calorific_values_that_are_classes():
    def found(*ranges):
        sites = [
            ({"slug": f"s{n}"}, {"calorific_value_kcal": {"min": low, "max": high}})
            for n, (low, high) in enumerate(ranges)
        ]
        table = check_resources(tidy(*sites))
        assert table["slug"].isna().all()
        return table["message"].tolist()

    classes = [(None, 5100), (5100, 6100), (6100, 7100), (7100, None)]
    (message,) = found(*classes)
    assert message.startswith("4 of 4 calorific values of Coal are classes")
    assert found(*classes[:2]) == []
    assert found(*classes, (5200, 5900)) == []
    assert found((5150, 6100), (4200, 4200), (5100, 6200)) == []


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
    single = found[found["slug"].notna()]
    above = single[single["check"].isin(["reserves_above_resources", "stages_swapped"])]
    assert set(above[KEY].itertuples(index=False, name=None)) == expected
    assert (above["check"] == "stages_swapped").eq(above["commodity_type"] != "Coal").all()
    assert found["message"].str.len().gt(10).all()
    assert not single["source_field"].isna().any()
    assert not single.duplicated([*KEY, "check", "source_field"]).any()


def test_numbers_of_findings_in_the_real_records(real_sites):
    table = tidy(*(({name: s[name] for name in KEY}, s["resources_reserves"]) for s in real_sites))
    found = check_resources(table)
    counts = found["check"].value_counts().to_dict()
    # Each was compared with the record by eye.
    assert {name: counts[name] for name in BY_EYE} == {
        "stages_swapped": 19,
        "implied_grade": 5,
        "repeated_estimate": 3,
        "ounces_as_tonnes": 2,
        "wet_is_dry": 2,
        "reserves_above_measured_indicated": 1,
        "moisture": 1,
        "calorific_class": 1,
    }
    for text in ("49 of 49 calorific", "at 13 of 19 sites of Gold", "at 4 of 7 sites of Copper"):
        assert found["message"].str.contains(text, regex=False).sum() == 1


def test_a_frame_of_another_dataset_is_refused():
    with pytest.raises(ValueError, match=r"no column commodity_type, .* more; get_mining_site_res"):
        check_resources(pd.DataFrame({"slug": ["a"]}))
    with pytest.raises(TypeError, match="takes a DataFrame, not list"):
        check_resources([])
