"""Show, find and clear what the Parquet cache holds. Nothing here asks the API or costs a credit.

This folder owns everything that was paid for and is used again: `store` keeps whole answers as
Parquet, `journal` keeps the pages of calls that have not ended, `memo` keeps addressed records in
the process. It must not import `client` or anything above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from sectorsdf.cache.backends import open_backend
from sectorsdf.cache.inventory import is_cache_file, scan
from sectorsdf.config import settings
from sectorsdf.config.options import as_age, default_cache
from sectorsdf.datasets import DATASETS, no_such_dataset
from sectorsdf.errors import ConfigurationError

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


def _backend(cache: bool | str | os.PathLike[str] | None) -> Backend:  # noqa: FBT001
    chosen = default_cache() if cache is None else cache
    # A call that turns the cache off is shown the folder that `True` would use.
    backend = open_backend(True if chosen is False else chosen, settings.find_cache_dir())
    assert backend is not None  # noqa: S101 - only False gives None
    return backend


def path(*, cache: bool | str | os.PathLike[str] | None = None) -> str:
    """Return the folder or URL of the cached Parquet files.

    Parameters
    ----------
    cache : True, str or path-like, optional
        As the getters take it; by default the value of `sectorsdf.set_options` or of the
        environment, and otherwise the user's cache folder.

    Returns
    -------
    str
        A folder or URL. Each query has a folder below it, such as
        ``mining_licenses/province=Aceh/``.
    """
    return _backend(cache).name


def info(*, cache: bool | str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """Return what is in the cache.

    Parameters
    ----------
    cache : True, str or path-like, optional
        As in `path`.

    Returns
    -------
    pandas.DataFrame
        One row is one file. Columns: dataset, query, host (text), rows, bytes (Int64), fetched_at
        (datetime64[us, UTC]), age (timedelta64[us]), complete (boolean), file (text, below `path`).
        Rows and complete are missing for a damaged file, which is never used. Sorted by
        dataset and query, the freshest first.
    """
    backend = _backend(cache)
    rows = [
        {
            "dataset": file.dataset,
            "query": file.folder,
            "host": None if description is None else description["host"],
            "rows": None if description is None else description["rows"],
            "bytes": size,
            "fetched_at": file.fetched,
            "age": file.age,
            "complete": None if description is None else description["complete"],
            "file": file.name,
        }
        for file, description, size in scan(backend)
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
    """Remove files from the cache; without arguments all of them, and no other file.

    Parameters
    ----------
    dataset : str, optional
        Only those of this dataset, such as ``"mining_licenses"``.
    query : str, optional
        Only those of this query, as `info` shows it, such as ``"province=Aceh"`` or ``"all"``.
    older_than : timedelta or str, optional
        Only those that were fetched longer ago, such as ``"30d"``.
    cache : True, str or path-like, optional
        As in `path`.

    Returns
    -------
    int
        How many files were removed. The journal of unfinished calls and the credit ledger are not
        part of the cache and stay.

    Raises
    ------
    ConfigurationError
        `older_than` is not a length of time, or there is no such dataset.
    """
    if dataset is not None and dataset not in DATASETS:
        raise ConfigurationError(no_such_dataset(dataset))
    backend = _backend(cache)
    age = None if older_than is None else as_age(older_than, "older_than")
    count = 0
    for file, _, _ in list(scan(backend)):
        if (
            dataset in (None, file.dataset)
            and query in (None, file.folder)
            and (age is None or file.age > age)
        ):
            backend.remove(file.name)
            count += 1
    if dataset is None and query is None and age is None:
        backend.remove_partial_files(is_cache_file)
    return count


def __dir__() -> list[str]:
    return __all__.copy()
