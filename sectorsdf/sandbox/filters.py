"""The rules of query parameters: which texts a parameter accepts, and which entries it matches.

Owns the rules only. Which endpoint has which parameters is declared in `endpoints`, and `api`
applies them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sectorsdf.sandbox.records import Entry, Table, key_part, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "InvalidQueryError",
    "OneOf",
    "QueryContext",
    "Rule",
    "Test",
    "as_number",
    "clear_and_clean",
    "contains",
    "equals",
    "expiring_soon",
    "has_financials",
    "invalid_commodity",
    "min_count",
    "min_number",
    "participant",
    "qualified",
    "whole_number",
    "year",
]

FIRST_YEAR, LAST_YEAR = 1900, 2026

_WHOLE = re.compile(r"-?[0-9]{1,4000}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?")


class InvalidQueryError(ValueError):
    """A parameter that the API refuses with 400. The text names it.

    Attributes
    ----------
    documented : bool
        Whether the text is the API's own, which it sends as `error`. Of others only the status is
        documented, and the sandbox sends the text as `detail`.
    """

    def __init__(self, text: str, *, documented: bool = False) -> None:
        super().__init__(text)
        self.documented = documented


class QueryContext(NamedTuple):
    """What the meaning of a parameter depends on besides its own text.

    Attributes
    ----------
    table : Table
        The dataset that is searched.
    query : mapping of str to str
        All parameters of the request.
    today : date
        The day from which `expiring_soon` and the default years count.
    tables : mapping of str to Table
        All datasets.
    """

    table: Table
    query: Mapping[str, str]
    today: date
    tables: Mapping[str, Table]


Test = Callable[[Entry], bool]

Rule = Callable[[str, str, QueryContext], Test | None]
"""Read a parameter (its name, its text, the context); return what it matches, None for all.

Raises `InvalidQueryError` for a text that the API refuses.
"""


# Reading texts and values


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


def as_number(value: object) -> float | None:
    """Return a value of a record if it is a number, else None."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else None  # type: ignore[return-value]


def _fold(value: object) -> str | None:
    return value.casefold() if isinstance(value, str) else None


def _has(field: str, text: str, *, ignore_case: bool) -> Test:
    if not ignore_case:
        return lambda entry: text in texts_of(entry.row.get(field))
    folded = text.casefold()
    return lambda entry: any(value.casefold() == folded for value in texts_of(entry.row.get(field)))


def _at_least(field: str, least: float) -> Test:
    def test(entry: Entry) -> bool:
        value = as_number(entry.row.get(field))
        return value is not None and value >= least

    return test


# Rules that many endpoints can use


@dataclass(frozen=True, slots=True)
class OneOf:
    """The rule of a parameter with documented values.

    Attributes
    ----------
    field : str
        Field of the row that must have the value.
    values : frozenset of str
        The documented values.
    ignore_case : bool
        Whether the value may be written in any case.
    lists_values : bool
        Whether the refusal lists the documented values, as that of a few endpoints does.
    """

    field: str
    values: frozenset[str]
    ignore_case: bool = True
    lists_values: bool = False

    def __call__(self, name: str, text: str, context: QueryContext) -> Test:
        """Refuse a text that is neither documented nor in the served rows."""
        # The documented values are those of one day; values of the served records are valid too.
        allowed = self.values | context.table.values(self.field)
        if self.ignore_case:
            known = text.casefold() in {value.casefold() for value in allowed}
        else:
            known = text in allowed
        if not known and self.lists_values:
            raise invalid_commodity(text, self.values)
        if not known:
            msg = f"{name} is not one of the allowed values."
            raise InvalidQueryError(msg)
        return _has(self.field, text, ignore_case=self.ignore_case)


def invalid_commodity(text: str, values: Iterable[str]) -> InvalidQueryError:
    """Return the refusal of a commodity, in the API's own words."""
    msg = f"Invalid commodity '{text}'. Valid values: {', '.join(sorted(values))}."
    return InvalidQueryError(msg, documented=True)


def equals(field: str, *, ignore_case: bool = False) -> Rule:
    """Return the rule that a field has the text of the parameter; any text is accepted."""
    return lambda _, text, __: _has(field, text, ignore_case=ignore_case)


def contains(*fields: str) -> Rule:
    """Return the rule that one of the fields contains the text, in any case."""

    def rule(_: str, text: str, __: QueryContext) -> Test:
        folded = text.casefold()
        return lambda entry: any(
            folded in value.casefold()
            for field in fields
            for value in texts_of(entry.row.get(field))
        )

    return rule


def min_count(field: str) -> Rule:
    """Return the rule that a field is at least a whole number."""
    return lambda name, text, _: _at_least(field, whole_number(name, text, 0))


def min_number(field: str) -> Rule:
    """Return the rule that a field is at least a number."""

    def rule(name: str, text: str, _: QueryContext) -> Test:
        if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
            msg = f"{name} must be a finite number."
            raise InvalidQueryError(msg)
        return _at_least(field, float(text))

    return rule


def year(name: str, text: str, context: QueryContext) -> Test:
    """Match the records of a year."""
    wanted = whole_number(name, text, FIRST_YEAR, max(LAST_YEAR, context.today.year))
    return lambda entry: as_number(entry.row.get("year")) == wanted


# Rules of one parameter each


def has_financials(name: str, text: str, context: QueryContext) -> Test | None:
    """Match the companies with financials in the other dataset."""
    if not _flag(name, text):
        return None
    entries = context.tables["mining_company_financials"].entries
    slugs = {key_part(entry.record, "slug") for entry in entries}
    return lambda entry: entry.row.get("slug") in slugs


def clear_and_clean(_: str, text: str, __: QueryContext) -> Test:
    """Match the clear-and-clean status by its text, or by whether there is one."""
    lowered = text.casefold()
    if lowered not in {"true", "false"}:
        return _has("cnc", text, ignore_case=True)
    wanted = lowered == "true"
    return lambda entry: (_fold(entry.row.get("cnc")) or "").startswith("cnc") is wanted


def expiring_soon(name: str, text: str, context: QueryContext) -> Test | None:
    """Match the licences that expire within a year."""
    if not _flag(name, text):
        return None
    first = context.today.isoformat()
    last = (context.today + timedelta(days=365)).isoformat()

    def test(entry: Entry) -> bool:
        day = entry.row.get("license_expiry_date")
        # ISO dates sort as texts.
        return isinstance(day, str) and first <= day <= last

    return test


def participant(_: str, text: str, context: QueryContext) -> Test:
    """Match the auctions with a participant of that name, or a part of it."""
    wanted = text.casefold()
    must_qualify = context.query.get("qualified", "").lower() == "true"

    def test(entry: Entry) -> bool:
        return any(
            wanted in (_fold(item.get("company_name")) or "")
            and (not must_qualify or item.get("qualification_result") == "Lolos")
            for item in _participants(entry)
            if isinstance(item.get("company_name"), str)
        )

    return test


def _participants(entry: Entry) -> list[Mapping[str, object]]:
    participants = entry.record.get("participants")
    items = participants if isinstance(participants, list) else []
    return [item for item in items if isinstance(item, dict)]


def qualified(name: str, text: str, context: QueryContext) -> None:
    """Check that the flag comes with a participant."""
    # `participant` applies it, since name and qualification must belong to the same company.
    if _flag(name, text) and "participant" not in context.query:
        msg = "qualified requires participant."
        raise InvalidQueryError(msg)
