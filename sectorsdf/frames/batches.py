"""Arrow batches that wait for their order, compressed, in memory or in a file. Knows no dataset."""

from __future__ import annotations

from itertools import chain
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Batches"]


# So many batches are compressed together, and read again a column or some rows at a time: a million
# rows would otherwise stand in memory twice while they are put in order. Where a file spares that
# memory, less of it waits.
_TOGETHER = 64
_TOGETHER_IN_FILE = 4
# An order is followed in so many parts, unless those were too small to be worth it.
_PARTS = 16
_LEAST_ROWS = 1 << 16
_NOTHING = pa.py_buffer(b"")
_COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4")


class Batches:
    """Rows as they came, for whoever wants them by column or in another order.

    Parameters
    ----------
    schema : pyarrow.Schema
        What every batch looks like.
    file : binary file, optional
        Where what is compressed goes, instead of memory; open for reading and writing.
    """

    def __init__(self, schema: pa.Schema, file: IO[bytes] | None = None) -> None:
        self.schema = schema
        self._file = file
        self._together = _TOGETHER if file is None else _TOGETHER_IN_FILE
        self._packed: list[list[pa.Buffer | tuple[int, int]]] = []
        self._starts = [0]
        self._recent: list[pa.RecordBatch] = []
        self._rows = 0

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._rows

    @property
    def packed(self) -> bool:
        """Whether there are so many rows that some are compressed."""
        return bool(self._packed)

    def add(self, batch: pa.RecordBatch) -> None:
        """Add rows behind those that are here."""
        self._recent.append(batch)
        self._rows += batch.num_rows
        if len(self._recent) >= self._together:
            self._pack()

    def _pack(self) -> None:
        table = pa.Table.from_batches(self._recent, self.schema)
        self._packed.append([self._put(table.select([place])) for place in range(len(self.schema))])
        self._starts.append(self._rows)
        self._recent.clear()
        if self._file is not None:
            pa.default_memory_pool().release_unused()

    def _put(self, column: pa.Table) -> pa.Buffer | tuple[int, int]:
        """Compress a column, and return it, or where in the file it lies."""
        target = pa.BufferOutputStream()
        with pa.ipc.new_stream(target, column.schema, options=_COMPRESSED) as writer:
            writer.write_table(column)
        content = target.getvalue()
        if self._file is None:
            return content
        offset = self._file.seek(0, 2)
        self._file.write(content)
        return offset, content.size

    def _get(self, number: int, place: int) -> pa.ChunkedArray:
        """Return a column of what was compressed together; last comes what is not yet."""
        if number == len(self._packed):
            return pa.Table.from_batches(self._recent, self.schema).column(place)
        packed = self._packed[number][place]
        if isinstance(packed, tuple):
            assert self._file is not None  # noqa: S101 - for the type checker
            self._file.seek(packed[0])
            packed = pa.py_buffer(self._file.read(packed[1]))
        with pa.ipc.open_stream(packed) as reader:
            return reader.read_all().column(0)

    def column(
        self, place: int, order: np.ndarray | None = None, *, keep: bool = True
    ) -> pa.ChunkedArray:
        """Return one column of all rows, or of some in their order; give it up without `keep`."""
        if order is None:
            parts = [self._get(number, place) for number in range(len(self._starts))]
        else:
            # By parts, because to take from a column copies all of it twice.
            rows = max(len(order) // _PARTS, _LEAST_ROWS)
            parts = [table.column(0) for table in self.tables(order, rows, [place])]
        if not keep:
            for packed in self._packed:
                packed[place] = _NOTHING
        chunks = chain.from_iterable(part.chunks for part in parts)
        return pa.chunked_array(chunks, self.schema.field(place).type)

    def rows(self, numbers: np.ndarray, columns: Sequence[int] | None = None) -> pa.Table:
        """Return the rows of these numbers in their order, or some columns of them."""
        names = self.schema.names
        chosen = range(len(names)) if columns is None else columns
        whose = np.searchsorted(self._starts, numbers, side="right") - 1
        parts = [self.schema.empty_table().select(list(chosen))]
        places = [np.empty(0, np.int64)]
        for number in np.unique(whose).tolist():
            places.append(np.flatnonzero(whose == number))
            within = pa.array(numbers[places[-1]] - self._starts[number])
            parts.append(
                pa.table({names[place]: self._get(number, place).take(within) for place in chosen})
            )
        table, came = pa.concat_tables(parts), np.concatenate(places)
        # What came in order is not copied once more.
        return table if np.all(came[1:] > came[:-1]) else table.take(pa.array(np.argsort(came)))

    def tables(
        self, order: np.ndarray, rows: int, columns: Sequence[int] | None = None
    ) -> Iterator[pa.Table]:
        """Yield the rows in this order, so many at a time; at least one table.

        Rows that stand near to where they came are cheap; where they are strewn, each table takes
        reading everything once.
        """
        for start in range(0, max(len(order), 1), rows):
            yield self.rows(order[start : start + rows], columns)
