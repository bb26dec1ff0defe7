"""Records to Arrow to pandas: the only home of result shape.

Names, dtypes, order, empty results, values that do not fit, fields that nobody declared, and the
provenance that a frame carries are all decided here, a column at a time.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import InitVar, dataclass, field
from itertools import chain
from operator import itemgetter
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sectorsdf.frames.arrow import from_arrow
from sectorsdf.frames.batches import Batches
from sectorsdf.frames.casting import (
    UndeclaredColumn,
    cast_column,
    concat_columns,
    infer_column,
    raw_text,
)
from sectorsdf.frames.flatten import FLATTENERS, BadValue
from sectorsdf.frames.lossless_json import JsonNumber, as_utf8, decode_json
from sectorsdf.frames.problems import complaints_of, warn_or_raise
from sectorsdf.frames.provenance import ATTRS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sectorsdf.datasets.schema import Dataset

__all__ = ["FrameBuilder", "JsonNumber", "decode_json"]


# Typing columns in batches of this size costs a quarter of typing all rows at once: the garbage
# collector then never has to walk a million live cells.
_BATCH_ROWS = 3_000
_HASHED_ROWS = 1 << 16


def _columns(records: Sequence[Mapping[str, Any]]) -> tuple[dict[str, list[Any]], bool]:
    """Return the cells of each field that came, and whether every record has all of them."""
    if len(set(map(len, records))) == 1:
        # As many fields as the first record, and all of its: the same ones.
        with suppress(KeyError):
            return {name: list(map(itemgetter(name), records)) for name in records[0]}, True
    present = dict.fromkeys(chain.from_iterable(records))
    return {name: [record.get(name) for record in records] for name in present}, False


@dataclass
class _Batch:
    """What was noticed in some rows beside their declared columns.

    An extra column is known by its name and by where it comes from: two fields can give the same
    name, and the columns' order must not depend on which batch brought which first.
    """

    rows: int
    extra: dict[tuple[int, str], UndeclaredColumn]
    bad: list[BadValue]
    lacking: dict[str, int]


@dataclass
class FrameBuilder:
    """Takes records as they arrive and keeps them as Arrow batches, never as dicts.

    Parameters
    ----------
    dataset : Dataset
        What the frame has to look like.
    file : binary file, optional
        Where the rows wait, instead of memory.
    """

    dataset: Dataset
    file: InitVar[IO[bytes] | None] = None
    _waiting: list[Mapping[str, Any]] = field(default_factory=list, repr=False)
    _batches: list[_Batch] = field(default_factory=list, repr=False)

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

    def _type_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), _BATCH_ROWS):
            self._type(waiting[start : start + _BATCH_ROWS])

    def _type(self, records: Sequence[Mapping[str, Any]]) -> None:
        first = len(self._declared)
        dataset = self.dataset
        cells, alike = _columns(records)
        expected = (*dataset.fields, *(name for name in dataset.nested if name in cells))
        lacking = {}
        if not (alike and cells.keys() >= set(dataset.fields)):
            for name in dataset.fields:
                absent = sum(name not in record for record in records)
                if absent:
                    lacking[name] = absent
        bad: list[BadValue] = []
        values: dict[str, Sequence[Any]] = {}
        unknown: dict[tuple[int, str], Sequence[Any]] = {}
        places = {name: place for place, name in enumerate(dataset.nested)}
        for name in dict.fromkeys(expected):
            column = cells.get(name) or [None] * len(records)
            if name in dataset.nested:
                flat = FLATTENERS[dataset.nested[name]](column)
                values.update(flat.columns)
                unknown.update({(places[name], key): v for key, v in flat.extra.items()})
                bad.extend(flat.bad)
            else:
                values[name] = column
        arrays = [cast_column(values[c.name], c.kind, c.name, bad) for c in dataset.columns]
        known = {*dataset.fields, *dataset.nested}
        unknown.update({(len(places), name): v for name, v in cells.items() if name not in known})
        self._declared.add(pa.RecordBatch.from_arrays(arrays, schema=dataset.schema))
        self._batches.append(
            _Batch(
                len(records),
                {name: infer_column(values) for name, values in unknown.items()},
                [entry._replace(row=entry.row + first) for entry in bad],
                lacking,
            )
        )

    def table(self, order: Sequence[int] | None = None) -> pa.Table:
        """Return the rows of these numbers in this order, or all of them as they were added."""
        columns = dict(self._columns(order))
        return pa.table(columns) if columns else self.dataset.schema.empty_table()

    def tables(self, order: Sequence[int], rows: int) -> Iterator[pa.Table]:
        """Yield the rows of these numbers in this order, so many at a time, at least one table."""
        self._type_waiting()
        numbers = np.asarray(order, np.int64)
        further = list(self._further())
        for place, table in enumerate(self._declared.tables(numbers, rows)):
            chosen = pa.array(numbers[place * rows :][:rows])
            for name, column in further:
                table = table.append_column(name, column.take(chosen))  # noqa: PLW2901
            yield table

    def _columns(
        self, order: Sequence[int] | None, *, keep: bool = True
    ) -> Iterator[tuple[str, pa.ChunkedArray]]:
        """Yield each column with its name: one after the other, so that none need be kept."""
        self._type_waiting()
        numbers = None if order is None else np.asarray(order, np.int64)
        if numbers is not None and np.array_equal(numbers, np.arange(len(self))):
            numbers = None
        for place, declared in enumerate(self.dataset.columns):
            yield declared.name, self._declared.column(place, numbers, keep=keep)
        for name, column in self._further():
            yield name, column if numbers is None else column.take(pa.array(numbers))

    def _further(self) -> Iterator[tuple[str, pa.ChunkedArray]]:
        """Yield each column that nobody declared."""
        taken = [column.name for column in self.dataset.columns]
        extra = dict.fromkeys(chain.from_iterable(batch.extra for batch in self._batches))
        for place, name in sorted(extra, key=lambda entry: entry[0]):
            parts = []
            for batch in self._batches:
                nothing = pa.nulls(batch.rows, pa.string())
                parts.append(batch.extra.get((place, name), UndeclaredColumn(nothing, nothing)))
            # Older versions of pyarrow cut a name at the NULs that it ends with.
            free = as_utf8(name).replace("\0", "\\u0000")
            while free in taken:
                free += "_"
            taken.append(free)
            yield free, concat_columns(parts)

    def frame(
        self,
        provenance: Mapping[str, Any],
        *,
        order: Sequence[int] | None = None,
        strict: bool = False,
        keep: bool = True,
    ) -> pd.DataFrame:
        """Return the rows as a frame that carries its provenance.

        Parameters
        ----------
        provenance : mapping
            What `attrs` will say; rows, problems and fields are filled in here.
        order : sequence of int, optional
            The row numbers to return, in this order; all as added by default.
        strict : bool
            Raise where a value or field does not fit, instead of warning.
        keep : bool
            False gives up the rows column by column as the frame is made: many take half the
            memory so, and the builder is of no use any more.

        Raises
        ------
        DataError
            With `strict`, where anything does not fit; it carries the frame.
        """
        facts = self.facts(provenance, range(len(self)) if order is None else order)
        if self._declared.packed:
            frame = _by_column(self._columns(order, keep=keep))
        else:
            frame = from_arrow(self.table(order), {})
        frame.attrs = {ATTRS: facts}
        warn_or_raise(self.complaints(facts), frame, strict=strict)
        return frame

    def facts(self, provenance: Mapping[str, Any], order: Sequence[int]) -> dict[str, Any]:
        """Return a provenance with what these rows add to it: their number, and what is odd."""
        self._type_waiting()
        return {
            **provenance,
            "rows": len(order),
            "problems": self._problems(order),
            "unknown_fields": [name for name, _ in self._further()],
            "missing_fields": sorted(self._lacking()),
        }

    def complaints(self, facts: Mapping[str, Any]) -> list[str]:
        """Say in one sentence each what a provenance of these rows tells that does not fit."""
        return complaints_of(
            self.dataset, facts["problems"], facts["unknown_fields"], self._lacking()
        )

    def _lacking(self) -> dict[str, int]:
        """Return in how many rows each declared field is absent."""
        counts = Counter[str]()
        for batch in self._batches:
            counts.update(batch.lacking)
        return {name: counts[name] for name in self.dataset.fields if name in counts}

    def repeated_keys(self, order: Sequence[int]) -> int:
        """Count the rows that have the natural key of a row before them."""
        self._type_waiting()
        numbers, places = np.asarray(order, np.int64), self._key_places()
        parts = self._declared.tables(numbers, _HASHED_ROWS, places)
        hashes = np.concatenate([np.empty(0, np.uint64), *map(_hashed, parts)])
        ordered = np.sort(hashes)
        twice = ordered[1:][ordered[1:] == ordered[:-1]]
        if not len(twice):
            return 0
        # Two keys may have one hash: those few are compared themselves.
        again = self._declared.rows(numbers[np.isin(hashes, twice)], places)
        return int(from_arrow(again, {}).duplicated().sum())

    def _key_places(self) -> list[int]:
        return [n for n, c in enumerate(self.dataset.columns) if c.name in self.dataset.key]

    def _problems(self, order: Sequence[int]) -> list[dict[str, Any]]:
        """Describe each bad value that stands in one of the chosen rows."""
        bad: dict[int, list[BadValue]] = {}
        for entry in chain.from_iterable(batch.bad for batch in self._batches):
            bad.setdefault(entry.row, []).append(entry)
        if not bad:
            return []
        found = [(place, entry) for place, row in enumerate(order) for entry in bad.get(row, ())]
        numbers = np.array([entry.row for _, entry in found], np.int64)
        keys = from_arrow(self._declared.rows(numbers, self._key_places()), {})
        keys = keys[list(self.dataset.key)]
        return [
            {
                "row": place,
                "key": {
                    str(name): None if pd.isna(cell) else str(cell) for name, cell in key.items()
                },
                "column": entry.column,
                "raw": raw_text(entry.raw),
                "reason": entry.reason,
            }
            for (place, entry), key in zip(found, keys.to_dict("records"), strict=True)
        ]


def _hashed(table: pa.Table) -> np.ndarray:
    frame = from_arrow(table, {})
    return pd.util.hash_pandas_object(frame, index=False, categorize=False).to_numpy()


def _by_column(columns: Iterable[tuple[str, pa.ChunkedArray]]) -> pd.DataFrame:
    """Return columns as a frame, each converted before the next one is made."""
    made = {}
    for name, column in columns:
        made[name] = from_arrow(pa.table({name: column}), {})[name]
        del column
        pa.default_memory_pool().release_unused()
    return pd.DataFrame(made, copy=False)
