"""Convert between Arrow tables and the frames that users see.

This module owns the dtypes of a frame. It must not import a module that fetches or stores.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from sectorsdf.frames.provenance import Provenance

__all__ = ["from_arrow", "to_arrow"]

_TEXT = pd.StringDtype()
_PANDAS_TYPES = {
    pa.string(): _TEXT,
    # pandas 3 writes its own text columns with this type.
    pa.large_string(): _TEXT,
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}
_DAYS = "timestamp[us]"


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
    attrs = json.dumps(frame.attrs)
    return table.replace_schema_metadata({**(table.schema.metadata or {}), "PANDAS_ATTRS": attrs})
