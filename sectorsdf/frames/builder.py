"""Build a typed frame from records, a column at a time, and keep them as Arrow until then.

This module owns the shape of a result: names, order, empty results, values that do not fit, and
fields that are not declared. It must not import a module that fetches or stores.
"""

from __future__ import annotations

from array import array
from collections import Counter
from contextlib import suppress
from dataclasses import InitVar, dataclass, field
from itertools import chain
from operator import itemgetter
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sectorsdf.frames.addresses import left_out_of
from sectorsdf.frames.arrow import column_from_arrow, from_arrow
from sectorsdf.frames.batches import Batches
from sectorsdf.frames.casting import (
    UndeclaredColumn,
    cast_column,
    concat_columns,
    infer_column,
    raw_text,
)
from sectorsdf.frames.digest import combined_digest, joined_hashes, row_hashes
from sectorsdf.frames.flatten import FLATTENERS, BadValue
from sectorsdf.frames.lossless_json import as_utf8
from sectorsdf.frames.problems import describe_problems, raise_or_warn
from sectorsdf.frames.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sectorsdf.datasets.schema import Dataset
    from sectorsdf.frames.digest import Hashes

__all__ = ["FrameBuilder"]


# The cells of so many rows (32 full pages) stay in the processor's cache while they are typed, and
# give the garbage collector little to walk. Typing all rows at once takes several times as long.
_BATCH_ROWS = 960


def _cells_by_field(records: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Sequence[Any]], bool]:
    """Return the cells of each field, and whether every record has all of the fields."""
    names = [*records[0]] if records else []
    if len(names) > 1 and len(set(map(len, records))) == 1:
        # Every record has as many fields as the first one, and all of its fields.
        with suppress(KeyError):
            columns = zip(*map(itemgetter(*names), records), strict=True)
            return dict(zip(names, columns, strict=True)), True
    present = dict.fromkeys(chain.from_iterable(records))
    alike = all(len(record) == len(present) for record in records)
    return {name: [record.get(name) for record in records] for name in present}, alike


@dataclass
class _Batch:
    """What some rows have besides their declared columns.

    An extra column is identified by its name and by the field it comes from: two fields can give
    the same name, and the order of the columns must not depend on which batch had which first.
    """

    rows: int
    extra: dict[tuple[int, str], UndeclaredColumn]
    bad: list[BadValue]
    missing: dict[str, int]


@dataclass
class FrameBuilder:
    """Take records as they arrive and keep them as Arrow batches, never as dicts.

    Parameters
    ----------
    dataset : Dataset
        The declaration of the frame.
    file : binary file, optional
        Keeps the rows instead of memory.
    private : bool
        E-mail addresses were left out of the records; it is reported where.
    """

    dataset: Dataset
    file: InitVar[IO[bytes] | None] = None
    private: bool = False
    _waiting: list[Mapping[str, Any]] = field(default_factory=list, repr=False)
    _batches: list[_Batch] = field(default_factory=list, repr=False)
    _outside: list[BadValue] = field(default_factory=list, repr=False)

    def __post_init__(self, file: IO[bytes] | None) -> None:
        self._declared = Batches(self.dataset.schema, file)

    def __len__(self) -> int:
        """Return how many records were added."""
        return len(self._declared) + len(self._waiting)

    def add(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Add records; each gets the next row number."""
        self._waiting.extend(records)
        if len(self._waiting) >= _BATCH_ROWS:
            self._type_waiting()

    def report(self, row: int, column: str, raw: object, reason: str, name: str) -> None:
        """Report a value that is right but that a filter excludes, by the number of its row."""
        self._outside.append(BadValue(row, column, raw, reason, name))

    def _type_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), _BATCH_ROWS):
            self._type(waiting[start : start + _BATCH_ROWS])

    def _type(self, records: Sequence[Mapping[str, Any]]) -> None:
        first = len(self._declared)
        dataset, fields = self.dataset, self.dataset.fields
        cells, alike = _cells_by_field(records)
        expected = (*fields, *(name for name in dataset.nested if name in cells))
        missing = {}
        if not (alike and cells.keys() >= set(fields)):
            for name in fields:
                absent = sum(name not in record for record in records)
                if absent:
                    missing[name] = absent
        bad: list[BadValue] = []
        values: dict[str, Sequence[Any]] = {}
        unknown: dict[tuple[int, str], Sequence[Any]] = {}
        position_of = {name: i for i, name in enumerate(dataset.nested)}
        for name in dict.fromkeys(expected):
            column = cells.get(name) or [None] * len(records)
            if name in dataset.nested:
                flat = FLATTENERS[dataset.nested[name]](column)
                values.update(flat.columns)
                unknown.update({(position_of[name], key): v for key, v in flat.extra.items()})
                bad.extend(flat.bad)
            else:
                values[name] = column
        arrays = [cast_column(values[c.name], c.kind, c.name, bad) for c in dataset.columns]
        known = {*fields, *dataset.nested}
        unknown.update(
            {(len(position_of), name): v for name, v in cells.items() if name not in known}
        )
        self._declared.add(pa.RecordBatch.from_arrays(arrays, schema=self._declared.schema))
        self._batches.append(
            _Batch(
                len(records),
                {name: infer_column(values) for name, values in unknown.items()},
                [entry._replace(row=entry.row + first) for entry in bad],
                missing,
            )
        )

    def table(self, order: Sequence[int] | None = None) -> pa.Table:
        """Return these rows in this order, or all rows as they were added."""
        numbers = self._numbers(order)
        columns = {
            declared.name: self._declared.column(i, numbers)
            for i, declared in enumerate(self.dataset.columns)
        }
        columns.update(self._extra_columns(numbers))
        return pa.table(columns) if columns else self.dataset.schema.empty_table()

    def tables(self, order: Sequence[int], rows: int) -> Iterator[pa.Table]:
        """Yield these rows in this order, `rows` at a time; at least one table."""
        self._type_waiting()
        numbers = _as_array(order)
        extra = list(self._extra_columns())
        for i, table in enumerate(self._declared.tables(numbers, rows)):
            chosen = pa.array(numbers[i * rows :][:rows])
            for name, column in extra:
                table = table.append_column(name, column.take(chosen))  # noqa: PLW2901
            yield table

    def _release_into_frame(self, order: Sequence[int] | None) -> pd.DataFrame:
        """Return the rows as a frame, and release each column as soon as it is converted.

        The largest ones come first: while a column is converted it is in memory twice, and the
        frame takes more memory than the rows that wait.
        """
        numbers = self._numbers(order)
        names = [column.name for column in self.dataset.columns]
        made: dict[str, pd.Series] = {}
        for i in sorted(range(len(names)), key=self._declared.size, reverse=True):
            pa.default_memory_pool().release_unused()
            made[names[i]] = column_from_arrow(self._declared.column(i, numbers, keep=False))
        for name, column in self._extra_columns(numbers):
            names.append(name)
            made[name] = column_from_arrow(column)
        return pd.DataFrame({name: made[name] for name in names}, copy=False)

    def _numbers(self, order: Sequence[int] | None) -> np.ndarray | None:
        """Return row numbers as an array, or None if they are those of all rows as they came."""
        self._type_waiting()
        numbers = None if order is None else _as_array(order)
        if numbers is not None and np.array_equal(numbers, np.arange(len(self))):
            return None
        return numbers

    def _extra_columns(
        self, numbers: np.ndarray | None = None
    ) -> Iterator[tuple[str, pa.ChunkedArray]]:
        """Yield each column that is not declared, of all rows or of these."""
        taken = [column.name for column in self.dataset.columns]
        extra = dict.fromkeys(chain.from_iterable(batch.extra for batch in self._batches))
        for source, name in sorted(extra, key=lambda entry: entry[0]):
            parts = []
            for batch in self._batches:
                nothing = pa.nulls(batch.rows, pa.string())
                parts.append(batch.extra.get((source, name), UndeclaredColumn(nothing, nothing)))
            # Older versions of pyarrow cut a name at its first NUL.
            free = as_utf8(name).replace("\0", "\\u0000")
            while free in taken:
                free += "_"
            taken.append(free)
            column = concat_columns(parts)
            yield free, column if numbers is None else column.take(pa.array(numbers))

    def frame(
        self,
        provenance: Provenance | Mapping[str, Any],
        *,
        order: Sequence[int] | None = None,
        strict: bool = False,
        keep: bool = True,
    ) -> pd.DataFrame:
        """Return the rows as a frame that carries its provenance.

        Parameters
        ----------
        provenance : Provenance or mapping
            Where the rows come from; this method adds their number, problems and fields.
        order : sequence of int, optional
            The row numbers to return, in this order; by default all rows as they were added.
        strict : bool
            Raise if a value or field does not fit, instead of warning.
        keep : bool
            False releases each column as soon as it is in the frame if there are many rows: they
            are never in memory twice, and the builder cannot be used again.

        Raises
        ------
        DataError
            With `strict`, if anything does not fit; it carries the frame.
        """
        if not isinstance(provenance, Provenance):
            provenance = Provenance(provenance)
        provenance = self.describe(provenance, range(len(self)) if order is None else order)
        if keep or not self._declared.large:
            frame = from_arrow(self.table(order))
        else:
            frame = self._release_into_frame(order)
        provenance.attach(frame)
        raise_or_warn(self.problems_in_words(provenance), frame, strict=strict)
        return frame

    def describe(self, provenance: Provenance, order: Sequence[int]) -> Provenance:
        """Return a provenance with the number of these rows and what does not fit in them."""
        self._type_waiting()
        problems = self._problems(order)
        if self.private:
            problems += left_out_of(from_arrow(self.table(order)), self.dataset.key)
        outside = {problem["row"] for problem in problems if "filter" in problem}
        if outside:
            provenance = provenance.updated(outside_filter=len(outside))
        return provenance.with_rows(
            len(order),
            problems=problems,
            unknown_fields=[name for name, _ in self._extra_columns()],
            missing_fields=sorted(self._missing_fields()),
            digest=self._digest(order),
        )

    def _digest(self, order: Sequence[int]) -> str:
        """Return the digest of these rows."""
        hashes = self._declared.hashes()
        extra = dict(self._extra_columns())
        fields = list(self.dataset.schema)
        if extra:
            table = pa.table(extra)
            hashes += row_hashes(table)
            fields += list(table.schema)
        return combined_digest(_chosen(hashes, order), fields)

    def problems_in_words(self, provenance: Provenance) -> list[str]:
        """Return a sentence for each kind of thing that `describe` found not to fit."""
        return describe_problems(self.dataset, provenance, self._missing_fields())

    def _missing_fields(self) -> dict[str, int]:
        """Return the declared fields that rows do not have, with the number of such rows."""
        counts = Counter[str]()
        for batch in self._batches:
            counts.update(batch.missing)
        return {name: counts[name] for name in self.dataset.fields if name in counts}

    def repeated_keys(self, order: Sequence[int]) -> int:
        """Count the rows whose natural key is that of an earlier row."""
        self._type_waiting()
        key = self._key_positions()
        hashes = _chosen(self._hashes_of(key), order)
        hashes.sort()
        twice = hashes[1:][hashes[1:] == hashes[:-1]]
        if not len(twice):
            return 0
        # Two different keys can have the same hash, so these few keys are compared themselves.
        numbers = _as_array(order)
        repeated = numbers[np.isin(self._hashes_of(key)[numbers], twice)]
        return int(from_arrow(self._declared.rows(repeated, key)).duplicated().sum())

    def _hashes_of(self, columns: Sequence[int]) -> Hashes:
        """Return the hash of each row's cells in some columns."""
        return joined_hashes(map(row_hashes, self._declared.parts(columns)))

    def _key_positions(self) -> list[int]:
        return [i for i, c in enumerate(self.dataset.columns) if c.name in self.dataset.key]

    def _problems(self, order: Sequence[int]) -> list[dict[str, Any]]:
        """Describe each bad value in the chosen rows."""
        bad: dict[int, list[BadValue]] = {}
        bad_values = (batch.bad for batch in self._batches)
        for entry in chain(chain.from_iterable(bad_values), self._outside):
            bad.setdefault(entry.row, []).append(entry)
        if not bad:
            return []
        found = [(i, entry) for i, row in enumerate(order) for entry in bad.get(row, ())]
        numbers = np.array([entry.row for _, entry in found], np.int64)
        keys = from_arrow(self._declared.rows(numbers, self._key_positions()))
        keys = keys[list(self.dataset.key)]
        return [
            {
                "row": i,
                "key": {
                    str(name): None if pd.isna(cell) else str(cell) for name, cell in key.items()
                },
                "column": entry.column,
                "raw": raw_text(entry.raw),
                "reason": entry.reason,
                **({} if entry.filter is None else {"filter": entry.filter}),
            }
            for (i, entry), key in zip(found, keys.to_dict("records"), strict=True)
        ]


def _chosen(hashes: Hashes, order: Sequence[int]) -> Hashes:
    """Return the hashes of these rows, each of which is there once, in no defined order."""
    return hashes if len(order) == len(hashes) else hashes[_as_array(order)]


def _as_array(order: Sequence[int]) -> np.ndarray:
    """Return row numbers as an array, which is no copy of theirs if they are in one."""
    if isinstance(order, range):
        return np.arange(order.start, order.stop, order.step, dtype=np.int64)
    return np.asarray(order, order.typecode if isinstance(order, array) else np.int64)
