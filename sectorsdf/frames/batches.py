"""Keep Arrow batches, in memory or compressed in a file, until their order is known.

This module owns how waiting rows are stored, and when they are hashed. Of the package it must
import `digest` only.
"""

from __future__ import annotations

from itertools import chain
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa

from sectorsdf.frames.digest import joined_hashes, row_hashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sectorsdf.frames.digest import Hashes

__all__ = ["Batches"]

# So many rows become one array for each column, and are hashed together. Hashing few rows at a time
# takes longer, and memory in small pieces is not given back to the system column by column. With a
# file, fewer rows wait in memory.
_GROUP_ROWS = 1 << 17
_GROUP_ROWS_IN_FILE = 1 << 13
_NOTHING = pa.chunked_array([], pa.null())
_COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4")


class Batches:
    """Rows in the order they arrived, to be read by column or in another order.

    Parameters
    ----------
    schema : pyarrow.Schema
        The schema of every batch.
    file : binary file, optional
        Keeps the compressed columns instead of memory; open for reading and writing.
    """

    def __init__(self, schema: pa.Schema, file: IO[bytes] | None = None) -> None:
        self.schema = schema
        self._file = file
        self._group_rows = _GROUP_ROWS if file is None else _GROUP_ROWS_IN_FILE
        self._groups: list[list[pa.ChunkedArray | tuple[int, int]]] = []
        self._hashes: list[Hashes] = []
        self._starts = [0]
        self._recent: list[pa.RecordBatch] = []
        self._rows = 0

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._rows

    @property
    def large(self) -> bool:
        """Whether there are more rows than one group has."""
        return self._rows > self._group_rows

    def add(self, batch: pa.RecordBatch) -> None:
        """Add rows after the last one."""
        self._recent.append(batch)
        self._rows += batch.num_rows
        if self._rows - self._starts[-1] >= self._group_rows:
            self._close_group()

    def _close_group(self) -> None:
        """Make a group of the rows after the last one, if there are any."""
        if not self._recent:
            return
        table = pa.Table.from_batches(self._recent, self.schema).combine_chunks()
        self._hashes.append(row_hashes(table))
        self._groups.append([self._put(table, i) for i in range(len(self.schema))])
        self._starts.append(self._rows)
        self._recent.clear()
        del table
        if self.large:
            pa.default_memory_pool().release_unused()

    def _put(self, table: pa.Table, i: int) -> pa.ChunkedArray | tuple[int, int]:
        """Return column `i`; or write it to the file, and return its offset and size there."""
        if self._file is None:
            return table.column(i)
        target = pa.BufferOutputStream()
        column = table.select([i])
        with pa.ipc.new_stream(target, column.schema, options=_COMPRESSED) as writer:
            writer.write_table(column)
        content = target.getvalue()
        offset = self._file.seek(0, 2)
        self._file.write(content)
        return offset, content.size

    def _get(self, group: int, i: int) -> pa.ChunkedArray:
        """Return column `i` of a group."""
        kept = self._groups[group][i]
        if not isinstance(kept, tuple):
            return kept
        assert self._file is not None  # noqa: S101 - for the type checker
        self._file.seek(kept[0])
        with pa.ipc.open_stream(self._file.read(kept[1])) as reader:
            return reader.read_all().column(0)

    def size(self, i: int) -> int:
        """Return how many bytes column `i` takes."""
        kept = (group[i] for group in self._groups)
        return sum(each[1] if isinstance(each, tuple) else each.nbytes for each in kept)

    def hashes(self) -> Hashes:
        """Return the hash of each row, as `row_hashes` defines it."""
        self._close_group()
        return joined_hashes(self._hashes)

    def column(
        self, i: int, order: np.ndarray | None = None, *, keep: bool = True
    ) -> pa.ChunkedArray:
        """Return column `i` of all rows, or of these rows in this order.

        Without `keep`, its memory is released, and the column cannot be read again.
        """
        self._close_group()
        if order is None:
            parts = [self._get(group, i) for group in range(len(self._groups))]
        else:
            # In parts, because taking rows from a column copies all of them twice.
            parts = [table.column(0) for table in self.tables(order, self._group_rows, [i])]
        if not keep:
            for group in self._groups:
                group[i] = _NOTHING
        return self._joined(i, parts)

    def _joined(self, i: int, parts: Iterable[pa.ChunkedArray]) -> pa.ChunkedArray:
        """Return parts of column `i` as one column."""
        chunks = chain.from_iterable(part.chunks for part in parts)
        return pa.chunked_array(chunks, self.schema.field(i).type)

    def parts(self, columns: Sequence[int]) -> Iterator[pa.Table]:
        """Yield some columns of all rows, in the order in which they were added, in some tables."""
        self._close_group()
        names = self.schema.names
        for group in range(len(self._groups)):
            yield pa.table({names[i]: self._get(group, i) for i in columns})

    def rows(self, numbers: np.ndarray, columns: Sequence[int] | None = None) -> pa.Table:
        """Return the rows with these numbers, in this order, or some columns of them."""
        self._close_group()
        group_of_row = np.searchsorted(self._starts, numbers, side="right") - 1
        within: dict[int, pa.Array] = {}
        found = [np.empty(0, np.int64)]
        for group in np.unique(group_of_row).tolist():
            found.append(np.flatnonzero(group_of_row == group))
            within[group] = pa.array(numbers[found[-1]] - self._starts[group])
        position = np.concatenate(found)
        # Rows that are in order already are not copied again.
        in_order = np.all(position[1:] > position[:-1])
        order = None if in_order else pa.array(np.argsort(position))
        selected = range(len(self.schema)) if columns is None else columns
        names = self.schema.names
        return pa.table({names[i]: self._taken(i, within, order) for i in selected})

    def _taken(
        self, i: int, within: Mapping[int, pa.Array], order: pa.Array | None
    ) -> pa.ChunkedArray:
        """Return some rows of column `i` of each group; then in another order, if one is given."""
        parts = (self._get(group, i).take(rows) for group, rows in within.items())
        column = self._joined(i, parts)
        return column if order is None else column.take(order)

    def tables(
        self, order: np.ndarray, rows: int, columns: Sequence[int] | None = None
    ) -> Iterator[pa.Table]:
        """Yield the rows in this order, `rows` at a time; at least one table.

        This is fast if the order is close to the order of arrival. If the rows are scattered, each
        table reads everything once.
        """
        for start in range(0, max(len(order), 1), rows):
            yield self.rows(order[start : start + rows], columns)
