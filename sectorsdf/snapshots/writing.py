"""`sectorsdf.snapshots.write`: one dated snapshot of a dataset.

This module owns what may become a snapshot. It must not import a getter.
"""

from __future__ import annotations

from datetime import date as Date  # noqa: N812 - `date` is a parameter
from datetime import datetime
from typing import TYPE_CHECKING, Any, ParamSpec, overload

import pandas as pd

from sectorsdf.client.call import keep_paid_pages
from sectorsdf.datasets import DATASETS
from sectorsdf.errors import ConfigurationError, listed
from sectorsdf.frames.arrow import to_arrow
from sectorsdf.frames.digest import table_digest
from sectorsdf.frames.lineage import origins
from sectorsdf.mining.fetch import context_of, list_query
from sectorsdf.mining.quoting import bound_arguments, dataset_of
from sectorsdf.snapshots.files import provenance_in, stamped, to_bytes
from sectorsdf.snapshots.layout import Place, to_day
from sectorsdf.snapshots.listing import description_of
from sectorsdf.snapshots.stores import open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

    from sectorsdf.frames.provenance import Provenance
    from sectorsdf.snapshots.stores import Store

__all__ = ["write"]

P = ParamSpec("P")


@overload
def write(
    data: pd.DataFrame,
    root: str | os.PathLike[str],
    *,
    date: str | Date | pd.Timestamp | None = ...,
    overwrite: bool = ...,
    allow_partial: bool = ...,
) -> str: ...


# A type checker takes the arguments of the getter from `P`. It allows no keyword-only parameter
# beside them, so these three look like positional ones here.
@overload
def write(
    data: Callable[P, pd.DataFrame],
    root: str | os.PathLike[str],
    date: str | Date | pd.Timestamp | None = ...,
    overwrite: bool = ...,  # noqa: FBT001
    allow_partial: bool = ...,  # noqa: FBT001
    *args: P.args,
    **call: P.kwargs,
) -> str: ...


def write(  # type: ignore[misc]
    data: pd.DataFrame | Callable[..., pd.DataFrame],
    root: str | os.PathLike[str],
    *,
    date: str | Date | pd.Timestamp | None = None,
    overwrite: bool = False,
    allow_partial: bool = False,
    **call: Any,
) -> str:
    """Write one dated snapshot of a dataset, which later writes do not change.

    The file is ``dataset=mining_licenses/snapshot_date=2026-11-01/part-0.parquet`` in the root:
    days as ``date32``, codes as text, with the provenance and the certificate in its metadata. It
    appears whole or not at all, so that readers and other writers can work at the same time, and a
    process that is killed leaves the root as it was.

    Parameters
    ----------
    data : pandas.DataFrame or callable
        A frame of a getter, or a getter such as `get_mining_licenses`, which is called.
    root : str or path-like
        A folder, which is made if it does not exist, or a URL that fsspec knows, such as
        ``s3://bucket/prefix``. One root takes any number of datasets.
    date : str, date or Timestamp, optional
        The day of the snapshot; by default the day, in UTC, on which the rows were fetched.
    overwrite : bool, default False
        Replace a snapshot of that day that has other rows.
    allow_partial : bool, default False
        Also write rows that are not proved to be all that there are, or that were changed since
        they were fetched. The snapshot is marked: `list` shows it as not complete, and `changes`
        and `history` do not take a row that it lacks for removed.
    **call
        With a getter: its filters and options, and ``client=``.

    Returns
    -------
    str
        The path or URL of the snapshot's file. If there is a snapshot of that day with the same
        rows, nothing is written.

    Raises
    ------
    ConfigurationError
        The frame is not complete, or was changed, and `allow_partial` is False; or it does not say
        which dataset it is of; or the other snapshots of the dataset in this root have other
        filters, so that a comparison would show changes that did not happen; or the root is
        neither a path nor a URL that can be used.
    FileExistsError
        There is a snapshot of that day with other rows, and `overwrite` is False.
    OSError
        The root cannot be read or written.
    TypeError
        `data` is neither a frame nor a getter, or a frame is given with the keywords of a getter.
    SectorsdfError
        With a getter: every error that the getter raises.

    Notes
    -----
    Writing a frame costs no credits; with a getter, the snapshot costs what the getter's frame
    would cost. The pages that were paid for are kept until the file is written: after an error, the
    same call costs nothing.

    Of two writers of different rows of one day, the first wins and the other gets FileExistsError.
    A remote store whose fsspec library cannot refuse to replace an object keeps the last of them.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client, tempfile.TemporaryDirectory() as root:
    ...     path = sectorsdf.snapshots.write(
    ...         sectorsdf.get_mining_sites, root, date="2026-11-01", client=client
    ...     )
    >>> Path(path).parent.name
    'snapshot_date=2026-11-01'
    """
    day = None if date is None else to_day(date, "date")
    store = open_store(root)
    if isinstance(data, pd.DataFrame):
        if call:
            message = (
                f"write got {listed(call, show=str)} with a frame, whose rows are already there. "
                "Give the getter itself, as in write(sectorsdf.get_mining_licenses, root, "
                "province='Aceh')."
            )
            raise TypeError(message)
        return _write_frame(data, store, day, overwrite=overwrite, allow_partial=allow_partial)
    dataset = dataset_of(data)
    if dataset is None:
        message = f"write takes a pandas.DataFrame or a getter, not {data!r:.60}"
        raise TypeError(message)
    if allow_partial:
        call = {"allow_partial": True, **call}
    arguments = bound_arguments(data, (), call)
    if dataset.is_list:
        query = list_query(context_of(arguments), dataset, arguments)
        _refuse_other_filters([dict(query.filters)], store, dataset.name, day)
    if arguments.get("max_rows") is not None and not allow_partial:
        message = (
            "max_rows makes the rows incomplete, and a snapshot of them would show the others as "
            "removed: leave it out, or pass allow_partial=True"
        )
        raise ConfigurationError(message)
    with keep_paid_pages():
        frame = data(**call)
        return _write_frame(frame, store, day, overwrite=overwrite, allow_partial=allow_partial)


def _write_frame(
    frame: pd.DataFrame, store: Store, day: Date | None, *, overwrite: bool, allow_partial: bool
) -> str:
    table = to_arrow(frame)
    provenance = provenance_in(table)
    if provenance.get("digest") is None:
        # The file of an earlier version: nothing shows whether its rows are those fetched.
        provenance = provenance.updated(digest=table_digest(table.replace_schema_metadata(None)))
    dataset = provenance.get("dataset")
    if dataset not in DATASETS:
        message = (
            "this frame does not say which dataset it is of: write a frame that a getter returned"
        )
        raise ConfigurationError(message)
    if not allow_partial:
        _refuse_partial(provenance)
    place = Place(dataset, day or _day_of(provenance))
    if DATASETS[dataset].is_list:
        # An addressed dataset has its keys there, which change with the list that names them.
        _refuse_other_filters(_filters(provenance), store, dataset, place.day)
    table = stamped(table, provenance, place.day)
    try:
        store.write(place, to_bytes(table), overwrite=overwrite)
    except FileExistsError as error:
        if not _is_there(provenance, store, place):
            raise FileExistsError(error.errno, _other_rows(place), error.filename) from None
    return store.path(place)


def _refuse_partial(provenance: Provenance) -> None:
    """Raise ConfigurationError for rows that are not known to be all rows of one fetch."""
    if provenance.get("complete") is True:
        return
    if "derived_from" in provenance.entries:
        why = "these rows were changed, selected or joined since they were fetched"
    else:
        why = "these rows are not proved to be all that there are"
    message = (
        f"{why}, so a snapshot of them could show changes that did not happen; "
        "allow_partial=True writes and marks it"
    )
    raise ConfigurationError(message)


def _refuse_other_filters(
    filters: Sequence[Mapping[str, Any]], store: Store, dataset: str, day: Date | None
) -> None:
    """Raise ConfigurationError if the newest snapshot of another day has other filters."""
    others = [found for found in store.find(dataset) if found.place.day != day]
    if not others:
        return
    before = _distinct(_filters(description_of(store, others[-1]).provenance))
    now = _distinct(filters)
    if before != now:
        message = (
            f"the snapshots of {dataset} in this root have the filters {listed(before) or 'none'}, "
            f"and these rows have {listed(now) or 'none'}: write them to a root of their own"
        )
        raise ConfigurationError(message)


def _filters(provenance: Provenance) -> list[Mapping[str, Any]]:
    return [origin.get("filters", {}) for origin in origins(provenance)]


def _distinct(filters: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return different filters without their sort, which changes no rows."""
    found: list[dict[str, Any]] = []
    for each in filters:
        own = {name: value for name, value in each.items() if name != "order_by"}
        if own and own not in found:
            found.append(own)
    return found


def _day_of(provenance: Provenance) -> Date:
    """Return the day, in UTC, on which rows were fetched.

    Raises
    ------
    ConfigurationError
        If they come from fetches of several days, or do not say when they were fetched.
    """
    days = {
        datetime.fromisoformat(origin["fetched_at"]).date()
        for origin in origins(provenance)
        if origin.get("fetched_at")
    }
    if len(days) != 1:
        message = "the frame does not say one day on which its rows were fetched: pass date="
        raise ConfigurationError(message)
    return days.pop()


def _is_there(provenance: Provenance, store: Store, place: Place) -> bool:
    """Return whether the snapshot in the root has these rows, and is not less complete."""
    for found in store.find(place.dataset):
        if found.place == place:
            there = description_of(store, found)
            complete = there.complete or provenance.get("complete") is not True
            return complete and there.digest == provenance["digest"]
    return False


def _other_rows(place: Place) -> str:
    return (
        f"there is a snapshot of {place.dataset} of {place.day} with other rows; overwrite=True "
        "replaces it"
    )
