"""Make rows of the answers about contracts, trade, and national and global figures.

The functions are unpackers, as `sectorsdf.frames.unpack` describes them, and must not import it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sectorsdf.datasets.trade import (
    MINING_CONTRACTS,
    MINING_EXPORTS,
    MINING_GLOBAL_COMMODITIES,
    MINING_SALES_DESTINATIONS,
    MINING_TOTAL_PRODUCTION,
)
from sectorsdf.frames.unpacked import Rows, Unpacked, slug_of, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "contracts",
    "exports",
    "global_commodities",
    "sales_destinations",
    "total_production",
]

# Destinations that are no country; what follows in parentheses does not count.
_REGIONS: Final = frozenset(
    {
        "africa",
        "america",
        "americas",
        "asean",
        "asia",
        "asia pacific",
        "asia-pacific",
        "australasia",
        "central america",
        "central asia",
        "east asia",
        "eastern asia",
        "eastern europe",
        "europe",
        "european union",
        "export",
        "exports",
        "foreign",
        "international",
        "latin america",
        "middle east",
        "north africa",
        "north america",
        "north asia",
        "north east asia",
        "north-east asia",
        "northeast asia",
        "oceania",
        "other",
        "other asia",
        "other asian countries",
        "other countries",
        "others",
        "overseas",
        "pacific",
        "rest of the world",
        "rest of world",
        "south america",
        "south asia",
        "south east asia",
        "south-east asia",
        "southeast asia",
        "southern asia",
        "west asia",
        "western asia",
        "western europe",
        "world",
    }
)


_GLOBAL_FIELDS: Final = (
    "resources_reserves",
    "resources_reserves_share",
    "resources_reserves_unit",
    "export_import_usd",
    "production_volume",
    "production_share",
    "production_volume_unit",
)


def _is_region(destination: str) -> bool:
    name = destination.partition("(")[0]
    return " ".join(name.split()).casefold() in _REGIONS


def _number(value: object) -> float | None:
    """Return a finite number as a float, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def contracts(answer: object, key: Mapping[str, str]) -> Unpacked:
    """Return one row for each contract."""
    rows = Rows(MINING_CONTRACTS, key)
    fields = {column.name: column.name for column in MINING_CONTRACTS.columns}
    for item in rows.objects({"answer": answer}, "answer"):
        # The API writes "" for no end in the contracts of a company's record.
        endless = item.get("contract_period_end") == ""
        rows.add({**item, "contract_period_end": None} if endless else item, fields, {})
    return rows.done()


def exports(answer: object, key: Mapping[str, str]) -> Unpacked:
    """Return one row for each destination, with the commodity and year that were asked for."""
    rows = Rows(MINING_EXPORTS, key)
    fields = {
        "country": "country",
        "export_usd": "export_usd",
        "export_volume_bps": "volume_bps",
        "export_volume_esdm": "volume_esdm",
        "volume_unit": "volume_unit",
    }
    asked = {"commodity_type": key.get("commodity_type"), "year": whole(key.get("year"))}
    for rank, item in enumerate(rows.objects({"answer": answer}, "answer"), 1):
        rows.add(item, fields, {**asked, "rank": rank})
    return rows.done()


def global_commodities(answer: object, key: Mapping[str, str]) -> Unpacked:
    """Return one row for each figure of a country; one without any figure has one row."""
    rows = Rows(MINING_GLOBAL_COMMODITIES, key)
    names = {"country": "country", "commodity_type": "commodity_type"}
    for item in rows.objects({"answer": answer}, "answer"):
        row = {name: item.get(name) for name in names}
        found = [
            *_reserves(rows, item, row),
            *_trade(rows, item, row),
            *_production(rows, item, row),
        ]
        nothing = dict.fromkeys(("year", "measure", "rank", "value", "unit"))
        for figure in found or [nothing]:
            rows.add(item, names, {**nothing, **figure}, _GLOBAL_FIELDS)
    return rows.done()


_Figures: TypeAlias = "Iterator[dict[str, object]]"


def _by_year(
    rows: Rows, item: Mapping[str, Any], field: str, row: Mapping[str, object]
) -> Iterator[tuple[object, Any]]:
    """Yield the years and figures of a field; a plain number is a figure without a year."""
    value = item.get(field)
    if _number(value) is not None:
        yield None, value
    else:
        for year, figure in rows.fields(value, field, row).items():
            yield whole(year), figure


def _reserves(rows: Rows, item: Mapping[str, Any], row: Mapping[str, object]) -> _Figures:
    unit = item.get("resources_reserves_unit")
    for field, measure, of in (
        ("resources_reserves", "reserves", unit),
        ("resources_reserves_share", "reserves_share", "%"),
    ):
        for year, figure in _by_year(rows, item, field, row):
            # Without ranks, the figure is that of all coal, or of another commodity.
            ranks = figure or {None: None} if isinstance(figure, dict) else {None: figure}
            for rank, value in ranks.items():
                yield {"year": year, "measure": measure, "rank": rank, "value": value, "unit": of}


def _trade(rows: Rows, item: Mapping[str, Any], row: Mapping[str, object]) -> _Figures:
    field = "export_import_usd"
    for year, figures in _by_year(rows, item, field, row):
        both = rows.fields(figures, field, {**row, "year": year})
        for measure, value in (both or dict.fromkeys(("export", "import"))).items():
            yield {"year": year, "measure": measure, "value": value, "unit": "USD"}


def _production(rows: Rows, item: Mapping[str, Any], row: Mapping[str, object]) -> _Figures:
    unit = item.get("production_volume_unit")
    for field, measure, of in (
        ("production_volume", "production", unit),
        ("production_share", "production_share", "%"),
    ):
        for year, value in _by_year(rows, item, field, row):
            yield {"year": year, "measure": measure, "value": value, "unit": of}


def sales_destinations(answer: object, key: Mapping[str, str]) -> Unpacked:
    """Return one row for each destination of a company's year."""
    rows = Rows(MINING_SALES_DESTINATIONS, key)
    envelope = rows.fields(answer, "answer")
    year = envelope.get("year")
    company = {
        "slug": slug_of(envelope, key),
        "year": whole(key.get("year")) if year is None else year,
    }
    made_here = {"slug", "year", "destination", "is_region"}
    names = {c.name: c.name for c in MINING_SALES_DESTINATIONS.columns if c.name not in made_here}
    if "data" not in envelope:
        rows.report("data", None, "the answer does not have this field")
    for destination, entry in rows.fields(envelope.get("data"), "data", company).items():
        place = {**company, "destination": destination}
        made = {**place, "is_region": _is_region(destination)}
        fields = rows.fields(entry, "destination", place)
        rows.add(fields, names, made)
    return rows.done(answer, ("slug", "year", "data"))


def total_production(answer: object, key: Mapping[str, str]) -> Unpacked:
    """Return one row for each year, with the change from the year before computed anew.

    The API compares each year with the row before it, which can be two years older.
    """
    rows = Rows(MINING_TOTAL_PRODUCTION, key)
    commodity = key.get("commodity_type")
    fields = {
        "year": "year",
        "production_volume": "production_volume",
        "prev_year_volume": "prev_year_volume",
        "yoy_change_percent": "api_yoy_change_pct",
        "unit": "api_unit",
    }
    items = [*rows.objects({"answer": answer}, "answer")]
    volumes: dict[object, list[tuple[object, float | None]]] = {}
    for item in items:
        year, unit = item.get("year"), item.get("unit")
        if type(year) is int:
            volumes.setdefault(year, []).append((unit, _number(item.get("production_volume"))))
    for item in items:
        unit = item.get("unit")
        # By the size of its figures, the copper's "mt" is the metric ton and no million of them.
        is_ton = unit == "mt" and str(commodity).casefold() == "copper"
        made = {
            "commodity_type": commodity,
            "unit": "t" if is_ton else unit,
            "yoy_change_pct": _change(item, volumes),
        }
        rows.add(item, fields, made)
    return rows.done()


def _change(
    item: Mapping[str, Any], volumes: Mapping[object, list[tuple[object, float | None]]]
) -> float | None:
    """Return the change in percent, if the year before has one volume in the same unit."""
    year, now = item.get("year"), _number(item.get("production_volume"))
    before = volumes.get(year - 1, []) if type(year) is int else []
    if now is None or len(before) != 1:
        return None
    unit, then = before[0]
    if unit != item.get("unit") or not then:
        return None
    change = (now - then) / then * 100
    return change if math.isfinite(change) else None
