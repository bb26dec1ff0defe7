"""TODO."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from sectorsdf.io.table import (
    BATCH_ROWS,
    PROVENANCE,
    ExportTable,
    days_as_text,
    provenance_rows,
    refuse_alike,
    to_plain_types,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["quoted", "refuse_table_name", "write_duckdb", "write_sqlite"]


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


def write_duckdb(content: ExportTable, file: Path) -> None:
    """Write a DuckDB database of the table and a table `provenance`."""
    import duckdb  # noqa: PLC0415 - an extra

    refuse_table_name(content.name)
    refuse_alike(content.table.column_names, "DuckDB")
    rows = to_plain_types(content.table, "DuckDB", keeps=_duckdb_has)
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


def write_sqlite(content: ExportTable, file: Path) -> None:
    """Write an SQLite database of the table and a table `provenance`; days and times as text."""
    refuse_table_name(content.name)
    refuse_alike(content.table.column_names, "SQLite")
    table = days_as_text(to_plain_types(content.table, "SQLite", keeps=pa.types.is_binary))
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
