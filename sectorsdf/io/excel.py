"""Write Excel workbooks whose cells show what the frame has, without formulas or lost digits.

This module owns the limits of a sheet and the conversion of values to cells. It must not import the
modules of other formats.
"""

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

__all__ = ["write_excel"]

_MAX_ROWS = 1_048_576
_MAX_COLUMNS = 16_384
_MAX_CHARACTERS = 32_767
_MAX_TITLE = 31
# Excel shows 15 digits of a number and replaces the others with zeros.
_FIRST_INEXACT = 10**15
# Excel takes 1900 for a leap year, so programs disagree on the days before March of that year.
_FIRST_DAY = (date(1900, 3, 1) - date(1970, 1, 1)).days
_LAST_DAY = (date(9999, 12, 31) - date(1970, 1, 1)).days
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - Excel has no time zones
_DAY_MS = 86_400_000
_MIN_WIDTH, _MAX_WIDTH = 8, 60
_KEY_WIDTH = 24
_WIDTH_SAMPLE = 1_000
_PROVENANCE_PART = 5_000
# Characters that XML cannot contain or changes, and text that Excel would read as an escape.
_UNSAFE = r"[\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]|_x[0-9A-Fa-f]{4}_"
_UNSAFE_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPE_LENGTH = 7


def _escape(text: str) -> str:
    """Return a text as the workbook's XML has it (ECMA-376 part 1, 22.9.2.19)."""
    return _UNSAFE_CHARACTERS.sub(lambda match: f"_x{ord(match[0]):04X}_", text)


def _length(text: str) -> int:
    """Return a text's length as Excel counts it, in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def _check_text_lengths(column: pa.ChunkedArray, name: str) -> None:
    longest = pc.max(pc.binary_length(column)).as_py() or 0
    unsafe = pc.any(pc.match_substring_regex(column, _UNSAFE)).as_py()
    # A text has at most one code unit for each byte of its UTF-8, or one escape.
    if longest * (_ESCAPE_LENGTH if unsafe else 1) <= _MAX_CHARACTERS:
        return
    for row, text in enumerate(column.to_pylist()):
        if text is not None and (length := _length(_escape(text))) > _MAX_CHARACTERS:
            message = (
                f"the text of column {name!r} in row {row} has {length:,} characters, and an "
                f"Excel cell holds {_MAX_CHARACTERS:,}: drop the column or export to .parquet"
            )
            raise ValueError(message)


def _check_limits(table: pa.Table) -> None:
    """Raise ValueError for a table that does not fit into a sheet."""
    if len(table) >= _MAX_ROWS:
        message = (
            f"an Excel sheet holds {_MAX_ROWS - 1:,} rows below its header, and the frame has "
            f"{len(table):,}: export to .parquet or .csv, or split the frame"
        )
        raise ValueError(message)
    if table.num_columns > _MAX_COLUMNS:
        message = f"an Excel sheet holds {_MAX_COLUMNS:,} columns, not {table.num_columns:,}"
        raise ValueError(message)
    for name, column in zip(table.column_names, table.columns, strict=True):
        if _length(_escape(name)) > _MAX_CHARACTERS:
            message = f"an Excel cell holds {_MAX_CHARACTERS:,} characters, and a name has more"
            raise ValueError(message)
        if pa.types.is_string(column.type):
            _check_text_lengths(column, name)


def _is_local_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(kind) and kind.tz is None)


class _CellWriter:
    """Convert one column's values to cells, with one cell object for all of them.

    Parameters
    ----------
    sheet : openpyxl.worksheet.worksheet.Worksheet
        The sheet of the cells.
    kind : pyarrow.DataType
        The column's type.
    """

    def __init__(self, sheet: Any, kind: pa.DataType) -> None:  # noqa: ANN401 - an extra's type
        from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - an extra

        self._value = WriteOnlyCell(sheet)
        if pa.types.is_date32(kind):
            self._value.number_format = "yyyy-mm-dd"
        elif _is_local_time(kind):
            self._value.number_format = "yyyy-mm-dd hh:mm:ss"
        self._text = WriteOnlyCell(sheet)
        # Without the text format, Excel turns a code into a number when a user edits its cell.
        self._text.number_format = "@"
        self._kind = kind

    def cells(self, values: pa.Array) -> Iterator[Any]:
        """Yield a cell or None for each value; a cell is valid until the next one is requested."""
        if pa.types.is_boolean(self._kind):
            return iter(values.to_pylist())
        if pa.types.is_string(self._kind):
            return self._texts(values)
        if pa.types.is_date32(self._kind):
            return self._days(values)
        return self._times(values) if _is_local_time(self._kind) else self._numbers(values)

    def _as_text(self, text: str) -> Any:  # noqa: ANN401
        self._text.value = text
        # openpyxl would take `=1+1` for a formula and `#N/A` for an error.
        self._text.data_type = "s"
        return self._text

    def _texts(self, values: pa.Array) -> Iterator[Any]:
        unsafe = pc.any(pc.match_substring_regex(values, _UNSAFE)).as_py()
        for text in values.to_pylist():
            if text is None:
                yield None
            else:
                yield self._as_text(_escape(text) if unsafe else text)

    def _numbers(self, values: pa.Array) -> Iterator[Any]:
        whole = pa.types.is_integer(self._kind)
        for value in values.to_pylist():
            if value is None:
                yield None
            elif (abs(value) >= _FIRST_INEXACT) if whole else math.isinf(value):
                yield self._as_text(str(value))
            else:
                # openpyxl writes 16 digits of a float, and some floats need 17.
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
        # Excel stores a time as a fraction of a day, which is exact to a millisecond.
        rounded = values.cast(pa.timestamp("ms"), safe=False)
        exact = pc.equal(rounded.cast(values.type, safe=False), values).to_pylist()
        texts = pc.replace_substring(values.cast(pa.string()), " ", "T").to_pylist()
        counts = rounded.cast(pa.int64()).to_pylist()
        for count, text, is_exact in zip(counts, texts, exact, strict=True):
            if is_exact and _FIRST_DAY * _DAY_MS <= count < (_LAST_DAY + 1) * _DAY_MS:
                self._value.value = _EPOCH + timedelta(milliseconds=count)
                yield self._value
            else:
                yield None if text is None else self._as_text(text)


def _column_width(name: str, column: pa.ChunkedArray) -> int:
    """Return a width in characters that fits the name and the first rows."""
    texts = column.slice(0, _WIDTH_SAMPLE).cast(pa.string())
    longest = pc.max(pc.utf8_length(texts)).as_py() or 0
    return int(min(max(longest, len(name), _MIN_WIDTH), _MAX_WIDTH)) + 2


def _set_layout(sheet: Any, widths: Iterable[int]) -> None:  # noqa: ANN401 - an extra's type
    """Set the frozen row and the widths; a write-only sheet needs them before its rows."""
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - an extra

    sheet.freeze_panes = "A2"
    for number, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width


def _header(sheet: Any, names: Iterable[str]) -> list[Any]:  # noqa: ANN401 - an extra's type
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - an extra
    from openpyxl.styles import Font  # noqa: PLC0415 - an extra

    cells = []
    for name in names:
        cell = WriteOnlyCell(sheet, _escape(name))
        cell.data_type = "s"
        cell.font = Font(bold=True)
        cells.append(cell)
    return cells


def write_excel(content: ExportTable, file: Path) -> None:
    """Write an Excel workbook with a sheet of the rows and a sheet `provenance`."""
    from openpyxl import Workbook  # noqa: PLC0415 - an extra

    table = to_plain_types(content.table, "Excel", supports=_is_local_time)
    _check_limits(table)
    title = _sheet_title(content.name)
    workbook = Workbook(write_only=True)
    try:
        _write_rows(workbook.create_sheet(title), table)
        _write_provenance(workbook.create_sheet(PROVENANCE), content)
        workbook.save(file)
    except BaseException:
        _remove_temporary_files(workbook)
        raise


def _remove_temporary_files(workbook: Any) -> None:  # noqa: ANN401 - an extra's type
    """Remove the temporary files that openpyxl would keep until the process ends."""
    for sheet in workbook.worksheets:
        with suppress(Exception):
            sheet.close()
        with suppress(Exception):
            sheet._writer.cleanup()  # there is no public way


def _write_rows(sheet: Any, table: pa.Table) -> None:  # noqa: ANN401 - an extra's type
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 - an extra
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - an extra

    _set_layout(sheet, map(_column_width, table.column_names, table.columns))
    sheet.auto_filter.ref = f"A1:{get_column_letter(table.num_columns)}{len(table) + 1}"
    sheet.append(_header(sheet, table.column_names))
    writers = [_CellWriter(sheet, field.type) for field in table.schema]
    # Readers of the sheet skip a row that has no cell at all.
    blank = WriteOnlyCell(sheet)
    blank.number_format = "@"
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        columns = [writer.cells(values) for writer, values in zip(writers, batch, strict=True)]
        for first, *others in zip(*columns, strict=True):
            sheet.append([blank if first is None else first, *others])


def _write_provenance(sheet: Any, content: ExportTable) -> None:  # noqa: ANN401 - an extra's type
    _set_layout(sheet, (_KEY_WIDTH, _MAX_WIDTH))
    sheet.append(_header(sheet, ("key", "value")))
    writers = [_CellWriter(sheet, pa.string()) for _ in range(2)]
    for key, value in provenance_rows(content.provenance):
        # A value that is longer than a cell, such as many problems, continues in the next rows.
        starts = range(0, len(value), _PROVENANCE_PART)
        for part in [value[start : start + _PROVENANCE_PART] for start in starts] or [""]:
            row = zip(writers, (key, part), strict=True)
            sheet.append([next(writer.cells(pa.array([text]))) for writer, text in row])


def _sheet_title(name: str) -> str:
    """Return a name as a sheet's title, or raise ValueError."""
    title = name[:_MAX_TITLE]
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
