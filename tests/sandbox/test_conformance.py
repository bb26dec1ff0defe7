"""The sandbox against the provider's own OpenAPI file, which is not part of the project.

The file disagrees in a few places with the provider's documentation and data. Each such place
is amended by name below before the file is loaded; everything else is checked unchanged.
Unknown query parameters need no amendment: neither the file nor the checks forbid them.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance
from support.budgets import examples
from support.paths import SHARED

pytestmark = pytest.mark.newest

if TYPE_CHECKING:
    from schemathesis import Case

OPENAPI = SHARED / "reference" / "sectors-mining-openapi.json"
if not OPENAPI.is_file():
    pytest.skip("the provider's OpenAPI file is not on this machine", allow_module_level=True)

LISTS = {
    "/v2/mining/licenses/": "mining_licenses",
    "/v2/mining/license-auctions/": "mining_license_auctions",
    "/v2/mining/sites/": "mining_sites",
    "/v2/mining/companies/": "mining_companies",
}
DETAILS = {
    "/v2/mining/license-auctions/{wiup_code}/": ("mining_license_auctions", "wiup_code"),
    "/v2/mining/sites/{slug}/": ("mining_sites", "slug"),
}
# Bare arrays of rows.
ARRAYS = {
    "/v2/mining/commodities/": "mining_commodities",
    "/v2/mining/contracts/": "mining_contracts",
    "/v2/mining/global-commodity/": "mining_global_commodity",
}
# Records with a key and an answer.
ANSWERS = {
    "/v2/mining/commodities/{commodity_name}/price/": "mining_commodity_prices",
    "/v2/mining/companies/{slug}/": "mining_company",
    "/v2/mining/companies/ownership/{slug}/": "mining_company_ownership",
    "/v2/mining/companies/financials/{slug}/": "mining_company_financials",
    "/v2/mining/companies/performance/{slug}/": "mining_company_performance",
    "/v2/mining/exports/": "mining_exports",
    "/v2/mining/resources-reserves/": "mining_resources_reserves_index",
    "/v2/mining/resources-reserves/{province}/": "mining_resources_reserves",
    "/v2/mining/sales-destination/{slug}/": "mining_sales_destination",
    "/v2/mining/total-production/": "mining_total_production",
}
PATHS = (*LISTS, *DETAILS, *ARRAYS, *ANSWERS)

# Fields that the file declares without null, and that are null in answers of the real API: the
# site of a mine abroad has neither province nor city, most sites report no production, a few
# licences have no province or city, exports of gold have no volume, and most countries have only
# some of the figures.
NULLS = {
    "MiningLicenseListItem": ("province", "city"),
    "MiningSiteListItem": ("province", "city", "production_volume"),
    "MiningSiteDetail": ("production_volume",),
    "ExportDestinationItem": ("export_usd", "volume_unit"),
    "GlobalCommodityDataItem": (
        "export_import_usd",
        "production_volume",
        "production_share",
        "production_volume_unit",
        "resources_reserves_unit",
    ),
}
# A number in the file; by year and rank of coal in answers of the real API.
BY_YEAR = ("resources_reserves", "resources_reserves_share")

# Statuses that the file mentions only in prose, in the table of what is billed: the first two for
# every endpoint, the last for some.
PROSE_STATUSES = ("401", "403")
BAD_REQUEST = "400"


def amended() -> dict[str, Any]:
    """Return the file's endpoints with the amendments."""
    schema = json.loads(OPENAPI.read_text(encoding="utf-8"))
    assert set(schema["paths"]) == set(PATHS)
    # The key is not varied here: each case is sent with a valid one, and missing and wrong ones
    # have tests of their own.
    schema["security"] = []
    del schema["components"]["securitySchemes"]
    items = schema["components"]["schemas"]
    for name, fields in NULLS.items():
        for field in fields:
            items[name]["properties"][field]["nullable"] = True
    # The documentation has an example with a GeoJSON point where the file declares a text.
    point = {"type": "object", "required": ["type", "coordinates"]}
    location = {"anyOf": [{"type": "string"}, point], "nullable": True}
    items["MiningLicenseListItem"]["properties"]["location"] = location
    for field in BY_YEAR:
        figures = {"type": "object", "nullable": True}
        items["GlobalCommodityDataItem"]["properties"][field] = figures
    for operations in schema["paths"].values():
        operation = operations["get"]
        refusal = operation["responses"]["429"] | {"description": "Not accepted."}
        operation["responses"] |= dict.fromkeys(PROSE_STATUSES, refusal)
        operation["responses"].setdefault(BAD_REQUEST, refusal)
        for parameter in operation.get("parameters", ()):
            # "Clamped silently": more than the maximum is no error.
            if parameter["name"] == "limit":
                del parameter["schema"]["maximum"]
            # A flag in the file, a text ("status value, case-insensitive") in the documentation.
            if parameter["name"] == "cnc":
                parameter["schema"]["type"] = "string"
    return schema


schema = schemathesis.openapi.from_dict(amended(), config=SchemathesisConfig())


def excluded(case: Case) -> list[Any]:
    """Return the checks that do not apply to a case, for reasons that the file has in prose."""
    query = case.query or {}
    # "Requires participant": the one rule between two parameters, which a schema cannot express.
    alone = "participant" not in query and str(query.get("qualified")).lower() == "true"
    # "At least one of", "Invalid commodity", "Maximum 3-year range": likewise.
    neither = case.path.endswith("/global-commodity/") and not (
        query.get("commodity_type") or query.get("country")
    )
    return [positive_data_acceptance] if alone or neither or case.path.endswith("/price/") else []


@schema.parametrize()
@settings(
    max_examples=examples(0.6),
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_request_is_answered_as_declared(case: Case, sample):
    headers = {"Authorization": sample.key}
    answer = case.call(base_url=sample.url, headers=headers)
    case.validate_response(answer, excluded_checks=excluded(case), headers=headers)


@pytest.mark.parametrize("path", LISTS)
def test_every_row_is_as_declared(client, path):
    offset = 0
    while offset is not None:
        answer = client.get(path, params={"limit": 30, "offset": offset})
        schema[path]["GET"].validate_response(answer)
        offset = answer.json()["pagination"]["next_offset"]
    assert client.server.requests[-1].status == 200


@pytest.mark.parametrize("path", DETAILS)
def test_every_detail_is_as_declared(client, path):
    dataset, field = DETAILS[path]
    statuses = set()
    for record in client.server.records(dataset):
        answer = client.get(path.replace(f"{{{field}}}", record[field]))
        schema[path]["GET"].validate_response(answer)
        statuses.add(answer.status_code)
    # The one mine abroad is not found by its slug.
    assert statuses == ({200, 404} if dataset == "mining_sites" else {200})


@pytest.mark.parametrize("path", ARRAYS)
def test_every_row_of_an_array_is_as_declared(client, path):
    countries = {row["country"] for row in client.server.records("mining_global_commodity")}
    queries = [{"country": name} for name in countries] if "global" in path else [{}]
    rows = 0
    for query in queries:
        answer = client.get(path, params={**query, "limit": 30})
        schema[path]["GET"].validate_response(answer)
        rows += len(answer.json())
    assert rows == len(client.server.records(ARRAYS[path]))


@pytest.mark.parametrize("path", ANSWERS)
def test_every_answer_is_as_declared(client, path):
    records = client.server.records(ANSWERS[path])
    # The index has all records in one answer.
    for record in records[:1] if path.endswith("/resources-reserves/") else records:
        key = record["key"]
        parts = key if isinstance(key, dict) else {"slug": key}
        query = {name: part for name, part in parts.items() if name != "slug"}
        text = quote(str(parts.get("slug")), safe="")
        if path.endswith("/total-production/"):
            query = {"commodity_type": key}
        if path.endswith("/price/"):
            query = {"start_year": 2023, "end_year": 2025}
        answer = client.get(re.sub("{.*}", lambda _: text, path), params=query)  # noqa: B023
        assert answer.status_code == 200
        schema[path]["GET"].validate_response(answer)


@pytest.mark.parametrize("path", PATHS)
def test_refusals_are_as_declared(client, path):
    for key in (None, "0" * 64):
        answer = client.get(path, headers={"Authorization": key})
        schema[path]["GET"].validate_response(answer)
        assert answer.status_code == (401 if key is None else 403)


def test_the_amendments_are_needed():
    original = json.loads(OPENAPI.read_text(encoding="utf-8"))
    items = original["components"]["schemas"]
    for name, fields in NULLS.items():
        assert not any(items[name]["properties"][field].get("nullable") for field in fields)
    assert not any(
        status in original["paths"][path]["get"]["responses"]
        for path in PATHS
        for status in PROSE_STATUSES
    )
    assert any(
        BAD_REQUEST not in original["paths"][path]["get"]["responses"]
        for path in PATHS
        if original["paths"][path]["get"].get("parameters")
    )
    for field in BY_YEAR:
        assert items["GlobalCommodityDataItem"]["properties"][field]["type"] == "number"


def test_the_sandbox_knows_the_files_vocabulary():
    from sectorsdf.sandbox.endpoints import ENDPOINTS
    from sectorsdf.sandbox.filters import OneOf

    assert sorted(endpoint.path for endpoint in ENDPOINTS) == sorted(PATHS)
    kinds = dict.fromkeys(LISTS, "page") | dict.fromkeys(DETAILS, "record")
    kinds |= dict.fromkeys(ARRAYS, "array") | dict.fromkeys(ANSWERS, "answer")
    details = {path: dataset for path, (dataset, _) in DETAILS.items()}
    assert {endpoint.path: endpoint.dataset for endpoint in ENDPOINTS} == (
        LISTS | details | ARRAYS | ANSWERS
    )
    for endpoint in ENDPOINTS:
        assert endpoint.kind == kinds[endpoint.path]
        operation = amended()["paths"][endpoint.path]["get"]
        parameters = [each for each in operation.get("parameters", ()) if each["in"] == "query"]
        names = {each["name"] for each in parameters}
        paged = endpoint.kind == "page"
        assert ("offset" in names) is paged
        assert ("limit" in names) is (paged or endpoint.limited)
        assert names - {"limit", "offset", "order_by"} == set(endpoint.rules)
        assert {each["name"] for each in parameters if each.get("required")} == {*endpoint.required}
        declared = {
            parameter["name"]: parameter["schema"]["enum"]
            for parameter in parameters
            if "enum" in parameter["schema"]
        }
        sorts = set(declared.pop("order_by", ()))
        assert sorts == {sign + field for sign in ("", "-") for field in endpoint.sorts}
        assert not sorts or endpoint.default_sort in sorts
        documented = {
            name: rule.values for name, rule in endpoint.rules.items() if isinstance(rule, OneOf)
        }
        assert {name: set(values) for name, values in declared.items()} == documented
