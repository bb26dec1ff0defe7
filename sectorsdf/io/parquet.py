"""Write Parquet and Arrow IPC files.

This module owns how Parquet files are compressed and divided into row groups. It must not import
the modules of other formats.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from sectorsdf.frames.arrow import (
    from_arrow,
    refuse_deep_values,
    to_arrow,
    typed_table,
    with_attrs,
)
from sectorsdf.frames.inputs import require_frame
from sectorsdf.frames.provenance import ATTRS
from sectorsdf.io.atomic import staged_file
from sectorsdf.io.geometries import split_geometries
from sectorsdf.io.target import check_path, path_to_write, refuse_other_format

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import pandas as pd

    from sectorsdf.frames.provenance import Provenance
    from sectorsdf.io.table import ExportTable

__all__ = [
    "check_metadata",
    "export_parquet",
    "table_of",
    "write_arrow",
    "write_parquet",
    "write_parquet_parts",
    "write_parquet_table",
    "write_parquet_tables",
]

# A group is small enough for a reader with little memory to take a hundred million rows one group
# at a time, and large enough for dictionaries to pay and for each core of a reader to have a group.
_GROUP_ROWS = 1 << 18
# The groups of rows that are never all in memory; one of them takes about five megabytes.
_PART_ROWS = 1 << 14
# Arrow refuses to read a Parquet file with a text of more than 100 million bytes in its footer, and
# writes the metadata there twice, once in base 64.
_MAX_METADATA = 64_000_000
_PARQUET_OPTIONS: Mapping[str, Any] = {
    "compression": "zstd",
    "use_dictionary": True,
    "write_statistics": True,
    "write_page_index": True,
}


def write_parquet(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a frame as Parquet: days as `date32`, codes as text, the provenance as metadata.

    Pure: it costs no credits. The provenance in the file is true of its rows: if the frame was
    filtered, joined or changed since it was fetched, the file has ``complete`` null, and
    ``derived_from`` says what was fetched.

    Parameters
    ----------
    frame : pandas.DataFrame
        A frame of this package, or one made from it.
    path : str or path-like
        The file. An existing file is replaced in one step; its permissions stay. A link stays as
        well, and the file that it points to is replaced.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    TypeError
        `frame` is not a DataFrame.
    ValueError
        The suffix is that of another format, such as ``.csv``. Parquet cannot hold the frame, or
        `frame.attrs` is so long that no reader could read it.
    OSError
        The disk is full, or the folder does not exist or may not be written, or the file is
        read-only.
    """
    require_frame(frame)
    target = path_to_write(path)
    refuse_other_format(target)
    check_path(target, overwrite=True)
    plain, _ = split_geometries(frame, ".parquet", supported=False)
    table = table_of(plain)
    with staged_file(target, ".parquet", overwrite=True) as staged:
        write_parquet_table(table, staged)
    return target


def table_of(frame: pd.DataFrame) -> pa.Table:
    """Return a frame as an Arrow table, or raise a ValueError that names the column at fault."""
    # Arrow crashes on values that are too deep, also when only their type is looked for.
    refuse_deep_values(frame)
    try:
        return to_arrow(frame)
    except (pa.ArrowException, TypeError, OverflowError, UnicodeError) as error:
        raise ValueError(_describe_failure(frame, error)) from error


def _describe_failure(frame: pd.DataFrame, error: Exception) -> str:
    """Return a message that names the column which cannot be converted, and the reason."""
    for i, name in enumerate(frame.columns):
        try:
            pa.array(frame.iloc[:, i], from_pandas=True)
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as reason:
            return (
                f"column {str(name)!r} has values without a common type ({reason}): convert it to "
                "text or numbers, or drop it"
            )
    return f"the frame cannot be written: {error}"


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
    empty = typed_table(from_arrow(first[:0]))
    schema = with_attrs(empty, {ATTRS: provenance.entries}).schema
    write_parquet_tables(parts(_PART_ROWS), schema, file)


def write_parquet_table(table: pa.Table, file: Path) -> None:
    """Write a table, with its metadata, as Parquet.

    The file has zstd, dictionaries and statistics, and row groups of 262,144 rows with an index of
    their pages, so that a reader can skip what its filter excludes.
    """
    check_metadata(table.schema)
    pq.write_table(table, file, row_group_size=_GROUP_ROWS, **_PARQUET_OPTIONS)


def write_parquet_tables(tables: Iterable[pa.Table], schema: pa.Schema, file: Path) -> None:
    """Write tables as one Parquet file, with one row group for each table."""
    check_metadata(schema)
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
    check_metadata(content.table.schema)
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(file, content.table.schema, options=options) as writer:
        writer.write_table(content.table, max_chunksize=_GROUP_ROWS)


def check_metadata(schema: pa.Schema) -> None:
    """Raise ValueError if the metadata, such as a frame's attrs, is too long to be read again."""
    metadata = schema.metadata or {}
    length = sum(map(len, metadata)) + sum(map(len, metadata.values()))
    if length > _MAX_METADATA:
        message = (
            f"frame.attrs takes {length / 1e6:,.0f} MB of metadata, and a file with more than "
            f"{_MAX_METADATA / 1e6:,.0f} MB of it cannot be read again: set frame.attrs to less, "
            "or to {}, before you write the frame"
        )
        raise ValueError(message)
