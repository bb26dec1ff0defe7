"""What the Parquet cache holds: look at it, find it, clear it. Asks nobody and costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from sectorsdf.cache.backends import open_backend
from sectorsdf.cache.store import scan
from sectorsdf.config import settings
from sectorsdf.config.options import as_age, default_cache

if TYPE_CHECKING:
    import os
    from datetime import timedelta

    from sectorsdf.cache.backends import Backend

__all__ = ["clear", "info", "path"]


_TEXT = pd.StringDtype()
_COLUMNS: dict[str, Any] = {
    "dataset": _TEXT,
    "query": _TEXT,
    "host": _TEXT,
    "rows": "Int64",
    "bytes": "Int64",
    "fetched_at": "datetime64[us, UTC]",
    "age": "timedelta64[us]",
    "complete": "boolean",
    "file": _TEXT,
}


def _place(cache: bool | str | os.PathLike[str] | None) -> Backend:  # noqa: FBT001
    chosen = default_cache() if cache is None else cache
    place = open_backend(chosen or True, settings.cache_dir())
    assert place is not None  # noqa: S101 - only False gives none
    return place


def path(*, cache: bool | str | os.PathLike[str] | None = None) -> str:
    """Return where the cached Parquet files lie.

    Parameters
    ----------
    cache : True, str or path-like, optional
        As the getters take it; by default what `sectorsdf.set_options` or the environment says,
        and otherwise the user's cache folder.

    Returns
    -------
    str
        A folder or URL. Below it, ``mining_licenses/province=Aceh/`` and the like hold a file each.
    """
    return _place(cache).name


def info(*, cache: bool | str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """Return what the cache holds.

    Parameters
    ----------
    cache : True, str or path-like, optional
        As in `path`.

    Returns
    -------
    pandas.DataFrame
        One row is one file. Columns: dataset, query, host (text), rows, bytes (Int64), fetched_at
        (datetime64[us, UTC]), age (timedelta64[us]), complete (boolean), file (text, below `path`).
        Rows and complete are missing for a file that is damaged and will not be used. Sorted by
        dataset and query, the freshest first.
    """
    place = _place(cache)
    rows = [
        {
            "dataset": kept.dataset,
            "query": kept.folder,
            "host": None if told is None else told["host"],
            "rows": None if told is None else told["rows"],
            "bytes": size,
            "fetched_at": kept.fetched,
            "age": kept.age,
            "complete": None if told is None else told["complete"],
            "file": kept.name,
        }
        for kept, told, size in scan(place)
    ]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)
    by = ["dataset", "query", "fetched_at"]
    return frame.sort_values(by, ascending=[True, True, False], ignore_index=True)


def clear(
    dataset: str | None = None,
    *,
    query: str | None = None,
    older_than: str | timedelta | None = None,
    cache: bool | str | os.PathLike[str] | None = None,
) -> int:
    """Remove files from the cache; without arguments all of them.

    Parameters
    ----------
    dataset : str, optional
        Only those of this dataset, such as ``"mining_licenses"``.
    query : str, optional
        Only those of this query, as `info` tells it, such as ``"province=Aceh"`` or ``"all"``.
    older_than : timedelta or str, optional
        Only those that were fetched longer ago, such as ``"30d"``.
    cache : True, str or path-like, optional
        As in `path`.

    Returns
    -------
    int
        How many files were removed. What was paid for unfinished calls, and the credit ledger, are
        no part of the cache and stay.

    Raises
    ------
    ConfigurationError
        `older_than` is no length of time.
    """
    place = _place(cache)
    age = None if older_than is None else as_age(older_than)
    count = 0
    for kept, _, _ in list(scan(place)):
        if (
            dataset in (None, kept.dataset)
            and query in (None, kept.folder)
            and (age is None or kept.age > age)
        ):
            place.remove(kept.name)
            count += 1
    if dataset is None and query is None and age is None:
        place.tidy()
    return count
