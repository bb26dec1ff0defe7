"""`changes` and `history` on Dask: the keys are divided into buckets, and each bucket is one task.

Rows with the same key are in the same bucket, and only such rows are compared, so that the buckets
together give what the whole snapshots would give.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from sectorsdf.datasets import DATASETS
from sectorsdf.frames.arrow import from_arrow
from sectorsdf.frames.digest import row_hashes
from sectorsdf.snapshots.files import rows_of
from sectorsdf.snapshots.listing import read_snapshot
from sectorsdf.snapshots.steps import Report, Snapshot, change_tables, state_table
from sectorsdf.snapshots.stores import open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from datetime import date

    import pandas as pd

    from sectorsdf.snapshots.stores import Found

    Part = tuple[pa.Table, bool]

__all__ = ["on_dask"]

# A task holds a bucket of all snapshots; in memory they take about ten times as much as on disk.
_BUCKET_BYTES = 32_000_000


def on_dask(
    root: str | os.PathLike[str],
    found: Sequence[Found],
    key: Sequence[str],
    what: Literal["changes", "history"],
    first: date | None,
) -> Any:  # noqa: ANN401 - a dask.dataframe.DataFrame
    """Return changes or history as a Dask DataFrame, with one partition for each bucket of keys."""
    dask, frames = (importlib.import_module(name) for name in ("dask", "dask.dataframe"))
    count = max(1, -(-sum(each.size for each in found) // _BUCKET_BYTES))
    split = dask.delayed(_split, pure=True, nout=count)
    compare = dask.delayed(_compared, pure=True)
    parts = [split(str(root), each, key, count) for each in found]
    days = [each.place.day for each in found]
    results = [
        compare([part[bucket] for part in parts], days, key, what, first) for bucket in range(count)
    ]
    empty = rows_of(read_snapshot(open_store(root), found[-1])[0]).slice(0, 0)
    meta = _compared([(empty, True)] * len(days), days, key, what, first)
    return frames.from_delayed(results, meta=meta, verify_meta=False)


def _split(root: str, found: Found, key: Sequence[str], count: int) -> list[Part]:
    """Return the rows of a snapshot in buckets, each with whether the snapshot is complete."""
    content, description = read_snapshot(open_store(root), found)
    rows = rows_of(content)
    declared = DATASETS[found.place.dataset].schema
    keys = pa.table(
        {
            name: rows.column(name).cast(declared.field(name).type)
            if name in declared.names
            else rows.column(name)
            for name in key
        }
    )
    buckets = row_hashes(keys) % np.uint64(count)
    return [
        (rows.filter(pa.array(buckets == bucket)), description.complete) for bucket in range(count)
    ]


def _compared(
    parts: Sequence[Part],
    days: Sequence[date],
    key: Sequence[str],
    what: Literal["changes", "history"],
    first: date | None,
) -> pd.DataFrame:
    """Return the changes or the states of one bucket."""
    snapshots = [
        Snapshot(day, None, _returning(part)) for day, part in zip(days, parts, strict=True)
    ]
    if what == "changes":
        return from_arrow(change_tables(snapshots, key, first, Report()))
    return from_arrow(state_table(snapshots, key, Report()))


def _returning(part: Part) -> Callable[[], Part]:
    return lambda: part
