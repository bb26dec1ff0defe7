"""Replace a database only when nothing beside it would be mixed with the new one.

A database can have a log beside it: changes that are not in its file yet, or those to undo. Readers
would apply the log of the old database to the new one. This module owns the names of such logs, and
has the library of each format finish and remove them. It must not import another module of the
package.
"""

from __future__ import annotations

import errno
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["settle_duckdb", "settle_sqlite"]

_LOG = re.compile(r"-wal|-shm|\.wal(\..*)?")
# How the journal of a transaction that has ended begins.
_ENDED = {b"", b"\0"}
# Programs that read a database again and again hold its lock for moments only.
_LOCK_SECONDS = 1.0


def settle_sqlite(target: Path) -> None:
    """Finish the logs of an SQLite database or GeoPackage that is going to be replaced.

    Raises
    ------
    OSError
        If another program uses the database, or a log cannot be finished.
    """
    if target.exists():
        try:
            with closing(sqlite3.connect(target, timeout=_LOCK_SECONDS)) as database:
                database.isolation_level = None
                database.execute("BEGIN EXCLUSIVE")
                database.execute("ROLLBACK")
        except sqlite3.Error as error:
            if _is_locked(error):
                raise _in_use(target) from error
            # The file is no database or a damaged one, which may be replaced if it has no log.
        else:
            # The last connection to a database removes its log when it is closed.
            if _logs(target):
                raise _in_use(target)
    _refuse_logs(target)


def _is_locked(error: sqlite3.Error) -> bool:
    primary_code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return primary_code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def settle_duckdb(target: Path) -> None:
    """Finish the log of a DuckDB database that is going to be replaced.

    Raises
    ------
    OSError
        If another program uses the database, or the log cannot be finished.
    """
    import duckdb  # noqa: PLC0415 - an extra

    if target.exists():
        try:
            # A connection of this process that may write has another configuration.
            duckdb.connect(str(target), read_only=True).close()
            if _logs(target):
                with duckdb.connect(str(target)) as database:
                    database.execute("CHECKPOINT")
        except duckdb.Error as error:
            if "Could not set lock" in str(error) or isinstance(error, duckdb.ConnectionException):
                raise _in_use(target) from error
    _refuse_logs(target)


def _logs(target: Path) -> list[Path]:
    """Return the files beside a database that a reader would apply to it."""
    beside = (path for path in target.parent.iterdir() if path.name.startswith(target.name))
    return sorted(path for path in beside if _is_live(path, path.name[len(target.name) :]))


def _is_live(path: Path, ending: str) -> bool:
    if ending == "-journal":
        # Some programs keep the journal of a transaction that has ended.
        with path.open("rb") as file:
            return file.read(1) not in _ENDED
    return _LOG.fullmatch(ending) is not None


def _in_use(target: Path) -> OSError:
    message = (
        "another program has this database open, so it cannot be replaced: close it there, or "
        "export to another name"
    )
    return OSError(errno.EBUSY, message, str(target))


def _refuse_logs(target: Path) -> None:
    for log in _logs(target):
        message = (
            f"this log of an earlier database would be mixed with a new {target.name}: open the "
            "old database with its own program and close it, or move the log away"
        )
        raise FileExistsError(errno.EEXIST, message, str(log))
