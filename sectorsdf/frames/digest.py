"""One text that identifies the content of a table, in any order of its rows and columns.

This module owns the digest that a provenance contains. Two tables have the same digest if their
columns have the same names and types and their rows have the same values, each row as often. The
order of the rows and of the columns does not count; a row, a column, a value or a type more, less
or changed does. It must not import a module that fetches or stores.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    Hashes = npt.NDArray[np.uint64]

__all__ = ["combined_digest", "joined_hashes", "row_hashes", "table_digest"]

# Files keep digests, so a change of the rules below needs another version.
_VERSION = "rows1"
# The distinct texts of so many rows fit in the processor's cache, and take little memory.
_HASHED_ROWS = 1 << 14
_MISSING = np.uint64(0x9E3779B97F4A7C15)


def table_digest(table: pa.Table) -> str:
    """Return the digest of a table's rows."""
    return combined_digest(row_hashes(table), table.schema)


def combined_digest(hashes: Hashes, schema: pa.Schema | Iterable[pa.Field]) -> str:
    """Return the digest of rows, given their hashes, which it sorts in place, and their columns."""
    hashes.sort()
    columns = sorted(_column_label(field.name, field.type) for field in schema)
    digest = hashlib.sha256("\0\0".join([_VERSION, *columns]).encode("utf-8", "surrogatepass"))
    digest.update(hashes.astype("<u8", copy=False).data)
    return f"{_VERSION}:{digest.hexdigest()[:32]}"


def row_hashes(table: pa.Table | pa.RecordBatch) -> Hashes:
    """Return 64 bits for each row, which depend on all of its cells and their columns' names.

    The hashes of the same rows with some columns, and with the others, add up to those with all of
    them.
    """
    starts = range(0, table.num_rows, _HASHED_ROWS)
    parts = (_few_row_hashes(table.slice(start, _HASHED_ROWS)) for start in starts)
    return joined_hashes(parts)


def joined_hashes(parts: Iterable[Hashes]) -> Hashes:
    """Return the hashes of rows that come in parts, which may be none."""
    return np.concatenate([np.empty(0, np.uint64), *parts])


def _few_row_hashes(table: pa.Table | pa.RecordBatch) -> Hashes:
    total = np.zeros(table.num_rows, np.uint64)
    for field, column in zip(table.schema, table.columns, strict=True):
        label = _column_label(field.name, field.type).encode("utf-8", "surrogatepass")
        salt = np.uint64(int.from_bytes(hashlib.blake2b(label, digest_size=8).digest(), "little"))
        total += _mixed(_cell_hashes(column) ^ salt)
    return total


def _column_label(name: str, kind: pa.DataType) -> str:
    """Return a column's name and type; categories count as their values, and texts are one type."""
    while pa.types.is_dictionary(kind):
        kind = kind.value_type
    text = "string" if _is_text(kind) else str(kind)
    return f"{name}\0{text}"


def _is_text(kind: pa.DataType) -> bool:
    return str(kind) in {"string", "large_string", "string_view"}


def _mixed(numbers: Hashes) -> Hashes:
    """Spread each number over all 64 bits, as SplitMix64 does."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Hashes = numbers ^ (numbers >> np.uint64(31))
    return mixed


def _cell_hashes(column: pa.ChunkedArray | pa.Array) -> Hashes:
    if isinstance(column, pa.ChunkedArray):
        # A dictionary may be another one in each chunk.
        return joined_hashes(map(_cell_hashes, column.chunks))
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _taken(_cell_hashes(column.dictionary), column.indices)
    if _is_text(kind):
        if column.null_count == len(column):
            return np.full(len(column), _MISSING)
        # Most texts repeat, and the distinct ones are few.
        texts = column if kind == pa.string() else column.cast(pa.string())
        encoded = texts.dictionary_encode()
        return _taken(_text_hashes(encoded.dictionary), encoded.indices)
    if pa.types.is_floating(kind):
        return _float_hashes(column)
    return _whole_hashes(column)


def _whole_hashes(column: pa.Array) -> Hashes:
    """Return the hashes of flags, whole numbers, days and times, and of any other type's text."""
    kind = column.type
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    elif pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        column = column.view(pa.int32() if kind.bit_width == 32 else pa.int64())
    if not pa.types.is_integer(column.type):
        texts = [None if cell is None else repr(cell) for cell in column.to_pylist()]
        return _cell_hashes(pa.array(texts, pa.string()))
    numbers = pc.fill_null(column, 0).to_numpy(zero_copy_only=False)
    # A wrong sign of a large unsigned number does no harm: the type is in the column's label.
    hashes = _mixed(numbers.astype(np.int64).view(np.uint64))
    if not column.null_count:
        return hashes
    missing = column.is_null().to_numpy(zero_copy_only=False)
    return np.where(missing, _MISSING, hashes)


def _float_hashes(column: pa.Array) -> Hashes:
    numbers = column.to_numpy(zero_copy_only=False).astype(np.float64)
    # Adding zero makes 0.0 of -0.0. What is not a number is missing, as pandas has it.
    bits = (numbers + 0.0).view(np.uint64)
    return np.where(np.isnan(numbers), _MISSING, _mixed(bits))


def _text_hashes(texts: pa.Array) -> Hashes:
    # pandas hashes a text's UTF-8, which Arrow has already.
    values = texts.cast(pa.binary()).to_numpy(zero_copy_only=False)
    found: Hashes = pd.util.hash_array(values, categorize=False)
    return found


def _taken(hashes: Hashes, indices: pa.Array) -> Hashes:
    if indices.null_count:
        hashes = np.append(hashes, _MISSING)
        indices = pc.fill_null(indices.cast(pa.int64()), -1)
    found: Hashes = hashes[indices.to_numpy(zero_copy_only=False)]
    return found
