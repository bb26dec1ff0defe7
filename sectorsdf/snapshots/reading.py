"""`sectorsdf.snapshots.read`: the rows of one snapshot, or of all."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from sectorsdf.errors import listed
from sectorsdf.frames.arrow import from_arrow, with_attrs
from sectorsdf.frames.digest import table_digest
from sectorsdf.frames.lineage import derived
from sectorsdf.frames.provenance import ATTRS
from sectorsdf.io.reading import read_table
from sectorsdf.snapshots.files import provenance_in
from sectorsdf.snapshots.layout import PART, checked_dataset, to_day
from sectorsdf.snapshots.stores import open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from datetime import date as Date  # noqa: N812 - `date` is a parameter

    import pandas as pd

    from sectorsdf.io.reading import Filters
    from sectorsdf.snapshots.stores import Found, Store

__all__ = ["find_snapshots", "read"]

_DAY = "snapshot_date"


def read(
    root: str | os.PathLike[str],
    dataset: str,
    *,
    date: str | Date | pd.Timestamp = "latest",
    columns: Sequence[str] | None = None,
    filters: Filters | None = None,
) -> pd.DataFrame:
    """Return the rows of a snapshot, as the getter returned them.

    Parameters
    ----------
    root : str or path-like
        The folder or URL that was passed to `write`.
    dataset : str
        Name of the dataset, such as ``mining_licenses``.
    date : str, date or Timestamp, default "latest"
        The day of the snapshot. ``"latest"`` reads the newest. ``"all"`` reads every snapshot, with
        its day in a first column ``snapshot_date``: a row that did not change is there once for
        each of them, so sum over one day at a time.
    columns : sequence of str, optional
        The columns to return; by default all.
    filters : list of tuple, list of list of tuple, or pyarrow.compute.Expression, optional
        Which rows to return, as `sectorsdf.read_parquet` takes it, such as
        ``[("province", "==", "Aceh")]``.

    Returns
    -------
    pandas.DataFrame
        The dataset's frame with its dtypes. ``attrs["sectorsdf"]`` has the provenance, with
        ``snapshot_date``, and ``complete`` False if the snapshot is marked as partial. With
        ``date="all"`` it has the days of such snapshots as ``partial_snapshots``.

    Raises
    ------
    FileNotFoundError
        There is no such snapshot; the message names those that there are.
    ConfigurationError
        There is no such dataset, `date` is not a day, or the root is neither a path nor a URL that
        can be used.

    Notes
    -----
    It costs no credits. A snapshot that is replaced meanwhile is read as the old one or the new
    one, never as a part of either.

    Examples
    --------
    >>> import tempfile
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client, tempfile.TemporaryDirectory() as root:
    ...     sites = sectorsdf.get_mining_sites(client=client)
    ...     path = sectorsdf.snapshots.write(sites, root)
    ...     sectorsdf.snapshots.read(root, "mining_sites").equals(sites)
    True
    """
    store = open_store(root)
    found = find_snapshots(store, dataset)
    if date == "all":
        return _read_all(store, found, columns, filters)
    if date == "latest":
        chosen = found[-1]
    else:
        day = to_day(date, "date")
        at_day = [each for each in found if each.place.day == day]
        if not at_day:
            days = listed((each.place.day for each in reversed(found)), show=str)
            message = f"there is no snapshot of {dataset} of {day}; there are those of {days}"
            raise FileNotFoundError(errno.ENOENT, message, store.name)
        chosen = at_day[0]
    return from_arrow(_read_one(store, chosen, columns, filters))


def find_snapshots(store: Store, dataset: str) -> list[Found]:
    """Return the snapshots of a dataset by day; at least one.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ConfigurationError
        If there is no such dataset.
    """
    found = store.find(checked_dataset(dataset))
    if not found:
        names = dict.fromkeys(each.place.dataset for each in store.find())
        there = f"it has snapshots of {listed(names, show=str)}" if names else "it has none at all"
        message = f"this root has no snapshot of {dataset}; {there}"
        raise FileNotFoundError(errno.ENOENT, message, store.name)
    return found


def _read_one(
    store: Store, found: Found, columns: Sequence[str] | None, filters: Filters | None
) -> pa.Table:
    """Return the rows of one snapshot, with its provenance in the metadata."""
    try:
        table = read_table(store.source(found.place), columns=columns, filters=filters)
    except OSError:
        # A file of S3 that is replaced between two requests has "expired". One request for all of
        # it cannot fail like this.
        with tempfile.TemporaryDirectory(prefix="sectorsdf-") as folder:
            copy = Path(folder) / PART
            copy.write_bytes(store.read(found.place))
            table = read_table(copy, columns=columns, filters=filters)
    provenance = provenance_in(table)
    entries = provenance.updated(snapshot_date=found.place.day.isoformat()).entries
    return with_attrs(table.replace_schema_metadata(None), {ATTRS: entries})


def _read_all(
    store: Store,
    found: Sequence[Found],
    columns: Sequence[str] | None,
    filters: Filters | None,
) -> pd.DataFrame:
    tables, sources = [], []
    for each in found:
        table = _read_one(store, each, columns, filters)
        sources.append(provenance_in(table))
        days = pa.repeat(pa.scalar(each.place.day, pa.date32()), len(table))
        tables.append(table.add_column(0, _DAY, days).replace_schema_metadata(None))
    # A later snapshot may have fields that an earlier one did not have.
    whole = pa.concat_tables(tables, promote_options="permissive")
    provenance = derived(sources, len(whole), table_digest(whole))
    partial = [str(s["snapshot_date"]) for s in sources if s.get("complete") is False]
    frame: pd.DataFrame = provenance.updated(partial_snapshots=partial).attach(from_arrow(whole))
    return frame
