"""Write CSV, TSV, JSON and JSON Lines, also with gzip.

This module owns the text formats and what GeoJSON shares with them. It must not import the modules
of other formats.
"""

from __future__ import annotations

import gzip
import json
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from sectorsdf.config.deep_json import dumps
from sectorsdf.io.table import BATCH_ROWS, days_as_text, to_plain_types

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sectorsdf.io.table import ExportTable

__all__ = [
    "check_finite",
    "dump_json",
    "json_records",
    "open_for_writing",
    "write_csv",
    "write_joined",
    "write_json",
    "write_json_lines",
]


def open_for_writing(file: Path) -> IO[bytes]:
    """Open a file, through gzip if its name ends with ``.gz``."""
    # A gzip header without a time makes equal frames equal files.
    return gzip.GzipFile(file, "wb", mtime=0) if file.suffix == ".gz" else file.open("wb")  # type: ignore[return-value]


def write_csv(content: ExportTable, file: Path) -> None:
    """Write CSV, or TSV if the suffix says so: text in quotation marks, nothing for missing."""
    options = pv.WriteOptions(delimiter="\t" if ".tsv" in file.suffixes else ",")
    with open_for_writing(file) as sink:
        pv.write_csv(to_plain_types(content.table, "CSV"), sink, options)


def check_finite(table: pa.Table, format_name: str) -> None:
    """Raise ValueError if a column has an infinity."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_floating(column.type) and pc.any(pc.is_inf(column)).as_py():
            message = (
                f"{format_name} has no number for the infinity in column {name!r}: replace it first"
            )
            raise ValueError(message)


def json_records(table: pa.Table, format_name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows as JSON objects, with days and times as ISO 8601 text."""
    table = days_as_text(to_plain_types(table, format_name))
    check_finite(table, format_name)
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        yield from batch.to_pylist()


def dump_json(value: object) -> str:
    """Return one line of JSON, or raise ValueError for NaN and infinities."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except RecursionError:
        return dumps(value, ensure_ascii=False)
    except ValueError as error:
        message = f"JSON has neither NaN nor an infinity, and something to write has one ({error})"
        raise ValueError(message) from error


def write_joined(sink: IO[bytes], texts: Iterator[str], separator: str) -> None:
    """Write texts as UTF-8 with a separator between them."""
    before = ""
    for text in texts:
        sink.write(f"{before}{text}".encode())
        before = separator


def write_json(content: ExportTable, file: Path) -> None:
    """Write a JSON array with one object for each row."""
    with open_for_writing(file) as sink:
        sink.write(b"[\n")
        write_joined(sink, map(dump_json, json_records(content.table, "JSON")), ",\n")
        sink.write(b"\n]\n")


def write_json_lines(content: ExportTable, file: Path) -> None:
    """Write one JSON object per line."""
    with open_for_writing(file) as sink:
        for record in json_records(content.table, "JSON"):
            sink.write(f"{dump_json(record)}\n".encode())
