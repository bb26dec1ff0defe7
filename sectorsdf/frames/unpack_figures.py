"""Make rows of the answers about companies' performance and provinces' resources and reserves.

The functions are unpackers, as `sectorsdf.frames.unpack` describes them, and must not import it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from sectorsdf.datasets.performance import (
    MINING_COMPANY_PERFORMANCE,
    MINING_COMPANY_PRODUCTS,
    MINING_COMPANY_RESOURCES,
)
from sectorsdf.datasets.province_reserves import MINING_PROVINCE_RESOURCES, MINING_RESERVES_INDEX
from sectorsdf.frames.unpacked import Rows, Unpacked, slug_of, whole
from sectorsdf.reserves.reader import figures
from sectorsdf.units import read_component, read_unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sectorsdf.reserves.grammar import Source

__all__ = [
    "company_resources",
    "performance",
    "products",
    "province_resources",
    "reserves_index",
]

_STATS = "commodity_stats"
_JORC = "resources_reserves"
_ENVELOPE = ("slug", "year", "available_years", "data")
_COAL_ONLY = ("overburden_removal_volume", "strip_ratio")
_ALWAYS = {
    name: name
    for name in (
        "mining_operation_status",
        "production_volume",
        "sales_volume",
        "unit",
        _JORC,
        "products",
    )
}
_KEY = ("year", "commodity_type", "commodity_sub_type")
_BASIS = re.compile(r"(?P<property>.+)_(?P<basis>arb|adb)")


def _commodities(
    rows: Rows, answer: object, key: Mapping[str, str]
) -> Iterator[tuple[Mapping[str, Any], dict[str, object], Mapping[str, Any]]]:
    """Yield each item of an answer, the key of its row, and its stats."""
    envelope = rows.fields(answer, "answer")
    for item in rows.objects(envelope, "data"):
        row: dict[str, object] = {"slug": slug_of(envelope, key)}
        row["commodity_type"] = item.get("commodity_type")
        row["commodity_sub_type"] = item.get("commodity_sub_type")
        row["year"] = rows.year(item, envelope, row)
        yield item, row, rows.fields(item.get(_STATS), _STATS, row)


def performance(answer: object, key: Mapping[str, str]) -> Unpacked:
    """Return one row for each commodity and sub-type of a company's year."""
    rows = Rows(MINING_COMPANY_PERFORMANCE, key)
    for item, row, stats in _commodities(rows, answer, key):
        overburden = stats.get("overburden_removal_volume")
        fits = overburden is not None and stats.get("unit") == "Mt"
        made = {
            **{name: v for name, v in row.items() if name in item or name in {"slug", "year"}},
            **{name: stats.get(name) for name in _COAL_ONLY},
            "overburden_unit": "Mbcm" if fits else None,
            **rows.undeclared(item, (*_KEY, _STATS)),
        }
        rows.add(stats, _ALWAYS, made, _COAL_ONLY)
    return rows.done(answer, _ENVELOPE)


def company_resources(answer: object, key: Mapping[str, str]) -> Unpacked:
    """Return one row for each figure of a company's resources and reserves, as for a site."""
    rows = Rows(MINING_COMPANY_RESOURCES, key)
    for _, row, stats in _commodities(rows, answer, key):
        _add_figures(rows, stats.get(_JORC), row, "site")
    return rows.done()


def _add_figures(rows: Rows, value: object, row: Mapping[str, object], source: Source) -> None:
    commodity = row["commodity_type"]
    found, problems = figures(
        value, commodity_type=commodity if isinstance(commodity, str) else None, source=source
    )
    for figure in found:
        rows.add({}, {}, {**figure, **row})
    rows.take_over(problems, row)


def products(answer: object, key: Mapping[str, str]) -> Unpacked:
    """Return one row for each property of each product; a product without any has one row."""
    rows = Rows(MINING_COMPANY_PRODUCTS, key)
    for _, row, stats in _commodities(rows, answer, key):
        items = rows.objects(stats, "products", row, optional=True)
        for index, product in enumerate(items, 1):
            named = {**row, "product_index": index, "product_name": product.get("product_name")}
            empty = True
            for name, value in product.items():
                if name != "product_name" and not _is_null_range(value):
                    _add_property(rows, name, value, named)
                    empty = False
            if empty:
                nothing = dict.fromkeys(("property", "basis", "value_min", "value_max", "unit"))
                rows.add({}, {}, {**named, **nothing})
    return rows.done()


def _is_null_range(value: object) -> bool:
    if isinstance(value, dict):
        return all(member is None for member in value.values())
    return value is None


def _add_property(rows: Rows, name: str, value: object, product: Mapping[str, object]) -> None:
    """Add the row of one property; one number is both ends of its range."""
    ends = {"min": value, "max": value}
    if isinstance(value, dict):
        ends = {end: value.get(end) for end in ends}
        rest = {key: member for key, member in value.items() if key not in ends}
        if any(member is not None for member in rest.values()):
            rows.report(name, value, "not only numbers under min and max", product)
    # A value that is no number is reported once, for the lower end.
    elif isinstance(value, bool) or not isinstance(value, int | float):
        ends["max"] = None
    what, basis, unit = _read_property(name)
    made = {"property": what, "basis": basis, "unit": unit}
    rows.add({}, {}, {**product, **made, "value_min": ends["min"], "value_max": ends["max"]})


def _read_property(name: str) -> tuple[str, str | None, str | None]:
    """Return what a key measures, on which basis and in which unit.

    ``Au_g_per_ton`` is an element in g/t. A share as received or air dried has the name of the
    basis in place of the unit's.
    """
    if match := _BASIS.fullmatch(name):
        return match["property"], match["basis"], "%"
    parts = name.split("_")
    for length in range(min(3, len(parts) - 1), 0, -1):
        what, unit = "_".join(parts[:-length]), read_unit("_".join(parts[-length:]))
        if unit is not None and (unit[1] in {"share", "energy"} or read_component(what)):
            return what, None, unit[0]
    return name, None, None


def province_resources(answer: object, key: Mapping[str, str]) -> Unpacked:
    """Return one row for each figure of a province's resources and reserves.

    A year or commodity without any figure has one row, so that it is seen.
    """
    rows = Rows(MINING_PROVINCE_RESOURCES, key)
    envelope = rows.fields(answer, "answer")
    province = envelope.get("province")
    row: dict[str, object] = dict.fromkeys(
        column.name for column in MINING_PROVINCE_RESOURCES.columns
    )
    row["province"] = key.get("province") if province is None else province
    years = envelope.get("data") if envelope else {}
    if "data" not in envelope and envelope:
        rows.report("data", None, "the answer does not have this field")
    for year, commodities in rows.fields(years, "data").items():
        of_year = {**row, "year": whole(year)}
        named = {"province": row["province"], "year": year}
        of_commodities = rows.fields(commodities, "data", named)
        if not of_commodities:
            rows.add({}, {}, of_year)
        for commodity, value in of_commodities.items():
            before = len(rows.rows)
            of_commodity = {**of_year, "commodity_type": commodity}
            _add_province(rows, value, of_commodity)
            if len(rows.rows) == before:
                rows.add({}, {}, of_commodity)
    return rows.done(answer, ("province", "data"))


def _add_province(rows: Rows, value: object, row: Mapping[str, object]) -> None:
    named = {name: row[name] for name in ("province", "year", "commodity_type")}
    flat, paths = _with_units_in_keys(value)
    before, unread = len(rows.rows), len(rows.problems)
    _add_figures(rows, flat, named, "province")
    for made in rows.rows[before:]:
        made["source_field"] = paths.get(made["source_field"], made["source_field"])
    for problem in rows.problems[unread:]:
        path, colon, reason = problem["reason"].partition(": ")
        problem["reason"] = f"{paths.get(path, path)}{colon}{reason}"


def _with_units_in_keys(value: object) -> tuple[object, dict[str, str]]:
    """Return figures with their unit in each key, and the path that each new key had.

    The provider's specification has the unit in a field of its own, and nests the categories:
    ``{"unit": "Mt", "resources": {"inferred": 1.0}}`` for ``{"inferred_resources_Mt": 1.0}``.
    """
    if not isinstance(value, dict) or not isinstance(value.get("unit"), str):
        return value, {}
    unit, flat, paths = value["unit"], dict[str, Any](), dict[str, str]()
    for name, member in value.items():
        for part, figure in (member if isinstance(member, dict) else {"": member}).items():
            complete = not part and read_unit(name.rpartition("_")[2]) is not None
            new = name if complete else f"{part}_{name}_{unit}".removeprefix("_")
            if name != "unit":
                flat[new] = figure
                paths[new] = paths[f"[{json.dumps(new)}]"] = f"{name}.{part}" if part else name
    return flat, paths


def reserves_index(answer: object, key: Mapping[str, str]) -> Unpacked:
    """Return one row for each province, commodity and year; without a year it is missing."""
    rows = Rows(MINING_RESERVES_INDEX, key)
    nothing = {"province": None, "commodity_type": None, "year": None}
    for province, commodities in rows.fields(answer, "answer").items():
        row = {**nothing, "province": province}
        by_commodity = rows.fields(commodities, "commodity_type", {"province": province})
        if not by_commodity:
            rows.add({}, {}, row)
        for commodity, years in by_commodity.items():
            for year in (years or [None]) if isinstance(years, list) else [years]:
                rows.add({}, {}, {**row, "commodity_type": commodity, "year": year})
    return rows.done()
