"""The sandbox against the provider's own OpenAPI file, which is not part of the project.

The file disagrees in a few places with the provider's documentation and data. Each such place
is amended by name below before the file is loaded; everything else is checked unchanged.
Unknown query parameters need no amendment: neither the file nor the checks forbid them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance
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
}
DETAILS = {
    "/v2/mining/license-auctions/{wiup_code}/": ("mining_license_auctions", "wiup_code"),
    "/v2/mining/sites/{slug}/": ("mining_sites", "slug"),
}

# Fields that the file declares without null, and that are null in answers of the real API: the
# site of a mine abroad has neither province nor city, most sites report no production, and a few
# licences have no province or city.
NULLS = {
    "MiningLicenseListItem": ("province", "city"),
    "MiningSiteListItem": ("province", "city", "production_volume"),
    "MiningSiteDetail": ("production_volume",),
}

# Statuses that the file mentions only in prose, in the table of what is billed.
PROSE_STATUSES = ("401", "403")


def amended() -> dict[str, Any]:
    """Return the file's five endpoints with the amendments."""
    schema = json.loads(OPENAPI.read_text(encoding="utf-8"))
    schema["paths"] = {path: schema["paths"][path] for path in (*LISTS, *DETAILS)}
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
    for operations in schema["paths"].values():
        operation = operations["get"]
        refusal = operation["responses"]["429"] | {"description": "Not accepted."}
        operation["responses"] |= dict.fromkeys(PROSE_STATUSES, refusal)
        for parameter in operation["parameters"]:
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
    return [positive_data_acceptance] if alone else []


@schema.parametrize()
@settings(
    max_examples=50,
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


@pytest.mark.parametrize("path", [*LISTS, *DETAILS])
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
        for path in (*LISTS, *DETAILS)
        for status in PROSE_STATUSES
    )


def test_the_sandbox_knows_the_files_vocabulary():
    from sectorsdf.sandbox.endpoints import ENDPOINTS
    from sectorsdf.sandbox.filters import OneOf

    assert {endpoint.path for endpoint in ENDPOINTS} == {*LISTS, *DETAILS}
    endpoints = [endpoint for endpoint in ENDPOINTS if endpoint.path in LISTS]
    assert {endpoint.path: endpoint.dataset for endpoint in endpoints} == LISTS
    for endpoint in endpoints:
        declared = {
            parameter["name"]: parameter["schema"]["enum"]
            for parameter in amended()["paths"][endpoint.path]["get"]["parameters"]
            if "enum" in parameter["schema"]
        }
        sorts = set(declared.pop("order_by"))
        assert sorts == {sign + field for sign in ("", "-") for field in endpoint.sorts}
        assert endpoint.default_sort in sorts
        documented = {
            name: rule.values for name, rule in endpoint.rules.items() if isinstance(rule, OneOf)
        }
        assert {name: set(values) for name, values in declared.items()} == documented
