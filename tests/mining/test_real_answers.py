"""Real answers through a server and the getters: each row and value, by other code."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest
from support import reference
from support import reference_answers as due

import sectorsdf

FINANCIAL = ("mining_company_financials", ("slug", "year"))
PERFORMED = ("mining_company_performance", ("slug", "year"))
COMPANY = ("mining_company", ("slug",))
CASES = {
    "commodities": (("mining_commodities", ()), sectorsdf.get_mining_commodities),
    "prices": (("mining_commodity_prices", ("commodity",)), sectorsdf.get_mining_commodity_prices),
    "company": (COMPANY, sectorsdf.get_mining_company),
    "company_licenses": (COMPANY, sectorsdf.get_mining_company_licenses),
    "company_contracts": (COMPANY, sectorsdf.get_mining_company_contracts),
    "financials": (FINANCIAL, sectorsdf.get_mining_company_financials),
    "breakdown": (FINANCIAL, sectorsdf.get_mining_company_breakdown),
    "performance": (PERFORMED, sectorsdf.get_mining_company_performance),
    "company_resources": (PERFORMED, sectorsdf.get_mining_company_resources),
    "products": (PERFORMED, sectorsdf.get_mining_company_products),
    "exports": (("mining_exports", ("commodity_type", "year")), sectorsdf.get_mining_exports),
    "sales_destinations": (
        ("mining_sales_destination", ("slug", "year")),
        sectorsdf.get_mining_sales_destinations,
    ),
    "total_production": (
        ("mining_total_production", ("commodity_type",)),
        sectorsdf.get_mining_total_production,
    ),
    "reserves_index": (
        ("mining_resources_reserves_index", ()),
        sectorsdf.get_mining_reserves_index,
    ),
    "province_resources": (
        ("mining_resources_reserves", ("province",)),
        sectorsdf.get_mining_province_resources,
    ),
}


@pytest.fixture(scope="module")
def client(real_data, tmp_path_factory):
    if not (real_data / "mining_company.jsonl").is_file():
        pytest.skip("the folder of real records has no answers about companies")
    folder = tmp_path_factory.mktemp("journal")
    with sectorsdf.sandbox.running(data=real_data, cache_folder=folder) as client:
        yield client


def comparable(columns):
    """Return the columns without those that hold JSON texts, which are compared apart."""
    return {name: kind for name, kind in columns.items() if name != "products"}


def check(frame, rows, columns, what=""):
    """Assert that a frame has these rows; return how many values were compared."""
    if "products" in columns and "strip_ratio" in columns:
        found = [None if text is None else json.loads(text) for text in texts(frame["products"])]
        wanted = [None if row["products"] is None else json.loads(row["products"]) for row in rows]
        assert found == wanted
        frame = frame.drop(columns="products")
    return reference.check(frame, rows, comparable(columns), what)


def texts(column):
    return column.astype(object).where(column.notna(), None).tolist()


@pytest.mark.parametrize("name", CASES)
def test_every_answer_value_by_value(client, real_data, name):
    (file, parts), getter = CASES[name]
    rows_of, columns = getattr(due, name), getattr(due, name.upper())
    grouped = defaultdict(dict)
    for key, answer in due.answers(real_data, file):
        first, *rest = [key[part] for part in parts] or [None]
        grouped[tuple(rest)][first] = rows_of(answer, key)
    compared = 0
    for rest, of_keys in grouped.items():
        arguments = [] if None in of_keys else [list(of_keys)]
        options = {"years": [int(year) for year in rest]} if rest else {}
        frame = getter(*arguments, client=client, **options)
        rows = [row for rows in of_keys.values() for row in rows]
        compared += check(frame, rows, columns, str(rest))
        facts = frame.attrs["sectorsdf"]
        assert facts["complete"] is True
        assert facts["problems"] == facts["unknown_fields"] == facts["missing_fields"] == []
    assert compared


def test_every_company_of_the_list(client, real_data):
    records = reference.read_lines(real_data / "mining_companies.jsonl")
    rows = [row for record in records for row in due.company(record, {})]
    rows.sort(key=lambda row: row["name"].casefold())
    frame = sectorsdf.get_mining_companies(client=client)
    assert reference.check(frame, rows, due.COMPANIES)
    names = sectorsdf.get_mining_companies(commodity_type="Nickel", client=client)["name"]
    assert names.tolist() == [row["name"] for row in rows if row["nickel"]]


def test_every_ownership_by_company_and_all_together(client, real_data):
    answers = list(due.answers(real_data, "mining_company_ownership"))
    frame = sectorsdf.get_mining_company_ownership([k["slug"] for k, _ in answers], client=client)
    edges = {}
    for key, answer in answers:
        rows = due.ownership(answer, key)
        for row in rows:
            edges.setdefault((row["parent_slug"], row["child_slug"]), row)
        own = sectorsdf.get_mining_company_ownership(key["slug"], client=client)
        reference.check(own, rows, due.OWNERSHIP, key["slug"])
    columns = ["parent_slug", "child_slug", "percentage_ownership", "seen_from"]
    found = list(frame[columns].itertuples(index=False, name=None))
    assert found == [tuple(row[name] for name in columns) for row in edges.values()]
    assert frame.attrs["sectorsdf"]["problems"] == []


def test_every_contract(client, real_data):
    records = reference.read_lines(real_data / "mining_contracts.jsonl")
    rows = sorted(records, key=lambda row: row["contract_period_end"] or "9999")
    frame = sectorsdf.get_mining_contracts(client=client)
    assert reference.check(frame, rows, due.CONTRACTS)
    owner = rows[0]["mine_owner_slug"]
    frame = sectorsdf.get_mining_contracts(mine_owner=owner, client=client)
    chosen = [row for row in rows if row["mine_owner_slug"] == owner]
    assert reference.check(frame, chosen, due.CONTRACTS)


def test_every_global_figure(client, real_data):
    records = reference.read_lines(real_data / "mining_global_commodity.jsonl")
    records.sort(key=lambda record: record["country"])
    for commodity in sorted({record["commodity_type"] for record in records}):
        of_it = [record for record in records if record["commodity_type"] == commodity]
        if len(of_it) < 30:
            frame = sectorsdf.get_mining_global_commodities(commodity, client=client)
            assert frame.attrs["sectorsdf"]["complete"] is True
        else:
            with pytest.raises(sectorsdf.IncompleteSweepError) as caught:
                sectorsdf.get_mining_global_commodities(commodity, client=client)
            cut = due.global_commodities(of_it[:30], {})
            reference.check(caught.value.frame, cut, due.GLOBAL_COMMODITIES)
            frame = sectorsdf.get_mining_global_commodities(commodity, "all", client=client)
        rows = due.global_commodities(of_it, {})
        assert reference.check(frame, rows, due.GLOBAL_COMMODITIES, commodity)
    countries = sorted({record["country"] for record in records})
    frame = sectorsdf.get_mining_global_commodities(countries=countries, client=client)
    assert reference.check(frame, due.global_commodities(records, {}), due.GLOBAL_COMMODITIES)
