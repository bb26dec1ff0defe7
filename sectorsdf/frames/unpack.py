"""Make rows of the answers whose rows are not plain records, by the name that a dataset declares.

An unpacker takes an answer and what it was asked for, and returns its rows and problems as
`Unpacked`. It is pure, and raises for no JSON value, of any shape. This module owns the
answers about commodities and companies, and the table of all unpackers. It must not import a module
that fetches or stores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sectorsdf.datasets.commodities import MINING_COMMODITIES, MINING_COMMODITY_PRICES, price_unit
from sectorsdf.datasets.companies import (
    MINING_COMPANY_BREAKDOWN,
    MINING_COMPANY_CONTRACTS,
    MINING_COMPANY_FINANCIALS,
    MINING_COMPANY_LICENSES,
    MINING_COMPANY_OWNERSHIP,
)
from sectorsdf.frames.casting import raw_text
from sectorsdf.frames.unpack_figures import (
    company_resources,
    performance,
    products,
    province_resources,
    reserves_index,
)
from sectorsdf.frames.unpack_trade import (
    contracts,
    exports,
    global_commodities,
    sales_destinations,
    total_production,
)
from sectorsdf.frames.unpacked import Rows, Unpacked, slug_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["UNPACKERS", "Unpacked", "Unpacker", "available_years", "merge_edges"]

Unpacker: TypeAlias = "Callable[[object, Mapping[str, str]], Unpacked]"


def available_years(answer: object) -> list[int]:
    """Return the years that an answer offers, latest first; none if it does not say."""
    years = answer.get("available_years") if isinstance(answer, dict) else None
    listed = years if isinstance(years, list) else []
    return sorted({year for year in listed if type(year) is int}, reverse=True)


def _commodities(answer: object, key: Mapping[str, str]) -> Unpacked:
    rows = Rows(MINING_COMMODITIES, key)
    fields = ("name", "data_points", "earliest_date", "latest_date")
    for item in rows.objects({"answer": answer}, "answer"):
        made = {"price_unit": price_unit(item.get("name"))}
        rows.add(item, dict(zip(fields, fields, strict=True)), made)
    return rows.done()


def _prices(answer: object, key: Mapping[str, str]) -> Unpacked:
    rows = Rows(MINING_COMMODITY_PRICES, key)
    renamed = {"date": "date", "price_usd_per_ton": "price"}
    for item in rows.objects({"answer": answer}, "answer"):
        # The answer spells the name as the API does, in any case it was asked for.
        name = item.get("name")
        name = key.get("commodity") if name is None else name
        rows.add(item, renamed, {"commodity": name, "unit": price_unit(name)}, ["name"])
    return rows.done()


def _company_licenses(answer: object, key: Mapping[str, str]) -> Unpacked:
    rows = Rows(MINING_COMPANY_LICENSES, key)
    company = rows.fields(answer, "answer")
    fields = {c.source: c.source for c in MINING_COMPANY_LICENSES.columns if c.name != "slug"}
    for item in rows.objects(company, "mining_license"):
        rows.add(item, fields, {"slug": slug_of(company, key)})
    return rows.done()


def _company_contracts(answer: object, key: Mapping[str, str]) -> Unpacked:
    rows = Rows(MINING_COMPANY_CONTRACTS, key)
    company = rows.fields(answer, "answer")
    texts = ("company_name", "company_id", "contract_period_end")
    for index, item in enumerate(rows.objects(company, "mining_contract"), 1):
        # The API writes "" where it knows nothing.
        record = {**item, **{name: None for name in texts if item.get(name) == ""}}
        fields = {name: name for name in (*texts, "agreement_type")}
        rows.add(record, fields, {"slug": slug_of(company, key), "contract_index": index})
    return rows.done()


def _ownership(answer: object, key: Mapping[str, str]) -> Unpacked:
    rows = Rows(MINING_COMPANY_OWNERSHIP, key)
    company = rows.fields(answer, "answer")
    slug = slug_of(company, key)
    for field, there, here in (
        ("parents", "parent", "child"),
        ("subsidiaries", "child", "parent"),
    ):
        fields = {name: f"{there}_{name}" for name in ("slug", "name", "symbol")}
        fields["percentage_ownership"] = "percentage_ownership"
        # A record has neither the name nor the symbol of its own company.
        made = {f"{here}_slug": slug, f"{here}_name": None, f"{here}_symbol": None}
        for item in rows.objects(company, field):
            rows.add(item, fields, {**made, "seen_from": key.get("slug", slug)})
    return rows.done(answer, ("slug", "parents", "subsidiaries"))


def merge_edges(edges: Iterable[Mapping[str, Any]]) -> Unpacked:
    """Return each edge of several ownership answers once, in the order of their first rows.

    An edge can be seen from both of its ends. The names and symbols that one row does not have are
    taken from the others, also from other edges of the same company.

    Parameters
    ----------
    edges : iterable of mapping
        The rows that the unpacker "ownership" returned.

    Returns
    -------
    Unpacked
        The rows, and a problem for each value in which two rows of one edge differ; the first one
        stays.
    """
    rows: dict[object, dict[str, Any]] = {}
    problems: list[dict[str, Any]] = []
    known: dict[tuple[str, str], list[Any]] = {}
    for number, edge in enumerate(edges):
        ends = (edge.get("parent_slug"), edge.get("child_slug"))
        kept = rows.setdefault(
            ends if all(isinstance(end, str) for end in ends) else number, dict(edge)
        )
        for name, value in edge.items():
            end, _, what = name.partition("_")
            slug = edge.get(f"{end}_slug")
            if what in {"name", "symbol"} and isinstance(slug, str):
                values = known.setdefault((slug, what), [])
                values += [value] if value is not None and value not in values else []
            elif name != "seen_from" and kept.get(name) != value:
                problems.append(_differing_ends(name, kept, edge))
                kept[name] = value if kept.get(name) is None else kept[name]
    for row in rows.values():
        for end in ("parent", "child"):
            for what in ("name", "symbol"):
                slug, name = row.get(f"{end}_slug"), f"{end}_{what}"
                values = known.get((slug, what), []) if isinstance(slug, str) else []
                if row.get(name) is None and len(values) == 1:
                    row[name] = values[0]
    return Unpacked([*rows.values()], problems)


def _differing_ends(name: str, kept: Mapping[str, Any], edge: Mapping[str, Any]) -> dict[str, Any]:
    key = {end: raw_text(kept[end]) for end in ("parent_slug", "child_slug")}
    both = (f"{raw_text(e.get(name))} from {raw_text(e.get('seen_from'))}" for e in (kept, edge))
    reason = "the edge comes more than once, with different values; the first is in the row"
    return {"key": key, "column": name, "raw": ", ".join(both), "reason": reason}


_STATEMENT = "_breakdown"


def _financials(answer: object, key: Mapping[str, str]) -> Unpacked:
    rows = Rows(MINING_COMPANY_FINANCIALS, key)
    envelope = rows.fields(answer, "answer")
    fields = {
        column.name: column.name
        for column in MINING_COMPANY_FINANCIALS.columns
        if column.name not in {"slug", "year"}
    }
    for item in rows.objects(envelope, "data"):
        slug = slug_of(item, key)
        made = {"slug": slug, "year": rows.year(item, envelope, {"slug": slug})}
        elsewhere = [name for name in item if name.endswith(_STATEMENT)]
        rows.add(item, fields, made, ["slug", "year", *elsewhere])
    return rows.done(answer, ("year", "available_years", "data"))


def _breakdown(answer: object, key: Mapping[str, str]) -> Unpacked:
    rows = Rows(MINING_COMPANY_BREAKDOWN, key)
    envelope = rows.fields(answer, "answer")
    for data in rows.objects(envelope, "data"):
        company = {"slug": slug_of(data, key)}
        company["year"] = rows.year(data, envelope, company)
        for name, items in data.items():
            if not name.endswith(_STATEMENT):
                continue
            for item, value in rows.fields(items, name, company).items():
                made = {
                    **company,
                    "statement": name.removesuffix(_STATEMENT),
                    "item": item,
                    "value": value,
                    "unit": "%" if item.endswith("_pct") else "USD",
                }
                rows.add({}, {}, made)
    return rows.done()


UNPACKERS: Mapping[str, Unpacker] = {
    "commodities": _commodities,
    "prices": _prices,
    "company_licenses": _company_licenses,
    "company_contracts": _company_contracts,
    "ownership": _ownership,
    "financials": _financials,
    "breakdown": _breakdown,
    "performance": performance,
    "company_resources": company_resources,
    "products": products,
    "province_resources": province_resources,
    "reserves_index": reserves_index,
    "contracts": contracts,
    "exports": exports,
    "global_commodities": global_commodities,
    "sales_destinations": sales_destinations,
    "total_production": total_production,
}
"""The unpackers by the names in `Dataset.unpack`."""
