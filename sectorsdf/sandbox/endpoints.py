"""The endpoints that the sandbox serves, as one table.

One more endpoint is one more `Endpoint` in `ENDPOINTS`: its path, the shape of its answer, and the
rules of its parameters. Everything else (routing, the names of the data files, the front page)
follows from the table. Imports nothing of the client, in particular not its declarations in
`sectorsdf.datasets`: the sandbox would otherwise repeat their mistakes instead of showing them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from sectorsdf.sandbox.filters import (
    OneOf,
    Rule,
    as_number,
    clear_and_clean,
    equals,
    expiring_soon,
    min_count,
    min_number,
    participant,
    qualified,
    year,
)
from sectorsdf.sandbox.records import Entry, Shape, Table
from sectorsdf.sandbox.vocabulary import (
    ACTIVITIES,
    AREA_TYPES,
    AUCTION_PROVINCES,
    LICENSE_COMMODITIES,
    LICENSE_PROVINCES,
    LICENSE_TYPES,
    MINED_COMMODITIES,
    SITE_PROVINCES,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sectorsdf.sandbox.records import Record

__all__ = ["DATASETS", "ENDPOINTS", "Endpoint", "new_table"]


def _latest(entries: list[Entry]) -> Entry | None:
    # max() returns the first of several maxima.
    return max(entries, key=lambda entry: as_number(entry.record.get("year")) or 0, default=None)


def _latest_in_indonesia(entries: list[Entry]) -> Entry | None:
    latest = _latest(entries)
    return None if latest is None or latest.row.get("province") is None else latest


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """One endpoint of the API.

    Attributes
    ----------
    path : str
        Its path, with the key of a record endpoint in braces.
    kind : {"page", "array", "record"}
        Shape of the answer: a page of a list with its pagination, the rows of a list as a bare
        array, or one record.
    dataset : str
        The dataset that it reads. Endpoints may share one. Its records come from the sample, or
        from the file ``<dataset>.jsonl`` of a folder.
    key : str
        Field that identifies a record; a record endpoint looks up the last part of the path in it.
    fields : tuple of str
        Documented fields of its rows or records, in the order in which the API writes them.
    lifted : mapping of str to str
        Fields of a list's rows that the record has inside an object, with the object's name.
    rules : mapping of str to Rule
        Query parameters besides limit, offset and order_by. Others are ignored, as the API does.
    required : tuple of str
        Parameters without which the API refuses a request with 400.
    sorts : frozenset of str
        Fields that `order_by` accepts, ascending or, with a minus sign, descending. Without any
        the endpoint has no `order_by`.
    default_sort : str
        The order without `order_by`. By default the order of the records.
    limited : bool
        Whether an array is cut at the parameter `limit`. A page always is.
    select : callable
        Choose a record endpoint's answer among the entries with the key that match the
        parameters: by default the latest year.
    not_found : str
        The error text of a record endpoint for a key without a record.
    """

    path: str
    kind: Literal["page", "array", "record"]
    dataset: str
    key: str
    fields: tuple[str, ...]
    lifted: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    rules: Mapping[str, Rule] = field(default_factory=lambda: MappingProxyType({}))
    required: tuple[str, ...] = ()
    sorts: frozenset[str] = frozenset()
    default_sort: str = ""
    limited: bool = False
    select: Callable[[list[Entry]], Entry | None] = _latest
    not_found: str = "Not found."


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
        select=_latest_in_indonesia,
        not_found="Mining site not found.",
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
    rows = next((endpoint for endpoint in shown if endpoint.kind != "record"), shown[0])
    whole = next((endpoint for endpoint in shown if endpoint.kind == "record"), shown[0])
    return Table(Shape(whole.key, whole.fields, rows.fields, rows.lifted), records)
