"""Write SQLite and DuckDB databases: the rows, and a table with the provenance.

This module owns both database formats, and the quoting and the reserved names of SQL. It must not
import the modules of other formats.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from sectorsdf.io.table import (
    BATCH_ROWS,
    PROVENANCE,
    check_names_ignoring_case,
    days_as_text,
    provenance_rows,
    to_plain_types,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sectorsdf.io.table import ExportTable

__all__ = ["check_table_name", "quote_identifier", "write_duckdb", "write_sqlite"]

_RESERVED_PREFIXES = ("sqlite_", "gpkg")
_FAILURES_OF_THE_DISK = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
}


def quote_identifier(name: str) -> str:
    """Return a name in SQL's quotation marks."""
    return '"{}"'.format(name.replace('"', '""'))


def check_table_name(name: str) -> None:
    """Raise ValueError for a name that the database or the provenance needs."""
    if name.lower() == PROVENANCE or name.lower().startswith(_RESERVED_PREFIXES):
        message = (
            f"table={name!r} cannot be the table's name: {PROVENANCE!r} is the table of the "
            f"provenance, and names that start with {' or '.join(_RESERVED_PREFIXES)} are reserved"
        )
        raise ValueError(message)


def _duckdb_supports(kind: pa.DataType) -> bool:
    checks = (
        pa.types.is_timestamp,
        pa.types.is_decimal128,
        pa.types.is_time,
        pa.types.is_nested,
        pa.types.is_binary,
    )
    return any(check(kind) for check in checks)


def write_duckdb(content: ExportTable, file: Path) -> None:
    """Write a DuckDB database with the rows and a table `provenance`."""
    import duckdb  # noqa: PLC0415 - an extra

    check_table_name(content.name)
    check_names_ignoring_case(content.table.column_names, "DuckDB")
    rows = to_plain_types(content.table, "DuckDB", supports=_duckdb_supports)
    try:
        with duckdb.connect(str(file)) as database:
            database.register("rows of the frame", rows)
            name = quote_identifier(content.name)
            database.execute(f'CREATE TABLE {name} AS SELECT * FROM "rows of the frame"')  # noqa: S608
            database.unregister("rows of the frame")
            database.execute(f"CREATE TABLE {PROVENANCE} (key VARCHAR, value VARCHAR)")
            # DuckDB refuses to execute a statement for no rows.
            if pairs := provenance_rows(content.provenance):
                database.executemany(f"INSERT INTO {PROVENANCE} VALUES (?, ?)", pairs)  # noqa: S608
    except duckdb.Error as error:
        message = f"DuckDB could not write the file: {error}"
        of_the_content = duckdb.ProgrammingError | duckdb.DataError | duckdb.NotSupportedError
        raise (ValueError if isinstance(error, of_the_content) else OSError)(message) from error


def _sqlite_type(name: str, column: pa.ChunkedArray) -> str:
    kind = column.type
    if pa.types.is_uint64(kind) and (pc.max(column).as_py() or 0) > 2**63 - 1:
        message = f"column {name!r} has a number above 2**63 - 1, the largest that SQLite can store"
        raise ValueError(message)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return "INTEGER"
    if pa.types.is_binary(kind):
        return "BLOB"
    return "REAL" if pa.types.is_floating(kind) else "TEXT"


def write_sqlite(content: ExportTable, file: Path) -> None:
    """Write an SQLite database with the rows and a table `provenance`; days and times as text."""
    check_table_name(content.name)
    check_names_ignoring_case(content.table.column_names, "SQLite")
    table = days_as_text(to_plain_types(content.table, "SQLite", supports=pa.types.is_binary))
    columns = ", ".join(
        f"{quote_identifier(name)} {_sqlite_type(name, column)}"
        for name, column in zip(table.column_names, table.columns, strict=True)
    )
    parameters = ", ".join("?" * table.num_columns)
    name = quote_identifier(content.name)
    try:
        with closing(sqlite3.connect(file)) as database, database:
            # The file gets its final name only when it is whole, so it needs no rollback journal.
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA synchronous = OFF")
            database.execute(f"CREATE TABLE {name} ({columns})")
            for batch in table.to_batches(max_chunksize=BATCH_ROWS):
                rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
                database.executemany(f"INSERT INTO {name} VALUES ({parameters})", rows)  # noqa: S608
            database.execute(f"CREATE TABLE {PROVENANCE} (key TEXT, value TEXT)")
            pairs = provenance_rows(content.provenance)
            database.executemany(f"INSERT INTO {PROVENANCE} VALUES (?, ?)", pairs)  # noqa: S608
    except sqlite3.Error as error:
        message = f"SQLite could not write the file: {error}"
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        raise (OSError if code in _FAILURES_OF_THE_DISK else ValueError)(message) from error
