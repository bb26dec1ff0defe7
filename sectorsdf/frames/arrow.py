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

from sectorsdf.frames.digest import table_digest
from sectorsdf.frames.lineage import true_provenance
from sectorsdf.frames.provenance import ATTRS, Provenance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "METADATA",
    "column_from_arrow",
    "frame_digest",
    "from_arrow",
    "provenance_of_table",
    "refuse_deep_values",
    "to_arrow",
    "typed_table",
    "with_attrs",
]

METADATA = b"PANDAS_ATTRS"
"""The entry of a table's metadata that holds a frame's attrs, as pandas writes and reads it."""

_TEXT = pd.StringDtype()
_PANDAS_TYPES = {
    pa.string(): _TEXT,
    # pandas 3 writes its own text columns with this type.
    pa.large_string(): _TEXT,
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}
_DAYS = pa.timestamp("us")
_MAX_DEPTH = 100


def from_arrow(table: pa.Table) -> pd.DataFrame:
    """Return an Arrow table as a frame with the dtypes and the provenance that the getters give.

    Pure: it costs no credits. It undoes `to_arrow`: dtypes, values, order and attrs are the same.

    Parameters
    ----------
    table : pyarrow.Table
        A table of `to_arrow`, of a file that this package wrote, or of another program. Whatever
        has Arrow's C stream interface is taken as well, such as a frame of Polars or a relation of
        DuckDB.

    Returns
    -------
    pandas.DataFrame
        One row for each row of the table, and its columns in their order: text as ``string``,
        whole numbers of 64 bits as ``Int64``, flags as ``boolean``, days as ``datetime64[us]``;
        other types as pyarrow converts them. ``attrs`` are those in the table's metadata, if there
        are any.

    Raises
    ------
    TypeError
        The argument is not a table.

    See Also
    --------
    to_arrow : The other way.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     licences = sectorsdf.get_mining_licenses(province="Aceh", client=client)
    >>> sectorsdf.from_arrow(sectorsdf.to_arrow(licences)).equals(licences)
    True
    """
    if not isinstance(table, pa.Table):
        if not hasattr(table, "__arrow_c_stream__"):
            message = f"from_arrow takes a pyarrow.Table, not {type(table).__name__}"
            raise TypeError(message)
        table = pa.table(table)
    metadata = table.schema.metadata or {}
    for i, column in enumerate(table.schema):
        read_as = _read_as(column.type)
        if read_as is not None:
            table = table.set_column(i, column.name, table.column(i).cast(read_as))
    frame: pd.DataFrame = table.replace_schema_metadata(None).to_pandas(
        types_mapper=_PANDAS_TYPES.get
    )
    if METADATA in metadata:
        frame.attrs = json.loads(metadata[METADATA])
        if isinstance(frame.attrs.get(ATTRS), dict):
            Provenance.of_frame(frame).attach(frame)
    return frame


def column_from_arrow(column: pa.ChunkedArray) -> pd.Series:
    """Return an Arrow column with the dtype that `from_arrow` gives it."""
    read_as = _read_as(column.type)
    converted = column if read_as is None else column.cast(read_as)
    series: pd.Series = converted.to_pandas(types_mapper=_PANDAS_TYPES.get)
    return series


def _read_as(kind: pa.DataType) -> pa.DataType | None:
    """Return the type that a column must have before pandas reads it, unless it has it already."""
    if pa.types.is_date32(kind):
        return _DAYS
    return pa.string() if str(kind) == "string_view" else None


def to_arrow(frame: pd.DataFrame) -> pa.Table:
    """Return a frame as the Arrow table that Parquet files hold, with its provenance as metadata.

    Pure: it costs no credits and sends nothing.

    Parameters
    ----------
    frame : pandas.DataFrame
        A frame of this package, or one made from it. A named index becomes columns; one without a
        name is left out.

    Returns
    -------
    pyarrow.Table
        One row for each row of the frame, with its columns in their order: text as ``string``,
        days (times that are all midnight) as ``date32``, ``Int64`` as ``int64``, ``boolean`` as
        ``bool``; other types as pyarrow converts them.

        The metadata has ``frame.attrs`` as JSON, under ``PANDAS_ATTRS``, where pandas looks for
        them. The provenance in it is true of these rows: if they are no longer those that were
        fetched, it has ``complete`` null, and ``derived_from`` says what was fetched.

    Raises
    ------
    ValueError
        Arrow has no type for a column, an index and a column have the same name, or a value or
        `frame.attrs` is nested too deeply.

    See Also
    --------
    from_arrow : The other way.
    verify : Whether the rows are those that were fetched.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     licences = sectorsdf.get_mining_licenses(province="Aceh", client=client)
    >>> table = sectorsdf.to_arrow(licences)
    >>> print(table.schema.field("license_expiry_date").type)
    date32[day]
    """
    table = typed_table(frame)
    attrs = frame.attrs
    provenance = Provenance.of_frame(frame)
    if provenance.entries:
        attrs = {**attrs, ATTRS: true_provenance(provenance, table).entries}
    return with_attrs(table, attrs)


def with_attrs(table: pa.Table, attrs: Mapping[Any, Any]) -> pa.Table:
    """Return a table whose metadata have these attrs of a frame.

    Raises
    ------
    ValueError
        If they are nested too deeply.
    """
    try:
        text = json.dumps(attrs)
    except RecursionError:
        message = "frame.attrs is nested too deeply to be written as JSON"
        raise ValueError(message) from None
    return table.replace_schema_metadata({**(table.schema.metadata or {}), METADATA: text})


def provenance_of_table(table: pa.Table) -> Provenance:
    """Return the provenance in a table's metadata; an empty one if there is none."""
    attrs = json.loads((table.schema.metadata or {}).get(METADATA, b"{}"))
    entries = attrs.get(ATTRS)
    return Provenance(entries if isinstance(entries, dict) else {})


def frame_digest(frame: pd.DataFrame) -> str:
    """Return the digest of a frame's rows, as `sectorsdf.frames.digest` defines it."""
    return table_digest(typed_table(frame))


def typed_table(frame: pd.DataFrame) -> pa.Table:
    """Return a frame as the table that `to_arrow` returns, without its attrs."""
    # Without the attrs, which pandas would copy, and newer versions of pyarrow would write.
    plain = pd.DataFrame(frame, copy=False)
    if any(name is not None for name in plain.index.names):
        plain = plain.reset_index()
    refuse_deep_values(plain)
    table = pa.Table.from_pandas(plain, preserve_index=False)
    for i, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type) and column.type.tz is None:
            times = table.column(i)
            if pc.all(pc.equal(times, pc.floor_temporal(times, unit="day"))).as_py() is not False:
                table = table.set_column(i, column.name, times.cast(pa.date32()))
        elif pa.types.is_large_string(column.type):
            # pandas 3 writes text with this type. A file must not depend on the version of pandas.
            text = table.column(i).cast(pa.string())
            table = table.set_column(i, column.name, text)
    return table


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
