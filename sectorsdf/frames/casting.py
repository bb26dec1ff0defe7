"""Convert the cells of a column to its type, exactly or not at all.

A value that the type cannot represent exactly becomes missing and is reported; no value is rounded,
cut or guessed. This module owns which value fits which type. It must not import `builder` or
another module that makes frames.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from sectorsdf.datasets.schema import arrow_type
from sectorsdf.frames.flatten import BadValue
from sectorsdf.frames.lossless_json import JsonNumber, NoValue, as_utf8, json_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorsdf.datasets.schema import Kind

__all__ = ["UndeclaredColumn", "cast_column", "concat_columns", "infer_column", "raw_text"]

_WHOLE = re.compile(r"-?(0|[1-9]\d*)", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# Arrow reads a year 0, which `datetime.date` does not have.
_FIRST_DAY = pa.scalar(date.min, pa.date32())
_NUMERIC = frozenset({int, float, JsonNumber, type(None)})
_FITS: Mapping[Kind, frozenset[type]] = {
    "text": frozenset({str, type(None)}),
    "date": frozenset({str, type(None)}),
    "integer": frozenset({int, type(None)}),
    "number": _NUMERIC,
    "flag": frozenset({bool, type(None)}),
    "json": frozenset(),
}


class UndeclaredColumn(NamedTuple):
    """A column that is not declared: its cells with their own type, and as texts.

    The texts are needed if another batch of the same column has another type.
    """

    typed: pa.Array
    texts: pa.Array


def raw_text(value: object) -> str:
    """Return a cell's text as the API wrote it."""
    if isinstance(value, JsonNumber):
        return value.text
    return as_utf8(value) if isinstance(value, str) else json_text(value)


def _as_text(value: object) -> str | None:
    if isinstance(value, bool | NoValue) or not isinstance(value, str | int | float):
        return None
    text = raw_text(value)
    return text if text == value or not isinstance(value, str) else None


def _as_number(value: object) -> float | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        whole = _WHOLE.fullmatch(value) and len(value) < 400
        value = int(value) if whole else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) != float("inf") and number == value else None


def _as_integer(value: object) -> int | None:
    if isinstance(value, str) and _WHOLE.fullmatch(value) and len(value) <= 20:
        value = int(value)
    if isinstance(value, float) and abs(value) <= 2**63:
        # The float itself may already be rounded; its text is not.
        try:
            exact = Decimal(raw_text(value))
        except InvalidOperation:
            return None
        value = int(exact) if exact == int(exact) else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -(2**63) <= value < 2**63 else None


def _as_day(value: object) -> str | None:
    if not (isinstance(value, str) and _DAY.fullmatch(value)):
        return None
    return None if _cast_at_once([str(value)], "date") is None else value


def _as_flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


_CONVERTERS: Mapping[Kind, tuple[Any, str]] = {
    "text": (_as_text, "not a text"),
    "date": (_as_day, "not a calendar day such as 2025-02-28"),
    "integer": (_as_integer, "not a whole number of 64 bits"),
    "number": (_as_number, "not a number that float64 represents"),
    "flag": (_as_flag, "neither true nor false"),
}


def _cast_at_once(values: Sequence[Any], kind: Kind) -> pa.Array | None:
    """Convert a column in one step, or return None if its cells must be converted one by one."""
    if not set(map(type, values)) <= _FITS[kind]:
        return None
    try:
        if kind == "date":
            days = pa.array(values, pa.string()).cast(pa.date32())
            return None if pc.any(pc.less(days, _FIRST_DAY)).as_py() else days
        array = pa.array(values, arrow_type(kind))
    except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError):
        return None
    if kind == "number" and pc.all(pc.is_finite(array)).as_py() is False:
        return None
    return array


def cast_column(values: Sequence[Any], kind: Kind, column: str, bad: list[BadValue]) -> pa.Array:
    """Convert a column; a value that does not fit becomes missing and is added to `bad`."""
    array = _cast_at_once(values, kind)
    if array is not None:
        return array
    if kind == "json":
        texts = [None if value is None else json_text(value) for value in values]
        return pa.array(texts, arrow_type(kind))
    convert, reason = _CONVERTERS[kind]
    fitting = [None if value is None else convert(value) for value in values]
    for row, (value, kept) in enumerate(zip(values, fitting, strict=True)):
        if kept is None and value is not None:
            why = value.reason if isinstance(value, NoValue) else reason
            bad.append(BadValue(row, column, value, why))
    if kind == "date":
        return pa.array(fitting, pa.string()).cast(pa.date32())
    return pa.array(fitting, arrow_type(kind))


def infer_column(values: Sequence[Any]) -> UndeclaredColumn:
    """Convert a column that is not declared: to flags, whole numbers or numbers, else to text."""
    texts = pa.array([None if v is None else raw_text(v) for v in values], pa.string())
    kinds: tuple[Kind, ...] = ("flag", "integer", "number")
    typed = (_cast_at_once(values, kind) for kind in kinds)
    return UndeclaredColumn(next((array for array in typed if array is not None), texts), texts)


def concat_columns(parts: Sequence[UndeclaredColumn]) -> pa.ChunkedArray:
    """Join the batches of one undeclared column, as text if their types differ."""
    types = {part.typed.type for part in parts if part.typed.null_count < len(part.typed)}
    if types == {pa.int64(), pa.float64()}:
        types = {pa.float64()}
    if len(types) == 1:
        target = types.pop()
        try:
            return pa.chunked_array([part.typed.cast(target) for part in parts], target)
        except pa.ArrowInvalid:
            # There are whole numbers that float64 cannot represent.
            pass
    return pa.chunked_array([part.texts for part in parts], pa.string())
