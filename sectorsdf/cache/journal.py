"""The journal of paid pages: each page is written before it is used, and survives a crash.

A question has an entry of its own, `journal_entry` for lists and `record_journal` for addressed
records. A page is removed for one of three reasons only: its question was answered, it is too old,
or the sweep has found it to be out of date. This module must not import `client` or anything above
it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any

from sectorsdf.cache.journal_entry import (
    ENDED,
    PAGES,
    JournalEntry,
    count_usable,
    free_entries,
    try_lock,
)
from sectorsdf.cache.page_file import Reuse, StoredPage, first_header
from sectorsdf.cache.record_journal import RecordEntry, remove_expired_records

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Journal", "JournalEntry"]


_log = logging.getLogger(__name__)
_RECORDS = "records"
_MANY = 100
_LONG_AGO = 86_400.0
_UNREADABLE = StoredPage("", 0.0, {}, "", 0, 0)


class Journal:
    """The journal's folder, with a folder for each question.

    Equal calls that run at the same time, in other threads or processes, have a folder each, held
    by a lock that ends with the process. A call takes the free folder with the most pages that it
    can use, and the pages of the other free ones, so that it finds what a killed process has paid
    for.

    Parameters
    ----------
    folder : Path or None
        The journal's folder; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def open(
        self,
        question: Mapping[str, Any],
        reuse: Reuse | None = None,
        *,
        max_rows: int | None = None,
    ) -> JournalEntry:
        """Return the entry of a question; no other call uses it until it is closed."""
        reuse = Reuse() if reuse is None else reuse
        if self.folder is None:
            return JournalEntry(None, reuse)
        try:
            self._prepare(reuse)
            entry = self._free_entry(_stem(question), reuse, max_rows)
        except (OSError, NotImplementedError) as error:
            _log.warning("Paid pages cannot be kept under %s (%s)", self.folder, error)
            return JournalEntry(None, reuse)
        if not reuse.resume:
            entry.answered(whole=False)
        return entry

    def open_records(
        self,
        question: Mapping[str, Any],
        paths: Mapping[str, str],
        reuse: Reuse | None = None,
        *,
        with_addresses: bool = False,
    ) -> RecordEntry:
        """Return the entry of a call for addressed records.

        Parameters
        ----------
        question : mapping
            The ``dataset`` and the ``host``.
        paths : mapping of str to str
            The path of each key that the caller asks for.
        reuse : Reuse, optional
            Which of the records that are there the call may use.
        with_addresses : bool
            The call asks for e-mail addresses.
        """
        reuse = Reuse() if reuse is None else reuse
        host, names = str(question["host"]), list(paths.values())
        if self.folder is None:
            return RecordEntry(None, host, names, reuse, with_addresses=with_addresses)
        entry = RecordEntry(
            self.folder / _RECORDS, host, names, reuse, with_addresses=with_addresses
        )
        try:
            self._prepare(reuse)
            # Earlier versions kept the records of a call together, in the way of pages.
            self._take_over_records(_stem({**question, "keys": sorted(paths)}), entry)
        except (OSError, NotImplementedError) as error:
            _log.warning("Paid pages cannot be kept under %s (%s)", self.folder, error)
            return RecordEntry(None, host, names, reuse, with_addresses=with_addresses)
        if not reuse.resume:
            entry.answered()
        return entry

    def _take_over_records(self, stem: str, entry: RecordEntry) -> None:
        assert self.folder is not None  # noqa: S101 - for the type checker
        for folder in self.folder.glob(f"{stem}.*"):
            if (folder / PAGES).exists() and (lock := try_lock(folder)) is not None:
                old = JournalEntry(folder, entry.reuse, lock)
                for path in entry.names:
                    body, written = old.get([path]), old.written([path])
                    if body is not None and written is not None:
                        entry.put(path, body, written=written)
                old.clear()
                old.close()

    def _prepare(self, reuse: Reuse) -> None:
        """Make the folder, and remove pages that are too old and what no call will use again."""
        assert self.folder is not None  # noqa: S101 - for the type checker
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        remove_expired_records(self.folder / _RECORDS, reuse)
        folders = [
            path for path in self.folder.iterdir() if path.name != _RECORDS and path.is_dir()
        ]
        for folder in folders:
            with suppress(OSError, NotImplementedError):
                _remove_expired(folder, reuse)
        for folder in folders if len(folders) > _MANY else []:
            with suppress(OSError, NotImplementedError):
                _remove_unused(folder)

    def _free_entry(self, stem: str, reuse: Reuse, max_rows: int | None) -> JournalEntry:
        assert self.folder is not None  # noqa: S101 - for the type checker
        known = [path for path in self.folder.glob(f"{stem}.*") if path.is_dir()]
        if len(known) > 1:
            known.sort(key=lambda path: -count_usable(path, reuse))
        taken = {path.name for path in known}
        new = (self.folder / f"{stem}.{n}" for n in range(10_000) if f"{stem}.{n}" not in taken)
        for folder in chain(known, new):
            with suppress(FileNotFoundError):  # another process has just removed it
                folder.mkdir(exist_ok=True, mode=0o700)
                if (lock := try_lock(folder)) is not None:
                    entry = JournalEntry(folder, reuse, lock, max_rows)
                    for other in free_entries(folder, reuse) if len(known) > 1 else []:
                        entry.take_over(other)
                        other.close()
                    return entry
        return JournalEntry(None, reuse)


def _stem(question: Mapping[str, Any]) -> str:
    """Return the part that the names of a question's folders have in common."""
    text = json.dumps(question, sort_keys=True)
    return f"{question['dataset']}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _remove_expired(folder: Path, reuse: Reuse) -> None:
    """Remove the pages of a folder if even the youngest is too old for every call."""
    file = folder / PAGES
    status = file.stat()
    if not status.st_size:
        return
    page = first_header(file) or _UNREADABLE
    # The lock is taken for this only, because an equal call that finds it taken would pay again.
    if not reuse.keeps(page, status.st_mtime) and (lock := try_lock(folder)) is not None:
        if file.stat().st_mtime_ns == status.st_mtime_ns:
            os.truncate(file, 0)
        lock.release()


def _remove_unused(folder: Path) -> None:
    """Remove a folder whose question was answered long ago."""
    files = {path.name for path in folder.iterdir()}
    old = time.time() - folder.stat().st_mtime > _LONG_AGO
    empty = PAGES not in files or not (folder / PAGES).stat().st_size
    if not (old and empty) or files - {ENDED, PAGES, "lock"}:
        return
    if (lock := try_lock(folder)) is not None:
        for name in files | {"lock"}:
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()
        lock.release()
