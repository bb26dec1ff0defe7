"""Convert between Arrow tables and the frames that users see.

This module owns the dtypes of a frame. It must not import a module that fetches or stores.
"""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sectorsdf.frames.provenance import Provenance

__all__ = ["from_arrow", "refuse_deep_values", "to_arrow"]

_TEXT = pd.StringDtype()
_PANDAS_TYPES = {
    pa.string(): _TEXT,
    # pandas 3 writes its own text columns with this type.
    pa.large_string(): _TEXT,
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}
_DAYS = "timestamp[us]"
_MAX_DEPTH = 100


def from_arrow(table: pa.Table, provenance: Provenance | None = None) -> pd.DataFrame:
    """Return a table as a frame: days as `datetime64`, text, counts and flags nullable."""
    for i, column in enumerate(table.schema):
        if pa.types.is_date32(column.type):
            days = table.column(i).cast(_DAYS)
            table = table.set_column(i, column.name, days)
    frame: pd.DataFrame = table.replace_schema_metadata(None).to_pandas(
        types_mapper=_PANDAS_TYPES.get
    )
    return frame if provenance is None else provenance.attach(frame)


def to_arrow(frame: pd.DataFrame) -> pa.Table:
    """Return a frame as the table that Parquet files hold: days as `date32`, attrs as metadata."""
    refuse_deep_values(frame)
    try:
        attrs = json.dumps(frame.attrs)
    except RecursionError:
        message = "frame.attrs is nested too deeply to be written as JSON"
        raise ValueError(message) from None
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for i, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type) and column.type.tz is None:
            times = table.column(i)
            if pc.all(pc.equal(times, pc.floor_temporal(times, unit="day"))).as_py() is not False:
                table = table.set_column(i, column.name, times.cast(pa.date32()))
        elif pa.types.is_large_string(column.type):
            # pandas 3 writes text with this type. A file must not depend on the version of pandas.
            text = table.column(i).cast(pa.string())
            table = table.set_column(i, column.name, text)
    return table.replace_schema_metadata({**(table.schema.metadata or {}), "PANDAS_ATTRS": attrs})


def refuse_deep_values(frame: pd.DataFrame) -> None:
    """Raise ValueError for Python objects so deep that Arrow would end the process."""
    for i, dtype in enumerate(frame.dtypes):
        if not pd.api.types.is_object_dtype(dtype):
            continue
        level = _containers(frame.iloc[:, i])
        for _ in range(_MAX_DEPTH):
            values = (each.values() if isinstance(each, dict) else each for each in level)
            level = _containers(chain.from_iterable(values))
        if level:
            message = (
                f"column {str(frame.columns[i])!r} has values that are nested more deeply than "
                f"{_MAX_DEPTH} levels: convert it to text or drop it"
            )
            raise ValueError(message)


def _containers(values: Iterable[Any]) -> list[Any]:
    """Return the containers among some values, each once."""
    return [*{id(each): each for each in values if isinstance(each, list | tuple | dict)}.values()]
