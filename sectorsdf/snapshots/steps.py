"""Compare snapshots with each other, one after the other: their changes, and their states.

At most two snapshots are in memory. A snapshot that is partial says nothing of the rows that it
lacks: their last known state stays. This module opens no store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sectorsdf.snapshots.difference import OLD_ROW, change_table, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    import numpy.typing as npt

    from sectorsdf.snapshots.difference import Comparison

    Indices = npt.NDArray[np.int64]

__all__ = ["Report", "Snapshot", "change_tables", "state_table"]

_FROM_TO = ("from_date", "to_date")
_VALID = ("valid_from", "valid_to")


class Snapshot(NamedTuple):
    """A snapshot whose rows are not read yet.

    Attributes
    ----------
    day : datetime.date
        Its day.
    digest : str or None
        The digest of its rows if it is complete; None if it is partial, or the digest is not known.
    read : callable
        Return its rows, and whether they are complete.
    """

    day: date
    digest: str | None
    read: Callable[[], tuple[pa.Table, bool]]


@dataclass
class Report:
    """What is unknown because of partial snapshots, by day.

    Attributes
    ----------
    partial : list of str
        The days of the partial snapshots.
    removed : dict of str to int
        How many known rows each of them lacks.
    added : dict of str to int
        How many rows of a snapshot may have been there before the first complete one.
    """

    partial: list[str] = field(default_factory=list)
    removed: dict[str, int] = field(default_factory=dict)
    added: dict[str, int] = field(default_factory=dict)


@dataclass
class _Step:
    """A snapshot compared with what was known before it.

    Attributes
    ----------
    number : int
        The number of the snapshot, from 0.
    day : datetime.date
        Its day.
    complete : bool
        Whether it is complete.
    rows : pyarrow.Table
        Its rows, followed by the known rows that it lacks, if it is partial.
    origin : array of int
        For each of these rows, the number of the row known before that is equal to it, or -1.
    comparison : Comparison or None
        Its rows compared with those known before; None for the first snapshot, and for one with the
        same rows as the one before.
    """

    number: int
    day: date
    complete: bool
    rows: pa.Table
    origin: Indices
    comparison: Comparison | None = None


def change_tables(
    snapshots: Sequence[Snapshot], key: Sequence[str], first: date | None, report: Report
) -> pa.Table:
    """Return the changes from each snapshot to the next, with the days between which they happened.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        At least one, by day.
    key : sequence of str
        The columns that identify a record.
    first : datetime.date or None
        Leave out changes that an earlier snapshot than that of this day shows.
    report : Report
        What is unknown is added to it.
    """
    days = _days(snapshots)
    parts: list[pa.Table] = []
    seen = np.empty(0, dtype=np.int64)
    last_complete: int | None = None
    for step in _steps(snapshots, key, report):
        if not step.number:
            empty = step.rows.schema.empty_table()
            parts.append(_dated(change_table(compare(empty, empty, key)), 0, days, seen, None))
        if step.comparison is not None and (first is None or step.day >= first):
            table = change_table(
                step.comparison, removed=step.complete, added=last_complete is not None
            )
            parts.append(_dated(table, step.number, days, seen, last_complete))
            if last_complete is None and len(step.comparison.match.only_new):
                report.added[str(step.day)] = len(step.comparison.match.only_new)
        present = np.full(len(step.rows), step.number, dtype=np.int64)
        if step.comparison is not None:
            carried = len(step.rows) - len(step.comparison.new)
            if carried:
                present[-carried:] = seen[step.origin[-carried:]]
        seen = present
        last_complete = step.number if step.complete else last_complete
        del step  # as in _steps
    return pa.concat_tables(parts, promote_options="permissive")


def state_table(snapshots: Sequence[Snapshot], key: Sequence[str], report: Report) -> pa.Table:
    """Return each state of each row once, with the days from and to which it held.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        At least one, by day.
    key : sequence of str
        The columns that identify a record.
    report : Report
        What is unknown is added to it.
    """
    days = _days(snapshots)
    ended: list[pa.Table] = []
    known, began = pa.table({}), np.empty(0, dtype=np.int64)
    for step in _steps(snapshots, key, report, all_columns=True):
        if step.comparison is None:
            begins = began if step.number else np.zeros(len(step.rows), dtype=np.int64)
        else:
            begins = np.full(len(step.rows), step.number, dtype=np.int64)
            lasting = step.origin >= 0
            begins[lasting] = began[step.origin[lasting]]
            is_over = np.ones(len(known), dtype=bool)
            is_over[step.origin[lasting]] = False
            over = np.flatnonzero(is_over)
            ended.append(_states(known.take(pa.array(over)), days[began[over]], step.day))
        known, began = step.rows, begins
        del step  # as in _steps
    states = [*ended, _states(known, days[began], None)]
    table = pa.concat_tables(states, promote_options="permissive")
    table = table.select([*_VALID, *(name for name in table.column_names if name not in _VALID)])
    order = [*key, "valid_from", *(name for name in table.column_names if name not in key)]
    keys = [(name, "ascending") for name in dict.fromkeys(order)]
    return table.take(pc.sort_indices(table, sort_keys=keys)).combine_chunks()


def _days(snapshots: Sequence[Snapshot]) -> npt.NDArray[Any]:
    return np.array([snapshot.day for snapshot in snapshots], dtype="datetime64[D]")


def _steps(
    snapshots: Sequence[Snapshot],
    key: Sequence[str],
    report: Report,
    *,
    all_columns: bool = False,
) -> Iterator[_Step]:
    """Compare each snapshot with what was known before it.

    With `all_columns`, a column that one of two snapshots lacks is compared too, as missing there.
    """
    known: pa.Table | None = None
    digest: str | None = None
    for number, snapshot in enumerate(snapshots):
        if known is not None and snapshot.digest is not None and snapshot.digest == digest:
            # The same rows as before need not be read.
            yield _Step(number, snapshot.day, True, known, np.arange(len(known)))  # noqa: FBT003
            continue
        rows, complete = snapshot.read()
        if not complete:
            report.partial.append(str(snapshot.day))
        if known is None:
            step = _Step(number, snapshot.day, complete, rows, np.full(len(rows), -1))
        else:
            if all_columns:
                known, rows = _with_all_columns(known, rows)
            step = _compared(known, rows, key, number, snapshot.day, complete=complete)
            assert step.comparison is not None  # noqa: S101 - it was just made
            if not complete and len(step.comparison.match.only_old):
                report.removed[str(snapshot.day)] = len(step.comparison.match.only_old)
        yield step
        known, digest = step.rows, snapshot.digest
        # The comparison holds the rows before these, which must go before the next are read.
        del step, rows


def _compared(
    known: pa.Table, rows: pa.Table, key: Sequence[str], number: int, day: date, *, complete: bool
) -> _Step:
    comparison = compare(known, rows, key)
    match = comparison.match
    same = ~match.changed
    origin = np.full(len(rows), -1, dtype=np.int64)
    origin[match.new[same]] = match.old[same]
    if not complete and len(match.only_old):
        carried = known.take(pa.array(match.only_old))
        rows = pa.concat_tables([rows, carried], promote_options="permissive")
        origin = np.concatenate([origin, match.only_old])
    return _Step(number, day, complete, rows, origin, comparison)


def _with_all_columns(known: pa.Table, rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return two tables with the columns of both; a column that one lacks is missing there."""
    for name in rows.column_names:
        if name not in known.column_names:
            known = known.append_column(name, pa.nulls(len(known), rows.schema.field(name).type))
    for name in known.column_names:
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.nulls(len(rows), known.schema.field(name).type))
    return known.select(rows.column_names), rows


def _dated(
    table: pa.Table,
    number: int,
    days: npt.NDArray[Any],
    seen: Indices,
    last_complete: int | None,
) -> pa.Table:
    """Return changes with the days between which each happened."""
    old_rows = table.column(OLD_ROW).to_numpy()
    before = np.full(len(table), last_complete or 0, dtype=np.int64)
    is_old = old_rows >= 0
    before[is_old] = seen[old_rows[is_old]]
    dates = (pa.array(days[each], pa.date32()) for each in (before, np.full(len(table), number)))
    table = table.drop_columns([OLD_ROW])
    for i, (name, values) in enumerate(zip(_FROM_TO, dates, strict=True)):
        table = table.add_column(i, name, values)
    return table


def _states(rows: pa.Table, began: npt.NDArray[Any], day: date | None) -> pa.Table:
    """Return rows with the days from and to which they held."""
    ended = pa.nulls(len(rows), pa.date32())
    if day is not None:
        ended = pa.repeat(pa.scalar(day, pa.date32()), len(rows))
    rows = rows.append_column(_VALID[0], pa.array(began, pa.date32()))
    return rows.append_column(_VALID[1], ended)
