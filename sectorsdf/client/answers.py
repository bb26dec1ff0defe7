"""Check that an answer is to the question: its rows pass the filters, and it is the right record.

A server, or a proxy or cache before it, can drop a part of a request, and answer another question
in the right form. This module knows what an answer must show by the declarations. It must not
import a module that fetches.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from sectorsdf.datasets import DATASETS
from sectorsdf.errors import ResponseError
from sectorsdf.frames.lossless_json import JsonNumber, NoValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sectorsdf.datasets.schema import Dataset, Filter

__all__ = [
    "Outside",
    "RowFilters",
    "other_dataset",
    "other_key",
    "other_record",
    "wrong_answer",
]


# A year, and a day at either end: the API's day may have changed during the call.
_YEAR = timedelta(days=367)
# After the first page, this many rows at least must be outside a filter to show that it is ignored.
_MANY = 5
_LONGEST_SHOWN = 80


def wrong_answer(what: str, problem: str, url: str) -> ResponseError:
    """Return the error for an answer that was paid for, and that answers another question."""
    message = f"{what} is not the answer to what was asked: {problem}"
    error = ResponseError(message, url=url, status=200, billed=True)
    error.retryable = False
    return error


class Outside(NamedTuple):
    """A value that a filter's documented rule excludes.

    Attributes
    ----------
    filter : str
        The filter's name.
    column : str
        The column that it looks at.
    raw : object
        The row's value.
    reason : str
        Which filter excludes it.
    """

    filter: str
    column: str
    raw: object
    reason: str


class OtherKey(NamedTuple):
    """A part of a record's key that differs from what was asked for.

    Attributes
    ----------
    name : str
        The name of the part.
    raw : object
        The record's value.
    reason : str
        Both values in words.
    """

    name: str
    raw: object
    reason: str


class _Fit(Enum):
    """How a value fits a filter.

    `NEAR` means that the documented rule excludes it, but a wider reading of the filter includes
    it: another case of the letters, or one of several provinces.
    """

    PASSES = 1
    NEAR = 2
    OUTSIDE = 3


class RowFilters:
    """Compares rows with the filters that were sent.

    A filter that no column shows, and a field that a row does not have, prove nothing and are left
    out.

    Parameters
    ----------
    dataset : Dataset
        Declares the filters and their columns.
    filters : mapping of str to str
        The filters as the API takes them.
    """

    def __init__(self, dataset: Dataset, filters: Mapping[str, str]) -> None:
        fields = {column.name: column.source for column in dataset.columns}
        self._year = _Year()
        self._checks: list[tuple[Filter, str, str, str]] = []
        for name, text in filters.items():
            declared = dataset.filter(name)
            if declared is None or not _is_shown(declared, text):
                continue
            column = declared.column or name
            if column in fields and fields[column] not in dataset.nested:
                self._checks.append((declared, text, column, fields[column]))

    def outside(self, records: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, Outside]]:
        """Yield the values that the documented rules exclude, each with the position of its row."""
        for declared, text, column, field in self._checks:
            reason = f"outside the filter {_shown(declared.name, text)}"
            for i, record in enumerate(records):
                if field in record and self._fit(declared, text, record[field]) is not _Fit.PASSES:
                    yield i, Outside(declared.name, column, record[field], reason)

    def ignored(self, records: Sequence[Mapping[str, Any]], *, first: bool) -> str | None:
        """Return why a page shows that the server ignores a filter; None if it does not.

        Parameters
        ----------
        records : sequence of mapping
            The rows of one page.
        first : bool
            Whether it is the first page of the list. More than a tenth of its rows are enough. Of a
            later one it must be most of them, because it can be short.
        """
        rows = len(records)
        for declared, text, column, field in self._checks:
            if declared.match == "soon":
                self._year.learn(record.get(field) for record in records)
            out = [
                record[field]
                for record in records
                if field in record and self._fit(declared, text, record[field]) is _Fit.OUTSIDE
            ]
            enough = max(1, rows // 10) if first else max(_MANY - 1, rows // 2)
            if len(out) > enough:
                return (
                    f"{len(out)} of its {rows} rows do not pass {_shown(declared.name, text)}: the "
                    f"first of them has the {column} {out[0]!r:.{_LONGEST_SHOWN}}. The server "
                    "ignores the filter."
                )
        return None

    def _fit(self, declared: Filter, text: str, value: object) -> _Fit:
        if declared.match == "soon" and value is not None:
            return _Fit.PASSES if self._year.holds(value) else _Fit.OUTSIDE
        return _fit(declared, text, value)


class _Year:
    """The year in which the days of a filter for the next 365 days lie, as the rows show it.

    The clock of this machine may be wrong, so it is not asked.
    """

    def __init__(self) -> None:
        self._first: date | None = None
        self._last: date | None = None

    def learn(self, values: Iterable[object]) -> None:
        """Take the year that most of the days lie in, if there is none yet."""
        if self._first is not None and self._last is not None:
            inside = [day for day in map(_day, values) if day is not None and self.holds(day)]
            self._first = min([self._first, *inside])
            self._last = max([self._last, *inside])
            return
        days = sorted(day for day in map(_day, values) if day is not None)
        spans = [days[i : bisect_right(days, days[i] + _YEAR)] for i in range(len(days))]
        if spans:
            most = max(spans, key=len)
            self._first, self._last = most[0], most[-1]

    def holds(self, value: object) -> bool:
        """Return whether a day may lie in the year; also if it cannot be read."""
        day = _day(value)
        if day is None or self._first is None or self._last is None:
            return True
        return self._last - _YEAR <= day <= self._first + _YEAR


def _day(value: object) -> date | None:
    try:
        return value if isinstance(value, date) else date.fromisoformat(_text(value)[:10])
    except ValueError:
        return None


def _shown(name: str, text: str) -> str:
    return f"{name}={text!r:.{_LONGEST_SHOWN}}"


def _is_shown(declared: Filter, text: str) -> bool:
    """Return whether a column shows what the filter selects."""
    # The API's documentation does not say what a flag selects of texts, and False selects nothing.
    if declared.kind in {"flag", "text_or_flag"} and text in {"true", "false"}:
        return (declared.match, text) == ("soon", "true")
    return declared.match is not None


def _fit(declared: Filter, text: str, value: object) -> _Fit:
    """Return how one value fits a filter; one that cannot be read passes."""
    if isinstance(value, NoValue | dict):
        return _Fit.PASSES
    if isinstance(value, list):
        fits = [_fit(declared, text, item) for item in value]
        return min(fits, key=lambda fit: fit.value, default=_Fit.OUTSIDE)
    if value is None:
        return _Fit.OUTSIDE
    if declared.match == "least" or declared.kind in {"integer", "number"}:
        number = _number(value)
        if number is None:
            return _Fit.PASSES
        passes = number >= float(text) if declared.match == "least" else number == float(text)
        return _Fit.PASSES if passes else _Fit.OUTSIDE
    return _fit_text(declared, text, _text(value))


def _fit_text(declared: Filter, text: str, value: str) -> _Fit:
    wanted, folded = text.strip().casefold(), value.strip().casefold()
    if value == text or (declared.ignores_case and folded == wanted):
        return _Fit.PASSES
    parts = {part.strip() for part in folded.replace(";", ",").replace("/", ",").split(",")}
    near = folded == wanted or wanted in parts
    if declared.kind in {"text", "text_or_flag"}:
        near |= wanted in folded
    # Of a value that the vocabulary does not list, the rule is not known.
    if declared.kind == "choice":
        near |= wanted not in {known.casefold() for known in declared.values}
    return _Fit.NEAR if near else _Fit.OUTSIDE


def _text(value: object) -> str:
    return value.text if isinstance(value, JsonNumber) else str(value)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def other_dataset(dataset: Dataset, records: Iterable[Mapping[str, Any]]) -> str | None:
    """Return why rows are of another dataset; None if they may be of this one.

    A field that is not declared, or a declared one that is missing, is no reason: the API may have
    changed. But rows without the key whose fields are mostly others are something else.
    """
    names = set[str]().union(*records)
    keys = {column.source for column in dataset.columns if column.name in dataset.key}
    if not names or names & keys:
        return None
    declared = {*dataset.fields, *dataset.nested}
    if 2 * len(names & declared) > len(names):
        return None
    shown = ", ".join(sorted(names))
    return (
        f"it has the fields {shown:.{2 * _LONGEST_SHOWN}}, which are mostly not of {dataset.name}."
    )


def other_record(dataset: Dataset, parts: Mapping[str, str], record: object) -> str | None:
    """Return why a record is another one than was asked for; None if it may be the right one.

    A slug is the API's own text for a record. Another key, such as a code, may be spelled otherwise
    in the answer; `other_key` finds one that differs.

    Parameters
    ----------
    dataset : Dataset
        The declaration of its endpoint, or of rows that are made from it.
    parts : mapping of str to str
        The parts of its key, such as ``{"slug": "a-mine"}``.
    record : object
        The answer.
    """
    if not isinstance(record, dict):
        return None
    same = (known for known in DATASETS.values() if known.path == dataset.path)
    plain = next((known for known in same if known.is_plain_record and not known.rows_in), None)
    problem = None if plain is None else other_dataset(plain, [record])
    if problem is not None:
        return problem
    certain = {name: asked for name, asked in parts.items() if not _is_lenient(dataset, name)}
    other = _differing(certain, record)
    return None if other is None else f"it is the record of {other.reason}."


def other_key(dataset: Dataset, parts: Mapping[str, str], record: object) -> OtherKey | None:
    """Return how the key of a record differs from what was asked for, if it may be no error.

    The parameters are those of `other_record`.
    """
    if not isinstance(record, dict):
        return None
    lenient = {name: asked for name, asked in parts.items() if _is_lenient(dataset, name)}
    return _differing(lenient, record)


def _is_lenient(dataset: Dataset, name: str) -> bool:
    return name == dataset.addressed_by and name != "slug"


def _differing(parts: Mapping[str, str], record: Mapping[str, Any]) -> OtherKey | None:
    for name, asked in parts.items():
        value = record.get(name)
        if isinstance(value, bool | NoValue) or not isinstance(value, str | int | float):
            continue
        if _text(value).strip().casefold() != asked.strip().casefold():
            found = f"{name} {_text(value)!r:.{_LONGEST_SHOWN}}"
            return OtherKey(name, value, f"{found}, not of {_shown(name, asked)}")
    return None
