"""What is kept on disk: the journal of paid pages, and Parquet files. Knows no HTTP."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import secrets
import time
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import pyarrow.parquet as pq

from sectorsdf.formats import write_parquet_table
from sectorsdf.frame import ATTRS, from_arrow, to_arrow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

__all__ = ["Journal", "JournalEntry", "atomic_file", "read_parquet", "write_parquet"]

_log = logging.getLogger("sectorsdf")
_MAGIC = "sectorsdf journal 1"
_ENDED = "ended"
_MANY = 100
_LONG_AGO = 86_400.0


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a temporary file beside `path` that takes its place when all went well.

    Readers see the old file or the whole new one, never a part.
    """
    # Not by `tempfile`, whose files nobody else may read whatever the umask says.
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(6)}.part")
    temporary.touch(exist_ok=False)
    try:
        yield temporary
        # For writing, because some systems refuse to flush what was opened for reading.
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


class JournalEntry:
    """The pages of one call that were paid for, each on disk before it is used.

    Parameters
    ----------
    folder : Path or None
        Where the pages lie; None keeps nothing.
    resume_within : float
        Seconds for which a page may be used again.
    lock : filelock.FileLock or None
        Held as long as this call runs.

    Attributes
    ----------
    kept : int
        How many pages the next call would find.
    """

    def __init__(
        self,
        folder: Path | None,
        resume_within: float,
        lock: filelock.BaseFileLock | None = None,
    ) -> None:
        self.folder = folder
        self.resume_within = resume_within
        self.kept = 0 if folder is None else _young(folder, resume_within)
        self._lock = lock
        self._opened = time.time()
        self._era = self._last_end()
        self._full = False

    def _path(self, name: object) -> Path | None:
        if self.folder is None:
            return None
        text = json.dumps(name, sort_keys=True)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.page"

    def get(self, name: object) -> bytes | None:
        """Return a page that was paid for, if it is here, whole and young enough."""
        path = self._path(name)
        if path is None:
            return None
        try:
            head, _, body = path.read_bytes().partition(b"\n")
        except OSError:
            return None
        try:
            facts = json.loads(head)
            whole = (
                facts["magic"] == _MAGIC
                and facts["name"] == json.loads(json.dumps(name))
                and facts["sha256"] == hashlib.sha256(body).hexdigest()
            )
            age = time.time() - float(facts["written"])
        except (ValueError, KeyError, TypeError):
            whole, age = False, 0.0
        if not whole:
            aside = path.with_suffix(".damaged")
            _log.warning("A damaged page is set aside as %s and asked for again", aside)
            with suppress(OSError):
                path.replace(aside)
            return None
        # A page from the future was written before the clock was set back: its age is unknown.
        return body if 0 <= age <= self.resume_within else None

    def put(self, name: object, body: bytes) -> None:
        """Keep a page; a disk that takes nothing costs a log line, never the page."""
        path = self._path(name)
        # An answer that comes after Ctrl-C can be so late that the next call has fetched everything
        # and ended: nobody may find it then and take it for a page of an unfinished call.
        if path is None or self._last_end() != self._era:
            return
        head = {
            "magic": _MAGIC,
            "name": name,
            "sha256": hashlib.sha256(body).hexdigest(),
            "written": time.time(),
        }
        try:
            with atomic_file(path) as temporary:
                temporary.write_bytes(json.dumps(head).encode() + b"\n" + body)
            self.kept += 1
        except OSError as error:
            if not self._full:
                self._full = True
                _log.warning("Paid pages cannot be kept on disk (%s); the call goes on", error)

    def __contains__(self, name: object) -> bool:
        return self.get(name) is not None

    def drop(self, name: object) -> None:
        """Forget one page, which holds no longer."""
        path = self._path(name)
        if path is not None:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget all pages: the call that they belong to has ended well, or begins afresh.

        What killed processes left of the same call is forgotten as well as far as it is older than
        this call: it would be mixed into the next one.
        """
        if self.folder is None:
            return
        with suppress(OSError):
            (self.folder / _ENDED).write_bytes(secrets.token_bytes(8))
        self._era = self._last_end()
        self.kept = 0
        _remove(self.folder)
        stem = self.folder.name.rpartition(".")[0]
        for folder in self.folder.parent.glob(f"{stem}.*"):
            with suppress(OSError, NotImplementedError):
                if folder != self.folder and (lock := _hold(folder)) is not None:
                    _remove(folder, before=self._opened)
                    lock.release()

    def _last_end(self) -> bytes:
        """Return a mark that changes whenever a call ends well here."""
        with suppress(OSError):
            return b"" if self.folder is None else (self.folder / _ENDED).read_bytes()
        return b""

    def close(self) -> None:
        """Let another call use the pages."""
        if self._lock is not None:
            with suppress(OSError):
                self._lock.release()


def _young(folder: Path, within: float) -> int:
    """Count the pages that are young enough to be used."""
    since, count = time.time() - within, 0
    for path in folder.glob("*.page"):
        with suppress(OSError):
            count += path.stat().st_mtime >= since
    return count


def _remove(folder: Path, before: float = math.inf) -> None:
    """Remove pages, and the parts of pages that a killed process left."""
    for path in (*folder.glob("*.page"), *folder.glob(".*.part")):
        with suppress(OSError):
            if path.stat().st_mtime < before:
                path.unlink()


def _hold(folder: Path) -> filelock.BaseFileLock | None:
    """Return the folder's lock, held; None where another call holds it."""
    lock = filelock.FileLock(folder / "lock", thread_local=False)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        return None
    return lock


class Journal:
    """Where the entries lie: a folder for each distinct call.

    Calls of the same kind that run at the same time, in other threads or processes, each have a
    folder of their own, held by a lock that ends with the process. A call takes the free folder
    with the most young pages, so that what a killed process has paid is found again.

    Parameters
    ----------
    folder : Path or None
        The journal's folder; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def open(
        self, call: Mapping[str, Any], *, resume: bool = True, resume_within: float = 3600.0
    ) -> JournalEntry:
        """Return the pages of a call, free for this process alone."""
        if self.folder is None:
            return JournalEntry(None, resume_within)
        text = json.dumps(call, sort_keys=True)
        stem = f"{call['dataset']}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._tidy()
            entry = self._free(stem, resume_within)
        except (OSError, NotImplementedError) as error:
            _log.warning("Paid pages cannot be kept under %s (%s)", self.folder, error)
            return JournalEntry(None, resume_within)
        if not resume:
            entry.clear()
        return entry

    def _tidy(self) -> None:
        """Remove folders whose calls have ended well and long ago, once there are many of them."""
        assert self.folder is not None  # noqa: S101 - for the type checker
        folders = [path for path in self.folder.iterdir() if path.is_dir()]
        for folder in folders if len(folders) > _MANY else []:
            with suppress(OSError, NotImplementedError):
                files = {path.name for path in folder.iterdir()}
                old = time.time() - folder.stat().st_mtime > _LONG_AGO
                if not old or files - {_ENDED, "lock"} or (lock := _hold(folder)) is None:
                    continue
                for name in files | {"lock"}:
                    (folder / name).unlink(missing_ok=True)
                folder.rmdir()
                lock.release()

    def _free(self, stem: str, resume_within: float) -> JournalEntry:
        assert self.folder is not None  # noqa: S101 - for the type checker
        known = [path for path in self.folder.glob(f"{stem}.*") if path.is_dir()]
        known.sort(key=lambda path: -_young(path, resume_within))
        taken = {path.name for path in known}
        new = (self.folder / f"{stem}.{n}" for n in range(10_000) if f"{stem}.{n}" not in taken)
        for folder in chain(known, new):
            with suppress(FileNotFoundError):  # just now tidied away by another process
                folder.mkdir(exist_ok=True, mode=0o700)
                if (lock := _hold(folder)) is not None:
                    return JournalEntry(folder, resume_within, lock)
        return JournalEntry(None, resume_within)


def write_parquet(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a frame as Parquet: days as `date32`, codes as text, the provenance as metadata.

    Parameters
    ----------
    frame : pandas.DataFrame
        A frame of this package, or one made from it.
    path : str or path-like
        The file; it is replaced in one step.

    Returns
    -------
    pathlib.Path
        The file written.
    """
    target = Path(path)
    with atomic_file(target) as temporary:
        write_parquet_table(to_arrow(frame), temporary)
    return target


def read_parquet(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a file that `write_parquet` wrote as the very frame that was written.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    pandas.DataFrame
        Same values, dtypes, order and attrs. (`pandas.read_parquet` reads the file as well, but
        returns days as Python objects.)
    """
    table = pq.ParquetFile(path).read()
    attrs = json.loads((table.schema.metadata or {}).get(b"PANDAS_ATTRS", b"{}"))
    frame = from_arrow(table, attrs.get(ATTRS, {}))
    frame.attrs = attrs
    return frame
