"""Read and write Parquet, and write Arrow IPC files.

This module owns how Parquet files are compressed and divided into row groups. It must not import
the modules of other formats.
"""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from sectorsdf.frames.arrow import from_arrow, to_arrow
from sectorsdf.io.atomic import atomic_file

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

    import pandas as pd

    from sectorsdf.frames.provenance import Provenance
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

# A group is small enough for a reader with little memory to take a hundred million rows one group
# at a time, and large enough for dictionaries to pay and for each core of a reader to have a group.
_GROUP_ROWS = 1 << 18
# The groups of rows that are never all in memory; one of them takes about ten megabytes.
_PART_ROWS = 1 << 15
_PARQUET_OPTIONS: Mapping[str, Any] = {
    "compression": "zstd",
    "use_dictionary": True,
    "write_statistics": True,
    "write_page_index": True,
}


def read_parquet(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a file that `write_parquet` wrote, and return the same frame.

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
    frame = from_arrow(table)
    frame.attrs = attrs
    return frame


def write_parquet(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a frame as Parquet: days as `date32`, codes as text, the provenance as metadata.

    Parameters
    ----------
    frame : pandas.DataFrame
        A frame of this package, or one made from it.
    path : str or path-like
        The file. An existing file is replaced in one step.

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
    parts: Callable[[int], Iterable[pa.Table]], provenance: Provenance, file: Path
) -> None:
    """Write the file that `write_parquet` would write, from tables of a few rows each.

    Parameters
    ----------
    parts : callable
        Return the rows in tables of at most this many rows; at least one table.
    provenance : Provenance
        Where the rows come from.
    file : Path
        The file. Readers can see a part of it; the caller gives it its final name.
    """
    (first,) = islice(parts(1), 1)
    schema = to_arrow(from_arrow(first[:0], provenance)).schema
    write_parquet_tables(parts(_PART_ROWS), schema, file)


def write_parquet_table(table: pa.Table, file: Path) -> None:
    """Write a table, with its metadata, as Parquet.

    The file has zstd, dictionaries and statistics, and row groups of 262,144 rows with an index of
    their pages, so that a reader can skip what its filter excludes.
    """
    pq.write_table(table, file, row_group_size=_GROUP_ROWS, **_PARQUET_OPTIONS)


def write_parquet_tables(tables: Iterable[pa.Table], schema: pa.Schema, file: Path) -> None:
    """Write tables as one Parquet file, with one row group for each table."""
    with pq.ParquetWriter(file, schema, **_PARQUET_OPTIONS) as writer:
        for table in tables:
            writer.write_table(table.cast(schema), row_group_size=max(table.num_rows, 1))
            del table
            pa.default_memory_pool().release_unused()


def export_parquet(content: ExportTable, file: Path) -> None:
    """Write Parquet."""
    write_parquet_table(content.table, file)


def write_arrow(content: ExportTable, file: Path) -> None:
    """Write the Arrow IPC file format, also called Feather version 2, with LZ4."""
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(file, content.table.schema, options=options) as writer:
        writer.write_table(content.table, max_chunksize=_GROUP_ROWS)
