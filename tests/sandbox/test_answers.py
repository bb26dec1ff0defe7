"""The endpoints of companies, prices, trade and provinces: what they answer and refuse."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from sectorsdf.sandbox.endpoints import ENDPOINTS

pytestmark = pytest.mark.newest

MINING = "/v2/mining"
COMPANIES = f"{MINING}/companies/"
CONTRACTS = f"{MINING}/contracts/"
COMMODITIES = f"{MINING}/commodities/"
EXPORTS = f"{MINING}/exports/"
WORLD = f"{MINING}/global-commodity/"
INDEX = f"{MINING}/resources-reserves/"
PRODUCTION = f"{MINING}/total-production/"


def price_of(name):
    return f"{COMMODITIES}{quote(name, safe='')}/price/"


def body(client, path, **query):
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(client, path, **query):
    """Assert that a request is refused for free; return the body."""
    before = client.server.billed
    answer = client.get(path, params=query)
    assert answer.status_code == 400, answer.text
    assert client.server.billed == before
    return answer.json()


def unknown(client, path, error, **query):
    """Assert that a request costs a credit although there is no answer."""
    before = client.server.billed
    answer = client.get(path, params=query)
    assert (answer.status_code, answer.json()) == (404, {"error": error})
    assert client.server.billed == before + 1


def keyed(slug, year, **answer):
    return {"key": {"slug": slug, "year": year}, "answer": {"year": year, **answer}}


# Companies


def test_companies_come_in_the_order_of_their_names(client):
    rows = client.rows(COMPANIES)
    assert len(rows) == 366
    names = [row["name"] for row in rows]
    assert names == sorted(names, key=str.casefold) != sorted(names)
    assert {tuple(row) for row in rows} == {
        ("slug", "name", "symbol", "company_type", "key_operation", "commodity_type")
    }
    assert client.rows(COMPANIES, order_by="-slug") == rows


@pytest.mark.parametrize(
    ("query", "test"),
    [
        ({"commodity_type": "nickel"}, lambda row: "Nickel" in row["commodity_type"]),
        ({"commodity_type": "Zinc and Lead"}, lambda row: "Zinc and Lead" in row["commodity_type"]),
        # Not a documented value, but one that is there.
        ({"commodity_type": "oil"}, lambda row: "Oil" in row["commodity_type"]),
        ({"company_type": "mine owner"}, lambda row: row["company_type"] == "Mine Owner"),
        ({"keyword": "INVEST"}, lambda row: row["key_operation"] == "Investment"),
        ({"keyword": "(uk)"}, lambda row: "(UK)" in row["name"]),
        ({"keyword": "cqaa"}, lambda row: row["symbol"] == "CQAA.JK"),
        ({"keyword": ""}, lambda row: True),
        ({"has_financials": "false"}, lambda row: True),
    ],
)
def test_companies_by_value(client, query, test):
    wanted = [row for row in client.rows(COMPANIES) if test(row)]
    assert client.rows(COMPANIES, **query) == wanted
    assert wanted


def test_companies_with_financials(client):
    rows = client.rows(COMPANIES, has_financials="True")
    records = client.server.records("mining_company_financials")
    assert {row["slug"] for row in rows} == {record["key"]["slug"] for record in records}
    assert len(rows) == 9


def test_companies_with_financials_follow_the_other_dataset(serve):
    companies = [{"slug": slug, "name": slug} for slug in "ab"]
    client = serve(records={"mining_companies": companies})
    assert client.rows(COMPANIES, has_financials="true") == []
    client.server.add_records("mining_company_financials", [keyed("b", 2024)])
    assert [row["slug"] for row in client.rows(COMPANIES, has_financials="true")] == ["b"]


@pytest.mark.parametrize(
    "query",
    [
        {"commodity_type": "Cheese"},
        {"company_type": "Bakery"},
        {"has_financials": "perhaps"},
        {"limit": "0"},
        {"offset": "-1"},
    ],
)
def test_what_the_list_of_companies_refuses(client, query):
    assert refused(client, COMPANIES, **query)["error"] == "Invalid query parameters."


@pytest.mark.parametrize(
    ("dataset", "path"),
    [
        ("mining_company", COMPANIES),
        ("mining_company_ownership", f"{COMPANIES}ownership/"),
    ],
)
def test_every_company_has_an_answer(client, dataset, path):
    records = client.server.records(dataset)
    assert len(records) == 366
    for record in records:
        assert body(client, f"{path}{quote(record['key'], safe='')}/") == record["answer"]
    assert "contoh-gold-(uk)-limited-(cgl)" in {record["key"] for record in records}


@pytest.mark.parametrize(
    ("path", "error"),
    [
        (COMPANIES, "Company not found. Please provide a valid company slug."),
        (f"{COMPANIES}ownership/", "Company not found."),
        (f"{COMPANIES}financials/", "Company not found or no financial data available."),
        (f"{COMPANIES}performance/", "Company not found."),
        (f"{MINING}/sales-destination/", "No sales destination data found for company."),
    ],
)
def test_a_company_that_is_not_there_costs_a_credit(client, path, error):
    unknown(client, f"{path}nobody/", error)


def test_slugs_are_exact(client):
    slug = client.server.records("mining_company")[0]["key"]
    assert client.get(f"{COMPANIES}{quote(slug.upper())}/").status_code == 404


# Answers of a year


@pytest.mark.parametrize(
    ("dataset", "path"),
    [
        ("mining_company_financials", f"{COMPANIES}financials/"),
        ("mining_company_performance", f"{COMPANIES}performance/"),
        ("mining_sales_destination", f"{MINING}/sales-destination/"),
    ],
)
def test_an_answer_is_of_a_year_or_of_the_latest(client, dataset, path):
    records = client.server.records(dataset)
    latest: dict[str, dict] = {}
    for record in records:
        key, answer = record["key"], record["answer"]
        assert body(client, f"{path}{key['slug']}/", year=key["year"]) == answer
        if key["year"] >= latest.get(key["slug"], answer)["year"]:
            latest[key["slug"]] = answer
    for slug, answer in latest.items():
        assert body(client, f"{path}{slug}/") == answer
    assert client.get(f"{path}{slug}/?year=1999").status_code == 404
    for year in ("x", "1899", "2027", ""):
        detail = refused(client, f"{path}{slug}/", year=year)["detail"]
        assert detail.startswith("year must be")


def test_performance_of_one_commodity(serve):
    def row(commodity):
        return {"commodity_type": commodity, "commodity_sub_type": None}

    years = [2022, 2023, 2024]
    path = f"{COMPANIES}performance/a/"
    records = [
        keyed("a", 2022, available_years=years, data=[row("Gold"), row("Silver")]),
        keyed("a", 2023, available_years=years, data=[row("Silver"), row("Gold"), row("Gold")]),
        keyed("a", 2024, available_years=years, data=[row("Silver")]),
    ]
    client = serve(records={"mining_company_performance": records})
    gold = body(client, path, commodity_type="gold")
    assert gold == {"year": 2023, "available_years": [2022, 2023], "data": [row("Gold")] * 2}
    assert body(client, path, commodity_type="Silver") == records[2]["answer"]
    assert body(client, path, commodity_type="GOLD", year=2022)["data"] == [row("Gold")]
    unknown(client, path, "Company not found.", commodity_type="Gold", year=2024)
    unknown(client, path, "Company not found.", commodity_type="Coal")
    refused(client, path, commodity_type="Tin")


# Prices


def test_prices_are_those_of_the_years(client):
    for record in client.server.records("mining_commodity_prices"):
        path, prices = price_of(record["key"]), record["answer"]
        first, last = (int(prices[end]["date"][:4]) for end in (0, -1))
        found = []
        for year in range(first, last + 1, 3):
            found += body(client, path, start_year=year, end_year=min(year + 2, last))
        assert found == prices
        # Today is in 2026, and the sample ends in 2025.
        assert body(client, path) == [row for row in prices if row["date"] >= "2024"]
        assert body(client, price_of(record["key"].upper())) == body(client, path)


def test_the_list_of_commodities_fits_the_prices(client):
    rows = body(client, COMMODITIES)
    assert len(rows) == 18
    for row, record in zip(rows, client.server.records("mining_commodity_prices"), strict=True):
        days = [price["date"] for price in record["answer"]]
        assert list(row.values()) == [record["key"], len(days), min(days), max(days)]
        assert list(row) == ["name", "data_points", "earliest_date", "latest_date"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"start_year": 2023, "end_year": 2025}, 36),
        ({"start_year": 2024}, 24),
        ({"end_year": 2024}, 12),
        ({"start_year": 1968, "end_year": 1968}, 12),
        ({"start_year": 2000, "end_year": 2002}, 36),
    ],
)
def test_windows_of_prices(client, query, count):
    assert len(body(client, price_of("gold"), **query)) == count


@pytest.mark.parametrize(
    "query",
    [
        {"start_year": 2020, "end_year": 2023},
        {"start_year": 2023},
        {"end_year": 2023},
        {"start_year": 2025, "end_year": 2024},
        {"start_year": "x"},
        {"end_year": "2027"},
        {"start_year": "1899", "end_year": "1900"},
        {"start_year": "", "end_year": "2024"},
    ],
)
def test_windows_that_are_refused(client, query):
    answer = refused(client, price_of("Gold"), **query)
    assert answer["error"] == "Invalid query parameters."
    assert "_year must be" in answer["detail"]


def test_a_window_without_prices_costs_a_credit(client):
    error = "No price data for this commodity in the specified range."
    unknown(client, price_of("Nickel"), error, start_year=2014, end_year=2016)


def test_an_unknown_commodity_is_free(serve):
    prices = [{"key": name, "answer": []} for name in ("Tin", "Gold")]
    client = serve(records={"mining_commodity_prices": prices})
    answer = refused(client, price_of("Golda"))
    assert answer == {"error": "Invalid commodity 'Golda'. Valid values: Gold, Tin."}


# Contracts, exports, other countries, production


def test_contracts_come_in_the_order_of_their_ends(client):
    rows = body(client, CONTRACTS)
    ends = [row["contract_period_end"] for row in rows]
    assert len(rows) == 34
    assert ends == [*sorted(ends[:-2]), None, None]
    for field, parameter in (("contractor_slug", "contractor"), ("mine_owner_slug", "mine_owner")):
        for slug in {row[field] for row in rows}:
            due = [row for row in rows if row[field] == slug]
            assert body(client, CONTRACTS, **{parameter: slug}) == due
        assert body(client, CONTRACTS, **{parameter: "nobody"}) == []
    first = rows[0]
    both = {"contractor": first["contractor_slug"], "mine_owner": first["mine_owner_slug"]}
    assert first in body(client, CONTRACTS, **both)


def test_exports_are_cut_at_the_limit(client):
    for record in client.server.records("mining_exports"):
        assert body(client, EXPORTS, limit=30, **record["key"]) == record["answer"]
        assert body(client, EXPORTS, limit=3, **record["key"]) == record["answer"][:3]
    assert body(client, EXPORTS, commodity_type="coal", year="2024")
    # A year without exports is an empty list, and not unknown.
    assert body(client, EXPORTS, commodity_type="Gold", year=2015) == []


def test_exports_beyond_the_limit(serve):
    rows = [{"country": str(number)} for number in range(40)]
    record = {"key": {"commodity_type": "Coal", "year": 2020}, "answer": rows}
    client = serve(records={"mining_exports": [record]})
    for limit, count in (({}, 20), ({"limit": 30}, 30), ({"limit": 99}, 30)):
        found = body(client, EXPORTS, commodity_type="Coal", year=2020, **limit)
        assert found == rows[:count]


@pytest.mark.parametrize(
    ("path", "query", "error"),
    [
        (EXPORTS, {}, "Query parameters 'year' and 'commodity_type' are required."),
        (EXPORTS, {"year": 2024}, "Query parameters 'year' and 'commodity_type' are required."),
        (
            EXPORTS,
            {"year": 2024, "commodity_type": "Golda"},
            "Invalid commodity 'Golda'. Valid values: Coal, Copper, Gold.",
        ),
        (PRODUCTION, {}, "Query parameter 'commodity_type' is required."),
        (
            PRODUCTION,
            {"commodity_type": "Golda"},
            "Invalid commodity 'Golda'. Valid values: Coal, Copper, Gold, Nickel.",
        ),
        (WORLD, {}, "At least one of `commodity_type` or `country` is required."),
        (WORLD, {"country": ""}, "At least one of `commodity_type` or `country` is required."),
        (
            WORLD,
            {"commodity_type": "Tin"},
            "Invalid commodity 'Tin'. Valid values: Bauxite, Coal, Copper, Gold, Nickel.",
        ),
    ],
)
def test_refusals_in_the_words_of_the_api(client, path, query, error):
    assert refused(client, path, **query) == {"error": error}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (EXPORTS, {"year": 2024, "commodity_type": "Coal", "limit": "x"}),
        (EXPORTS, {"year": 2024, "commodity_type": "Coal", "limit": 0}),
        (EXPORTS, {"year": 1899, "commodity_type": "Coal"}),
        (WORLD, {"country": "China", "limit": "0"}),
        (f"{INDEX}Aceh/", {"year": "x"}),
        (f"{INDEX}Aceh/", {"commodity_type": "Iron"}),
    ],
)
def test_other_refusals(client, path, query):
    assert refused(client, path, **query)["error"] == "Invalid query parameters."


def test_other_countries_are_cut_at_thirty(client):
    records = client.server.records("mining_global_commodity")
    coal = [record for record in records if record["commodity_type"] == "Coal"]
    assert len(coal) == 84
    assert body(client, WORLD, commodity_type="COAL") == coal[:20]
    assert body(client, WORLD, commodity_type="Coal", limit=30) == coal[:30]
    assert body(client, WORLD, commodity_type="Coal", limit=31, offset=30) == coal[:30]
    for country in {record["country"] for record in records}:
        due = [record for record in records if record["country"] == country]
        assert body(client, WORLD, country=country, limit=30) == due
        kind = {"country": country, "commodity_type": "gold"}
        gold = [record for record in due if record["commodity_type"] == "Gold"]
        assert body(client, WORLD, **kind) == gold
    assert body(client, WORLD, country="indonesia") == []


def test_national_production(client):
    for record in client.server.records("mining_total_production"):
        for text in (record["key"], record["key"].lower()):
            assert body(client, PRODUCTION, commodity_type=text) == record["answer"]


def test_a_commodity_without_production_costs_a_credit(serve):
    client = serve(records={})
    error = "No production data found for the given commodity."
    unknown(client, PRODUCTION, error, commodity_type="Coal")


# Provinces


def test_the_index_has_what_the_provinces_have(client):
    index = body(client, INDEX)
    assert len(index) == 33
    for province, commodities in index.items():
        data = body(client, f"{INDEX}{quote(province)}/")["data"]
        years: dict[str, list[int]] = {}
        for year, figures in data.items():
            for name in figures:
                years.setdefault(name, []).append(int(year))
        assert commodities == years
        assert all(each == sorted(each, reverse=True) for each in commodities.values())


def test_a_province_by_year_and_commodity(client):
    records = {
        record["key"]: record["answer"]
        for record in client.server.records("mining_resources_reserves")
    }
    for province, answer in records.items():
        path = f"{INDEX}{quote(province)}/"
        for text in (province, province.upper(), province.lower()):
            assert body(client, f"{INDEX}{quote(text)}/") == answer
        for year, commodities in answer["data"].items():
            due = {"province": province, "data": {year: commodities}}
            assert body(client, path, year=year) == due
            for name, figures in commodities.items():
                found = body(client, path, year=year, commodity_type=name.lower())
                assert found == {"province": province, "data": {year: {name: figures}}}
    coal = body(client, f"{INDEX}Aceh/", commodity_type="Coal")["data"]
    assert len(coal) > 1
    assert all(list(commodities) == ["Coal"] for commodities in coal.values())


@pytest.mark.parametrize(
    ("province", "query"),
    [
        ("Atlantis", {}),
        ("Aceh", {"year": 1999}),
        ("Banten", {"commodity_type": "Tin", "year": 2020}),
    ],
)
def test_a_province_that_is_not_there_costs_a_credit(client, province, query):
    error = "Province not found or no data for given filters."
    unknown(client, f"{INDEX}{province}/", error, **query)


# All of them


def test_the_answers_have_the_types_of_the_records(client):
    for endpoint in ENDPOINTS:
        if endpoint.kind in {"array", "answer"} and "{" not in endpoint.path:
            required = {"commodity_type": "Coal", "year": 2023}
            names = (*endpoint.required, *endpoint.either[:1])
            query = {name: required[name] for name in names}
            kind = dict if endpoint.path == INDEX else list
            assert type(body(client, endpoint.path, **query)) is kind
            for method in ("POST", "HEAD"):
                assert client.request(method, endpoint.path).status_code == 405


def test_answers_of_a_wrong_shape_are_served_as_they_are(serve):
    odd = {"message": "odd"}
    keys = {
        "mining_company": "a",
        "mining_commodity_prices": "Gold",
        "mining_exports": {"commodity_type": "Coal", "year": 2024},
        "mining_total_production": "Coal",
        "mining_resources_reserves": "Aceh",
        "mining_company_performance": {"slug": "a", "year": 2024},
    }
    client = serve(records={name: [{"key": key, "answer": odd}] for name, key in keys.items()})
    for path in (
        f"{COMPANIES}a/",
        price_of("Gold"),
        f"{EXPORTS}?commodity_type=Coal&year=2024",
        f"{PRODUCTION}?commodity_type=Coal",
        f"{INDEX}Aceh/",
        f"{COMPANIES}performance/a/",
    ):
        assert body(client, path) == odd


def test_a_price_without_a_day_is_in_every_window(serve):
    prices = [{"name": "Gold", "date": day, "price_usd_per_ton": 1} for day in ("x", None)]
    client = serve(records={"mining_commodity_prices": [{"key": "Gold", "answer": prices}]})
    assert body(client, price_of("Gold")) == prices


def test_faults_hit_answers_too(serve):
    client = serve(records={"mining_company": [{"key": "a", "answer": {"name": "A"}}]})
    client.server.set_faults(html_errors=True)
    assert client.get(f"{COMPANIES}b/").headers["Content-Type"].startswith("text/html")
    assert client.get(EXPORTS).headers["Content-Type"].startswith("text/html")
    client.server.set_faults(garbage_rate=1.0)
    with pytest.raises(json.JSONDecodeError):
        json.loads(client.get(f"{COMPANIES}a/").content)


def test_generated_companies_are_added_and_no_other_addressed_records(serve):
    client = serve()
    before = client.rows(COMPANIES)
    made = client.server.add_records("mining_companies", 3)
    assert len(client.rows(COMPANIES)) == len(before) + 3
    assert not {row["slug"] for row in made} & {row["slug"] for row in before}
    with pytest.raises(ValueError, match="mining_company cannot be generated"):
        client.server.add_records("mining_company", 1)


# The records of the provider's upstream tables


def lines(folder, dataset):
    text = (folder / f"{dataset}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("dataset", "path"),
    [
        ("mining_company", f"{COMPANIES}{{}}/"),
        ("mining_company_ownership", f"{COMPANIES}ownership/{{}}/"),
        ("mining_company_financials", f"{COMPANIES}financials/{{slug}}/?year={{year}}"),
        ("mining_company_performance", f"{COMPANIES}performance/{{slug}}/?year={{year}}"),
        ("mining_sales_destination", f"{MINING}/sales-destination/{{slug}}/?year={{year}}"),
        ("mining_exports", f"{EXPORTS}?commodity_type={{commodity_type}}&year={{year}}&limit=30"),
        ("mining_resources_reserves", f"{INDEX}{{}}/"),
        ("mining_total_production", f"{PRODUCTION}?commodity_type={{}}"),
    ],
)
def test_every_real_answer_is_served(real, real_folder, dataset, path):
    for record in lines(real_folder, dataset):
        key = record["key"]
        if isinstance(key, str):
            target = path.format(quote(key, safe=""))
        else:
            target = path.format(**{name: quote(str(part)) for name, part in key.items()})
        assert body(real, target) == record["answer"]


def test_every_real_price_is_served(real, real_folder):
    for record in lines(real_folder, "mining_commodity_prices"):
        first, last = (int(record["answer"][end]["date"][:4]) for end in (0, -1))
        found = []
        for year in range(first, last + 1, 3):
            window = {"start_year": year, "end_year": min(year + 2, last)}
            found += body(real, price_of(record["key"]), **window)
        assert found == record["answer"]


def test_every_real_row_is_served(real, real_folder):
    assert body(real, COMMODITIES) == lines(real_folder, "mining_commodities")
    assert body(real, CONTRACTS) == lines(real_folder, "mining_contracts")
    assert real.rows(COMPANIES) == lines(real_folder, "mining_companies")
    world = lines(real_folder, "mining_global_commodity")
    for country in {row["country"] for row in world}:
        due = [row for row in world if row["country"] == country]
        assert body(real, WORLD, country=country, limit=30) == due


def test_the_real_index_is_one_object(real, real_folder):
    records = lines(real_folder, "mining_resources_reserves_index")
    assert body(real, INDEX) == {record["key"]: record["answer"] for record in records}
