"""The table of endpoints: one entry is enough for an endpoint of each kind."""

from __future__ import annotations

import json
from datetime import date

import pytest

from sectorsdf.sandbox.api import AnswerContext, find_route, parse_query, respond
from sectorsdf.sandbox.endpoints import DATASETS, ENDPOINTS, Endpoint, new_table
from sectorsdf.sandbox.faults import Faults
from sectorsdf.sandbox.filters import OneOf, equals, year
from sectorsdf.sandbox.rng import SeededRandom

pytestmark = pytest.mark.newest

METALS = frozenset({"Gold", "Tin"})
PRICES = Endpoint(
    "/v2/examples/prices/",
    "array",
    "prices",
    key="name",
    fields=("name", "year", "price"),
    rules={"metal": OneOf("name", METALS), "year": year},
    required=("metal", "year"),
    default_sort="-price",
    limited=True,
)
CONTRACTS = Endpoint(
    "/v2/examples/contracts/",
    "array",
    "contracts",
    key="owner",
    fields=("owner", "contractor"),
    rules={"contractor": equals("contractor")},
)
FINANCIALS = Endpoint(
    "/v2/examples/{slug}/financials/",
    "record",
    "financials",
    key="slug",
    fields=("slug", "year", "assets"),
    rules={"year": year},
    not_found="No financials.",
)
EXAMPLES = (PRICES, CONTRACTS, FINANCIALS)
RECORDS = {
    "prices": [{"price": n, "name": "Gold", "year": 2024} for n in range(40)]
    + [{"name": "Tin", "year": 2023, "price": 1}],
    "contracts": [{"contractor": f"c{n % 2}", "owner": f"o{n}"} for n in range(50)],
    "financials": [
        {"slug": "a b", "year": 2023, "assets": 1},
        {"slug": "a b", "year": 2024, "assets": 2},
        {"slug": "c", "year": 2020, "assets": 3},
    ],
}


def get(target, **faults):
    """Return the status and the decoded body of an answer from the examples."""
    tables = {name: new_table(name, rows, EXAMPLES) for name, rows in RECORDS.items()}
    path, _, query = target.partition("?")
    route = find_route(path, EXAMPLES)
    context = AnswerContext(tables, Faults(**faults), SeededRandom(1), date(2026, 1, 1))
    answer = respond(route.endpoint, route.key, parse_query(query), context)
    return answer.status, json.loads(answer.body)


def test_a_bare_array_has_every_row_in_the_order_of_the_records():
    status, rows = get("/v2/examples/contracts/?limit=x&order_by=contractor")
    assert status == 200
    assert [row["owner"] for row in rows] == [f"o{n}" for n in range(50)]
    assert list(rows[0]) == ["owner", "contractor"]
    assert get("/v2/examples/contracts/", unstable_order=True) == (200, rows)
    status, rows = get("/v2/examples/contracts/?contractor=c1")
    assert {row["contractor"] for row in rows} == {"c1"}
    assert len(rows) == 25


@pytest.mark.parametrize(("limit", "rows"), [("", 20), ("&limit=7", 7), ("&limit=99", 30)])
def test_an_array_can_be_cut_at_a_limit(limit, rows):
    status, found = get(f"/v2/examples/prices/?metal=gold&year=2024{limit}")
    assert status == 200
    assert [row["price"] for row in found] == list(range(39, 39 - rows, -1))


@pytest.mark.parametrize("query", ["", "?metal=Gold", "?year=2024", "?metal=&year=2024"])
def test_required_parameters(query):
    status, body = get(f"/v2/examples/prices/{query}")
    assert status == 400
    assert body == {"error": "Query parameters 'metal' and 'year' are required."}


@pytest.mark.parametrize("query", ["?metal=Cheese&year=2024", "?metal=Gold&year=1"])
def test_values_that_the_rules_refuse(query):
    assert get(f"/v2/examples/prices/{query}")[0] == 400


@pytest.mark.parametrize(
    ("target", "assets"),
    [("a%20b/financials/", 2), ("a%20b/financials/?year=2023", 1), ("c/financials/", 3)],
)
def test_a_record_is_that_of_the_latest_matching_year(target, assets):
    status, record = get(f"/v2/examples/{target}")
    assert (status, record["assets"]) == (200, assets)


@pytest.mark.parametrize("target", ["d/financials/", "c/financials/?year=2024"])
def test_a_record_that_is_not_there(target):
    assert get(f"/v2/examples/{target}") == (404, {"error": "No financials."})


def test_a_record_endpoint_refuses_a_wrong_parameter():
    assert get("/v2/examples/c/financials/?year=x")[0] == 400


def test_routes():
    assert find_route("/v2/examples/prices/", EXAMPLES) == (PRICES, "", False)
    assert find_route("/v2/examples/prices", EXAMPLES) == (PRICES, "", True)
    assert find_route("/v2/examples/a%20b/financials", EXAMPLES) == (FINANCIALS, "a b", True)
    # An encoded slash leads to another endpoint.
    assert find_route("/v2%2Fexamples%2Fprices%2F", EXAMPLES) == (PRICES, "", False)
    for path in ("/v2/examples/", "/v2/examples//financials/", "/v2/examples/a%2Fb/financials/"):
        assert find_route(path, EXAMPLES).endpoint is None


def test_paths_are_unique_and_required_parameters_have_rules():
    assert len({endpoint.path for endpoint in ENDPOINTS}) == len(ENDPOINTS)
    for endpoint in (*ENDPOINTS, *EXAMPLES):
        assert {*endpoint.required, *endpoint.either} <= set(endpoint.rules)
        assert endpoint.key in endpoint.fields
        addressed = "{" in endpoint.path
        assert endpoint.kind in ({"record", "answer"} if addressed else {"page", "array", "answer"})
        assert (endpoint.kind == "answer") is (endpoint.answer is not None)


def test_the_endpoints_of_a_dataset_agree_on_its_key():
    for dataset in DATASETS:
        keys = {endpoint.key for endpoint in ENDPOINTS if endpoint.dataset == dataset}
        assert keys == {new_table(dataset, ()).shape.key}
