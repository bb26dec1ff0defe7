"""The synthetic companies, trade and provinces: they fit together and are as odd as real ones."""

from __future__ import annotations

import itertools
import re
from collections import Counter

import pytest

from sectorsdf.sandbox.sample import Sample

pytestmark = pytest.mark.newest


@pytest.fixture(scope="module", params=[2026, 7])
def made(request):
    return Sample(request.param)


@pytest.fixture
def companies(made):
    return {row["slug"]: row for row in made["mining_companies"]}


def answers(made, dataset):
    return [record["answer"] for record in made[dataset]]


def share(values):
    values = list(values)
    return sum(value in (None, [], "") for value in values) / len(values)


def near(value, expected, tolerance=0.07):
    return abs(value - expected) <= tolerance


# Companies


def test_companies(companies):
    assert len(companies) == 366 == len({row["name"] for row in companies.values()})
    for row in companies.values():
        assert row["slug"] == row["name"].lower().replace(" ", "-")
    assert sum(row["symbol"] is not None for row in companies.values()) == 68
    symbols = Counter(row["symbol"] for row in companies.values() if row["symbol"])
    assert set(symbols.values()) == {1}
    kinds = Counter(row["company_type"] for row in companies.values())
    assert {"Consultant", "Contractor", "Holding", "Manufacturer", "Mine Owner", "Trader"} == {
        *kinds
    }
    assert near(kinds["Mine Owner"] / 366, 0.51)
    assert near(kinds["Contractor"] / 366, 0.28)
    assert any("(" in slug for slug in companies)
    assert 0 < share(row["commodity_type"] for row in companies.values()) < 0.05
    listed = [row for row in companies.values() if row["symbol"]]
    assert sum(not row["name"].endswith(" Tbk") for row in listed) == 1


def test_who_holds_something_is_in_the_list(made, companies):
    for dataset in ("mining_licenses", "mining_license_auctions", "mining_sites"):
        for row in made[dataset]:
            slug = row["company_slug"]
            assert slug is None or slug in companies
    for row in (*made["mining_licenses"], *made["mining_sites"]):
        if row["company_slug"] is not None:
            assert companies[row["company_slug"]]["name"] == row["company_name"]


def test_the_addressed_records_are_of_companies_in_the_list(made, companies):
    assert [record["key"] for record in made["mining_company"]] == list(companies)
    assert [record["key"] for record in made["mining_company_ownership"]] == list(companies)
    for record in made["mining_company"]:
        row = companies[record["key"]]
        assert {name: record["answer"][name] for name in row} == row
    for dataset in ("financials", "performance"):
        for record in made[f"mining_company_{dataset}"]:
            assert record["key"]["slug"] in companies
            assert record["answer"]["year"] == record["key"]["year"]
            assert record["key"]["year"] in record["answer"]["available_years"]


# Ownership


def test_ownership_is_a_forest_of_five_levels(made, companies):
    parents: dict[str, str] = {}
    from_below: set[tuple[str, str, float]] = set()
    from_above: set[tuple[str, str, float]] = set()
    for answer in answers(made, "mining_company_ownership"):
        slug = answer["slug"]
        for end in (*answer["parents"], *answer["subsidiaries"]):
            assert list(end) == ["name", "slug", "symbol", "percentage_ownership"]
            assert {name: companies[end["slug"]][name] for name in ("name", "symbol")} == {
                name: end[name] for name in ("name", "symbol")
            }
        for parent in answer["parents"]:
            assert slug not in parents
            parents[slug] = parent["slug"]
            from_below.add((parent["slug"], slug, parent["percentage_ownership"]))
        for child in answer["subsidiaries"]:
            from_above.add((slug, child["slug"], child["percentage_ownership"]))
        percentages = [child["percentage_ownership"] for child in answer["subsidiaries"]]
        assert percentages == sorted(percentages, reverse=True)
    assert from_below == from_above
    assert len(from_above) == 260
    assert all(5 <= percentage <= 100 for *_, percentage in from_above)
    assert len({*parents, *parents.values()}) == 298

    def level(slug):
        return 1 + (level(parents[slug]) if slug in parents else 0)

    levels = Counter(level(slug) for slug in {*parents, *parents.values()})
    assert set(levels) == {1, 2, 3, 4, 5}
    assert levels[1] == 38
    tops = {slug for slug in parents.values() if slug not in parents}
    assert sum(companies[slug]["symbol"] is not None for slug in tops) == 37
    assert 10 <= max(Counter(parents.values()).values()) <= 14


def test_one_firm_is_there_twice_with_two_owners(made):
    twice = [row for row in made["mining_companies"] if "Prima Bara" in row["name"]]
    assert [row["name"] for row in twice] == [
        "PT Contoh Internasional Prima Bara",
        "PT Contoh International Prima Bara",
    ]
    owners = [
        answer["parents"][0]["slug"]
        for answer in answers(made, "mining_company_ownership")
        if answer["slug"] in {row["slug"] for row in twice}
    ]
    assert len(set(owners)) == 2


# Details


def test_details(made):
    details = answers(made, "mining_company")
    for field, nulls in {
        "symbol": 0.81,
        "website": 0.6,
        "operation_district": 0.18,
        "representative_address": 0.04,
        "operation_province": 0.02,
        "mining_license": 0.59,
        "mining_contract": 0.94,
    }.items():
        assert near(share(detail[field] for detail in details), nulls), field
    assert all(
        detail["phone_number"] is None or detail["phone_number"][0] == "0" for detail in details
    )
    assert {type(detail["mining_site_count"]) for detail in details} == {int}
    sites: dict[str, set[str]] = {}
    for row in made["mining_sites"]:
        sites.setdefault(row["company_slug"], set()).add(row["slug"])
    for detail in details:
        assert detail["mining_site_count"] == len(sites.get(detail["slug"], ()))


def test_details_list_the_licenses_of_the_company_and_at_times_of_a_subsidiary(made, companies):
    names = {row["name"] for row in companies.values()}
    held: dict[str, list[str]] = {}
    for row in made["mining_licenses"]:
        held.setdefault(row["company_slug"], []).append(row["wiup_code"])
    borrowed = renamed = 0
    register = {row["wiup_code"]: row for row in made["mining_licenses"]}
    children = {
        answer["slug"]: [child["slug"] for child in answer["subsidiaries"]]
        for answer in answers(made, "mining_company_ownership")
    }
    for detail in answers(made, "mining_company"):
        own = held.get(detail["slug"], [])
        codes = [row["wiup_code"] for row in detail["mining_license"]]
        assert codes[: len(own)] == own
        extra = codes[len(own) :]
        if extra and extra in [held.get(slug) for slug in children[detail["slug"]]]:
            borrowed += 1
        elif extra:
            renamed += 1
            (code,) = extra
            assert register[code]["company_slug"] is None
            assert register[code]["company_name"] not in names
        for row in detail["mining_license"]:
            assert "company_name" not in row
            assert len(row) == 13
    assert (borrowed, renamed) == (3, 3)


def test_a_few_holders_are_spelled_otherwise_than_in_the_list(made, companies):
    stems = {row["name"].removeprefix("PT ").upper() for row in companies.values()}
    usual = re.compile(r"(PT|CV|SDR|Koperasi|PD|Firma) Contoh( \w+)+")
    spelled = [row for row in made["mining_licenses"] if not usual.fullmatch(row["company_name"])]
    for row in spelled:
        name = " ".join(row["company_name"].upper().split())
        assert re.sub(r"^P\.?T\.? |, PT$| TBK\.$", "", name).removesuffix(" TBK.") in stems
        assert row["company_slug"] is None
    assert len(spelled) == 12


def test_contracts(made, companies):
    contracts = made["mining_contracts"]
    pairs = Counter((row["mine_owner_slug"], row["contractor_slug"]) for row in contracts)
    assert max(pairs.values()) == 2
    ends = [row["contract_period_end"] for row in contracts]
    assert ends[-2:] == [None, None]
    assert ends[:-2] == sorted(ends[:-2])
    assert 5 < sum(end < "2026" for end in ends[:-2]) < 20
    owners = {row["mine_owner_slug"] for row in contracts}
    contractors = {row["contractor_slug"] for row in contracts}
    assert owners & contractors
    for row in contracts:
        assert row["mine_owner_slug"] != row["contractor_slug"]
        for side in ("mine_owner", "contractor"):
            assert companies[row[f"{side}_slug"]]["name"] == row[f"{side}_name"]
    details = {answer["slug"]: answer for answer in answers(made, "mining_company")}
    for slug, detail in details.items():
        due = [
            row["contract_period_end"] or "" for row in contracts if row["contractor_slug"] == slug
        ]
        found = [row["contract_period_end"] for row in detail["mining_contract"]]
        assert found[: len(due)] == due
        assert bool(found) is bool(due)
    names = [
        row["company_name"] for detail in details.values() for row in detail["mining_contract"]
    ]
    assert names.count("") == 1


# Financials, sales and performance


def test_financials(made, companies):
    records = made["mining_company_financials"]
    assert Counter(record["key"]["year"] for record in records) == {2023: 9, 2024: 9}
    items = [item for record in records for item in record["answer"]["data"]["revenue_breakdown"]]
    assert "coal_pct" in items
    ratios = []
    for record in records:
        data = record["answer"]["data"]
        assert (data["slug"], data["year"]) == (record["key"]["slug"], record["key"]["year"])
        assert data["symbol"] == companies[data["slug"]]["symbol"] is not None
        assert data["revenue_usd"] > 1e8
        parts = [v for k, v in data["revenue_breakdown"].items() if not k.endswith("_pct")]
        ratios.append(sum(parts) / data["revenue_usd"])
        assert sum(data["cost_of_revenue_breakdown"].values()) <= data["cost_of_revenue_usd"]
    assert max(ratios) > 2
    assert sum(near(ratio, 1, 0.001) for ratio in ratios) == 14
    names = {record["key"]["slug"]: record["answer"]["data"]["name"] for record in records}
    assert sum(companies[slug]["name"] != name for slug, name in names.items()) == 1


def test_sales_destinations(made):
    records = made["mining_sales_destination"]
    slugs = {record["key"]["slug"] for record in records}
    assert (len(records), len(slugs)) == (16, 8)
    assert {record["key"]["year"] for record in records} == {2022, 2023, 2024}
    financial = {record["key"]["slug"] for record in made["mining_company_financials"]}
    [only] = slugs - financial
    rows = [row for record in records for row in record["answer"]["data"].values()]
    for field, nulls in {
        "revenue_usd": 0.69,
        "percentage_of_total_revenue": 0.9,
        "volume": 0.43,
        "percentage_of_sales_volume": 0.56,
    }.items():
        assert near(share(row[field] for row in rows), nulls), field
    names = {name for record in records for name in record["answer"]["data"]}
    assert {"Others", "Northeast Asia", "China", "Indonesia"} <= names
    [last] = [record["answer"]["data"] for record in records if record["key"]["slug"] == only]
    volumes = [row["volume"] for row in last.values() if row["volume"] is not None]
    assert len(volumes) == 1
    for record in records:
        for field in ("percentage_of_total_revenue", "percentage_of_sales_volume"):
            shares = [row[field] or 0 for row in record["answer"]["data"].values()]
            assert sum(shares) <= 100.5


def test_performance(made):
    records = made["mining_company_performance"]
    years: dict[str, list[int]] = {}
    for record in records:
        years.setdefault(record["key"]["slug"], []).append(record["key"]["year"])
    assert (len(records), len(years)) == (337, 139)
    for record in records:
        assert record["answer"]["available_years"] == years[record["key"]["slug"]]
    rows = [row for record in records for row in record["answer"]["data"]]
    assert 340 <= len(rows) <= 420
    assert {"Coal", "Copper", "Gold", "Nickel", "Silver"} == {row["commodity_type"] for row in rows}
    stats = [row["commodity_stats"] for row in rows]
    assert {"Mt", "koz", "kg", "kton", "wmt", "ton", "TNi"} == {each["unit"] for each in stats}
    assert near(share(each["production_volume"] for each in stats), 0.37, 0.1)
    assert near(share(each["sales_volume"] for each in stats), 0.57, 0.1)
    assert near(share(each["products"] for each in stats), 0.57, 0.1)
    units: dict[tuple, set[str]] = {}
    for record in records:
        for row in record["answer"]["data"]:
            key = (*record["key"].values(), row["commodity_type"])
            units.setdefault(key, set()).add(row["commodity_stats"]["unit"])
    assert max(map(len, units.values())) == 2
    counts = Counter(len(record["answer"]["data"]) for record in records)
    assert {1, 2, 3, 4, 6} == set(counts)
    keys = [
        (*record["key"].values(), row["commodity_type"], row["commodity_sub_type"])
        for record in records
        for row in record["answer"]["data"]
    ]
    assert len(set(keys)) == len(keys)


def test_performance_of_coal_has_more_fields(made):
    agree = []
    for record in made["mining_company_performance"]:
        for row in record["answer"]["data"]:
            stats = row["commodity_stats"]
            coal = row["commodity_type"] == "Coal"
            assert ("strip_ratio" in stats) is ("overburden_removal_volume" in stats) is coal
            assert not any(
                isinstance(value, dict) for value in stats["resources_reserves"].values()
            )
            moved = stats.get("overburden_removal_volume")
            if moved is not None:
                ratio = moved / stats["production_volume"]
                agree.append(near(ratio, stats["strip_ratio"], 0.1))
    assert 0.8 <= sum(agree) / len(agree) < 1


def test_products_have_ranges_and_bounds_that_are_null(made):
    ranges = []
    repeated = 0
    for record in made["mining_company_performance"]:
        for row in record["answer"]["data"]:
            products = row["commodity_stats"]["products"] or []
            names = Counter(product["product_name"] for product in products)
            repeated += any(count > 1 for count in names.values())
            for product in products:
                ranges += [value for name, value in product.items() if name != "product_name"]
    assert near(share(ranges), 0.37, 0.1)
    shapes = Counter(
        (bounds["min"] is None, bounds["min"] == bounds["max"]) for bounds in ranges if bounds
    )
    assert set(shapes) == {(False, True), (False, False), (True, False)}
    assert repeated


# Trade, production and prices


def test_exports(made):
    keys = [tuple(record["key"].values()) for record in made["mining_exports"]]
    assert len(set(keys)) == 35
    for record in made["mining_exports"]:
        rows, kind = record["answer"], record["key"]["commodity_type"]
        assert 11 <= len(rows) <= 17
        values = [row["export_usd"] for row in rows if row["export_usd"] is not None]
        assert values == sorted(values, reverse=True)
        for row in rows:
            assert row["volume_unit"] == {"Coal": "Mt", "Copper": "ton", "Gold": None}[kind]
            assert (row["export_volume_esdm"] is None) is (kind != "Coal")
        assert all(row["export_usd"] is None for row in rows[len(values) :])
    assert any(
        row["export_usd"] is None for answer in answers(made, "mining_exports") for row in answer
    )


def test_other_countries(made):
    rows = made["mining_global_commodity"]
    assert Counter(row["commodity_type"] for row in rows) == {
        "Coal": 84,
        "Gold": 31,
        "Bauxite": 7,
        "Copper": 7,
        "Nickel": 7,
    }
    keys = [(row["country"], row["commodity_type"]) for row in rows]
    assert keys == sorted(set(keys))
    coal = [row for row in rows if row["commodity_type"] == "Coal"]
    assert near(share(row["resources_reserves"] for row in coal), 0.56)
    assert near(share(row["export_import_usd"] for row in coal), 0.08)
    assert near(share(row["production_volume"] for row in coal), 0.69)
    pairs = {
        tuple(value is None for value in row["export_import_usd"]["2023"].values())
        for row in coal
        if row["export_import_usd"]
    }
    assert pairs == {(False, False), (True, True), (True, False)}
    for row in rows:
        for volume, unit in (
            ("production_volume", "production_volume_unit"),
            ("resources_reserves", "resources_reserves_unit"),
        ):
            assert (row[volume] is None) is (row[unit] is None)


def test_national_production_has_a_gap(made):
    for record in made["mining_total_production"]:
        rows = record["answer"]
        years = [row["year"] for row in rows]
        assert years == sorted(years, reverse=True)
        assert (2016 in years) is (record["key"] == "Coal")
        assert rows[-1]["yoy_change_percent"] is None
        for row, before in itertools.pairwise(rows):
            if (row["year"], record["key"]) == (2017, "Nickel"):
                assert row["prev_year_volume"] is row["yoy_change_percent"] is None
                continue
            assert row["prev_year_volume"] == before["production_volume"]
            change = 100 * (row["production_volume"] / before["production_volume"] - 1)
            assert near(row["yoy_change_percent"], change, 0.006)
    units = {
        record["key"]: record["answer"][0]["unit"] for record in made["mining_total_production"]
    }
    assert units == {"Coal": "Mt", "Copper": "mt", "Gold": "Kg", "Nickel": "Mt"}


def test_prices(made):
    for record in made["mining_commodity_prices"]:
        days = [row["date"] for row in record["answer"]]
        assert days == sorted(set(days))
        assert {row["name"] for row in record["answer"]} == {record["key"]}
        middles = [day for day in days if day.endswith("-15")]
        metal = record["key"] in {"Gold", "Silver"}
        assert [min(middles)] == ["2025-03-15"] if not metal else middles == []
        assert all(re.fullmatch(r"\d{4}-\d\d-(01|15)", day) for day in days)
        assert min(row["price_usd_per_ton"] for row in record["answer"]) > 0
    first = {row["name"]: row["earliest_date"] for row in made["mining_commodities"]}
    assert (first["Gold"], first["Nickel"]) == ("1968-01-01", "2017-10-01")


# Provinces


COAL_KEYS = [
    "exploration_target_Mt",
    "total_inventory_Mt",
    "inferred_resources_Mt",
    "indicated_resources_Mt",
    "measured_resources_Mt",
    "total_resources_Mt",
    "total_resources_verify_Mt",
    "total_reserves_Mt",
    "total_reserves_verify_Mt",
]


def test_provinces(made):
    index = {record["key"]: record["answer"] for record in made["mining_resources_reserves_index"]}
    assert len(index) == 33
    units = set()
    for answer in answers(made, "mining_resources_reserves"):
        years = list(answer["data"])
        assert years == sorted(years, reverse=True)
        for commodities in answer["data"].values():
            for name, figures in commodities.items():
                assert None not in figures.values()
                if name == "Coal":
                    assert list(figures) == COAL_KEYS
                    continue
                for key, value in figures.items():
                    parts = re.fullmatch(
                        r"(ore_)?(inferred|indicated|measured|total)_resources_(kt|t)"
                        r"|(ore_)?(probable|proven|total)_reserves_(kt|t)",
                        key,
                    )
                    assert parts, key
                    units.add(parts[3] or parts[6])
                    # Metal is a small part of the ore.
                    assert key.startswith("ore_") or value <= 0.05 * figures[f"ore_{key}"]
    assert units == {"kt", "t"}
    counts = Counter(name for commodities in index.values() for name in commodities)
    assert set(counts) == {"Coal", "Cobalt", "Copper", "Gold", "Nickel", "Silver", "Tin"}
    assert 0.0 in [
        figures["Coal"]["total_resources_verify_Mt"]
        for answer in answers(made, "mining_resources_reserves")
        for figures in answer["data"].values()
        if "Coal" in figures
    ]
