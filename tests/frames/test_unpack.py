"""Answers become rows: value by value, in the right units, and without losing what does not fit."""

from __future__ import annotations

import itertools
import json
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import reference
from support import reference_answers as due
from support.budgets import examples
from support.paths import SHARED

from sectorsdf import units
from sectorsdf.datasets import commodities, companies, performance, province_reserves, trade
from sectorsdf.errors import DataWarning, UnitError
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.lossless_json import decode_json
from sectorsdf.frames.unpack import UNPACKERS, available_years, merge_edges
from sectorsdf.reserves.reader import figures

RECORDED = SHARED / "reference" / "recorded"
# The dataset, the file with its real answers, the rows that are due, and their columns.
UNPACKED = [
    (commodities.MINING_COMMODITIES, "mining_commodities", due.commodities, due.COMMODITIES),
    (commodities.MINING_COMMODITY_PRICES, "mining_commodity_prices", due.prices, due.PRICES),
    (
        companies.MINING_COMPANY_LICENSES,
        "mining_company",
        due.company_licenses,
        due.COMPANY_LICENSES,
    ),
    (
        companies.MINING_COMPANY_CONTRACTS,
        "mining_company",
        due.company_contracts,
        due.COMPANY_CONTRACTS,
    ),
    (companies.MINING_COMPANY_OWNERSHIP, "mining_company_ownership", due.ownership, due.OWNERSHIP),
    (
        companies.MINING_COMPANY_FINANCIALS,
        "mining_company_financials",
        due.financials,
        due.FINANCIALS,
    ),
    (companies.MINING_COMPANY_BREAKDOWN, "mining_company_financials", due.breakdown, due.BREAKDOWN),
    (
        performance.MINING_COMPANY_PERFORMANCE,
        "mining_company_performance",
        due.performance,
        due.PERFORMANCE,
    ),
    (
        performance.MINING_COMPANY_RESOURCES,
        "mining_company_performance",
        due.company_resources,
        due.COMPANY_RESOURCES,
    ),
    (
        performance.MINING_COMPANY_PRODUCTS,
        "mining_company_performance",
        due.products,
        due.PRODUCTS,
    ),
    (
        province_reserves.MINING_RESERVES_INDEX,
        "mining_resources_reserves_index",
        due.reserves_index,
        due.RESERVES_INDEX,
    ),
    (
        province_reserves.MINING_PROVINCE_RESOURCES,
        "mining_resources_reserves",
        due.province_resources,
        due.PROVINCE_RESOURCES,
    ),
    (trade.MINING_CONTRACTS, "mining_contracts", due.contracts, due.CONTRACTS),
    (trade.MINING_EXPORTS, "mining_exports", due.exports, due.EXPORTS),
    (
        trade.MINING_GLOBAL_COMMODITIES,
        "mining_global_commodity",
        due.global_commodities,
        due.GLOBAL_COMMODITIES,
    ),
    (
        trade.MINING_SALES_DESTINATIONS,
        "mining_sales_destination",
        due.sales_destinations,
        due.SALES_DESTINATIONS,
    ),
    (
        trade.MINING_TOTAL_PRODUCTION,
        "mining_total_production",
        due.total_production,
        due.TOTAL_PRODUCTION,
    ),
]
AADI = {"slug": "pt-adaro-andalan-indonesia-tbk"}
ADARO = {"slug": "pt-adaro-indonesia", "year": "2024"}
RECORDINGS = {
    "mining_commodity_prices": ("commodity-price-gold-2023-2025", {"commodity": "Gold"}),
    "mining_company_ownership": ("company-ownership-aadi", AADI),
    "mining_company_financials": ("company-financials-aadi", AADI),
    "mining_company_breakdown": ("company-financials-aadi", AADI),
    "mining_company_performance": ("company-performance-adaro-indonesia", ADARO),
    "mining_company_resources": ("company-performance-adaro-indonesia", ADARO),
    "mining_company_products": ("company-performance-adaro-indonesia", ADARO),
    "mining_global_commodities": ("global-commodity-coal-rows", {"commodity_type": "Coal"}),
    "mining_province_resources": ("resources-reserves-aceh-coal", {"province": "Aceh"}),
    "mining_total_production": ("total-production-coal", {"commodity_type": "Coal"}),
}


def names(entries):
    return [dataset.name for dataset, *_ in entries]


def unpack(dataset, answer, key=None):
    return UNPACKERS[dataset.unpack](answer, {} if key is None else key)


def framed(dataset, rows):
    builder = FrameBuilder(dataset)
    builder.add(rows)
    return builder.frame({})


def frame_of(dataset, answer, **key):
    """Return the frame of an answer that fits its declaration wholly."""
    rows, problems = unpack(dataset, answer, key)
    assert problems == []
    return framed(dataset, rows)


def rows_of(dataset, answer, **key):
    rows, problems = unpack(dataset, answer, key)
    assert problems == []
    return rows


def problems_of(dataset, answer, **key):
    return unpack(dataset, answer, key).problems


# Real answers, value by value


@pytest.mark.parametrize(("dataset", "file", "rows_due", "columns"), UNPACKED, ids=names(UNPACKED))
def test_real_answers_become_their_rows(real_data, dataset, file, rows_due, columns):
    made, expected = [], []
    for key, answer in due.answers(real_data, file):
        made += rows_of(dataset, answer, **key)
        expected += rows_due(answer, key)
    assert expected
    reference.check(framed(dataset, made), expected, columns)


@pytest.mark.parametrize(
    ("dataset", "file", "columns"),
    [
        (companies.MINING_COMPANIES, "mining_companies", due.COMPANIES),
        (companies.MINING_COMPANY, "mining_company", due.COMPANY),
    ],
    ids=["mining_companies", "mining_company"],
)
def test_real_companies_become_their_rows(real_data, dataset, file, columns):
    records = reference.read_lines(real_data / f"{file}.jsonl")
    records = [record.get("answer", record) for record in records]
    rows = [due.company(record, {})[0] for record in records]
    reference.check(framed(dataset, records), rows, columns)


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not on this machine")
@pytest.mark.parametrize("name", RECORDINGS)
def test_recorded_answers_become_their_rows(name):
    dataset, _, rows_due, columns = next(entry for entry in UNPACKED if entry[0].name == name)
    recording, key = RECORDINGS[name]
    text = (RECORDED / f"{recording}.json").read_text(encoding="utf-8")
    frame = frame_of(dataset, decode_json(text), **key)
    expected = rows_due(json.loads(text), key)
    # The company of this recording has no products.
    assert bool(expected) != (name == "mining_company_products")
    reference.check(frame, expected, columns)


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not on this machine")
def test_the_recorded_page_of_companies_becomes_its_rows():
    text = (RECORDED / "companies-first-page.json").read_text(encoding="utf-8")
    records = json.loads(text)["results"]
    rows = [due.company(record, {})[0] for record in records]
    reference.check(framed(companies.MINING_COMPANIES, records), rows, due.COMPANIES)


def test_all_real_edges_are_seen_once_and_agree(real_data):
    seen = []
    for key, answer in due.answers(real_data, "mining_company_ownership"):
        seen += rows_of(companies.MINING_COMPANY_OWNERSHIP, answer, **key)
    merged, problems = merge_edges(seen)
    assert problems == []
    pairs = [(row["parent_slug"], row["child_slug"]) for row in merged]
    assert pairs == list(dict.fromkeys((row["parent_slug"], row["child_slug"]) for row in seen))
    names = {}
    for row, end in itertools.product(seen, ("parent", "child")):
        if row[f"{end}_name"] is not None:
            names[row[f"{end}_slug"]] = (row[f"{end}_name"], row[f"{end}_symbol"])
    for row, end in itertools.product(merged, ("parent", "child")):
        known = names.get(row[f"{end}_slug"], (None, None))
        assert (row[f"{end}_name"], row[f"{end}_symbol"]) == known


@pytest.mark.parametrize("dataset", [entry[0] for entry in UNPACKED], ids=names(UNPACKED))
def test_keys_are_what_the_real_data_bear(real_data, dataset):
    file = next(entry[1] for entry in UNPACKED if entry[0] is dataset)
    rows = []
    for key, answer in due.answers(real_data, file):
        rows += rows_of(dataset, answer, **key)
    if dataset is companies.MINING_COMPANY_OWNERSHIP:
        rows = merge_edges(rows).rows
    frame = framed(dataset, rows)
    assert not frame.duplicated(list(dataset.key)).any()


# Surprises that a frame must not pass on


def priced(name, price=1.0):
    answer = [{"name": name, "date": "2024-01-01", "price_usd_per_ton": price}]
    return rows_of(commodities.MINING_COMMODITY_PRICES, answer, commodity=name)[0]


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("Coal", "USD/t"),
        ("Coal (HBA 3)", "USD/t"),
        ("Nickel", "USD/dmt"),
        ("Aluminum", "USD/dmt"),
        ("Gold", "USD/oz"),
        ("Silver as a co-product", "USD/oz"),
        ("Manganese", "unknown"),
        ("Titanium", "unknown"),
        ("Lithium", "unknown"),
    ],
)
def test_a_price_has_the_unit_of_its_commodity(name, unit):
    row = priced(name)
    assert row == {"commodity": name, "date": "2024-01-01", "price": 1.0, "unit": unit}
    series = rows_of(commodities.MINING_COMMODITIES, [{"name": name}])
    assert series == [{"name": name, "price_unit": unit}]


def test_a_price_keeps_the_api_s_spelling_and_gets_a_missing_name_from_the_question():
    named = [{"name": "Gold", "date": "2024-01-01", "price_usd_per_ton": 2035.22}]
    nameless = [{"name": None, "date": "2024-01-01", "price_usd_per_ton": 2035.22}]
    for answer, name in ((named, "Gold"), (nameless, "gold")):
        row = rows_of(commodities.MINING_COMMODITY_PRICES, answer, commodity="gold")[0]
        assert (row["commodity"], row["unit"]) == (name, "USD/oz")


def test_percentages_among_dollars_have_their_own_unit():
    data = {
        "slug": "pt-contoh",
        "year": 2024,
        "revenue_breakdown": {"coal_pct": 88.0, "coal": 5320000000.0},
        "cost_of_revenue_breakdown": {"royalty": 1.5},
        "opex_breakdown": {"rent": 2.5},
        "ebitda_breakdown": None,
    }
    rows = rows_of(companies.MINING_COMPANY_BREAKDOWN, {"year": 2024, "data": data})
    assert [(row["statement"], row["item"], row["value"], row["unit"]) for row in rows] == [
        ("revenue", "coal_pct", 88.0, "%"),
        ("revenue", "coal", 5320000000.0, "USD"),
        ("cost_of_revenue", "royalty", 1.5, "USD"),
        ("opex", "rent", 2.5, "USD"),
    ]


def performed(stats, **item):
    item = {"year": 2024, "commodity_type": "Nickel", "commodity_sub_type": None, **item}
    data = [{**item, "commodity_stats": stats}]
    return {"year": 2024, "available_years": [2023, 2024], "data": data}


def test_a_commodity_in_several_units_stays_several_rows():
    answer = {"year": 2024, "available_years": [2024], "data": []}
    for kind, unit, volume in (
        ("Saprolite Ore", "wmt", 14.66),
        ("Nickel Matte", "ton", 71311.0),
        ("Ferronickel", "TNi", 20.1),
    ):
        stats = {"unit": unit, "production_volume": volume, "sales_volume": None}
        answer["data"] += performed(stats, commodity_sub_type=kind)["data"]
    rows = rows_of(performance.MINING_COMPANY_PERFORMANCE, answer, slug="pt-contoh")
    assert [(row["unit"], row["production_volume"]) for row in rows] == [
        ("wmt", 14.66),
        ("ton", 71311.0),
        ("TNi", 20.1),
    ]


@pytest.mark.parametrize(
    ("unit", "overburden", "expected"), [("Mt", 4.5, "Mbcm"), ("Mt", None, None), ("kt", 4.5, None)]
)
def test_overburden_has_a_unit_only_where_the_strip_ratio_bears_it_out(unit, overburden, expected):
    stats = {"unit": unit, "overburden_removal_volume": overburden}
    answer = performed(stats, commodity_type="Coal")
    assert unpack(performance.MINING_COMPANY_PERFORMANCE, answer).rows[0]["overburden_unit"] == (
        expected
    )


METALS = [
    ("Gold", "Au"),
    ("Silver", "Ag"),
    ("Copper", "Cu"),
    ("Nickel", "Ni"),
    ("Cobalt", "Co"),
    ("Tin", "Sn"),
]


def in_province(figures, commodity="Gold"):
    answer = {"province": "Aceh", "data": {"2024": {commodity: figures}}}
    return frame_of(province_reserves.MINING_PROVINCE_RESOURCES, answer, province="aceh")


@pytest.mark.parametrize(("commodity", "symbol"), METALS)
@pytest.mark.parametrize(("ending", "unit"), [("t", "t"), ("kt", "Kt"), ("Mt", "Mt")])
def test_a_province_s_metal_is_contained_and_only_its_ore_is_ore(commodity, symbol, ending, unit):
    keys = [f"inferred_resources_{ending}", f"ore_inferred_resources_{ending}"]
    frame = in_province(dict(zip(keys, (0.286, 1118671.8), strict=True)), commodity)
    said = ["component", "measure", "value", "unit", "stage", "category", "source_field"]
    assert frame[said].to_numpy().tolist() == [
        [symbol, "contained", 0.286, unit, "resources", "inferred", keys[0]],
        ["ore", "tonnage", 1118671.8, unit, "resources", "inferred", keys[1]],
    ]
    assert frame[["province", "year"]].to_numpy().tolist() == [["Aceh", 2024]] * 2
    # The same keys of a site or a company are ore.
    rows, _ = figures({keys[0]: 0.286}, commodity_type=commodity)
    assert (rows[0]["component"], rows[0]["measure"]) == ("ore", "tonnage")


def test_metal_and_ore_of_a_province_cannot_be_converted_together():
    frame = in_province({"inferred_resources_kt": 0.286, "ore_inferred_resources_kt": 900.0})
    assert units.convert(frame, "t", "tonnage")["value"].tolist() == [0.286, 900000.0]
    assert units.convert(frame, "t", "contained")["value"].tolist() == [286.0, 900.0]
    with pytest.raises(UnitError, match="not the same thing"):
        units.convert(frame.assign(measure="tonnage"), "t", "tonnage")


def test_a_province_s_coal_is_coal_and_its_verified_part_is_marked():
    frame = in_province(
        {"total_resources_Mt": 9.5, "total_resources_verify_Mt": 0.0, "exploration_target_Mt": 1.0},
        "Coal",
    )
    assert frame["component"].tolist() == ["coal"] * 3
    assert frame["measure"].tolist() == ["tonnage"] * 3
    assert frame["verified"].fillna(value=False).tolist() == [False, True, False]
    assert frame["category"].tolist() == ["total", "total_verified", "exploration_target"]
    # A sum that nobody has thought about counts nothing twice.
    sums = frame.groupby(["stage", "category", "component", "unit"])["value"].sum()
    assert sums["resources", "total"].tolist() == [9.5]


def test_a_province_s_figure_of_an_unknown_commodity_is_neither_ore_nor_metal():
    answer = {"province": "Aceh", "data": {"2024": {"Bauxite": {"total_resources_kt": 5.0}}}}
    rows, problems = unpack(province_reserves.MINING_PROVINCE_RESOURCES, answer)
    assert (rows[0]["component"], rows[0]["measure"], rows[0]["value"]) == (None, None, 5.0)
    assert problems == [
        {
            "key": {"province": "Aceh", "year": "2024", "commodity_type": "Bauxite"},
            "column": "resources_reserves",
            "raw": "5.0",
            "reason": "total_resources_kt: it is not known whether this is ore or metal, and which "
            "metal",
        }
    ]


def test_a_province_with_its_unit_in_a_field_is_read_as_well():
    nested = {
        "unit": "Mt",
        "exploration_target": 1.16,
        "total_inventory": 20.92,
        "resources": {"inferred": 314.58, "total": 1042.75},
        "reserves": {"total": 507.05},
    }
    frame = in_province(nested, "Coal")
    said = ["stage", "category", "component", "measure", "value", "unit", "source_field"]
    found = frame[said].astype("object").where(frame[said].notna(), None).to_numpy().tolist()
    assert found == [
        [None, "exploration_target", "coal", "tonnage", 1.16, "Mt", "exploration_target"],
        [None, "inventory", "coal", "tonnage", 20.92, "Mt", "total_inventory"],
        ["resources", "inferred", "coal", "tonnage", 314.58, "Mt", "resources.inferred"],
        ["resources", "total", "coal", "tonnage", 1042.75, "Mt", "resources.total"],
        ["reserves", "total", "coal", "tonnage", 507.05, "Mt", "reserves.total"],
    ]
    flat = in_province({"unit": "Mt", "total_reserves_Mt": 507.05}, "Coal")
    assert flat["source_field"].tolist() == ["total_reserves_Mt"]
    odd = {"province": "Aceh", "data": {"2024": {"Coal": {"unit": "Mt", "what": {"ever": 1.0}}}}}
    rows, problems = unpack(province_reserves.MINING_PROVINCE_RESOURCES, odd)
    assert rows[0]["source_field"] == "what.ever"
    assert problems[0]["reason"] == "what.ever: the key does not follow the grammar"


def test_plain_grades_and_ranges_are_in_the_same_columns():
    columns = ("measure", "component", "value", "value_min", "value_max", "unit")
    plain = performed({"resources_reserves": {"Ni_resources_pct": 1.14}})
    rows = rows_of(performance.MINING_COMPANY_RESOURCES, plain, slug="pt-contoh")
    at_site, _ = figures(
        {"saprolite": {"Ni_resources_pct": {"min": 1.14, "max": 1.14}}}, commodity_type="Nickel"
    )
    expected = ["grade", "Ni", 1.14, 1.14, 1.14, "%"]
    assert [rows[0][name] for name in columns] == expected
    assert [at_site[0][name] for name in columns] == expected
    ranged = performed({"resources_reserves": {"Ni_resources_pct": {"min": 1.1, "max": 1.8}}})
    rows = rows_of(performance.MINING_COMPANY_RESOURCES, ranged, slug="pt-contoh")
    assert [rows[0][name] for name in columns] == ["grade", "Ni", None, 1.1, 1.8, "%"]


def test_a_company_s_ore_is_ore_and_its_named_metal_is_contained():
    gold = {"total_resources_Mt": 6.1, "Au_resources_koz": 812.0, "Au_resources_g_per_ton": 2.5}
    answer = performed({"resources_reserves": gold}, commodity_type="Gold")
    rows = rows_of(performance.MINING_COMPANY_RESOURCES, answer, slug="pt-contoh")
    assert [(row["component"], row["measure"], row["unit"]) for row in rows] == [
        ("ore", "tonnage", "Mt"),
        ("Au", "contained", "koz"),
        ("Au", "grade", "g/t"),
    ]


def test_lists_that_the_api_cuts_say_where():
    cut = {dataset.name: dataset.limit for dataset, *_ in UNPACKED if dataset.limit}
    assert cut == {"mining_exports": 30, "mining_global_commodities": 30}


def produced(*rows, commodity="Gold"):
    names = ("year", "production_volume", "prev_year_volume", "unit", "yoy_change_percent")
    answer = [dict(zip(names, row, strict=True)) for row in rows]
    return frame_of(trade.MINING_TOTAL_PRODUCTION, answer, commodity_type=commodity)


def test_a_change_over_two_years_is_not_a_yearly_one():
    frame = produced(
        (2018, 300.0, 200.0, "Kg", 50.0),
        (2017, 200.0, 100.0, "Kg", 100.0),
        (2015, 100.0, None, "Kg", None),
    )
    assert frame["yoy_change_pct"].fillna(-1).tolist() == [50.0, -1, -1]
    assert frame["api_yoy_change_pct"].fillna(-1).tolist() == [50.0, 100.0, -1]
    assert frame["prev_year_volume"].fillna(-1).tolist() == [200.0, 100.0, -1]


def test_a_change_needs_one_volume_in_the_same_unit():
    other_unit = produced((2018, 3.0, 2.0, "Kg", 50.0), (2017, 2.0, 1.0, "ton", 100.0))
    twice = produced(
        (2018, 3.0, 2.0, "Kg", 50.0), (2017, 2.0, 1.0, "Kg", 1.0), (2017, 1.0, 1.0, "Kg", 1.0)
    )
    nothing = produced((2018, 3.0, 0.0, "Kg", None), (2017, 0.0, None, "Kg", None))
    unknown = produced((2018, None, 2.0, "Kg", None), (2017, 2.0, None, "Kg", None))
    tiny = produced((2018, 1e308, 1e-308, "Kg", None), (2017, 1e-308, None, "Kg", None))
    for frame in (other_unit, twice, nothing, unknown, tiny):
        assert frame["yoy_change_pct"].isna().all()


def test_the_copper_s_mt_is_a_ton_and_no_million_of_them():
    copper = produced((2023, 3999565.0, None, "mt", None), commodity="copper")
    assert copper[["unit", "api_unit"]].to_numpy().tolist() == [["t", "mt"]]
    coal = produced((2023, 775.2, None, "Mt", None), commodity="Coal")
    assert coal[["unit", "api_unit"]].to_numpy().tolist() == [["Mt", "Mt"]]
    assert produced((2023, 1.0, None, "mt", None), commodity="Coal")["unit"].tolist() == ["mt"]


@pytest.mark.parametrize(
    ("destination", "is_region"),
    [
        ("China", False),
        ("Korea", False),
        ("South Africa", False),
        ("Korea (South)", False),
        ("Others", True),
        ("Northeast Asia", True),
        ("South Asia (India, Pakistan and Bangladesh)", True),
        (" rest  of the World", True),
    ],
)
def test_regions_among_countries_are_marked(destination, is_region):
    entry = {"revenue_usd": None, "volume": 1.5, "commodity_type": "Coal", "unit": "Mt"}
    entry |= dict.fromkeys(("percentage_of_total_revenue", "percentage_of_sales_volume"))
    answer = {"year": 2024, "data": {destination: entry}}
    row = rows_of(trade.MINING_SALES_DESTINATIONS, answer, slug="pt-contoh")[0]
    assert (row["destination"], row["is_region"]) == (destination, is_region)


def test_an_ended_contract_and_a_partner_that_comes_twice_stay():
    ends = ("2024-12-31", "2025-03-31", "")
    partner = {"company_name": "PT Contoh", "company_id": "43", "agreement_type": []}
    answer = {
        "slug": "pt-lain",
        "mining_contract": [{**partner, "contract_period_end": end} for end in ends],
    }
    rows = rows_of(companies.MINING_COMPANY_CONTRACTS, answer, slug="pt-lain")
    assert [row["contract_index"] for row in rows] == [1, 2, 3]
    assert [row["contract_period_end"] for row in rows] == ["2024-12-31", "2025-03-31", None]
    ended = [{"contract_period_end": "2024-12-31"}, {"contract_period_end": ""}]
    rows = rows_of(trade.MINING_CONTRACTS, ended)
    assert [row["contract_period_end"] for row in rows] == ["2024-12-31", None]


# Figures of countries


def of_country(**figures):
    item = dict.fromkeys(
        [
            "resources_reserves",
            "resources_reserves_share",
            "resources_reserves_unit",
            "export_import_usd",
            "production_volume",
            "production_share",
            "production_volume_unit",
        ]
    )
    item |= {"country": "Contoh", "commodity_type": "Coal", **figures}
    rows = rows_of(trade.MINING_GLOBAL_COMMODITIES, [item])
    columns = ("year", "measure", "rank", "value", "unit")
    return [tuple(row[name] for name in columns) for row in rows]


def test_reserves_as_a_number_and_by_year_and_rank():
    unit = {"resources_reserves_unit": "Mt"}
    assert of_country(resources_reserves=5, resources_reserves_share=1.5, **unit) == [
        (None, "reserves", None, 5, "Mt"),
        (None, "reserves_share", None, 1.5, "%"),
    ]
    by_rank = {"2020": {"anthracite": 0, "sub_bituminous_bituminous_lignite": None}}
    assert of_country(resources_reserves=by_rank, **unit) == [
        (2020, "reserves", "anthracite", 0, "Mt"),
        (2020, "reserves", "sub_bituminous_bituminous_lignite", None, "Mt"),
    ]
    assert of_country(resources_reserves={"2020": 0, "2021": {}}, **unit) == [
        (2020, "reserves", None, 0, "Mt"),
        (2021, "reserves", None, None, "Mt"),
    ]


def test_trade_and_production_by_year():
    assert of_country(
        export_import_usd={"2023": {"export": None, "import": 16.94}, "2022": None},
        production_volume={"2014": 0.0},
        production_share={"2014": 1.5},
        production_volume_unit="Kt",
    ) == [
        (2023, "export", None, None, "USD"),
        (2023, "import", None, 16.94, "USD"),
        (2022, "export", None, None, "USD"),
        (2022, "import", None, None, "USD"),
        (2014, "production", None, 0.0, "Kt"),
        (2014, "production_share", None, 1.5, "%"),
    ]
    assert of_country() == [(None,) * 5]


# Ownership


def edge(parent, child, share, seen_from, **more):
    row = dict.fromkeys(("parent_name", "parent_symbol", "child_name", "child_symbol"))
    row |= {"parent_slug": parent, "child_slug": child, "percentage_ownership": share}
    return {**row, "seen_from": seen_from, **more}


def test_an_edge_that_is_seen_from_both_ends_is_one_row():
    merged, problems = merge_edges(
        [
            edge("a", "b", 75.0, "a", child_name="B"),
            edge("a", "b", 75, "b", parent_name="A", parent_symbol="A.JK"),
            edge("a", "c", 5.0, "a", child_name="C"),
        ]
    )
    assert problems == []
    names = {"parent_name": "A", "parent_symbol": "A.JK"}
    assert merged == [
        edge("a", "b", 75.0, "a", child_name="B", **names),
        edge("a", "c", 5.0, "a", child_name="C", **names),
    ]


def test_ends_that_differ_are_reported_with_both_values():
    seen = [edge("a", "b", 75.0, "a"), edge("a", "b", 74.5, "b"), edge("a", "c", None, "a")]
    merged, problems = merge_edges([*seen, edge("a", "c", 5.0, "c", since=2020)])
    assert [row["percentage_ownership"] for row in merged] == [75.0, 5.0]
    assert merged[1]["since"] == 2020
    assert [(p["column"], p["raw"]) for p in problems] == [
        ("percentage_ownership", "75.0 from a, 74.5 from b"),
        ("percentage_ownership", "null from a, 5.0 from c"),
        ("since", "null from a, 2020 from c"),
    ]
    assert {p["key"]["parent_slug"] for p in problems} == {"a"}


def test_edges_without_a_slug_and_names_that_differ_are_kept_apart():
    nameless = [edge("a", None, 1.0, "a"), edge("a", None, 1.0, "a"), edge(["a"], "b", 1.0, "b")]
    assert merge_edges(nameless) == (nameless, [])
    renamed = [
        edge("a", "b", 1.0, "b", parent_name="A"),
        edge("a", "c", 1.0, "c", parent_name="AA"),
        edge("a", "d", 1.0, "a"),
    ]
    assert [row["parent_name"] for row in merge_edges(renamed).rows] == ["A", "AA", None]
    assert merge_edges([]) == ([], [])


# Shapes that the API has not sent yet


def test_products_that_are_odd_keep_what_there_is():
    products = [
        {"product_name": "A", "total_moisture_pct": None, "fixed_carbon_adb": {"min": None}},
        {"product_name": "A", "Au_g_per_ton": 0.5, "hardness": {"min": 1, "max": 2}},
        {"Cu_pct": {"min": 25.0, "max": None, "usual": 26.0}, "note": "as is"},
    ]
    answer = performed({"products": products})
    rows, problems = unpack(performance.MINING_COMPANY_PRODUCTS, answer, {"slug": "pt-contoh"})
    columns = ("product_index", "product_name", "property", "value_min", "value_max", "unit")
    assert [tuple(row[name] for name in columns) for row in rows] == [
        (1, "A", None, None, None, None),
        (2, "A", "Au", 0.5, 0.5, "g/t"),
        (2, "A", "hardness", 1, 2, None),
        (3, None, "Cu", 25.0, None, "%"),
        (3, None, "note", "as is", None, None),
    ]
    assert [(p["column"], p["key"]["product_index"]) for p in problems] == [("Cu_pct", "3")]
    assert json.loads(problems[0]["raw"]) == products[2]["Cu_pct"]


def test_unknown_fields_are_extra_fields_of_the_rows():
    item = {"country": "A", "export_usd": 1, "year": 2020, "note": "x", "api_year": 5}
    rows = rows_of(trade.MINING_EXPORTS, [item], commodity_type="Coal", year="2024")
    assert rows == [
        {
            "commodity_type": "Coal",
            "year": 2024,
            "rank": 1,
            "country": "A",
            "export_usd": 1,
            "api_year": 2020,
            "note": "x",
            "api_api_year": 5,
        }
    ]
    answer = {"year": 2024, "currency": "USD", "data": [{"year": 2024, "currency": "IDR"}]}
    row = rows_of(performance.MINING_COMPANY_PERFORMANCE, answer, slug="pt-contoh")[0]
    assert (row["currency"], row["api_currency"]) == ("IDR", "USD")


def test_unknown_fields_of_one_name_do_not_hide_each_other():
    answer = performed({"note": "of the stats"}, note="of the item") | {"note": "of the answer"}
    row = unpack(performance.MINING_COMPANY_PERFORMANCE, answer).rows[0]
    notes = {name: value for name, value in row.items() if "note" in name}
    assert notes == {
        "note": "of the item",
        "api_note": "of the stats",
        "api_api_note": "of the answer",
    }


def test_a_field_that_is_not_there_is_missing_in_the_row_as_well():
    answer = {"year": 2024, "data": [{"year": 2024, "commodity_stats": {"unit": "Mt"}}]}
    row = rows_of(performance.MINING_COMPANY_PERFORMANCE, answer, slug="pt-contoh")[0]
    absent = {"commodity_type", "commodity_sub_type", "production_volume", "products"}
    assert not absent & row.keys()
    assert {"slug", "year", "unit", "strip_ratio", "overburden_unit"} <= row.keys()
    price = rows_of(commodities.MINING_COMMODITY_PRICES, [{"name": "Coal"}])[0]
    assert price == {"commodity": "Coal", "unit": "USD/t"}
    with pytest.warns(DataWarning, match="does not have the declared field"):
        framed(commodities.MINING_COMMODITY_PRICES, [price])


def test_an_unknown_field_without_a_row_is_a_problem():
    answer = {"slug": "a", "parents": [], "subsidiaries": [], "note": "x"}
    rows, problems = unpack(companies.MINING_COMPANY_OWNERSHIP, answer, {"slug": "a"})
    assert rows == []
    assert [(p["column"], p["raw"]) for p in problems] == [("note", "x")]


@pytest.mark.parametrize(
    ("dataset", "answer", "column"),
    [
        (companies.MINING_COMPANY_OWNERSHIP, {"slug": "a", "parents": []}, "subsidiaries"),
        (companies.MINING_COMPANY_OWNERSHIP, {"parents": 5, "subsidiaries": []}, "parents"),
        (companies.MINING_COMPANY_LICENSES, {"mining_license": [5]}, "mining_license"),
        (companies.MINING_COMPANY_CONTRACTS, {}, "mining_contract"),
        (companies.MINING_COMPANY_FINANCIALS, {"year": 2024, "data": None}, "data"),
        (companies.MINING_COMPANY_BREAKDOWN, {"data": {"revenue_breakdown": []}}, None),
        (performance.MINING_COMPANY_PERFORMANCE, {"data": "none"}, "data"),
        (performance.MINING_COMPANY_RESOURCES, {"data": [{"commodity_stats": 5}]}, None),
        (performance.MINING_COMPANY_PRODUCTS, performed({"products": "x"}), "products"),
        (province_reserves.MINING_PROVINCE_RESOURCES, {"province": "Aceh"}, "data"),
        (province_reserves.MINING_PROVINCE_RESOURCES, {"data": [2024]}, "data"),
        (province_reserves.MINING_RESERVES_INDEX, ["Aceh"], "answer"),
        (province_reserves.MINING_RESERVES_INDEX, {"Aceh": [2024]}, "commodity_type"),
        (trade.MINING_SALES_DESTINATIONS, {"year": 2024}, "data"),
        (trade.MINING_SALES_DESTINATIONS, {"data": {"China": 5}}, "destination"),
        (trade.MINING_GLOBAL_COMMODITIES, [{"production_volume": "x"}], "production_volume"),
        (trade.MINING_CONTRACTS, [None], "answer"),
        (trade.MINING_EXPORTS, None, "answer"),
        (trade.MINING_TOTAL_PRODUCTION, "x", "answer"),
    ],
)
def test_another_shape_is_reported(dataset, answer, column):
    problems = problems_of(dataset, answer, slug="pt-contoh")
    assert problems
    assert column is None or [p["column"] for p in problems] == [column]
    assert all(p["key"]["slug"] == "pt-contoh" for p in problems)


def test_an_object_where_a_list_is_due_is_its_only_item():
    for data in ({"year": 2024}, [{"year": 2024}]):
        rows = rows_of(companies.MINING_COMPANY_FINANCIALS, {"year": 2024, "data": data}, slug="a")
        assert rows == [{"slug": "a", "year": 2024}]
    answer = {"slug": "a", "parents": {"slug": "b"}, "subsidiaries": []}
    assert rows_of(companies.MINING_COMPANY_OWNERSHIP, answer)[0]["parent_slug"] == "b"


def test_what_has_no_figure_still_has_a_row():
    answer = {"province": "Aceh", "data": {"2024": {"Coal": {}, "Gold": None}, "2023": None}}
    rows = rows_of(province_reserves.MINING_PROVINCE_RESOURCES, answer)
    columns = ("province", "year", "commodity_type", "value")
    assert [tuple(row[name] for name in columns) for row in rows] == [
        ("Aceh", 2024, "Coal", None),
        ("Aceh", 2024, "Gold", None),
        ("Aceh", 2023, None, None),
    ]
    index = {"Aceh": {"Coal": [], "Gold": None, "Tin": 2024}, "Bali": {}}
    rows = rows_of(province_reserves.MINING_RESERVES_INDEX, index)
    assert [tuple(row.values()) for row in rows] == [
        ("Aceh", "Coal", None),
        ("Aceh", "Gold", None),
        ("Aceh", "Tin", 2024),
        ("Bali", None, None),
    ]
    rows = rows_of(trade.MINING_SALES_DESTINATIONS, {"year": 2024, "data": {"China": None}})
    assert rows == [{"slug": None, "year": 2024, "destination": "China", "is_region": False}]


def test_a_year_that_differs_from_its_answer_is_reported():
    answer = {"year": 2024, "data": [{"year": 2023, "commodity_stats": {}}]}
    rows, problems = unpack(performance.MINING_COMPANY_PERFORMANCE, answer, {"slug": "a"})
    assert rows[0]["year"] == 2023
    assert [(p["column"], p["raw"]) for p in problems] == [("year", "2023")]
    assert problems[0]["reason"] == "the answer around it is of the year 2024"


@pytest.mark.parametrize(
    ("answer", "years"),
    [
        ({"available_years": [2019, 2024, 2020, 2024]}, [2024, 2020, 2019]),
        ({"available_years": [2024, None, "2023", True]}, [2024]),
        ({"available_years": None}, []),
        ({}, []),
        ([], []),
        (None, []),
    ],
)
def test_available_years_are_the_whole_numbers(answer, years):
    assert available_years(answer) == years


# No shape raises, and nothing is lost

FIELDS = sorted(
    {
        *("2024", "2023", "x", "", "Coal", "Gold", "China", "min", "max", "unit", "slug", "year"),
        *("data", "province", "name", "date", "country", "parents", "subsidiaries", "anthracite"),
        *("price_usd_per_ton", "percentage_ownership", "revenue_breakdown", "mining_license"),
        *("commodity_type", "commodity_stats", "resources_reserves", "products", "product_name"),
        *("total_resources_Mt", "Ni_resources_pct", "ash_content_adb", "export_import_usd"),
        *("production_volume", "mining_contract", "resources", "contract_period_end", "export"),
    }
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**25), max_value=10**25)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "Coal", "2024", "2024-01-31", "\ud800", "x"])
)
SHAPES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5)
    ),
    max_leaves=20,
)
STATS = {
    "unit": "Mt",
    "mining_operation_status": "production",
    "production_volume": 1.5,
    "sales_volume": None,
    "overburden_removal_volume": 2.5,
    "strip_ratio": 3.5,
    "resources_reserves": {"measurement_year": 2024, "total_reserves_Mt": 4.5},
    "products": [{"product_name": "A", "ash_content_adb": {"min": 1.25, "max": 2.25}}],
}
BREAKDOWNS = {"revenue_breakdown": {"coal": 3.5}, "cost_of_revenue_breakdown": {"royalty": 4.5}}
FINANCES = {
    "slug": "a",
    "symbol": "A.JK",
    "name": "A",
    "year": 2024,
    "assets_usd": 1.5,
    "revenue_usd": 2.5,
    "cost_of_revenue_usd": 5.5,
    "net_profit_usd": 6.5,
    **BREAKDOWNS,
}
COMPANY = {
    "slug": "a",
    "mining_license": [{"wiup_code": "1", "location": "x"}],
    "mining_contract": [{"company_name": "B", "agreement_type": ["c"]}],
}
OWNERS = {
    "slug": "a",
    "parents": [{"slug": "b", "name": "B", "symbol": None, "percentage_ownership": 75.0}],
    "subsidiaries": [],
}
COUNTRY = {
    "country": "Contoh",
    "commodity_type": "Coal",
    "resources_reserves": {"2020": {"anthracite": 1.5}},
    "resources_reserves_share": {"2020": {"anthracite": 2.5}},
    "resources_reserves_unit": "Mt",
    "export_import_usd": {"2023": {"export": None, "import": 3.5}},
    "production_volume": {"2014": 4.5},
    "production_share": {"2014": 5.5},
    "production_volume_unit": "Mt",
}
TEMPLATES = {
    "commodities": [{"name": "Coal", "data_points": 5, "earliest_date": "2010-08-01"}],
    "prices": [{"name": "Coal", "date": "2024-01-01", "price_usd_per_ton": 1.5}],
    "company_licenses": COMPANY,
    "company_contracts": COMPANY,
    "ownership": OWNERS,
    "financials": {"year": 2024, "available_years": [2024], "data": FINANCES},
    "breakdown": {"year": 2024, "available_years": [2024], "data": FINANCES},
    **dict.fromkeys(
        ("performance", "company_resources", "products"), performed(STATS, commodity_type="Coal")
    ),
    "province_resources": {
        "province": "Aceh",
        "data": {"2024": {"Gold": {"inferred_resources_kt": 1.5}}},
    },
    "reserves_index": {"Aceh": {"Coal": [2024]}},
    "contracts": [{"mine_owner_slug": "a", "contract_period_end": "2024-12-31"}],
    "exports": [{"country": "China", "export_usd": 1.5, "volume_unit": "Mt"}],
    "global_commodities": [COUNTRY],
    "sales_destinations": {"year": 2024, "data": {"China": {"volume": 1.5, "unit": "Mt"}}},
    "total_production": [{"year": 2024, "production_volume": 1.5, "unit": "Mt"}],
}
DATASETS = {dataset.unpack: dataset for dataset, *_ in UNPACKED}
# Fields that other rows are made of, or that say nothing where there is no figure of theirs.
ELSEWHERE = {
    "financials": set(BREAKDOWNS),
    "global_commodities": {"resources_reserves_unit", "production_volume_unit"},
}
WHOLE = sorted(
    {*TEMPLATES}
    - {"company_licenses", "company_contracts", "breakdown", "company_resources"}
    - {"products"}
)


def test_every_unpacker_has_its_dataset_and_its_template():
    assert UNPACKERS.keys() == DATASETS.keys() == TEMPLATES.keys()


def places(value, path=()):
    """Yield the path of a value and of everything inside it."""
    yield path
    if isinstance(value, dict):
        for name, member in value.items():
            yield from places(member, (*path, name))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from places(item, (*path, i))


def with_other(value, path, other):
    """Return a copy with another value at a path."""
    if not path:
        return other
    copy = value.copy()
    copy[path[0]] = with_other(value[path[0]], path[1:], other)
    return copy


@st.composite
def odd_answers(draw, name, others=SHAPES):
    template = TEMPLATES[name]
    path = draw(st.sampled_from(list(places(template))))
    return with_other(template, path, draw(others))


def test_a_slug_among_a_company_s_commodities_is_a_column_of_its_own():
    answer = {"year": 2024, "available_years": [2024], "data": [{"slug": "b", "year": 2024}]}
    rows, _ = UNPACKERS["performance"](answer, {"slug": "a"})
    assert (rows[0]["slug"], rows[0]["api_slug"]) == ("a", "b")


@pytest.mark.parametrize("name", UNPACKERS)
def test_no_shape_raises(name):
    dataset = DATASETS[name]

    @settings(max_examples=examples(), deadline=None)
    @given(SHAPES | odd_answers(name))
    def check(answer):
        before = json.dumps(answer)
        rows, problems = UNPACKERS[name](answer, {"slug": "a", "year": "2024"})
        assert json.dumps(answer) == before
        for problem in problems:
            assert problem.keys() == {"key", "column", "raw", "reason"}
            assert all(isinstance(text, str) for text in problem["key"].values())
            assert isinstance(problem["raw"], str)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = framed(dataset, rows)
        declared = dataset.schema.names
        assert list(frame.columns)[: len(declared)] == declared
        assert len(frame) == len(rows)

    check()


@pytest.mark.parametrize("name", WHOLE)
def test_nothing_is_lost_in_silence(name):
    """Put texts of their own into an answer; each is in a row or in a problem."""

    def marked(value, path=(), counter=None):
        counter = itertools.count() if counter is None else counter
        if isinstance(value, dict):
            return {key: marked(member, path, counter) for key, member in value.items()}
        if isinstance(value, list):
            return [marked(item, path, counter) for item in value]
        return None if value is None else f"leaf{next(counter)}."

    def leaves(value):
        if isinstance(value, dict):
            hidden = ELSEWHERE.get(name, set())
            return [t for key, v in value.items() if key not in hidden for t in leaves(v)]
        if isinstance(value, list):
            return [text for item in value for text in leaves(item)]
        return [value] if isinstance(value, str) else []

    @settings(max_examples=examples(), deadline=None)
    @given(odd_answers(name, SHAPES.map(marked)))
    def check(answer):
        rows, problems = UNPACKERS[name](answer, {})
        shown = json.dumps([rows, problems])
        for text in leaves(answer):
            if text.startswith("leaf") and not is_envelope(answer, text):
                assert text in shown, (answer, rows, problems)

    def is_envelope(answer, text):
        # The year, slug and province of an answer are in its rows, so only if it has any.
        own = ("year", "slug", "province", "available_years")
        return isinstance(answer, dict) and text in json.dumps([answer.get(field) for field in own])

    check()


def test_deep_nesting_does_not_raise():
    deep = []
    for _ in range(10_000):
        deep = [deep]
    for name, template in TEMPLATES.items():
        for path in places(template):
            rows, _ = UNPACKERS[name](with_other(template, path, deep), {"slug": "a"})
            assert isinstance(rows, list)
