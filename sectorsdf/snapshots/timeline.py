"""`sectorsdf.snapshots.changes` and `history`: what changed over all snapshots of a dataset.

This module owns what the two return and where they read. How snapshots are compared is in `steps`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from sectorsdf.errors import ConfigurationError
from sectorsdf.frames.arrow import from_arrow
from sectorsdf.frames.lineage import origins
from sectorsdf.frames.provenance import Provenance
from sectorsdf.snapshots.buckets import on_dask
from sectorsdf.snapshots.difference import checked_key
from sectorsdf.snapshots.files import rows_of
from sectorsdf.snapshots.layout import to_day
from sectorsdf.snapshots.listing import description_of, read_snapshot
from sectorsdf.snapshots.reading import find_snapshots
from sectorsdf.snapshots.scanning import import_engine
from sectorsdf.snapshots.steps import Report, Snapshot, change_tables, state_table
from sectorsdf.snapshots.stores import open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd
    import pyarrow as pa

    from sectorsdf.snapshots.stores import Found, Store

__all__ = ["changes", "history"]


def changes(
    root: str | os.PathLike[str],
    dataset: str,
    *,
    since: str | date | pd.Timestamp | None = None,
    until: str | date | pd.Timestamp | None = None,
    key: str | Sequence[str] | None = None,
    engine: Literal["pandas", "dask"] = "pandas",
) -> pd.DataFrame:
    """Return what has changed from each snapshot of a dataset to the next.

    Parameters
    ----------
    root : str or path-like
        The folder or URL that was passed to `write`.
    dataset : str
        Name of the dataset, such as ``mining_licenses``.
    since, until : str, date or Timestamp, optional
        Only changes that the snapshots of these days, and those between them, show.
    key : str or sequence of str, optional
        The columns that identify a record; by default the dataset's natural key.
    engine : {"pandas", "dask"}, default "pandas"
        With ``"dask"``, the result is a Dask DataFrame with the same rows, and without `attrs`.
        Each of its partitions has some of the keys. A task holds one snapshot, or the rows of some
        keys in all of them. Needs the extra ``dask``.

    Returns
    -------
    pandas.DataFrame
        One row for each change, by `to_date` and key. Columns:

        from_date (datetime64)
            Day of the last snapshot that has the old state. For an added row, the last complete
            snapshot, which does not have the row.
        to_date (datetime64)
            Day of the first snapshot that has the new state. The change happened after `from_date`,
            and on this day or before it.

        and those of `diff`.

        ``attrs["sectorsdf"]["changes"]`` has the key, the days of the snapshots, which of them are
        partial, and for each of their days the number of rows that it lacks and that are therefore
        not reported as removed (``unknown_removed``), or that may have been there before the first
        complete snapshot and are not reported as added (``unknown_added``). ``source`` and
        ``fetched_at`` are those of the last snapshot.

    Raises
    ------
    FileNotFoundError
        There is no snapshot of the dataset.
    ConfigurationError
        There is no such dataset or engine, a day is none, or the key has a column that the dataset
        lacks.
    MissingExtraError
        Dask is not installed.

    Notes
    -----
    It costs no credits. Memory holds two snapshots and the changes.

    Examples
    --------
    >>> import tempfile
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client, tempfile.TemporaryDirectory() as root:
    ...     sites = sectorsdf.get_mining_sites(client=client)
    ...     for day in ("2026-10-01", "2026-11-01"):
    ...         path = sectorsdf.snapshots.write(sites, root, date=day)
    ...     len(sectorsdf.snapshots.changes(root, "mining_sites"))
    0
    """
    store = open_store(root)
    first = None if since is None else to_day(since, "since")
    last = None if until is None else to_day(until, "until")
    found = _between(store, find_snapshots(store, dataset), first, last)
    columns = checked_key(key, dataset, [description_of(store, found[0]).schema.names])
    if _is_dask(engine):
        scattered: pd.DataFrame = on_dask(root, found, columns, "changes", first)
        return scattered
    report = Report()
    table = change_tables(_snapshots(store, found), columns, first, report)
    summary = _summary(found, columns, report)
    summary["unknown_added"] = report.added
    provenance = Provenance({"dataset": dataset, **_source(store, found), "changes": summary})
    return provenance.attach(from_arrow(table))


def history(
    root: str | os.PathLike[str],
    dataset: str,
    *,
    key: str | Sequence[str] | None = None,
    engine: Literal["pandas", "dask"] = "pandas",
) -> pd.DataFrame:
    """Return each state of each row of a dataset once, with the days from and to which it held.

    Parameters
    ----------
    root : str or path-like
        The folder or URL that was passed to `write`.
    dataset : str
        Name of the dataset, such as ``mining_licenses``.
    key : str or sequence of str, optional
        The columns that identify a record; by default the dataset's natural key. It decides the
        order only: a state lasts as long as every column stays the same.
    engine : {"pandas", "dask"}, default "pandas"
        With ``"dask"``, the result is a Dask DataFrame with the same rows, and without `attrs`.
        Each of its partitions has some of the keys. A task holds one snapshot, or the rows of some
        keys in all of them. Needs the extra ``dask``.

    Returns
    -------
    pandas.DataFrame
        One row for each run of equal content, by key and `valid_from`. Columns:

        valid_from (datetime64)
            Day of the first snapshot that has the row in this state.
        valid_to (datetime64)
            Day of the first later snapshot in which the row is different or gone; missing if the
            row has not changed since.

        and those of the dataset. The rows with ``valid_from <= day`` and ``valid_to > day``, or
        `valid_to` missing, are those of the snapshot of that day.

        ``attrs["sectorsdf"]["history"]`` has the days of the snapshots, which of them are partial,
        and for each of their days the number of rows that it lacks, whose last known state is taken
        to last (``unknown_removed``). ``source`` and ``fetched_at`` are those of the last snapshot.

    Raises
    ------
    FileNotFoundError
        There is no snapshot of the dataset.
    ConfigurationError
        There is no such dataset or engine, or the key has a column that the dataset lacks.
    MissingExtraError
        Dask is not installed.

    Notes
    -----
    It costs no credits. Memory holds two snapshots and the states that have ended.

    Examples
    --------
    >>> import tempfile
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client, tempfile.TemporaryDirectory() as root:
    ...     sites = sectorsdf.get_mining_sites(client=client)
    ...     for day in ("2026-10-01", "2026-11-01"):
    ...         path = sectorsdf.snapshots.write(sites, root, date=day)
    ...     states = sectorsdf.snapshots.history(root, "mining_sites")
    >>> len(states) == len(sites), bool(states["valid_to"].isna().all())
    (True, True)
    """
    store = open_store(root)
    found = find_snapshots(store, dataset)
    columns = checked_key(key, dataset, [description_of(store, found[0]).schema.names])
    if _is_dask(engine):
        scattered: pd.DataFrame = on_dask(root, found, columns, "history", None)
        return scattered
    report = Report()
    table = state_table(_snapshots(store, found), columns, report)
    summary = _summary(found, columns, report)
    provenance = Provenance({"dataset": dataset, **_source(store, found), "history": summary})
    return provenance.attach(from_arrow(table))


def _is_dask(engine: str) -> bool:
    """Return whether Dask is to be used, if it can be.

    Raises
    ------
    ConfigurationError
        If the engine is neither of the two, or is not installed.
    """
    if engine not in {"pandas", "dask"}:
        message = f"engine={engine!r} is not known: it is 'pandas' or 'dask'"
        raise ConfigurationError(message)
    if engine == "dask":
        import_engine(engine)
    return engine == "dask"


def _snapshots(store: Store, found: Sequence[Found]) -> list[Snapshot]:
    """Return snapshots that are read when they are needed."""

    def snapshot(each: Found) -> Snapshot:
        def read() -> tuple[pa.Table, bool]:
            # It may have been replaced since its metadata were read.
            content, description = read_snapshot(store, each)
            return rows_of(content), description.complete

        description = description_of(store, each)
        return Snapshot(each.place.day, description.digest if description.complete else None, read)

    return [snapshot(each) for each in found]


def _source(store: Store, found: Sequence[Found]) -> dict[str, str]:
    """Return where the rows of the last snapshot come from, and when the oldest was fetched."""
    latest = origins(description_of(store, found[-1]).provenance)
    known = {
        name: [origin[name] for origin in latest if origin.get(name)]
        for name in ("source", "fetched_at")
    }
    return {name: min(values) for name, values in known.items() if values}


def _summary(found: Sequence[Found], key: Sequence[str], report: Report) -> dict[str, Any]:
    return {
        "key": list(key),
        "snapshots": [str(each.place.day) for each in found],
        "partial_snapshots": report.partial,
        "unknown_removed": report.removed,
    }


def _between(
    store: Store, found: Sequence[Found], first: date | None, last: date | None
) -> list[Found]:
    """Return the snapshots of a time, and those before it with which they are compared.

    These begin with the last complete one. There is always one snapshot at least.
    """
    chosen = [each for each in found if last is None or each.place.day <= last] or [found[0]]
    start = sum(first is not None and each.place.day < first for each in chosen) - 1
    while start > 0 and not description_of(store, chosen[start]).complete:
        start -= 1
    return chosen[max(start, 0) :]
