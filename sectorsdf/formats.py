"""One writer a file format: an Arrow table in, a whole file out. Knows nothing of names on disk."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "BATCH_ROWS",
    "PROVENANCE",
    "Content",
    "as_json",
    "open_bytes",
    "plain",
    "provenance_rows",
    "quoted",
    "records",
    "refuse_alike",
    "refuse_infinity",
    "refuse_table_name",
    "write_arrow",
    "write_csv",
    "write_duckdb",
    "write_joined",
    "write_json",
    "write_json_lines",
    "write_parquet",
    "write_parquet_table",
    "write_parquet_tables",
    "write_sqlite",
]

BATCH_ROWS = 10_000
"""So many rows become Python objects at a time."""

# Small enough that a reader with little memory takes a hundred million rows a group at a time,
# large enough that dictionaries pay and that each core of a reader has a group of its own.
_GROUP_ROWS = 1 << 18
_PARQUET: Mapping[str, Any] = {
    "compression": "zstd",
    "use_dictionary": True,
    "write_statistics": True,
    "write_page_index": True,
}
PROVENANCE = "provenance"
"""What the table, sheet or member is called that tells how the rows were fetched."""


@dataclass(frozen=True)
class Content:
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


def plain(table: pa.Table, form: str, *, keeps: Callable[[pa.DataType], bool] = _never) -> pa.Table:
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


def _days_as_text(table: pa.Table) -> pa.Table:
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


def write_parquet_table(table: pa.Table, file: Path) -> None:
    """Write a table, with its metadata, as Parquet.

    zstd, dictionaries and statistics, in row groups of 262,144 rows with an index of their pages,
    so that a reader skips what its filter excludes.
    """
    pq.write_table(table, file, row_group_size=_GROUP_ROWS, **_PARQUET)


def write_parquet_tables(tables: Iterable[pa.Table], schema: pa.Schema, file: Path) -> None:
    """Write tables as Parquet like `write_parquet_table`, a row group each."""
    with pq.ParquetWriter(file, schema, **_PARQUET) as writer:
        for table in tables:
            writer.write_table(table.cast(schema), row_group_size=max(table.num_rows, 1))
            del table
            pa.default_memory_pool().release_unused()


def write_parquet(content: Content, file: Path) -> None:
    """Write Parquet."""
    write_parquet_table(content.table, file)


def write_arrow(content: Content, file: Path) -> None:
    """Write the Arrow IPC file format, which is Feather 2, with LZ4."""
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file(file, content.table.schema, options=options) as writer:
        writer.write_table(content.table, max_chunksize=_GROUP_ROWS)


def open_bytes(file: Path) -> IO[bytes]:
    """Open a file for writing, through gzip where its name ends so."""
    # Without the time in its head, equal frames make equal files.
    return gzip.GzipFile(file, "wb", mtime=0) if file.suffix == ".gz" else file.open("wb")  # type: ignore[return-value]


def write_csv(content: Content, file: Path) -> None:
    """Write CSV or, by the name's suffix, TSV: text in quotation marks, missing as nothing."""
    delimiter = "\t" if ".tsv" in file.suffixes else ","
    with open_bytes(file) as sink:
        pv.write_csv(plain(content.table, "CSV"), sink, pv.WriteOptions(delimiter=delimiter))


def refuse_infinity(table: pa.Table, form: str) -> None:
    """Raise ValueError where a column holds an infinity."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_floating(column.type) and pc.any(pc.is_inf(column)).as_py():
            message = f"{form} has no number for the infinity in column {name!r}: replace it first"
            raise ValueError(message)


def records(table: pa.Table, form: str) -> Iterator[dict[str, Any]]:
    """Give the rows as what JSON can hold: days and times as ISO text."""
    table = _days_as_text(plain(table, form))
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


def write_json(content: Content, file: Path) -> None:
    """Write a JSON array of one object a row."""
    with open_bytes(file) as sink:
        sink.write(b"[\n")
        write_joined(sink, map(as_json, records(content.table, "JSON")), ",\n")
        sink.write(b"\n]\n")


def write_json_lines(content: Content, file: Path) -> None:
    """Write one JSON object a line."""
    with open_bytes(file) as sink:
        for record in records(content.table, "JSON"):
            sink.write(f"{as_json(record)}\n".encode())


def quoted(name: str) -> str:
    """Return a name as SQL quotes it."""
    return '"{}"'.format(name.replace('"', '""'))


def refuse_table_name(name: str) -> None:
    """Raise ValueError where a database or its provenance has a name for itself."""
    if name.lower() == PROVENANCE or name.lower().startswith(("sqlite_", "gpkg")):
        message = (
            f"table={name!r} cannot be the table's name: choose one that is not {PROVENANCE!r}, "
            "which holds the provenance, and begins with neither sqlite_ nor gpkg"
        )
        raise ValueError(message)


def _duckdb_has(kind: pa.DataType) -> bool:
    checks = (
        pa.types.is_timestamp,
        pa.types.is_decimal128,
        pa.types.is_time,
        pa.types.is_nested,
        pa.types.is_binary,
    )
    return any(check(kind) for check in checks)


def write_duckdb(content: Content, file: Path) -> None:
    """Write a DuckDB database of the table and a table `provenance`."""
    import duckdb  # noqa: PLC0415 - an extra

    refuse_table_name(content.name)
    refuse_alike(content.table.column_names, "DuckDB")
    rows = plain(content.table, "DuckDB", keeps=_duckdb_has)
    try:
        with duckdb.connect(str(file)) as database:
            database.register("rows of the frame", rows)
            name = quoted(content.name)
            database.execute(f'CREATE TABLE {name} AS SELECT * FROM "rows of the frame"')  # noqa: S608
            database.unregister("rows of the frame")
            database.execute(f"CREATE TABLE {PROVENANCE} (key VARCHAR, value VARCHAR)")
            if pairs := provenance_rows(content.provenance):
                database.executemany(f"INSERT INTO {PROVENANCE} VALUES (?, ?)", pairs)  # noqa: S608
    except duckdb.Error as error:
        message = f"DuckDB could not write the file: {error}"
        raise OSError(message) from error


def _sqlite_type(name: str, column: pa.ChunkedArray) -> str:
    kind = column.type
    if pa.types.is_uint64(kind) and (pc.max(column).as_py() or 0) > 2**63 - 1:
        message = f"SQLite cannot hold a number of column {name!r}, which is above 2**63 - 1"
        raise ValueError(message)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return "INTEGER"
    if pa.types.is_binary(kind):
        return "BLOB"
    return "REAL" if pa.types.is_floating(kind) else "TEXT"


def write_sqlite(content: Content, file: Path) -> None:
    """Write an SQLite database of the table and a table `provenance`; days and times as text."""
    refuse_table_name(content.name)
    refuse_alike(content.table.column_names, "SQLite")
    table = _days_as_text(plain(content.table, "SQLite", keeps=pa.types.is_binary))
    columns = ", ".join(
        f"{quoted(name)} {_sqlite_type(name, column)}"
        for name, column in zip(table.column_names, table.columns, strict=True)
    )
    marks = ", ".join("?" * table.num_columns)
    name = quoted(content.name)
    try:
        with closing(sqlite3.connect(file)) as database, database:
            # The file is new and takes its name when it is whole: no journal has to guard it.
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA synchronous = OFF")
            database.execute(f"CREATE TABLE {name} ({columns})")
            for batch in table.to_batches(max_chunksize=BATCH_ROWS):
                rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
                database.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)  # noqa: S608
            database.execute(f"CREATE TABLE {PROVENANCE} (key TEXT, value TEXT)")
            pairs = provenance_rows(content.provenance)
            database.executemany(f"INSERT INTO {PROVENANCE} VALUES (?, ?)", pairs)  # noqa: S608
    except sqlite3.Error as error:
        message = f"SQLite could not write the file: {error}"
        raise OSError(message) from error
