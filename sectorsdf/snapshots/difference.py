"""`sectorsdf.snapshots.diff`: what has changed between two frames of one dataset.

This module owns the columns of a table of changes. It reads and writes no files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sectorsdf.datasets import DATASETS
from sectorsdf.errors import ConfigurationError, listed
from sectorsdf.frames.arrow import from_arrow, typed_table
from sectorsdf.frames.lineage import origins
from sectorsdf.frames.problems import warn
from sectorsdf.frames.provenance import Provenance
from sectorsdf.snapshots.kinds import HOLDER, HOLDER_SLUG, kinds_of_column, kinds_of_slugs
from sectorsdf.snapshots.matching import comparable, match_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy.typing as npt

    from sectorsdf.snapshots.matching import Match

    Indices = npt.NDArray[np.int64]

__all__ = ["OLD_ROW", "Comparison", "change_table", "checked_key", "compare", "diff"]

CHANGE_COLUMNS = pa.schema(
    [
        ("occurrence", pa.int64()),
        ("change", pa.string()),
        ("kind", pa.string()),
        ("column", pa.string()),
        ("old", pa.string()),
        ("new", pa.string()),
        ("old_number", pa.float64()),
        ("new_number", pa.float64()),
        ("old_date", pa.date32()),
        ("new_date", pa.date32()),
    ]
)
"""The columns of a table of changes that follow the key."""

OLD_ROW = "_old_row"
"""The number of the old row, -1 for an added one; not a column that users see."""


@dataclass(frozen=True)
class Comparison:
    """Two tables of the same columns, and which of their rows belong together.

    Attributes
    ----------
    old, new : pyarrow.Table
        The columns that both tables have.
    key : tuple of str
        The key.
    match : Match
        Which rows belong together.
    """

    old: pa.Table
    new: pa.Table
    key: tuple[str, ...]
    match: Match


def diff(
    old: pd.DataFrame, new: pd.DataFrame, *, key: str | Sequence[str] | None = None
) -> pd.DataFrame:
    """Return what has changed between two frames of one dataset, one row for each change.

    Rows with the same key are the same record. Where a key repeats, rows with equal content belong
    together first, and then those with the most equal columns. The order of the rows never matters.

    Parameters
    ----------
    old, new : pandas.DataFrame
        Two frames of the same dataset, such as the register of two months.
    key : str or sequence of str, optional
        The columns that identify a record; by default the dataset's natural key, such as
        ``wiup_code``.

    Returns
    -------
    pandas.DataFrame
        One row for each row that was added or removed, and for each value that has changed, in the
        order of the key. The columns are those of the key and:

        occurrence (Int64)
            Which of the rows with this key it is, counted from 1 in the order of their content in
            `old` (in `new` if it was added); 1 where the key does not repeat.
        change (string)
            added, removed, or changed.
        kind (string)
            What the change means. *added*, *removed*: as in `change`. *transferred*: another
            company holds the licence. *respelt*: the same text in another spelling, such as letter
            case, or ``PT. X`` and ``PT X`` in a company's name. *extended*, *shortened*: the last
            day is later, or earlier. *area*: the licensed area. *upgraded*: from exploration to
            production. *cnc*: the Clear and Clean status. *moved*: province, city, location or
            coordinates. *other*: anything else.
        column (string)
            The column whose value has changed; missing for rows that were added or removed.
        old, new (string)
            The two values as text, days in ISO 8601. For a row that was removed or added: the
            whole row as a JSON object, without its missing values.
        old_number, new_number (float64)
            The two values of a column of numbers or counts, in the column's unit.
        old_date, new_date (datetime64)
            The two values of a column of days.

        ``attrs["sectorsdf"]["diff"]`` has the key, the dates and numbers of rows of both frames,
        and the columns that only one of them has, which are not compared.

    Raises
    ------
    ConfigurationError
        There is no key, a frame does not have its columns, or the frames are of two datasets.
    TypeError
        An argument is not a frame.

    Notes
    -----
    If `new` is known to be incomplete, rows that it does not have are not reported as removed; if
    `old` is, rows that only `new` has are not reported as added. ``attrs["sectorsdf"]["diff"]``
    says how many (``unknown_removed``, ``unknown_added``). If rows were selected from one of the
    frames only, a `DataWarning` says so. No request is made and no credit spent.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     old = sectorsdf.get_mining_licenses(province="Aceh", client=client)
    >>> new = old.assign(company_name=old["company_name"].str.upper())
    >>> sectorsdf.snapshots.diff(old, new)["kind"].unique().tolist()
    ['respelt']
    """
    frames: dict[str, object] = {"old": old, "new": new}
    for name, frame in frames.items():
        if not isinstance(frame, pd.DataFrame):
            message = (
                f"{name} must be a pandas.DataFrame, not {type(frame).__name__}; "
                "sectorsdf.read_parquet reads one from a file"
            )
            raise TypeError(message)
    sources = Provenance.of_frame(old), Provenance.of_frame(new)
    names = [source.get("dataset") for source in sources]
    if None not in names and names[0] != names[1]:
        message = f"these are two datasets, {names[0]} and {names[1]}: compare frames of one"
        raise ConfigurationError(message)
    columns = checked_key(key, names[1] or names[0], [old.columns, new.columns])
    _warn_of_a_part(sources, (old, new))
    tables = [typed_table(frame).replace_schema_metadata(None) for frame in (old, new)]
    comparison = compare(tables[0], tables[1], columns)
    whole = [source.get("complete") is not False for source in sources]
    table = change_table(comparison, removed=whole[1], added=whole[0]).drop_columns([OLD_ROW])
    match = comparison.match
    report = {
        "key": list(columns),
        "old": _summary(sources[0], old),
        "new": _summary(sources[1], new),
        "only_in_old": [str(name) for name in old.columns if name not in new.columns],
        "only_in_new": [str(name) for name in new.columns if name not in old.columns],
        "unknown_removed": 0 if whole[1] else len(match.only_old),
        "unknown_added": 0 if whole[0] else len(match.only_new),
    }
    entries = {"dataset": names[1] or names[0], "diff": report}
    return Provenance(entries).attach(from_arrow(table))


def _warn_of_a_part(sources: Sequence[Provenance], frames: Sequence[pd.DataFrame]) -> None:
    """Warn if rows were taken from one of the frames only: the others would look changed."""
    fetched = [sum(origin.get("rows") or 0 for origin in origins(source)) for source in sources]
    parts = [len(frame) < rows for frame, rows in zip(frames, fetched, strict=True)]
    if parts[0] != parts[1] and all(source.get("complete") is not False for source in sources):
        place = parts.index(True)
        warn(
            f"diff: {('old', 'new')[place]} has {len(frames[place]):,} of the {fetched[place]:,} "
            f"rows that were fetched, so the others are reported as {('added', 'removed')[place]}. "
            "Compare whole frames, or select the same part of both."
        )


def _summary(source: Provenance, frame: pd.DataFrame) -> dict[str, Any]:
    return {
        "fetched_at": source.get("fetched_at"),
        "snapshot_date": source.get("snapshot_date"),
        "complete": source.get("complete"),
        "rows": len(frame),
    }


def checked_key(
    key: str | Sequence[str] | None, dataset: object, columns: Sequence[Collection[str]]
) -> tuple[str, ...]:
    """Return the columns of the key: the given ones, or else those that the dataset declares.

    Raises
    ------
    ConfigurationError
        If there is no key, or a frame does not have its columns.
    """
    if key is None:
        declared = DATASETS.get(str(dataset))
        if declared is None:
            message = (
                "these frames do not say which dataset they are of, so name the columns that "
                'identify a record: key="wiup_code"'
            )
            raise ConfigurationError(message)
        names = declared.key
    else:
        names = (key,) if isinstance(key, str) else tuple(key)
    if not names:
        message = "key names no column"
        raise ConfigurationError(message)
    if absent := [str(name) for name in names if any(name not in own for own in columns)]:
        message = f"a frame has no column {listed(absent, show=str)}, which is part of the key"
        raise ConfigurationError(message)
    if taken := [name for name in names if name in CHANGE_COLUMNS.names]:
        message = (
            f"a column of the key is called {taken[0]!r}, and so is a column of the changes: "
            "rename it"
        )
        raise ConfigurationError(message)
    return names


def compare(old: pa.Table, new: pa.Table, key: Sequence[str]) -> Comparison:
    """Return which rows of two tables belong together."""
    before, after = comparable(old, new)
    return Comparison(before, after, tuple(key), match_rows(before, after, key))


def change_table(comparison: Comparison, *, removed: bool = True, added: bool = True) -> pa.Table:
    """Return the changes as a table, in the order of key, occurrence and column, with `OLD_ROW`.

    Parameters
    ----------
    comparison : Comparison
        The two tables.
    removed, added : bool
        Whether rows that only one of the tables has are changes.
    """
    match = comparison.match
    parts = [_changed_values(comparison, name) for name in match.differing if name != HOLDER_SLUG]
    if HOLDER_SLUG in match.differing:
        # Their kinds follow those of the names.
        parts.append(_changed_values(comparison, HOLDER_SLUG))
    for change, is_change in (("removed", removed), ("added", added)):
        if is_change:
            parts.append(_whole_rows(comparison, change))
    table = pa.concat_tables([_empty(comparison), *parts])
    return _sorted(table, comparison)


def _empty(comparison: Comparison) -> pa.Table:
    fields = [comparison.new.schema.field(name) for name in comparison.key]
    return pa.schema([*fields, *CHANGE_COLUMNS, (OLD_ROW, pa.int64())]).empty_table()


def _changed_values(comparison: Comparison, name: str) -> pa.Table:
    """Return the changes of one column."""
    match = comparison.match
    pairs = np.flatnonzero(match.differing[name])
    rows_old, rows_new = match.old[pairs], match.new[pairs]
    before = comparison.old.column(name).take(pa.array(rows_old))
    after = comparison.new.column(name).take(pa.array(rows_new))
    if name == HOLDER_SLUG:
        kinds = kinds_of_slugs(pairs, _kinds_of_holders(comparison))
    else:
        kinds = kinds_of_column(name, before, after)
    columns: dict[str, Any] = {
        OLD_ROW: pa.array(rows_old),
        "occurrence": pa.array(match.occurrence_old[rows_old]),
        "change": _repeated("changed", len(pairs)),
        "kind": pa.array(kinds, pa.string()),
        "column": _repeated(name, len(pairs)),
        "old": _as_text(before),
        "new": _as_text(after),
    }
    kind = before.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        columns["old_number"], columns["new_number"] = (
            each.cast(pa.float64(), safe=False) for each in (before, after)
        )
    elif pa.types.is_date(kind):
        columns["old_date"], columns["new_date"] = before, after
    return _with_key(comparison, comparison.new, rows_new, columns)


def _kinds_of_holders(comparison: Comparison) -> Mapping[int, str]:
    """Return the kind of the change of the holder's name, by the number of the pair."""
    match = comparison.match
    if HOLDER not in match.differing:
        return {}
    pairs = np.flatnonzero(match.differing[HOLDER])
    before = comparison.old.column(HOLDER).take(pa.array(match.old[pairs]))
    after = comparison.new.column(HOLDER).take(pa.array(match.new[pairs]))
    return dict(zip(pairs.tolist(), kinds_of_column(HOLDER, before, after), strict=True))


def _whole_rows(comparison: Comparison, change: str) -> pa.Table:
    """Return the rows that only one table has as changes."""
    match = comparison.match
    if change == "added":
        side, rows, occurrences = comparison.new, match.only_new, match.occurrence_new
    else:
        side, rows, occurrences = comparison.old, match.only_old, match.occurrence_old
    columns = {
        OLD_ROW: pa.array(rows if change == "removed" else np.full(len(rows), -1)),
        "occurrence": pa.array(occurrences[rows]),
        "change": _repeated(change, len(rows)),
        "kind": _repeated(change, len(rows)),
        "new" if change == "added" else "old": pa.array(_json_rows(side, rows), pa.string()),
    }
    return _with_key(comparison, side, rows, columns)


def _with_key(
    comparison: Comparison, side: pa.Table, rows: Indices, columns: Mapping[str, Any]
) -> pa.Table:
    """Return a table of changes from the columns that are not empty."""
    keys = {name: side.column(name).take(pa.array(rows)) for name in comparison.key}
    schema = _empty(comparison).schema
    others = {
        field.name: columns.get(field.name, pa.nulls(len(rows), field.type))
        for field in schema
        if field.name not in keys
    }
    return pa.table({**keys, **others}, schema=schema)


def _repeated(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text), count)


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return values as text: numbers as Python writes them, days in ISO 8601."""
    if pa.types.is_floating(column.type):
        texts = [None if value is None else repr(value) for value in column.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    return column.cast(pa.string())


def _json_rows(table: pa.Table, rows: Indices) -> list[str]:
    """Return rows as JSON objects without their missing values; days as ISO 8601."""
    selected = table.take(pa.array(rows))
    for i, field in enumerate(selected.schema):
        if pa.types.is_temporal(field.type) or pa.types.is_decimal(field.type):
            selected = selected.set_column(i, field.name, selected.column(i).cast(pa.string()))
    return [
        json.dumps(
            {name: value for name, value in row.items() if value is not None},
            ensure_ascii=False,
            default=str,
        )
        for row in selected.to_pylist()
    ]


def _sorted(table: pa.Table, comparison: Comparison) -> pa.Table:
    """Return changes in the order of key, occurrence, kind of change, and column."""
    names = comparison.new.column_names
    place = pc.index_in(table.column("column"), value_set=pa.array(names, pa.string()))
    ordered = table.append_column("_place", pc.fill_null(place, -1))
    keys = [*comparison.key, "occurrence", "change", "_place"]
    order = pc.sort_indices(ordered, sort_keys=[(name, "ascending") for name in keys])
    return table.take(order).combine_chunks()
