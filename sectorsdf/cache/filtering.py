"""Apply the API's own filters and sorts to rows that are cached.

This module must not read or write files, and must not import `client` or anything above it.
"""

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


# The API's day begins in Jakarta.
_JAKARTA = timezone(timedelta(hours=7))
_SOON = timedelta(days=365)


def today(moment: datetime | None = None) -> date:
    """Return the date in Jakarta, now or at another time."""
    return (moment or datetime.now(_JAKARTA)).astimezone(_JAKARTA).date()


def columns_for(dataset: Dataset, names: Iterable[str], order: str | None) -> set[str] | None:
    """Return the columns that filters and a sort use.

    Returns
    -------
    set of str or None
        None if the columns do not show what the API would answer.
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


def _equal(column: pa.ChunkedArray, declared: Filter, text: str) -> pa.ChunkedArray | None:
    if pa.types.is_integer(column.type):
        return pc.equal(column, pa.scalar(int(text), column.type))
    if declared.kind == "text_or_flag" and text in {"true", "false"}:
        # The API's documentation does not say what a flag selects here.
        return None
    # Compare without case as Python does; there are few distinct values.
    folded = text.casefold()
    values = [value for value in pc.unique(column).to_pylist() if value is not None]
    equal = [value for value in values if value.casefold() == folded]
    if not declared.ignores_case:
        equal = [value for value in equal if value == text]
    if not equal and declared.kind == "choice" and text not in declared.values:
        # The API refuses the value, or has values that the vocabulary does not list.
        return None
    return pc.is_in(column, value_set=pa.array(equal, column.type))


def _is_within(declared: Filter, text: str) -> bool:
    low, high = declared.minimum, declared.highest
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
    return _equal(column, declared, text)


def select(
    table: pa.Table,
    dataset: Dataset,
    filters: Mapping[str, str],
    order: str | None,
    *,
    doubtful: Collection[str] = (),
) -> pa.Array | None:
    """Return the numbers of the rows that the API would answer, in its order.

    Rows that tie in the sort keep their order: the API promises no order for them either. Where it
    puts rows without a value is documented nowhere, so such rows are not sorted here.

    Parameters
    ----------
    table : pyarrow.Table
        Rows that include all rows of the answer.
    dataset : Dataset
        Declares the columns that the filters use.
    filters : mapping of str to str
        The API's parameters, without the sort.
    order : str or None
        The sort; None keeps the order of the rows.
    doubtful : collection of str
        Columns in which values are missing although the API has them.

    Returns
    -------
    pyarrow.Array or None
        Row numbers, or None if the columns do not show the API's answer.
    """
    needed = columns_for(dataset, filters, order)
    if needed is None or needed & set(doubtful):
        return None
    mask = None
    for name, text in filters.items():
        declared = dataset.filter(name)
        assert declared is not None  # noqa: S101 - `columns_for` has looked
        selected = _mask(table.column(declared.column or name), declared, text)
        if selected is None:
            return None
        mask = selected if mask is None else pc.and_kleene(mask, selected)
    if mask is None:
        rows = pa.array(np.arange(len(table)))
    else:
        rows = pc.indices_nonzero(pc.fill_null(mask, fill_value=False)).cast(pa.int64())
    if order is None:
        return rows
    column = table.column(order.removeprefix("-")).take(rows)
    if column.null_count:
        # It is not documented whether the API puts missing values first or last in this sort.
        return None
    return rows.take(
        pc.array_sort_indices(column, "descending" if order.startswith("-") else "ascending")
    )
