"""The rows that an answer gives, gathered without losing what does not fit.

This module owns how an unexpected shape, an unknown field and a missing one are kept or reported.
It must not import a module that fetches or stores.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from sectorsdf.frames.casting import raw_text

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping

    from sectorsdf.datasets.schema import Dataset

__all__ = ["Rows", "Unpacked", "slug_of", "whole"]

_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})", re.ASCII)


class Unpacked(NamedTuple):
    """The rows of one answer, and what could not become a row or a cell.

    Attributes
    ----------
    rows : list of dict
        Records for a `FrameBuilder`: the fields are columns, and the values are as the API sent
        them, so that the builder types them and reports what does not fit. A field that is not
        declared is an extra field.
    problems : list of dict
        ``key`` (of the answer, and of what is known of the row), ``column``, ``raw`` (the value's
        text) and ``reason``, as `Provenance.with_problems` takes them.
    """

    rows: list[dict[str, Any]]
    problems: list[dict[str, Any]]


def whole(text: object) -> object:
    """Return the whole number that a text is, such as the year in ``{"2024": ...}``, or the value.

    A value that is no whole number is returned as it is, so that its column reports it.
    """
    if isinstance(text, str) and len(text) < 20 and _WHOLE.fullmatch(text):
        return int(text)
    return text


def slug_of(answer: Mapping[str, Any], key: Mapping[str, str]) -> object:
    """Return the slug that an answer names, or else the one that was asked for."""
    slug = answer.get("slug")
    return key.get("slug") if slug is None else slug


def _free_name(name: str, taken: Container[str]) -> str:
    """Return the name of a field that is not declared, or another if a column has it."""
    while name in taken:
        name = f"api_{name}"
    return name


class Rows:
    """The rows and problems of one answer.

    Parameters
    ----------
    dataset : Dataset
        The declaration of the rows.
    key : mapping of str to str
        What the answer was asked for.
    """

    def __init__(self, dataset: Dataset, key: Mapping[str, str]) -> None:
        self._columns = frozenset({column.name for column in dataset.columns} | {*dataset.fields})
        self._key = dict(key)
        self.rows: list[dict[str, Any]] = []
        self.problems: list[dict[str, Any]] = []

    def report(
        self, column: str, value: object, reason: str, row: Mapping[str, object] | None = None
    ) -> None:
        """Report a value; `row` are the parts of its row's key that are known."""
        known = {name: v for name, v in (row or {}).items() if v is not None}
        key = {**self._key, **{name: raw_text(v) for name, v in known.items()}}
        self.problems.append(
            {"key": key, "column": column, "raw": raw_text(value), "reason": reason}
        )

    def take_over(self, problems: Iterable[Mapping[str, Any]], row: Mapping[str, object]) -> None:
        """Add problems that have no key yet, with that of their row."""
        for problem in problems:
            self.report(problem["column"], None, problem["reason"], row)
            self.problems[-1]["raw"] = problem["raw"]

    def fields(
        self, value: object, column: str, row: Mapping[str, object] | None = None
    ) -> Mapping[str, Any]:
        """Return an object's fields; none for null, and none for anything else, with a report."""
        if isinstance(value, dict):
            return value
        if value is not None:
            self.report(column, value, "not an object", row)
        return {}

    def objects(
        self,
        record: Mapping[str, Any],
        name: str,
        row: Mapping[str, object] | None = None,
        *,
        optional: bool = False,
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the objects in a field of a record; an object outside a list is the only one.

        Everything else is reported; with `optional`, a field that is null or missing is not.
        """
        if name not in record:
            if not optional:
                self.report(name, None, "the answer does not have this field", row)
            return
        value = record[name]
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield item
            elif not (optional and value is None):
                self.report(name, item, "not an object", row)

    def year(
        self, item: Mapping[str, Any], answer: Mapping[str, Any], row: Mapping[str, object]
    ) -> object:
        """Return the year of an item, or else of its answer; it is reported if the two differ."""
        own, outer = item.get("year"), answer.get("year")
        if own is not None and outer is not None and own != outer:
            reason = f"the answer around it is of the year {raw_text(outer)}"
            self.report("year", own, reason, row)
        return outer if own is None else own

    def undeclared(self, record: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
        """Return the fields of a record that are not known, under names that no column has."""
        known = frozenset(known)
        fields: dict[str, Any] = {}
        for name, value in record.items():
            if name not in known:
                fields[_free_name(name, self._columns | fields.keys())] = value
        return fields

    def add(
        self,
        record: Mapping[str, Any],
        renamed: Mapping[str, str],
        made: Mapping[str, object],
        known: Iterable[str] = (),
    ) -> None:
        """Add the row of a record.

        Parameters
        ----------
        record : mapping
            The API's fields. A field that it does not have is missing in the row as well, so that
            the builder reports it.
        renamed : mapping of str to str
            The column of each field that the row has.
        made : mapping
            The row's other cells.
        known : iterable of str
            The fields of the record from which other cells were made, or other rows.
        """
        row = {column: record[name] for name, column in renamed.items() if name in record}
        row |= made
        for name, value in self.undeclared(record, {*renamed, *known}).items():
            row[_free_name(name, row)] = value
        self.rows.append(row)

    def done(self, answer: object = None, known: Iterable[str] = ()) -> Unpacked:
        """Return the rows; fields of the answer that are not known are extra fields of all rows."""
        fields = self.undeclared(answer, known) if isinstance(answer, dict) else {}
        for name, value in fields.items():
            for row in self.rows:
                row[_free_name(name, row)] = value
            if not self.rows:
                self.report(name, value, "a field that is not declared, and no row to show it")
        return Unpacked(self.rows, self.problems)
