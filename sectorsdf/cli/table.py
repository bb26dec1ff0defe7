"""Frames as text: as wide as the terminal, with a note of what is not shown.

Imports pandas, and of the package only its errors.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import pandas as pd

from sectorsdf.errors import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["as_record", "as_table"]

_GAP = "  "
_NARROWEST = 8
_FEWEST_ROWS = 5
# The line of names and the rule below it.
_HEAD = 2
# Shown first on a narrow terminal; the other columns follow in the order of their declaration.
_FIRST = (
    "wiup_code",
    "slug",
    "parent_slug",
    "child_slug",
    "percentage_ownership",
    "commodity",
    "country",
    "destination",
    "date",
    "price",
    "year",
    "order",
    "stage",
    "category",
    "component",
    "property",
    "value",
    "value_min",
    "value_max",
    "production_volume",
    "measure",
    "ore_type",
    "company_name",
    "commodity_type",
    "license_expiry_date",
    "licensed_area_ha",
    "winner_date",
    "participant_count",
    "total_reserves",
    "total_resources",
    "province",
    "auction_status",
)


def as_table(
    frame: pd.DataFrame,
    *,
    width: int | None = None,
    height: int | None = None,
    units: Mapping[str, str] | None = None,
    more: str = "a pipe",
) -> list[str]:
    """Return the lines of a table.

    Parameters
    ----------
    frame : pandas.DataFrame
        What to show.
    width : int or None
        Columns of the terminal; None shortens nothing and leaves no column out.
    height : int or None
        Maximum number of lines; None leaves no row out. A few rows are always shown.
    units : mapping of str to str, optional
        The column with the unit of a column of numbers, by the name of that column. A narrow
        terminal shows both, side by side, or neither.
    more : str
        The ways to see all of it, which the last line names if anything is left out.

    Returns
    -------
    list of str
        A line of names, a rule, the rows and, if anything is left out, what and how to see it.
    """
    names = [str(name) for name in frame.columns]
    shown = frame if height is None else frame.head(height)
    if width is not None:
        names = _ordered(frame, shown, units or {})
    cells = {name: [_cell(value) for value in shown[name]] for name in names}
    right = {name for name in names if _is_number(frame[name])}
    widths = {name: max(map(_width, [name, *cells[name]])) for name in names}
    if width is not None:
        rigid = right | {name for name in names if _is_time(frame[name])}
        widths = _fitting(cells, rigid, width, units or {})
    hidden = [str(name) for name in frame.columns if str(name) not in widths]
    rows = len(frame)
    if height is not None:
        around = _HEAD + len(_left_out(rows, hidden, width, more))
        if rows > height - _HEAD - len(_left_out(0, hidden, width, more)):
            rows = min(rows, max(_FEWEST_ROWS, height - around))
    lines = [
        _line([_padded(name, size, right=name in right) for name, size in widths.items()]),
        _line(["─" * size for size in widths.values()]),
    ]
    for i in range(rows):
        line = [_padded(cells[name][i], size, right=name in right) for name, size in widths.items()]
        lines.append(_line(line))
    return lines + _left_out(len(frame) - rows, hidden, width, more)


def as_record(frame: pd.DataFrame, *, width: int | None) -> list[str]:
    """Return the lines of a frame's only row, one for each column that has a value."""
    cells = {str(name): _cell(frame.iloc[0][name]) for name in frame.columns}
    left = max(map(_width, cells), default=0)
    lines = []
    for name, text in cells.items():
        if text:
            size = None if width is None else max(_NARROWEST, width - left - len(_GAP))
            lines.append(_line([_padded(name, left), _cut(text, size)]))
    empty = [name for name, text in cells.items() if not text]
    return [*lines, *_wrapped(f"No value: {', '.join(empty)}.", width)] if empty else lines


def _ordered(frame: pd.DataFrame, shown: pd.DataFrame, units: Mapping[str, str]) -> list[str]:
    """Return the columns with a value in the rows that are shown, the most important ones first.

    A column of units follows the last of its numbers that stand together.
    """
    names = [str(name) for name in frame.columns]
    filled = [name for name in names if shown[name].notna().any() or frame.empty]
    for unit in set(units.values()).intersection(filled):
        numbers = [name for name in names if units.get(name) == unit and frame[name].notna().any()]
        if not set(numbers).intersection(filled):
            # A unit without its number would say nothing.
            filled += numbers[:1]
    first = [name for name in _FIRST if name in filled]
    ordered = first + [name for name in names if name in filled and name not in first]
    unit_columns = {units[name] for name in ordered if name in units} & set(ordered)
    others = [name for name in ordered if name not in unit_columns]
    placed: dict[str, None] = {}
    for name, following in zip(others, [*others[1:], ""], strict=True):
        placed[name] = None
        unit = units.get(name, "")
        if unit in unit_columns and units.get(following) != unit:
            placed[unit] = None
    return list(placed)


def _fitting(
    cells: dict[str, list[str]], rigid: set[str], width: int, units: Mapping[str, str]
) -> dict[str, int]:
    """Return the widths of the columns that fit, from the left.

    Texts and names are shortened so that more columns fit; numbers, times and the first column,
    which identifies the rows, are not.
    """
    most = max(_NARROWEST, width // 7)
    least: dict[str, int] = {}
    full_sizes: dict[str, int] = {}
    for name, column in cells.items():
        content = max(map(_width, column), default=0)
        full_sizes[name] = max(content, _width(name))
        whole = name in rigid or not least
        size = max(content if whole else min(content, most), min(_width(name), most))
        least[name] = min(size, width)
    sizes: dict[str, int] = {}
    left = width + len(_GAP)
    for name in cells:
        together = [part for part in (name, units.get(name)) if part in least and part not in sizes]
        needed = sum(least[part] + len(_GAP) for part in together)
        if name in sizes or (sizes and needed > left):
            continue
        if name in units.values() and not any(units.get(other) == name for other in sizes):
            # None of its numbers fits.
            continue
        sizes |= {part: least[part] for part in together}
        left -= needed
    sizes = {name: sizes[name] for name in cells if name in sizes}
    for name, size in sizes.items():
        more = min(max(0, left), full_sizes[name] - size)
        sizes[name] = size + more
        left -= more
    return sizes


def _left_out(rows: int, columns: Sequence[str], width: int | None, more: str) -> list[str]:
    lines = []
    if rows:
        lines.append(f"... and {rows:,} more row{'' if rows == 1 else 's'}.")
    if columns:
        lines.append(f"Columns not shown ({len(columns)}): {', '.join(columns)}.")
    if lines:
        lines.append(f"All of it: {more}.")
    return [part for line in lines for part in _wrapped(line, width)]


def _wrapped(text: str, width: int | None) -> list[str]:
    import textwrap  # noqa: PLC0415 - needed here only

    text = printable(text)
    return [text] if width is None else textwrap.wrap(text, max(20, width), subsequent_indent="  ")


def _is_number(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(
        column.dtype
    )


def _is_time(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_datetime64_any_dtype(column.dtype)


def _cell(value: Any) -> str:  # noqa: ANN401
    """Return a value as one line of text, without control characters for the terminal."""
    if pd.isna(value):
        return ""
    # By name, so that it fits the type of Python and that of each NumPy.
    if type(value).__name__ in {"bool", "bool_"}:
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp):
        day = value.tz_localize(None) if value.tz is None else value
        return f"{value:%Y-%m-%d}" if day == day.normalize() else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        return _number(value)
    return " ".join(printable(str(value)).split())


def _number(value: float) -> str:
    if value and not 1e-4 <= abs(value) < 1e15:
        return f"{value:.6g}"
    text = f"{value:,.4f}"
    return text.rstrip("0").rstrip(".")


def _width(text: str) -> int:
    """Return the width of a text in columns of a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(bool(unicodedata.combining(c)) for c in text)


def _cut(text: str, size: int | None) -> str:
    if size is None or _width(text) <= size:
        return text
    # Each character takes a column or two, except for combining marks.
    text = text[: 2 * size]
    while text and _width(text) >= size:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _padded(text: str, size: int, *, right: bool = False) -> str:
    text = _cut(text, size)
    blank = " " * (size - _width(text))
    return blank + text if right else text + blank


def _line(cells: Sequence[str]) -> str:
    # The names of fields that are not declared are the server's.
    return printable(_GAP.join(cells).rstrip())
