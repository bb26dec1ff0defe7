"""Frames as Excel workbooks, such that what stands in the frame stands in the cells."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from sectorsdf.io.table import BATCH_ROWS, PROVENANCE, provenance_rows, to_plain_types

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sectorsdf.io.table import ExportTable

__all__ = ["write_workbook"]


_MOST_ROWS = 1_048_576
_MOST_COLUMNS = 16_384
_MOST_CHARACTERS = 32_767
# Excel shows no more digits of a number and writes zeros for the rest.
_FIRST_LOSSY = 10**15
# Excel takes 1900 for a leap year, so that programs differ on the days before.
_FIRST_DAY = (date(1900, 3, 1) - date(1970, 1, 1)).days
_LAST_DAY = (date(9999, 12, 31) - date(1970, 1, 1)).days
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - Excel knows no zones
_DAY_MS = 86_400_000
_WIDTHS = (8, 60)
_WIDTH_SAMPLE = 1_000
_PART = 5_000
# What XML cannot hold, what it makes another character of, and what reads as an escape itself.
_UNSAFE = r"[\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]|_x[0-9A-Fa-f]{4}_"
_UNSAFE_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


def _escaped(text: str) -> str:
    """Return a text as the workbook's XML holds it (ECMA-376 part 1, 22.9.2.19)."""
    return _UNSAFE_CHARACTERS.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def _units(text: str) -> int:
    """Return a text's length as Excel counts it, in UTF-16."""
    return len(text.encode("utf-16-le")) // 2


def _refuse_long(column: pa.ChunkedArray, name: str) -> None:
    most_bytes = pc.max(pc.binary_length(column)).as_py() or 0
    unsafe = pc.any(pc.match_substring_regex(column, _UNSAFE)).as_py()
    # No text has more units than bytes, and no escape has more than seven for one.
    if most_bytes * (7 if unsafe else 1) <= _MOST_CHARACTERS:
        return
    for row, text in enumerate(column.to_pylist()):
        if text is not None and (takes := _units(_escaped(text))) > _MOST_CHARACTERS:
            message = (
                f"the text of column {name!r} in row {row} takes {takes:,} characters, and an "
                f"Excel cell holds {_MOST_CHARACTERS:,}: drop the column or export to .parquet"
            )
            raise ValueError(message)


def _check(table: pa.Table) -> None:
    """Raise ValueError for what no sheet holds, before anything is written."""
    if len(table) >= _MOST_ROWS:
        message = (
            f"an Excel sheet holds {_MOST_ROWS - 1:,} rows below its header, and the frame has "
            f"{len(table):,}: export to .parquet or .csv, or split the frame"
        )
        raise ValueError(message)
    if table.num_columns > _MOST_COLUMNS:
        message = f"an Excel sheet holds {_MOST_COLUMNS:,} columns, not {table.num_columns:,}"
        raise ValueError(message)
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_string(column.type):
            _refuse_long(column, name)


def _has_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) and kind.tz is None)


class _Column:
    """Turns one column's values into cells; a cell is used again for each of them.

    Parameters
    ----------
    sheet : openpyxl.worksheet.worksheet.Worksheet
        Where the cells stand.
    kind : pyarrow.DataType
        The column's type.
    """

    def __init__(self, sheet: Any, kind: pa.DataType) -> None:  # noqa: ANN401 - an extra's type
        from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - an extra

        self._value = WriteOnlyCell(sheet)
        if pa.types.is_date32(kind):
            self._value.number_format = "yyyy-mm-dd"
        elif _has_time(kind):
            self._value.number_format = "yyyy-mm-dd hh:mm:ss"
        self._text = WriteOnlyCell(sheet)
        # Without this format Excel makes a number of a code as soon as somebody edits its cell.
        self._text.number_format = "@"
        self._kind = kind

    def cells(self, values: pa.Array) -> Iterator[Any]:
        """Give a cell or None for each value; each cell holds until the next is asked for."""
        if pa.types.is_boolean(self._kind):
            return iter(values.to_pylist())
        if pa.types.is_string(self._kind):
            return self._texts(values)
        if pa.types.is_date32(self._kind):
            return self._days(values)
        return self._times(values) if _has_time(self._kind) else self._numbers(values)

    def _as_text(self, text: str) -> Any:  # noqa: ANN401
        self._text.value = text
        # Whatever it looks like: `=1+1` is no formula here, and `#N/A` no error.
        self._text.data_type = "s"
        return self._text

    def _texts(self, values: pa.Array) -> Iterator[Any]:
        escape = pc.any(pc.match_substring_regex(values, _UNSAFE)).as_py()
        for text in values.to_pylist():
            if text is None:
                yield None
            else:
                yield self._as_text(_escaped(text) if escape else text)

    def _numbers(self, values: pa.Array) -> Iterator[Any]:
        whole = pa.types.is_integer(self._kind)
        for value in values.to_pylist():
            if value is None:
                yield None
            elif (abs(value) >= _FIRST_LOSSY) if whole else math.isinf(value):
                yield self._as_text(str(value))
            else:
                # Given as text, because openpyxl writes 16 of a number's 17 digits.
                self._value.value = repr(value)
                self._value.data_type = "n"
                yield self._value

    def _days(self, values: pa.Array) -> Iterator[Any]:
        texts = values.cast(pa.string()).to_pylist()
        for day, text in zip(values.cast(pa.int32()).to_pylist(), texts, strict=True):
            if day is not None and _FIRST_DAY <= day <= _LAST_DAY:
                self._value.value = _EPOCH.date() + timedelta(days=day)
                yield self._value
            else:
                yield None if text is None else self._as_text(text)

    def _times(self, values: pa.Array) -> Iterator[Any]:
        # Excel counts in fractions of a day, which tell milliseconds apart but not more.
        rounded = values.cast(pa.timestamp("ms"), safe=False)
        exact = pc.equal(rounded.cast(values.type, safe=False), values).to_pylist()
        texts = pc.replace_substring(values.cast(pa.string()), " ", "T").to_pylist()
        counts = rounded.cast(pa.int64()).to_pylist()
        for count, text, fits in zip(counts, texts, exact, strict=True):
            if fits and _FIRST_DAY * _DAY_MS <= count < (_LAST_DAY + 1) * _DAY_MS:
                self._value.value = _EPOCH + timedelta(milliseconds=count)
                yield self._value
            else:
                yield None if text is None else self._as_text(text)


def _width(name: str, column: pa.ChunkedArray) -> int:
    """Return a width in characters that fits the name and what the first rows hold."""
    texts = column.slice(0, _WIDTH_SAMPLE).cast(pa.string())
    longest = pc.max(pc.utf8_length(texts)).as_py() or 0
    return int(min(max(longest, len(name), _WIDTHS[0]), _WIDTHS[1])) + 2


def _set_up(sheet: Any, widths: Iterable[int]) -> None:  # noqa: ANN401 - an extra's type
    """Prepare a sheet; in a workbook that is only written, this comes before the rows."""
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - an extra

    sheet.freeze_panes = "A2"
    for number, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width


def _header(sheet: Any, names: Iterable[str]) -> list[Any]:  # noqa: ANN401 - an extra's type
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - an extra
    from openpyxl.styles import Font  # noqa: PLC0415 - an extra

    cells = []
    for name in names:
        cell = WriteOnlyCell(sheet, _escaped(name))
        cell.data_type = "s"
        cell.font = Font(bold=True)
        cells.append(cell)
    return cells


def write_workbook(content: ExportTable, file: Path) -> None:
    """Write an Excel workbook of the table and a sheet `provenance`."""
    from openpyxl import Workbook  # noqa: PLC0415 - an extra

    table = to_plain_types(content.table, "Excel", keeps=_has_time)
    _check(table)
    title = _title(content.name)
    workbook = Workbook(write_only=True)
    try:
        _write_rows(workbook.create_sheet(title), table)
        _write_provenance(workbook.create_sheet(PROVENANCE), content)
        workbook.save(file)
    except BaseException:
        _clean_up(workbook)
        raise


def _clean_up(workbook: Any) -> None:  # noqa: ANN401 - an extra's type
    """Remove the temporary files that openpyxl would keep until the process ends."""
    for sheet in workbook.worksheets:
        with suppress(Exception):
            sheet.close()
        with suppress(Exception):
            sheet._writer.cleanup()  # there is no public way


def _write_rows(sheet: Any, table: pa.Table) -> None:  # noqa: ANN401 - an extra's type
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - an extra
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - an extra

    _set_up(sheet, map(_width, table.column_names, table.columns))
    sheet.auto_filter.ref = f"A1:{get_column_letter(table.num_columns)}{len(table) + 1}"
    sheet.append(_header(sheet, table.column_names))
    columns = [_Column(sheet, field.type) for field in table.schema]
    # A row without any cell would not be there for whoever reads the sheet.
    blank = WriteOnlyCell(sheet)
    blank.number_format = "@"
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        cells = [column.cells(values) for column, values in zip(columns, batch, strict=True)]
        for first, *others in zip(*cells, strict=True):
            sheet.append([blank if first is None else first, *others])


def _write_provenance(sheet: Any, content: ExportTable) -> None:  # noqa: ANN401 - an extra's type
    _set_up(sheet, (24, _WIDTHS[1]))
    sheet.append(_header(sheet, ("key", "value")))
    columns = [_Column(sheet, pa.string()) for _ in range(2)]
    for key, value in provenance_rows(content.provenance):
        # A list of many problems is longer than a cell: it goes on in the rows below.
        parts = [value[at : at + _PART] for at in range(0, len(value), _PART)] or [""]
        for part in parts:
            values = (pa.array([text]) for text in (key, part))
            cells = [column.cells(one) for column, one in zip(columns, values, strict=True)]
            sheet.append([next(cell) for cell in cells])


def _title(name: str) -> str:
    """Return a name as a sheet's title, or raise ValueError."""
    title = name[:31]
    if (
        title.lower() == PROVENANCE
        or re.search(r"[\[\]:*?/\\]", title)
        or title != title.strip("'")
    ):
        message = (
            f"table={name!r} cannot be the title of a sheet: choose one without any of []:*?/\\, "
            f"without apostrophes at its ends, and other than {PROVENANCE!r}"
        )
        raise ValueError(message)
    return title
