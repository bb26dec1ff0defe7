"""`sectorsdf.snapshots.list`: what is in a root.

The files themselves are the register of a root: each says in its metadata what it contains.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from sectorsdf.frames.arrow import from_arrow
from sectorsdf.frames.lineage import origins
from sectorsdf.snapshots.files import describe
from sectorsdf.snapshots.stores import open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import pandas as pd

    from sectorsdf.frames.provenance import Provenance
    from sectorsdf.snapshots.files import Description
    from sectorsdf.snapshots.stores import Found, Store

__all__ = ["describe_all", "description_of", "list_snapshots", "read_snapshot"]

_SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("snapshot_date", pa.date32()),
        ("rows", pa.int64()),
        ("complete", pa.bool_()),
        ("digest", pa.string()),
        ("fetched_at", pa.timestamp("us", tz="UTC")),
        ("bytes", pa.int64()),
        ("path", pa.string()),
    ]
)
# Reading the end of a remote file is mostly waiting.
_WORKERS = 16


def list_snapshots(root: str | os.PathLike[str]) -> pd.DataFrame:
    """Return the snapshots in a root, one row for each.

    Parameters
    ----------
    root : str or path-like
        The folder or URL that was passed to `write`.

    Returns
    -------
    pandas.DataFrame
        By dataset and day; empty if there is no snapshot. Columns:

        dataset (string)
            Name of the dataset, such as ``mining_licenses``.
        snapshot_date (datetime64)
            Day of the snapshot.
        rows (Int64)
            Number of its rows.
        complete (boolean)
            Whether the rows were proved to be all that there were.
        digest (string)
            Digest of its rows, in any order. Two snapshots with the same digest have the
            same rows.
        fetched_at (datetime64 in UTC)
            When the oldest of its rows was fetched.
        bytes (Int64)
            Length of the file.
        path (string)
            Path or URL of the file.

    Raises
    ------
    ConfigurationError
        The root is neither a path nor a URL that can be used.
    OSError
        The root cannot be read, or a file in the place of a snapshot is not one.

    Notes
    -----
    It reads the end of each file only, and costs no credits.

    Examples
    --------
    >>> import tempfile
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client, tempfile.TemporaryDirectory() as root:
    ...     for getter in (sectorsdf.get_mining_sites, sectorsdf.get_mining_companies):
    ...         path = sectorsdf.snapshots.write(getter, root, client=client)
    ...     sectorsdf.snapshots.list(root)[["dataset", "rows"]].to_dict("list")
    {'dataset': ['mining_companies', 'mining_sites'], 'rows': [366, 156]}
    """
    store = open_store(root)
    found = store.find()
    descriptions = describe_all(store, found)
    rows = [
        {
            "dataset": each.place.dataset,
            "snapshot_date": each.place.day,
            "rows": description.rows,
            "complete": description.complete,
            "digest": description.digest,
            "fetched_at": _fetched_at(description.provenance),
            "bytes": each.size,
            "path": each.path,
        }
        for each, description in zip(found, descriptions, strict=True)
    ]
    return from_arrow(pa.Table.from_pylist(rows, schema=_SCHEMA))


def describe_all(store: Store, found: Sequence[Found]) -> list[Description]:
    """Return what the metadata of several snapshots say.

    Raises
    ------
    OSError
        If a file is not a snapshot.
    """
    with ThreadPoolExecutor(_WORKERS) as pool:
        return list(pool.map(lambda each: description_of(store, each), found))


def description_of(store: Store, found: Found) -> Description:
    """Return what the metadata of a snapshot say.

    Raises
    ------
    OSError
        If the file is not a snapshot.
    """
    description = describe(store.footer(found), found.path)
    if description is not None:
        return description
    # The metadata are long, or the file was replaced by one of another length since it was found.
    return read_snapshot(store, found)[1]


def read_snapshot(store: Store, found: Found) -> tuple[bytes, Description]:
    """Return a snapshot's file, and what its metadata say.

    Raises
    ------
    OSError
        If the file is not a snapshot.
    """
    content = store.read(found.place)
    description = describe(content, found.path)
    if description is None:
        message = f"{found.path} is not a whole Parquet file, so it is not a snapshot"
        raise OSError(message)
    return content, description


def _fetched_at(provenance: Provenance) -> object:
    times = [origin["fetched_at"] for origin in origins(provenance) if origin.get("fetched_at")]
    return datetime.fromisoformat(min(times)) if times else None
