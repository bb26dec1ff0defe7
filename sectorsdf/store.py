"""Files that appear whole or not at all, and frames as Parquet. Knows no HTTP."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from sectorsdf.formats import write_parquet_table, write_parquet_tables
from sectorsdf.frame import ATTRS, from_arrow, to_arrow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    import pandas as pd
    import pyarrow as pa

__all__ = ["atomic_file", "read_parquet", "write_parquet", "write_parquet_parts"]


# A row group of ten megabytes in memory.
_PART_ROWS = 1 << 15


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a temporary file beside `path` that takes its place when all went well.

    Readers see the old file or the whole new one, never a part.
    """
    # Not by `tempfile`, whose files nobody else may read whatever the umask says.
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(6)}.part")
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        # For writing, because some systems refuse to flush what was opened for reading.
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


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
