"""Prepare a table for a file format: the types it has, the names it allows, the provenance.

This module owns what the format modules share. It must not import any of them.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from sectorsdf.config.deep_json import dumps
from sectorsdf.errors import listed
from sectorsdf.frames.lossless_json import as_utf8

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

__all__ = [
    "BATCH_ROWS",
    "PROVENANCE",
    "ExportTable",
    "check_names_ignoring_case",
    "check_text",
    "days_as_text",
    "provenance_rows",
    "to_plain_types",
]

BATCH_ROWS = 10_000
"""How many rows become Python objects at a time."""
PROVENANCE = "provenance"
"""The name of the table, sheet or member that says how the rows were fetched."""


@dataclass(frozen=True)
class ExportTable:
    """The content of a file.

    Attributes
    ----------
    table : pyarrow.Table
        The rows, with the frame's attrs in the schema's metadata.
    name : str
        The name of the table, sheet or layer, in a format that has such names.
    provenance : mapping
        How the rows were fetched.
    geometries : array of shapely geometries, optional
        The geometry of each row, if the frame had a column of them.
    """

    table: pa.Table
    name: str
    provenance: Mapping[str, Any]
    geometries: npt.NDArray[np.object_] | None = None


def _has_no_other_type(_type: pa.DataType) -> bool:
    return False


def to_plain_types(
    table: pa.Table,
    format_name: str,
    *,
    supports: Callable[[pa.DataType], bool] = _has_no_other_type,
) -> pa.Table:
    """Return a table of text, whole numbers, float64, flags and days only.

    Parameters
    ----------
    table : pyarrow.Table
        The table.
    format_name : str
        The format's name, for error messages.
    supports : callable
        Return True for another type that the format has; its columns are not converted.

    Returns
    -------
    pyarrow.Table
        Categories as their values, NaN as missing, times and exact decimals as text.

    Raises
    ------
    ValueError
        The format has no type for a column; the message names the column.
    """
    columns = [
        _to_plain_type(name, column, format_name, supports)
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return pa.table(columns, names=table.column_names)


def _to_plain_type(
    name: str, column: pa.ChunkedArray, format_name: str, supports: Callable[[pa.DataType], bool]
) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _to_plain_type(name, column.cast(kind.value_type), format_name, supports)
    if pa.types.is_floating(kind):
        column = column.cast(pa.float64())
        is_nan = pc.is_nan(column)
        return pc.if_else(is_nan, None, column) if pc.any(is_nan).as_py() else column
    plain = (pa.types.is_string, pa.types.is_integer, pa.types.is_boolean, pa.types.is_date32)
    if supports(kind) or any(check(kind) for check in plain):
        return column
    if pa.types.is_date64(kind):
        return column.cast(pa.date32())
    if pa.types.is_timestamp(kind):
        return pc.replace_substring(column.cast(pa.string()), " ", "T", max_replacements=1)
    as_text = (pa.types.is_null, pa.types.is_decimal, pa.types.is_time)
    if any(check(kind) for check in as_text) or str(kind) in {"large_string", "string_view"}:
        return column.cast(pa.string())
    message = (
        f"{format_name} has no type for column {name!r}, which is {kind}: convert it to text or "
        "numbers, drop it, or export to .parquet"
    )
    raise ValueError(message)


def days_as_text(table: pa.Table) -> pa.Table:
    """Return a table with its days as ISO 8601 text."""
    for i, field in enumerate(table.schema):
        if pa.types.is_date32(field.type):
            table = table.set_column(i, field.name, table.column(i).cast(pa.string()))
    return table


def check_names_ignoring_case(names: Sequence[str], format_name: str) -> None:
    """Raise ValueError if two names differ only in case, which SQL ignores."""
    lowered, count = Counter(name.lower() for name in names).most_common(1)[0]
    if count > 1:
        alike = listed(name for name in names if name.lower() == lowered)
        message = (
            f"{format_name} ignores case, so these columns have the same name: {alike}; rename them"
        )
        raise ValueError(message)


def check_text(text: object, what: str) -> None:
    """Raise ValueError for a name that is empty, or has a character that not every format takes."""
    if not isinstance(text, str) or not text or any(_is_control(character) for character in text):
        message = f"{what}={text!r} cannot be a name: give a text without control characters"
        raise ValueError(message)


def _is_control(character: str) -> bool:
    # Control characters, and surrogates that are alone and have no encoding.
    return unicodedata.category(character) in {"Cc", "Cs"}


def provenance_rows(provenance: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the provenance as pairs of key and text: text as it is, anything else as JSON."""
    dump = partial(dumps, ensure_ascii=False)
    return [
        (as_utf8(str(key)), as_utf8(value if isinstance(value, str) else dump(value)))
        for key, value in provenance.items()
    ]
