"""Keep Arrow batches compressed, in memory or in a file, until their order is known.

This module owns how waiting rows are stored. It must not import any other module of the package.
"""

from __future__ import annotations

from itertools import chain
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Batches"]

# How many batches are compressed together. They are read again a column or some rows at a time;
# otherwise a million rows would be in memory twice while they are put in order. With a file, fewer
# batches wait in memory.
_TOGETHER = 64
_TOGETHER_IN_FILE = 4
# A column is put in order in this many parts, or in fewer parts of at least this many rows.
_PARTS = 16
_LEAST_ROWS = 1 << 16
_NOTHING = pa.py_buffer(b"")
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
        """Whether there are enough rows that some are compressed."""
        return bool(self._packed)

    def add(self, batch: pa.RecordBatch) -> None:
        """Add rows after the last one."""
        self._recent.append(batch)
        self._rows += batch.num_rows
        if len(self._recent) >= self._together:
            self._pack()

    def _pack(self) -> None:
        table = pa.Table.from_batches(self._recent, self.schema)
        self._packed.append([self._put(table.select([i])) for i in range(len(self.schema))])
        self._starts.append(self._rows)
        self._recent.clear()
        if self._file is not None:
            pa.default_memory_pool().release_unused()

    def _put(self, column: pa.Table) -> pa.Buffer | tuple[int, int]:
        """Compress a column, and return it, or its offset and size in the file."""
        target = pa.BufferOutputStream()
        with pa.ipc.new_stream(target, column.schema, options=_COMPRESSED) as writer:
            writer.write_table(column)
        content = target.getvalue()
        if self._file is None:
            return content
        offset = self._file.seek(0, 2)
        self._file.write(content)
        return offset, content.size

    def _get(self, group: int, i: int) -> pa.ChunkedArray:
        """Return column `i` of a group; the last group is the batches not yet compressed."""
        if group == len(self._packed):
            return pa.Table.from_batches(self._recent, self.schema).column(i)
        packed = self._packed[group][i]
        if isinstance(packed, tuple):
            assert self._file is not None  # noqa: S101 - for the type checker
            self._file.seek(packed[0])
            packed = pa.py_buffer(self._file.read(packed[1]))
        with pa.ipc.open_stream(packed) as reader:
            return reader.read_all().column(0)

    def column(
        self, i: int, order: np.ndarray | None = None, *, keep: bool = True
    ) -> pa.ChunkedArray:
        """Return column `i` of all rows, or of these rows in this order.

        Without `keep`, its memory is released, and the column cannot be read again.
        """
        if order is None:
            parts = [self._get(group, i) for group in range(len(self._starts))]
        else:
            # In parts, because taking rows from a column copies all of them twice.
            rows = max(len(order) // _PARTS, _LEAST_ROWS)
            parts = [table.column(0) for table in self.tables(order, rows, [i])]
        if not keep:
            for packed in self._packed:
                packed[i] = _NOTHING
        chunks = chain.from_iterable(part.chunks for part in parts)
        return pa.chunked_array(chunks, self.schema.field(i).type)

    def rows(self, numbers: np.ndarray, columns: Sequence[int] | None = None) -> pa.Table:
        """Return the rows with these numbers, in this order, or some columns of them."""
        names = self.schema.names
        selected = range(len(names)) if columns is None else columns
        group_of_row = np.searchsorted(self._starts, numbers, side="right") - 1
        parts = [self.schema.empty_table().select(list(selected))]
        positions = [np.empty(0, np.int64)]
        for group in np.unique(group_of_row).tolist():
            positions.append(np.flatnonzero(group_of_row == group))
            within = pa.array(numbers[positions[-1]] - self._starts[group])
            parts.append(pa.table({names[i]: self._get(group, i).take(within) for i in selected}))
        table, position = pa.concat_tables(parts), np.concatenate(positions)
        # Rows that are in order already are not copied again.
        in_order = np.all(position[1:] > position[:-1])
        return table if in_order else table.take(pa.array(np.argsort(position)))

    def tables(
        self, order: np.ndarray, rows: int, columns: Sequence[int] | None = None
    ) -> Iterator[pa.Table]:
        """Yield the rows in this order, `rows` at a time; at least one table.

        This is fast if the order is close to the order of arrival. If the rows are scattered, each
        table reads everything once.
        """
        for start in range(0, max(len(order), 1), rows):
            yield self.rows(order[start : start + rows], columns)
