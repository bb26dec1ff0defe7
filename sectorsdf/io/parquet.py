"""Files that appear whole or not at all, and frames as Parquet. Knows no HTTP."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from sectorsdf.frames.arrow import from_arrow, to_arrow
from sectorsdf.frames.provenance import ATTRS
from sectorsdf.io.atomic import atomic_file

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

    import pandas as pd

    from sectorsdf.io.table import ExportTable

__all__ = [
    "export_parquet",
    "read_parquet",
    "write_arrow",
    "write_parquet",
    "write_parquet_parts",
    "write_parquet_table",
    "write_parquet_tables",
]


# A row group of ten megabytes in memory.
_PART_ROWS = 1 << 15


def write_parquet(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a frame as Parquet: days as `date32`, codes as text, the provenance as metadata.

    Parameters
    ----------
    frame : pandas.DataFrame
        A frame of this package, or one made from it.
    path : str or path-like
        The file; it is replaced in one step.

    Returns
    -------
    pathlib.Path
        The file written.
    """
    target = Path(path)
    with atomic_file(target) as temporary:
        write_parquet_table(to_arrow(frame), temporary)
    return target


def write_parquet_parts(
    parts: Callable[[int], Iterable[pa.Table]], facts: Mapping[str, Any], file: Path
) -> None:
    """Write what `write_parquet` would, from a few rows at a time.

    Parameters
    ----------
    parts : callable
        Gives the rows, at most so many in a table.
    facts : mapping
        The provenance.
    file : Path
        The file; it is not written in one step.
    """
    (empty,) = islice(parts(1), 1)
    schema = to_arrow(from_arrow(empty[:0], facts)).schema
    write_parquet_tables(parts(_PART_ROWS), schema, file)


def read_parquet(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a file that `write_parquet` wrote as the very frame that was written.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    pandas.DataFrame
        Same values, dtypes, order and attrs. (`pandas.read_parquet` reads the file as well, but
        returns days as Python objects.)
    """
    table = pq.ParquetFile(path).read()
    attrs = json.loads((table.schema.metadata or {}).get(b"PANDAS_ATTRS", b"{}"))
    frame = from_arrow(table, attrs.get(ATTRS, {}))
    frame.attrs = attrs
    return frame


# Small enough that a reader with little memory takes a hundred million rows a group at a time,
# large enough that dictionaries pay and that each core of a reader has a group of its own.
_GROUP_ROWS = 1 << 18
_PARQUET: Mapping[str, Any] = {
    "compression": "zstd",
    "use_dictionary": True,
    "write_statistics": True,
    "write_page_index": True,
}


def write_parquet_table(table: pa.Table, file: Path) -> None:
    """Write a table, with its metadata, as Parquet.

    zstd, dictionaries and statistics, in row groups of 262,144 rows with an index of their pages,
    so that a reader skips what its filter excludes.
    """
    pq.write_table(table, file, row_group_size=_GROUP_ROWS, **_PARQUET)


def write_parquet_tables(tables: Iterable[pa.Table], schema: pa.Schema, file: Path) -> None:
    """Write tables as Parquet like `write_parquet_table`, a row group each."""
    with pq.ParquetWriter(file, schema, **_PARQUET) as writer:
        for table in tables:
            writer.write_table(table.cast(schema), row_group_size=max(table.num_rows, 1))
            del table
            pa.default_memory_pool().release_unused()


def export_parquet(content: ExportTable, file: Path) -> None:
    """Write Parquet."""
    write_parquet_table(content.table, file)


def write_arrow(content: ExportTable, file: Path) -> None:
    """Write the Arrow IPC file format, which is Feather 2, with LZ4."""
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(file, content.table.schema, options=options) as writer:
        writer.write_table(content.table, max_chunksize=_GROUP_ROWS)
