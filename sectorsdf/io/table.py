"""One writer a file format: an Arrow table in, a whole file out. Knows nothing of names on disk."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "BATCH_ROWS",
    "PROVENANCE",
    "ExportTable",
    "provenance_rows",
    "refuse_alike",
    "to_plain_types",
]


BATCH_ROWS = 10_000
"""So many rows become Python objects at a time."""
PROVENANCE = "provenance"
"""What the table, sheet or member is called that tells how the rows were fetched."""


@dataclass(frozen=True)
class ExportTable:
    """What a file is to hold.

    Attributes
    ----------
    table : pyarrow.Table
        The rows, with the frame's attrs in the schema's metadata.
    name : str
        What the table, sheet or layer is called, in a format that names them.
    provenance : dict
        How the rows were fetched.
    """

    table: pa.Table
    name: str
    provenance: Mapping[str, Any]


def _never(_type: pa.DataType) -> bool:
    return False


def to_plain_types(
    table: pa.Table, form: str, *, keeps: Callable[[pa.DataType], bool] = _never
) -> pa.Table:
    """Return a table of text, whole numbers, float64, flags and days only.

    Parameters
    ----------
    table : pyarrow.Table
        The table.
    form : str
        The format's name, for messages.
    keeps : callable
        Tells which further types the format holds by itself.

    Returns
    -------
    pyarrow.Table
        Categories as their values, NaN as missing, times and exact decimals as text.

    Raises
    ------
    ValueError
        The format cannot hold a column; the message names it.
    """
    columns = [
        _plain_column(name, column, form, keeps)
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return pa.table(columns, names=table.column_names)


def _plain_column(
    name: str, column: pa.ChunkedArray, form: str, keeps: Callable[[pa.DataType], bool]
) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain_column(name, column.cast(kind.value_type), form, keeps)
    if pa.types.is_floating(kind):
        column = column.cast(pa.float64())
        unknown = pc.is_nan(column)
        return pc.if_else(unknown, None, column) if pc.any(unknown).as_py() else column
    known = (pa.types.is_string, pa.types.is_integer, pa.types.is_boolean, pa.types.is_date32)
    if keeps(kind) or any(check(kind) for check in known):
        return column
    if pa.types.is_date64(kind):
        return column.cast(pa.date32())
    if pa.types.is_timestamp(kind):
        return pc.replace_substring(column.cast(pa.string()), " ", "T", max_replacements=1)
    as_text = (pa.types.is_null, pa.types.is_decimal, pa.types.is_time)
    if any(check(kind) for check in as_text) or str(kind) in {"large_string", "string_view"}:
        return column.cast(pa.string())
    message = (
        f"{form} cannot hold column {name!r}, whose type is {kind}: convert it to text or numbers, "
        "drop it, or export to .parquet"
    )
    raise ValueError(message)


def days_as_text(table: pa.Table) -> pa.Table:
    for place, field in enumerate(table.schema):
        if pa.types.is_date32(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(pa.string()))
    return table


def refuse_alike(names: Sequence[str], form: str) -> None:
    """Raise ValueError where two names differ in nothing but case, which SQL ignores."""
    often, count = Counter(name.lower() for name in names).most_common(1)[0]
    if count > 1:
        alike = ", ".join(repr(name) for name in names if name.lower() == often)
        message = f"{form} ignores case, so that these columns have one name: {alike}; rename them"
        raise ValueError(message)


def provenance_rows(provenance: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the provenance as keys and texts: text as it is, anything else as JSON."""
    return [
        (str(key), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for key, value in provenance.items()
    ]
