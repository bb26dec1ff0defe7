"""The API's own rules for filters and sorts, applied to rows that are already here."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sectorsdf.datasets.schema import Dataset, Filter

__all__ = ["columns_for", "select", "today"]


# Where the register is kept; the API's day begins there.
_JAKARTA = timezone(timedelta(hours=7))
_SOON = timedelta(days=365)


def today(moment: datetime | None = None) -> date:
    """Return the day in Jakarta, now or at another moment."""
    return (moment or datetime.now(_JAKARTA)).astimezone(_JAKARTA).date()


def columns_for(dataset: Dataset, names: Iterable[str], order: str | None) -> set[str] | None:
    """Return the columns that filters and a sort look at.

    Returns
    -------
    set of str or None
        None where the columns do not tell what the API would answer.
    """
    found = set()
    for name in names:
        declared = dataset.filter(name)
        if declared is None or declared.match is None:
            return None
        found.add(declared.column or name)
    if order is not None:
        found.add(order.removeprefix("-"))
    return found


def _same(column: pa.ChunkedArray, declared: Filter, text: str) -> pa.ChunkedArray | None:
    if pa.types.is_integer(column.type):
        return pc.equal(column, pa.scalar(int(text), column.type))
    if declared.kind == "text_or_flag" and text in {"true", "false"}:
        # Nobody documents what the API makes of a flag here.
        return None
    # Folded as Python does it: the distinct values are few.
    wanted = text.casefold()
    alike = [v for v in pc.unique(column).to_pylist() if v is not None and v.casefold() == wanted]
    if not declared.ignores_case:
        alike = [value for value in alike if value == text]
    if not alike and declared.kind == "choice" and text not in declared.values:
        # The API refuses it, or knows more than the vocabulary does.
        return None
    return pc.is_in(column, value_set=pa.array(alike, column.type))


def _is_within(declared: Filter, text: str) -> bool:
    low, high = declared.minimum, declared.maximum
    return (low is None or float(text) >= low) and (high is None or float(text) <= high)


def _mask(column: pa.ChunkedArray, declared: Filter, text: str) -> pa.ChunkedArray | None:
    if declared.kind in {"integer", "number"} and not _is_within(declared, text):
        return None
    if declared.match == "least":
        return pc.greater_equal(column, float(text))
    if declared.match == "soon":
        first = today()
        within = pa.scalar(first), pa.scalar(first + _SOON)
        return pc.and_(pc.greater_equal(column, within[0]), pc.less_equal(column, within[1]))
    return _same(column, declared, text)


def select(
    table: pa.Table,
    dataset: Dataset,
    filters: Mapping[str, str],
    order: str | None,
    *,
    doubtful: Collection[str] = (),
) -> pa.Array | None:
    """Say which rows the API would answer, in its order.

    Rows that tie in the sort stay as they lie: the API promises no order for them either.

    Parameters
    ----------
    table : pyarrow.Table
        Rows among which all those that are asked for are.
    dataset : Dataset
        Declares what the filters look at.
    filters : mapping of str to str
        The API's parameters, as they would be sent, without the sort.
    order : str or None
        The sort; None leaves the rows as they lie.
    doubtful : collection of str
        Columns in which values are missing that the API has.

    Returns
    -------
    pyarrow.Array or None
        Row numbers; None where the API's answer cannot be told from the columns.
    """
    needed = columns_for(dataset, filters, order)
    if needed is None or needed & set(doubtful):
        return None
    mask = None
    for name, text in filters.items():
        declared = dataset.filter(name)
        assert declared is not None  # noqa: S101 - `columns_for` has looked
        found = _mask(table.column(declared.column or name), declared, text)
        if found is None:
            return None
        mask = found if mask is None else pc.and_kleene(mask, found)
    if mask is None:
        rows = pa.array(np.arange(len(table)))
    else:
        rows = pc.indices_nonzero(pc.fill_null(mask, fill_value=False)).cast(pa.int64())
    if order is None:
        return rows
    down = order.startswith("-")
    # PostgreSQL sorts what is missing as if it were larger than all else.
    places = pc.array_sort_indices(
        table.column(order.removeprefix("-")).take(rows),
        order="descending" if down else "ascending",
        null_placement="at_start" if down else "at_end",
    )
    return rows.take(places)
