"""TODO."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sectorsdf.frames.provenance import ATTRS

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["from_arrow", "to_arrow"]


_TEXT = pd.StringDtype()
_PANDAS_TYPES = {
    pa.string(): _TEXT,
    # What pandas 3 makes of its own text columns when it writes a file.
    pa.large_string(): _TEXT,
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}
_DAYS = "timestamp[us]"


def from_arrow(table: pa.Table, provenance: Mapping[str, Any]) -> pd.DataFrame:
    """Return a table as the frame that users see: days as `datetime64`, the rest nullable."""
    for place, column in enumerate(table.schema):
        if pa.types.is_date32(column.type):
            days = table.column(place).cast(_DAYS)
            table = table.set_column(place, column.name, days)
    frame: pd.DataFrame = table.replace_schema_metadata(None).to_pandas(
        types_mapper=_PANDAS_TYPES.get
    )
    frame.attrs = {ATTRS: dict(provenance)}
    return frame


def to_arrow(frame: pd.DataFrame) -> pa.Table:
    """Return a frame as the table that Parquet files hold: days as `date32`, attrs as metadata."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for place, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type) and column.type.tz is None:
            days = table.column(place)
            if pc.all(pc.equal(days, pc.floor_temporal(days, unit="day"))).as_py() is not False:
                table = table.set_column(place, column.name, days.cast(pa.date32()))
        elif pa.types.is_large_string(column.type):
            # pandas 3 writes text so; a file must not tell which pandas made it.
            text = table.column(place).cast(pa.string())
            table = table.set_column(place, column.name, text)
    attrs = json.dumps(frame.attrs)
    return table.replace_schema_metadata({**(table.schema.metadata or {}), "PANDAS_ATTRS": attrs})
