"""Files that appear whole or not at all, and frames as Parquet. Knows no HTTP."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from sectorsdf.formats import write_parquet_table
from sectorsdf.frame import ATTRS, from_arrow, to_arrow

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

__all__ = ["atomic_file", "read_parquet", "write_parquet"]


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
