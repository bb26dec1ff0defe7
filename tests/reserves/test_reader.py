"""Resources and reserves: every shape becomes figures, nothing is lost, and the JSON comes back."""

from __future__ import annotations

import json
import math
import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.budgets import examples

from sectorsdf.reserves.reader import FIGURE_FIELDS, figures, rebuild, without_nulls
from sectorsdf.reserves.wide_row import wide


def one(answer, commodity_type="Gold"):
    rows, problems = figures(answer, commodity_type=commodity_type)
    assert problems == []
    assert len(rows) == 1
    assert tuple(rows[0]) == FIGURE_FIELDS
    return rows[0]


def said(row):
    return tuple(
        row[name] for name in ("stage", "category", "component", "measure", "unit", "verified")
    )


def same(left, right):
    """Equality of JSON: numbers by value, a boolean is not a number."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right or (left != left and right != right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def prune(value):
    """Implement `without_nulls` a second time, leaf by leaf."""
    if isinstance(value, dict):
        value = {k: prune(v) for k, v in value.items()}
        value = {k: v for k, v in value.items() if v is not None}
        return value or None
    if isinstance(value, list):
        return [v for v in map(prune, value) if v is not None] or None
    return value


@pytest.mark.parametrize(
    ("key", "commodity", "expected"),
    [
        ("proven_reserves_Mt", "Coal", ("reserves", "proven", "coal", "tonnage", "Mt", None)),
        ("total_reserves_Mt", "Gold", ("reserves", "total", "ore", "tonnage", "Mt", None)),
        ("total_reserves_Mt", None, ("reserves", "total", None, "tonnage", "Mt", None)),
        ("proven_reserves_kt", "coal", ("reserves", "proven", "coal", "tonnage", "Kt", None)),
        ("Zn_resources_pct", "Zinc", ("resources", None, "Zn", "grade", "%", None)),
        ("ore_total_resources_Mt", "Gold", ("resources", "total", "ore", "tonnage", "Mt", None)),
        (
            "total_resources_verify_Mt",
            "Coal",
            ("resources", "total", "coal", "tonnage", "Mt", True),
        ),
        ("Pt_reserves_koz", "Gold", ("reserves", None, "Pt", "contained", "koz", None)),
        (
            "exploration_target_Mt",
            "Gold",
            (None, "exploration_target", "ore", "tonnage", "Mt", None),
        ),
        ("total_inventory_Mt", "Coal", (None, "inventory", "coal", "tonnage", "Mt", None)),
        ("Au_reserves_g_per_ton", "Gold", ("reserves", None, "Au", "grade", "g/t", None)),
        ("calorific_value_kcal", "Coal", (None, None, "coal", "calorific_value", "kcal/kg", None)),
        ("Cu_reserves_Mt", "Copper", ("reserves", None, "Cu", "contained", "Mt", None)),
        ("Al2O3_resources_pct", "Nickel", ("resources", None, "Al2O3", "grade", "%", None)),
        (
            "measured_Ni_resources_Kt",
            "Nickel",
            ("resources", "measured", "Ni", "contained", "Kt", None),
        ),
        ("total_reserves_koz", "Gold", ("reserves", "total", "Au", "contained", "koz", None)),
        ("total_reserves_koz", "Copper", ("reserves", "total", None, "contained", "koz", None)),
        ("total_resources_dmt", "Nickel", ("resources", "total", "ore", "tonnage", "dmt", None)),
        ("Fe_resources_ppm", "Iron", ("resources", None, "Fe", "grade", "ppm", None)),
    ],
)
def test_the_parts_of_a_key_say_what_the_figure_is(key, commodity, expected):
    row = one({key: 12.5}, commodity)
    assert said(row) == expected
    assert row["value"] == 12.5
    assert row["source_field"] == key
    ranged = expected[3] in {"grade", "calorific_value"}
    assert (row["value_min"], row["value_max"]) == ((12.5, 12.5) if ranged else (None, None))
    assert same(rebuild([row]), {key: 12.5})


@pytest.mark.parametrize(
    "key",
    [
        "strip_ratio",
        "proven_Mt",
        "reserves_Mt",
        "total_reserves_mt",
        "total_reserves_MT",
        "total_total_reserves_Mt",
        "proven_inventory_Mt",
        "proven_probable_reserves_Mt",
        "Xx_reserves_pct",
        "ore_reserves_pct",
        "Ni_reserves_wmt",
        "co_reserves_pct",
        "total_reserves_Mt_note",
        "calorific_value_Mt",
        "Mt",
        "",
        "_",
    ],
)
def test_a_key_outside_the_grammar_is_kept_and_reported(key):
    rows, problems = figures({key: 3.5}, commodity_type="Gold")
    assert len(rows) == len(problems) == 1
    assert rows[0]["value"] == 3.5
    assert said(rows[0]) == (None,) * 6
    assert problems[0]["column"] == "resources_reserves"
    assert problems[0]["raw"] == "3.5"
    assert "grammar" in problems[0]["reason"]
    assert same(rebuild(rows), {key: 3.5})


@pytest.mark.parametrize(
    ("category", "unit", "expected"),
    [
        ("Measured Resources", "Mt", ("resources", "measured", "coal", "tonnage", "Mt", None)),
        ("proved reserves", "Kt", ("reserves", "proven", "coal", "tonnage", "Kt", None)),
        ("Probable Reserve", "kt", ("reserves", "probable", "coal", "tonnage", "Kt", None)),
        ("EXPLORATION TARGET", "Mt", (None, "exploration_target", "coal", "tonnage", "Mt", None)),
        ("Inferred Mineral Resource", "t", ("resources", "inferred", "coal", "tonnage", "t", None)),
        ("Ore Reserves - Total", "Mt", ("reserves", "total", "ore", "tonnage", "Mt", None)),
    ],
)
def test_the_list_of_the_documentation(category, unit, expected):
    answer = [{"category": category, "volume": 50, "unit": unit}]
    row = one(answer, "Coal")
    assert said(row) == expected
    assert row["value"] == 50.0
    assert row["source_field"] == "[0].volume"
    assert same(rebuild([row]), answer)


def test_a_list_keeps_what_it_cannot_read():
    answer = [
        {"category": "Measured and Indicated Resources", "volume": 1.5, "unit": "Mt"},
        {"category": "Total Resources", "volume": 2.5, "unit": "MT"},
        {"category": "Total Reserves", "volume": 3.5, "unit": "Mt", "competent_person": "A. N."},
        {"category": "Inferred Resources", "volume": None, "unit": "Mt"},
        {"category": "Inferred Resources", "volume": "about 4", "unit": "Mt"},
        {"category": "Total Inventory", "volume": {"min": 1, "max": 2}, "unit": "Mt"},
        None,
        7,
        "text",
        {},
        {"volume": 2**53 + 1},
        {"category": "Total Resources", "volume": 4.5, "unit": "\ud800"},
    ]
    rows, problems = figures(answer, commodity_type="Coal")
    assert [row["source_field"] for row in rows] == [
        "[0].volume",
        "[1].volume",
        "[2].volume",
        "[3]",
        "[4].volume",
        "[5].volume",
        "[7]",
        "[8]",
        "[10].volume",
        "[11].volume",
    ]
    assert (rows[0]["value"], rows[0]["unit"], rows[0]["measure"]) == (1.5, "Mt", None)
    assert (rows[1]["stage"], rows[1]["unit"], rows[1]["measure"]) == ("resources", "MT", None)
    assert (rows[5]["value_min"], rows[5]["value_max"]) == (1.0, 2.0)
    assert [row["unit"] for row in rows[-2:]] == [None, None]
    assert len(problems) == 8
    # A figure that is missing is no problem, and one that is no number is.
    reported = {problem["reason"].partition("]")[0] for problem in problems}
    assert "[3" not in reported
    assert "[4" in reported
    assert same(rebuild(rows), prune(answer))


def test_coal():
    answer = {
        "measurement_year": 2021,
        "proven_reserves_Mt": 10.5,
        "probable_reserves_Mt": None,
        "total_resources_Mt": 30,
        "calorific_value_kcal": {"min": None, "max": 5000},
    }
    rows, problems = figures(answer, commodity_type="Coal")
    assert problems == []
    assert [row["measurement_year"] for row in rows] == [2021] * 3
    heat = rows[2]
    assert (heat["value"], heat["value_min"], heat["value_max"]) == (None, None, 5000.0)
    assert heat["raw"] is None
    assert same(rebuild(rows), prune(answer))


def test_a_range_is_one_row_and_a_lone_number_stays_one():
    answer = {
        "Au_reserves_g_per_ton": {"min": 1.5, "max": 1.5},
        "Ag_reserves_g_per_ton": 1.5,
        "Cu_reserves_pct": {"min": 0.5, "max": 0.75},
    }
    rows, _ = figures(answer, commodity_type="Gold")
    assert [(r["value"], r["value_min"], r["value_max"]) for r in rows] == [
        (1.5, 1.5, 1.5),
        (1.5, 1.5, 1.5),
        (None, 0.5, 0.75),
    ]
    assert [row["raw"] for row in rows] == [None, "1.5", None]
    assert same(rebuild(rows), answer)


def test_nickel_and_any_other_nested_name():
    answer = {
        "measurement_year": 2023,
        "limonite": {"total_resources_wmt": 10.5, "Ni_resources_pct": {"min": 1.1, "max": 1.1}},
        "transition zone": {"total_resources_wmt": 2.5, "remark": "new"},
        "notes": {"author": "B."},
    }
    rows, problems = figures(answer, commodity_type="Nickel")
    assert [(row["ore_type"], row["source_field"]) for row in rows] == [
        ("limonite", "limonite.total_resources_wmt"),
        ("limonite", "limonite.Ni_resources_pct"),
        ("transition zone", '["transition zone"].total_resources_wmt'),
        ("transition zone", '["transition zone"].remark'),
        (None, "notes.author"),
    ]
    assert len(problems) == 2
    assert same(rebuild(rows), answer)


@pytest.mark.parametrize(
    "nothing", [None, {}, [], {"limonite": {}, "a": None}, [None, {"unit": None}]]
)
def test_nothing_gives_no_row(nothing):
    assert figures(nothing, commodity_type="Gold") == ([], [])
    assert rebuild([]) is None
    assert without_nulls(nothing) is None


def test_the_year_is_not_lost_where_nothing_else_came():
    row = one({"measurement_year": 2020, "total_reserves_Mt": None})
    assert (row["measurement_year"], row["source_field"]) == (2020, "measurement_year")
    assert row["measure"] is None
    assert rebuild([row]) == {"measurement_year": 2020}


@pytest.mark.parametrize("year", ["2020", 2020.5, True, 10**30, 2**63, {"from": 2019}, [2019]])
def test_a_year_that_is_none_is_kept_as_it_came(year):
    answer = {"measurement_year": year, "total_reserves_Mt": 1.5}
    rows, problems = figures(answer, commodity_type="Gold")
    assert all(row["measurement_year"] is None for row in rows)
    assert problems
    assert same(rebuild(rows), answer)


@pytest.mark.parametrize(
    "value",
    [
        "12.5",
        True,
        [1.5],
        {"low": 1},
        {"min": 1, "max": 2, "mean": 1.4},
        {"min": "1", "max": 2},
        {"min": False, "max": 2},
        2**53 + 1,
        10**400,
        -(2**63) - 1,
        math.inf,
        math.nan,
    ],
)
def test_a_value_that_is_no_exact_number_keeps_its_text(value):
    others = () if isinstance(value, dict) else ("other",)
    for key in ("total_reserves_Mt", "Au_reserves_pct", *others):
        rows, problems = figures({key: value}, commodity_type="Gold")
        assert problems
        assert rows[0]["value"] is None
        assert same(rebuild(rows), {key: value})


def test_a_big_number_that_float64_holds_is_a_number():
    assert one({"total_reserves_Mt": 2**60})["value"] == float(2**60)


def test_rows_survive_a_frame():
    answer = {
        "measurement_year": 2022,
        "total_reserves_Mt": 1.5,
        "Au_reserves_pct": {"max": 2},
        "odd": [1, None, "x"],
    }
    rows, _ = figures(answer, commodity_type="Gold")
    frame = pd.DataFrame(rows).astype(
        {"measurement_year": "Int64", "stage": "string", "raw": "string", "verified": "boolean"}
    )
    assert same(rebuild(frame.to_dict("records")), prune(answer))


def test_rows_of_two_sites_are_not_one_answer():
    rows, _ = figures({"total_reserves_Mt": 1.5}, commodity_type="Gold")
    with pytest.raises(ValueError, match="one site only"):
        rebuild(rows * 2)


# --- nothing is lost, for any JSON ---------------------------------------------------------

NUMBERS = st.integers() | st.floats(allow_nan=False) | st.integers(0, 9999)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(max_size=5)
NAMES = st.sampled_from(
    (
        *("measurement_year", "limonite", "category", "volume", "unit", "min", "max", "a.b"),
        *("[0]", "$", "0", "total_reserves_Mt", "Ni_reserves_pct", "calorific_value_kcal"),
    )
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(NAMES | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=20,
)
GRAMMAR_KEYS = st.builds(
    "{}_{}_{}".format,
    st.sampled_from(["proven", "total", "measured", "Ni", "SiO2", "ore", "coal_total", "U3O8"]),
    st.sampled_from(["reserves", "resources", "resource", "resources_verify"]),
    st.sampled_from(["Mt", "kt", "wmt", "dmt", "pct", "g_per_ton", "koz", "kg"]),
)
RANGES = st.fixed_dictionaries({"min": st.none() | NUMBERS, "max": st.none() | NUMBERS})
BLOCKS = st.dictionaries(GRAMMAR_KEYS, st.none() | NUMBERS | RANGES, max_size=6)
ITEMS = st.fixed_dictionaries(
    {
        "category": st.sampled_from(["Measured Resources", "Proved reserves", "other"]),
        "volume": st.none() | NUMBERS,
        "unit": st.sampled_from(["Mt", "kt", "MT", "%", None]),
    },
    optional={"note": SCALARS},
)
SHAPED = st.lists(ITEMS, max_size=5) | st.builds(
    lambda year, flat, blocks: {"measurement_year": year} | flat | blocks,
    st.none() | st.integers(1900, 2100),
    BLOCKS,
    st.dictionaries(st.sampled_from(["limonite", "saprolite", "oxide"]), BLOCKS, max_size=3),
)


def leaves(value):
    """List the non-null leaves of a JSON value, in no order."""
    if isinstance(value, dict):
        return [leaf for member in value.values() for leaf in leaves(member)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [] if value is None else [value]


def carried(rows):
    """List the leaves that the rows carry, by the documented rule."""
    out = []
    years = {row["measurement_year"] for row in rows} - {None}
    assert len(years) <= 1
    out.extend(years)
    for row in rows:
        bounds = [row[name] for name in ("value_min", "value_max") if row[name] is not None]
        if row["raw"] is not None:
            inside = json.loads(row["raw"])
            out.extend(leaves(inside))
            item = re.fullmatch(r"\[\d+\]\.volume", row["source_field"])
            if item and "volume" not in inside:
                out.append(row["value"])
        elif bounds:
            out.extend(bounds)
        elif row["value"] is not None:
            out.append(row["value"])
    return out


def tally(values):
    return sorted((isinstance(v, bool), isinstance(v, str), v) for v in values)


@settings(max_examples=examples(4), deadline=None)
@given(ANY_JSON | SHAPED, st.sampled_from(["Coal", "Gold", "Nickel", None]))
def test_nothing_is_lost(answer, commodity):
    rows, problems = figures(answer, commodity_type=commodity)
    assert tally(carried(rows)) == tally(leaves(answer))
    paths = [row["source_field"] for row in rows]
    assert len(set(paths)) == len(paths)
    assert all(set(problem) == {"column", "raw", "reason"} for problem in problems)
    assert same(rebuild(rows), prune(answer))
    assert same(without_nulls(answer), prune(answer))
    for row in rows:
        assert row["measure"] is not None or row["source_field"] == "measurement_year" or problems
        for text in ("ore_type", "unit", "source_field", "raw"):
            (row[text] or "").encode()


@settings(max_examples=examples(2), deadline=None)
@given(SHAPED)
def test_what_follows_the_grammar_is_read(answer):
    rows, _ = figures(answer, commodity_type="Nickel")
    allowed = {"tonnage", "contained", "grade", "calorific_value", None}
    assert {row["measure"] for row in rows} <= allowed
    for row in rows:
        assert row["measure"] is None or row["unit"] is not None
    json.dumps(wide(answer, commodity_type="Nickel"))


# --- the real records ---------------------------------------------------------------------


def walk(value, path=()):
    """Yield each path to a number, text or pair, in the words of the records."""
    if isinstance(value, dict) and set(value) != {"min", "max"}:
        for key, member in value.items():
            yield from walk(member, (*path, key))
    elif value is not None and value != {"min": None, "max": None}:
        yield path, value


def test_every_real_figure_value_by_value(real_sites):
    for site in real_sites:
        answer = site["resources_reserves"]
        rows, problems = figures(answer, commodity_type=site["commodity_type"])
        assert problems == []
        expected = dict(walk(answer))
        year = expected.pop(("measurement_year",), None)
        found = {tuple(row["source_field"].split(".")): row for row in rows if row["measure"]}
        assert found.keys() == expected.keys()
        assert {row["measurement_year"] for row in rows} <= {year}
        for path, value in expected.items():
            row = found[path]
            if isinstance(value, dict):
                assert (row["value_min"], row["value_max"]) == (value["min"], value["max"])
                assert row["value"] == (value["min"] if value["min"] == value["max"] else None)
            else:
                assert row["value"] == value
            assert row["ore_type"] == (path[0] if len(path) == 2 else None)
            assert (row["stage"] or "calorific") in path[-1]
            if row["measure"] == "tonnage":
                assert path[-1].startswith(row["category"])
        assert same(rebuild(rows), prune(answer))


# Provinces

VERIFIED = "total_verified"


def in_province(key, commodity_type):
    rows, problems = figures({key: 3.5}, commodity_type=commodity_type, source="province")
    return said(rows[0]), [problem["reason"] for problem in problems]


@pytest.mark.parametrize(
    ("key", "commodity", "expected"),
    [
        ("total_resources_kt", "gold", ("resources", "total", "Au", "contained", "Kt", None)),
        ("proven_reserves_t", "Tin", ("reserves", "proven", "Sn", "contained", "t", None)),
        ("probable_reserves_Mt", "Cobalt", ("reserves", "probable", "Co", "contained", "Mt", None)),
        ("ore_total_resources_kt", "Gold", ("resources", "total", "ore", "tonnage", "Kt", None)),
        ("ore_measured_resources_t", "Tin", ("resources", "measured", "ore", "tonnage", "t", None)),
        ("total_reserves_verify_kt", "Gold", ("reserves", VERIFIED, "Au", "contained", "Kt", True)),
        ("total_reserves_verify_Mt", "Coal", ("reserves", VERIFIED, "coal", "tonnage", "Mt", True)),
        ("total_inventory_Mt", "Coal", (None, "inventory", "coal", "tonnage", "Mt", None)),
        ("Au_resources_koz", "Gold", ("resources", None, "Au", "contained", "koz", None)),
        ("Ni_resources_pct", "Nickel", ("resources", None, "Ni", "grade", "%", None)),
    ],
)  # fmt: skip
def test_a_province_s_key_without_a_component_is_the_metal(key, commodity, expected):
    assert in_province(key, commodity) == (expected, [])


@pytest.mark.parametrize("commodity", ["Bauxite", "", None])
def test_a_province_s_key_of_an_unknown_metal_is_reported(commodity):
    meaning, reasons = in_province("total_resources_kt", commodity)
    assert meaning == ("resources", "total", None, None, "Kt", None)
    assert len(reasons) == 1
    assert "not known whether this is ore or metal" in reasons[0]
    assert in_province("total_reserves_wmt", "Nickel")[0][3] is None


def test_a_province_s_items_are_read_as_its_keys():
    items = [
        {"category": "Inferred Resources", "volume": 1.5, "unit": "kt"},
        {"category": "Ore Inferred Resources", "volume": 2.5, "unit": "kt"},
    ]
    rows, problems = figures(items, commodity_type="Gold", source="province")
    assert problems == []
    assert [(row["component"], row["measure"]) for row in rows] == [
        ("Au", "contained"),
        ("ore", "tonnage"),
    ]
    assert rebuild(rows) == items


def test_sites_and_provinces_do_not_share_what_was_read_before():
    for _ in range(2):
        key = "indicated_resources_kt"
        site, _ = figures({key: 1.0}, commodity_type="Gold")
        province, _ = figures({key: 1.0}, commodity_type="Gold", source="province")
        assert (site[0]["component"], province[0]["component"]) == ("ore", "Au")
