"""Query parameters: what each list accepts, what it matches, how it sorts."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sectorsdf.sandbox.records import Entry, Rank, Table, View
from sectorsdf.sandbox.vocabulary import DOCUMENTED, SORTS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["InvalidQueryError", "select", "whole_number"]

Test = Callable[[Entry], bool]


class InvalidQueryError(ValueError):
    """A parameter that the API refuses with 400; the text says which."""


class Scope(NamedTuple):
    """What a parameter's meaning depends on besides its own text."""

    table: Table
    query: Mapping[str, str]
    today: date


Maker = Callable[[str, Scope], "Test | None"]

_WHOLE = re.compile(r"-?[0-9]{1,4000}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")


def whole_number(name: str, text: str, low: int, high: int | None = None) -> int:
    """Read a whole number within bounds.

    Raises
    ------
    InvalidQueryError
        If the text is not one.
    """
    if not _WHOLE.fullmatch(text):
        msg = f"{name} must be a whole number."
        raise InvalidQueryError(msg)
    value = int(text)
    if value < low or (high is not None and value > high):
        bounds = f"at least {low}" if high is None else f"between {low} and {high}"
        msg = f"{name} must be {bounds}."
        raise InvalidQueryError(msg)
    return value


def _flag(name: str, text: str) -> bool:
    lowered = text.lower()
    if lowered not in {"true", "false"}:
        msg = f"{name} must be true or false."
        raise InvalidQueryError(msg)
    return lowered == "true"


def _fold(value: object) -> str | None:
    return value.casefold() if isinstance(value, str) else None


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else None  # type: ignore[return-value]


def _same(field: str, text: str, *, fold: bool) -> Test:
    if not fold:
        return lambda entry: entry.row.get(field) == text
    wanted = text.casefold()
    return lambda entry: _fold(entry.row.get(field)) == wanted


def _text(field: str, *, fold: bool) -> Maker:
    return lambda text, _: _same(field, text, fold=fold)


def _member(field: str, *, fold: bool) -> Maker:
    def make(text: str, scope: Scope) -> Test:
        # The documented values are those of one day; what the served records hold is valid too.
        allowed = DOCUMENTED[scope.table.dataset][field] | scope.table.values(field)
        known = {value.casefold() for value in allowed} if fold else allowed
        if (text.casefold() if fold else text) not in known:
            msg = f"{field} is not one of the allowed values."
            raise InvalidQueryError(msg)
        return _same(field, text, fold=fold)

    return make


def _clear_and_clean(text: str, _: Scope) -> Test:
    lowered = text.casefold()
    if lowered not in {"true", "false"}:
        return _same("cnc", text, fold=True)
    wanted = lowered == "true"
    return lambda entry: (_fold(entry.row.get("cnc")) or "").startswith("cnc") is wanted


def _expiring_soon(text: str, scope: Scope) -> Test | None:
    if not _flag("expiring_soon", text):
        return None
    first = scope.today.isoformat()
    last = (scope.today + timedelta(days=365)).isoformat()

    def test(entry: Entry) -> bool:
        day = entry.row.get("license_expiry_date")
        # ISO days sort as texts do.
        return isinstance(day, str) and first <= day <= last

    return test


def _participants(entry: Entry) -> list[Mapping[str, object]]:
    found = entry.record.get("participants")
    items = found if isinstance(found, list) else []
    return [item for item in items if isinstance(item, dict)]


def _participant(text: str, scope: Scope) -> Test:
    wanted = text.casefold()
    passed = scope.query.get("qualified", "").lower() == "true"

    def test(entry: Entry) -> bool:
        return any(
            wanted in (_fold(item.get("company_name")) or "")
            and (not passed or item.get("qualification_result") == "Lolos")
            for item in _participants(entry)
            if isinstance(item.get("company_name"), str)
        )

    return test


def _qualified(text: str, scope: Scope) -> None:
    # The match itself is made where the participant is looked for: both must hold for the
    # same company.
    if _flag("qualified", text) and "participant" not in scope.query:
        msg = "qualified requires participant."
        raise InvalidQueryError(msg)


def _at_least(field: str, least: float) -> Test:
    def test(entry: Entry) -> bool:
        value = _number(entry.row.get(field))
        return value is not None and value >= least

    return test


def _min_participants(text: str, _: Scope) -> Test:
    return _at_least("participant_count", whole_number("min_participants", text, 0))


def _min_production(text: str, _: Scope) -> Test:
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        msg = "min_production must be a finite number."
        raise InvalidQueryError(msg)
    return _at_least("production_volume", float(text))


def _year(text: str, _: Scope) -> Test:
    year = whole_number("year", text, 1900, 2026)
    return lambda entry: _number(entry.row.get("year")) == year


_FILTERS: dict[str, dict[str, Maker]] = {
    "mining_licenses": {
        "province": _member("province", fold=False),
        "commodity_type": _member("commodity_type", fold=True),
        "company": _text("company_slug", fold=False),
        "license_type": _member("license_type", fold=True),
        "activity": _member("activity", fold=True),
        "cnc": _clear_and_clean,
        "expiring_soon": _expiring_soon,
    },
    "mining_license_auctions": {
        "province": _member("province", fold=True),
        "commodity_type": _member("commodity_type", fold=True),
        "area_type": _member("area_type", fold=True),
        "status": _text("auction_status", fold=True),
        "participant": _participant,
        "qualified": _qualified,
        "min_participants": _min_participants,
    },
    "mining_sites": {
        "province": _member("province", fold=False),
        "commodity_type": _member("commodity_type", fold=True),
        "company": _text("company_slug", fold=False),
        "year": _year,
        "min_production": _min_production,
    },
}


def _rank(value: object) -> Rank:
    """Return a sort key that never fails; nulls come last as PostgreSQL has them."""
    number = _number(value)
    if number is not None:
        return 0, number, ""
    if isinstance(value, str):
        return 1, 0.0, value
    if value is None:
        return 3, 0.0, ""
    return 2, 0.0, json.dumps(value, sort_keys=True)


def select(table: Table, query: Mapping[str, str], today: date) -> View:
    """Return the entries of a table that a query matches, in the query's order.

    Parameters
    ----------
    table : Table
        The dataset.
    query : mapping of str to str
        The parameters; those that the dataset does not know are ignored.
    today : date
        The day from which `expiring_soon` counts.

    Raises
    ------
    InvalidQueryError
        For a value that the API refuses.
    """
    makers = _FILTERS[table.dataset]
    sorts, default = SORTS[table.dataset]
    given = tuple((name, query[name]) for name in makers if name in query)
    order = query.get("order_by", default)
    if order.removeprefix("-") not in sorts:
        msg = "order_by is not one of the allowed values."
        raise InvalidQueryError(msg)

    def build() -> View:
        scope = Scope(table, query, today)
        made = [makers[name](text, scope) for name, text in given]
        tests = [test for test in made if test is not None]
        found = [entry for entry in table.entries if all(test(entry) for test in tests)]
        field = order.removeprefix("-")
        ranked = [(_rank(entry.row.get(field)), entry) for entry in found]
        ranked.sort(key=lambda pair: pair[0], reverse=order.startswith("-"))
        return View([entry for _, entry in ranked], [rank for rank, _ in ranked])

    return table.view((given, order, today), build)
