"""The answers to addressed requests: one object or array for a key and its parameters.

The records are as they are recorded: ``{"key": ..., "answer": ...}``, where the key is a text or,
with a second part, an object. A function here finds the records of a request and returns what of
their answers the API sends, or None if it knows nothing under the key. Parameters are checked
before, by the rules of the endpoint. Imports nothing of the client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sectorsdf.sandbox.filters import (
    InvalidQueryError,
    QueryContext,
    as_number,
    invalid_commodity,
)
from sectorsdf.sandbox.records import key_part

if TYPE_CHECKING:
    from sectorsdf.sandbox.records import Entry

__all__ = [
    "Answer",
    "by_slug",
    "export_ranking",
    "of_year",
    "performance_of_year",
    "price_history",
    "province_resources",
    "reserves_index",
    "total_production",
]

Answer = Callable[[str, QueryContext], Any]
"""Return the answer for the key in a path and the parameters of a request, None without one."""

_LONGEST_YEARS = 3


def _first(entries: list[Entry]) -> Any:  # noqa: ANN401 - any JSON
    return entries[0].record.get("answer") if entries else None


def by_slug(slug: str, context: QueryContext) -> Any:  # noqa: ANN401
    """Return the only answer of a company."""
    return _first(context.table.addressed("slug", slug))


def of_year(slug: str, context: QueryContext) -> Any:  # noqa: ANN401
    """Return a company's answer for the year of the request, or for its latest year."""
    return _first(_of_year(context.table.addressed("slug", slug), context))


def _of_year(entries: list[Entry], context: QueryContext) -> list[Entry]:
    years = [as_number(key_part(entry.record, "year")) for entry in entries]
    known = [year for year in years if year is not None]
    text = context.query.get("year")
    wanted = int(text) if text is not None else max(known, default=None)
    return [entry for entry, year in zip(entries, years, strict=True) if year == wanted]


def performance_of_year(slug: str, context: QueryContext) -> Any:  # noqa: ANN401
    """Return a company's performance in a year, of one commodity if the request names it.

    The latest year is then the latest with the commodity, and the years that are available are
    those with it.
    """
    entries = context.table.addressed("slug", slug)
    commodity = context.query.get("commodity_type")
    if commodity is None:
        return _first(_of_year(entries, context))
    matching = [entry for entry in entries if _rows(entry, commodity)]
    for entry in _of_year(matching, context):
        answer = entry.record["answer"]
        without = {key_part(other.record, "year") for other in entries if other not in matching}
        years = [year for year in answer.get("available_years", ()) if year not in without]
        return {**answer, "available_years": years, "data": _rows(entry, commodity)}
    return None


def _rows(entry: Entry, commodity: str) -> list[Any]:
    answer = entry.record.get("answer")
    rows = answer.get("data") if isinstance(answer, dict) else None
    wanted = commodity.casefold()
    return [row for row in rows or () if str(row.get("commodity_type")).casefold() == wanted]


def price_history(name: str, context: QueryContext) -> Any:  # noqa: ANN401
    """Return the prices of the years of the request, by default of the last three.

    Raises
    ------
    InvalidQueryError
        If the commodity is unknown, or the years are more than three or in the wrong order.
    """
    first = int(context.query.get("start_year", context.today.year - 2))
    last = int(context.query.get("end_year", context.today.year))
    if not 0 <= last - first < _LONGEST_YEARS:
        msg = f"start_year and end_year must be at most {_LONGEST_YEARS} years, not {first}-{last}."
        raise InvalidQueryError(msg)
    entries = context.table.addressed("name", name, ignore_case=True)
    if not entries:
        names = (key_part(entry.record, "name") for entry in context.table.entries)
        raise invalid_commodity(name, [name for name in names if isinstance(name, str)])
    prices = _first(entries)
    if not isinstance(prices, list):
        return prices
    return [row for row in prices if first <= _year_of(row, first) <= last] or None


def _year_of(row: dict[str, Any], default: int) -> int:
    # A price without a readable day belongs to every year: tests serve such rows.
    text = str(row.get("date"))[:4]
    return int(text) if text.isascii() and text.isdigit() else default


def export_ranking(_: str, context: QueryContext) -> Any:  # noqa: ANN401
    """Return the destinations of a commodity in a year, an empty list if there are none."""
    commodity = context.query["commodity_type"]
    entries = context.table.addressed("commodity_type", commodity, ignore_case=True)
    found = _of_year(entries, context)
    return _first(found) if found else []


def total_production(_: str, context: QueryContext) -> Any:  # noqa: ANN401
    """Return the national production of a commodity."""
    commodity = context.query["commodity_type"]
    return _first(context.table.addressed("commodity_type", commodity, ignore_case=True))


def reserves_index(_: str, context: QueryContext) -> Any:  # noqa: ANN401
    """Return the records of all provinces as one object."""
    return {
        key_part(entry.record, "province"): entry.record.get("answer")
        for entry in context.table.entries
    }


def province_resources(province: str, context: QueryContext) -> Any:  # noqa: ANN401
    """Return the resources of a province, of a year and a commodity if the request names them."""
    answer = _first(context.table.addressed("province", province, ignore_case=True))
    if not isinstance(answer, dict) or not isinstance(answer.get("data"), dict):
        return answer
    year = context.query.get("year")
    commodity = context.query.get("commodity_type")
    wanted = None if commodity is None else commodity.casefold()
    data: dict[str, Any] = {}
    for each, commodities in answer["data"].items():
        if year is not None and each != str(int(year)):
            continue
        kept = {
            name: figures
            for name, figures in commodities.items()
            if wanted is None or name.casefold() == wanted
        }
        if kept:
            data[each] = kept
    return {**answer, "data": data} if data else None
