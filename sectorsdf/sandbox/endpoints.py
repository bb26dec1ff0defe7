"""The endpoints that the sandbox serves, as one table.

One more endpoint is one more `Endpoint` in `ENDPOINTS`: its path, the shape of its answer, and the
rules of its parameters. Everything else (routing, the names of the data files, the front page)
follows from the table. Imports nothing of the client, in particular not its declarations in
`sectorsdf.datasets`: the sandbox would otherwise repeat their mistakes instead of showing them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorsdf.sandbox.answers import (
    by_slug,
    export_ranking,
    of_year,
    performance_of_year,
    price_history,
    province_resources,
    reserves_index,
    total_production,
)
from sectorsdf.sandbox.endpoint import Endpoint, latest_in_indonesia
from sectorsdf.sandbox.filters import (
    OneOf,
    clear_and_clean,
    contains,
    equals,
    expiring_soon,
    has_financials,
    min_count,
    min_number,
    participant,
    qualified,
    year,
)
from sectorsdf.sandbox.records import Shape, Table
from sectorsdf.sandbox.vocabulary import (
    ACTIVITIES,
    AREA_TYPES,
    AUCTION_PROVINCES,
    COMPANY_COMMODITIES,
    COMPANY_TYPES,
    EXPORTED_COMMODITIES,
    LICENSE_COMMODITIES,
    LICENSE_PROVINCES,
    LICENSE_TYPES,
    MINED_COMMODITIES,
    PRODUCED_COMMODITIES,
    RESERVES_COMMODITIES,
    SITE_PROVINCES,
    WORLD_COMMODITIES,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sectorsdf.sandbox.records import Record

__all__ = ["DATASETS", "ENDPOINTS", "Endpoint", "new_table"]

_AUCTION_ROW = (
    "commodity_type",
    "city",
    "province",
    "company_name",
    "winner_date",
    "licensed_area_ha",
    "license_number",
    "area_type",
    "kdi",
    "wiup_code",
    "auction_status",
    "participant_count",
    "winner",
    "company_slug",
)

ENDPOINTS = (
    Endpoint(
        "/v2/mining/licenses/",
        "page",
        "mining_licenses",
        key="wiup_code",
        fields=(
            "wiup_code",
            "license_number",
            "license_type",
            "province",
            "city",
            "license_effective_date",
            "license_expiry_date",
            "activity",
            "licensed_area_ha",
            "location",
            "commodity_type",
            "company_name",
            "cnc",
            "generation",
            "company_slug",
        ),
        rules={
            "province": OneOf("province", LICENSE_PROVINCES, ignore_case=False),
            "commodity_type": OneOf("commodity_type", LICENSE_COMMODITIES),
            "company": equals("company_slug"),
            "license_type": OneOf("license_type", LICENSE_TYPES),
            "activity": OneOf("activity", ACTIVITIES),
            "cnc": clear_and_clean,
            "expiring_soon": expiring_soon,
        },
        sorts=frozenset(
            {
                "license_expiry_date",
                "license_effective_date",
                "licensed_area_ha",
                "commodity_type",
            }
        ),
        default_sort="license_expiry_date",
    ),
    Endpoint(
        "/v2/mining/license-auctions/",
        "page",
        "mining_license_auctions",
        key="wiup_code",
        fields=_AUCTION_ROW,
        rules={
            "province": OneOf("province", AUCTION_PROVINCES),
            "commodity_type": OneOf("commodity_type", MINED_COMMODITIES),
            "area_type": OneOf("area_type", AREA_TYPES),
            "status": equals("auction_status", ignore_case=True),
            "participant": participant,
            "qualified": qualified,
            "min_participants": min_count("participant_count"),
        },
        sorts=frozenset({"winner_date", "licensed_area_ha", "participant_count", "commodity_type"}),
        default_sort="-winner_date",
    ),
    Endpoint(
        "/v2/mining/license-auctions/{wiup_code}/",
        "record",
        "mining_license_auctions",
        key="wiup_code",
        fields=(
            *_AUCTION_ROW[:-1],
            "created_at",
            "last_modified",
            "phases",
            "participants",
            "company_slug",
        ),
        not_found="Auction not found.",
    ),
    Endpoint(
        "/v2/mining/sites/",
        "page",
        "mining_sites",
        key="slug",
        fields=(
            "name",
            "project_name",
            "year",
            "commodity_type",
            "production_volume",
            "unit",
            "strip_ratio",
            "province",
            "city",
            "company_slug",
            "company_name",
            "slug",
        ),
        lifted={"province": "location", "city": "location"},
        rules={
            "province": OneOf("province", SITE_PROVINCES, ignore_case=False),
            "commodity_type": OneOf("commodity_type", MINED_COMMODITIES),
            "company": equals("company_slug"),
            "year": year,
            "min_production": min_number("production_volume"),
        },
        sorts=frozenset({"production_volume", "year", "strip_ratio"}),
        default_sort="-year",
    ),
    Endpoint(
        "/v2/mining/sites/{slug}/",
        "record",
        "mining_sites",
        key="slug",
        fields=(
            "name",
            "project_name",
            "year",
            "commodity_type",
            "production_volume",
            "unit",
            "overburden_removal_volume",
            "strip_ratio",
            "resources_reserves",
            "location",
            "company_slug",
            "company_name",
            "slug",
        ),
        select=latest_in_indonesia,
        not_found="Mining site not found.",
    ),
    Endpoint(
        "/v2/mining/commodities/",
        "array",
        "mining_commodities",
        key="name",
        fields=("name", "data_points", "earliest_date", "latest_date"),
    ),
    Endpoint(
        "/v2/mining/commodities/{commodity_name}/price/",
        "answer",
        "mining_commodity_prices",
        rules={"start_year": year, "end_year": year},
        answer=price_history,
        not_found="No price data for this commodity in the specified range.",
    ),
    Endpoint(
        "/v2/mining/companies/",
        "page",
        "mining_companies",
        key="slug",
        fields=("slug", "name", "symbol", "company_type", "key_operation", "commodity_type"),
        rules={
            "commodity_type": OneOf("commodity_type", COMPANY_COMMODITIES),
            "company_type": OneOf("company_type", COMPANY_TYPES),
            "keyword": contains("name", "symbol", "slug", "key_operation"),
            "has_financials": has_financials,
        },
        default_sort="name",
    ),
    Endpoint(
        "/v2/mining/companies/{slug}/",
        "answer",
        "mining_company",
        answer=by_slug,
        not_found="Company not found. Please provide a valid company slug.",
    ),
    Endpoint(
        "/v2/mining/companies/ownership/{slug}/",
        "answer",
        "mining_company_ownership",
        answer=by_slug,
        not_found="Company not found.",
    ),
    Endpoint(
        "/v2/mining/companies/financials/{slug}/",
        "answer",
        "mining_company_financials",
        rules={"year": year},
        answer=of_year,
        not_found="Company not found or no financial data available.",
    ),
    Endpoint(
        "/v2/mining/companies/performance/{slug}/",
        "answer",
        "mining_company_performance",
        rules={
            "commodity_type": OneOf("commodity_type", PRODUCED_COMMODITIES),
            "year": year,
        },
        answer=performance_of_year,
        not_found="Company not found.",
    ),
    Endpoint(
        "/v2/mining/contracts/",
        "array",
        "mining_contracts",
        key="mine_owner_slug",
        fields=(
            "mine_owner_slug",
            "mine_owner_name",
            "contractor_slug",
            "contractor_name",
            "contract_period_end",
        ),
        rules={
            "contractor": equals("contractor_slug"),
            "mine_owner": equals("mine_owner_slug"),
        },
        default_sort="contract_period_end",
    ),
    Endpoint(
        "/v2/mining/exports/",
        "answer",
        "mining_exports",
        rules={
            "commodity_type": OneOf("commodity_type", EXPORTED_COMMODITIES, lists_values=True),
            "year": year,
        },
        required=("year", "commodity_type"),
        limited=True,
        answer=export_ranking,
    ),
    Endpoint(
        "/v2/mining/global-commodity/",
        "array",
        "mining_global_commodity",
        key="country",
        fields=(
            "country",
            "commodity_type",
            "resources_reserves",
            "resources_reserves_share",
            "resources_reserves_unit",
            "export_import_usd",
            "production_volume",
            "production_share",
            "production_volume_unit",
        ),
        rules={
            "commodity_type": OneOf("commodity_type", WORLD_COMMODITIES, lists_values=True),
            "country": equals("country"),
        },
        either=("commodity_type", "country"),
        default_sort="country",
        limited=True,
    ),
    Endpoint(
        "/v2/mining/resources-reserves/",
        "answer",
        "mining_resources_reserves_index",
        answer=reserves_index,
    ),
    Endpoint(
        "/v2/mining/resources-reserves/{province}/",
        "answer",
        "mining_resources_reserves",
        rules={
            "commodity_type": OneOf("commodity_type", RESERVES_COMMODITIES),
            "year": year,
        },
        answer=province_resources,
        not_found="Province not found or no data for given filters.",
    ),
    Endpoint(
        "/v2/mining/sales-destination/{slug}/",
        "answer",
        "mining_sales_destination",
        rules={"year": year},
        answer=of_year,
        not_found="No sales destination data found for company.",
    ),
    Endpoint(
        "/v2/mining/total-production/",
        "answer",
        "mining_total_production",
        rules={
            "commodity_type": OneOf("commodity_type", MINED_COMMODITIES, lists_values=True),
        },
        required=("commodity_type",),
        answer=total_production,
        not_found="No production data found for the given commodity.",
    ),
)

DATASETS = tuple(dict.fromkeys(endpoint.dataset for endpoint in ENDPOINTS))


def new_table(
    dataset: str, records: Iterable[Record], endpoints: Iterable[Endpoint] = ENDPOINTS
) -> Table:
    """Return a table of a dataset's records, with the fields that its endpoints document.

    Parameters
    ----------
    dataset : str
        Name of the dataset.
    records : iterable of dict
        Its records.
    endpoints : iterable of Endpoint
        The endpoints, of which the dataset has at most one list and one record endpoint.
    """
    shown = [endpoint for endpoint in endpoints if endpoint.dataset == dataset]
    rows = next((endpoint for endpoint in shown if endpoint.kind in {"page", "array"}), shown[0])
    whole = next((endpoint for endpoint in shown if endpoint.kind == "record"), shown[0])
    return Table(Shape(whole.key, whole.fields, rows.fields, rows.lifted), records)
