"""The ledger of this machine, which knows the paths of the API, and `credits`, which reads it.

This module must not import a module that fetches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from sectorsdf.config import settings
from sectorsdf.datasets import DATASETS
from sectorsdf.http.credits import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["credits", "open_ledger"]


def open_ledger(folder: Path | None) -> Ledger:
    """Return the ledger in a folder, which sums by the endpoints of the datasets."""
    endpoints = {
        dataset.path.replace("{}", f"{{{dataset.addressed_by}}}") for dataset in DATASETS.values()
    }
    return Ledger(None if folder is None else folder / "credits.jsonl", sorted(endpoints))


def credits(by: Literal["entry", "day", "endpoint"] = "day") -> pd.DataFrame:  # noqa: A001
    """Return the credits spent from this machine, with any key.

    Reads a local file and sends no request: the API has no endpoint that reports a balance.

    Parameters
    ----------
    by : {"day", "endpoint", "entry"}, default "day"
        One row per UTC day and key, per endpoint and key, or per billed response.

    Returns
    -------
    pandas.DataFrame
        ``day``: day (datetime64[us]), credits, pages (Int64), key (text). ``endpoint``: endpoint
        (text: a path, such as ``/v2/mining/companies/{slug}/`` for all companies), credits, pages,
        key. ``entry``: time (datetime64[us, UTC]), endpoint (the path that was requested), status
        (Int64), credits, pages, key. `key` is a short hash that identifies a key without revealing
        it.

    Raises
    ------
    ValueError
        `by` is not one of the three.

    Examples
    --------
    >>> import sectorsdf
    >>> list(sectorsdf.credits())
    ['day', 'credits', 'pages', 'key']
    """
    return open_ledger(settings.cache_dir()).frame(by)
