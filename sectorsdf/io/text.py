"""TODO."""

from __future__ import annotations

import gzip
import json
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from sectorsdf.io.table import BATCH_ROWS, ExportTable, days_as_text, to_plain_types

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "as_json",
    "open_bytes",
    "records",
    "refuse_infinity",
    "write_csv",
    "write_joined",
    "write_json",
    "write_json_lines",
]


def open_bytes(file: Path) -> IO[bytes]:
    """Open a file for writing, through gzip where its name ends so."""
    # Without the time in its head, equal frames make equal files.
    return gzip.GzipFile(file, "wb", mtime=0) if file.suffix == ".gz" else file.open("wb")  # type: ignore[return-value]


def write_csv(content: ExportTable, file: Path) -> None:
    """Write CSV or, by the name's suffix, TSV: text in quotation marks, missing as nothing."""
    delimiter = "\t" if ".tsv" in file.suffixes else ","
    with open_bytes(file) as sink:
        pv.write_csv(
            to_plain_types(content.table, "CSV"), sink, pv.WriteOptions(delimiter=delimiter)
        )


def refuse_infinity(table: pa.Table, form: str) -> None:
    """Raise ValueError where a column holds an infinity."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_floating(column.type) and pc.any(pc.is_inf(column)).as_py():
            message = f"{form} has no number for the infinity in column {name!r}: replace it first"
            raise ValueError(message)


def records(table: pa.Table, form: str) -> Iterator[dict[str, Any]]:
    """Give the rows as what JSON can hold: days and times as ISO text."""
    table = days_as_text(to_plain_types(table, form))
    refuse_infinity(table, form)
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        yield from batch.to_pylist()


def as_json(value: object) -> str:
    """Return one line of JSON, never with a word that JSON does not know, such as NaN."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def write_joined(sink: IO[bytes], items: Iterator[str], separator: str) -> None:
    """Write texts as UTF-8 with a separator between them."""
    before = ""
    for item in items:
        sink.write(f"{before}{item}".encode())
        before = separator


def write_json(content: ExportTable, file: Path) -> None:
    """Write a JSON array of one object a row."""
    with open_bytes(file) as sink:
        sink.write(b"[\n")
        write_joined(sink, map(as_json, records(content.table, "JSON")), ",\n")
        sink.write(b"\n]\n")


def write_json_lines(content: ExportTable, file: Path) -> None:
    """Write one JSON object a line."""
    with open_bytes(file) as sink:
        for record in records(content.table, "JSON"):
            sink.write(f"{as_json(record)}\n".encode())
