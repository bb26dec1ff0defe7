"""The journal of paid pages: each is on disk before it is used, and found again after a crash.

A call has one file, to which each page is appended under its name, its time, and a digest of all of
it; a page counts once its digest fits. What a kill or a full disk has cut short is passed over, and
what follows it is found again by the mark that every page begins with.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import secrets
import threading
import time
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import filelock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Journal", "JournalEntry"]


_log = logging.getLogger("sectorsdf")
_PAGES = "pages.journal"
_ENDED = "ended"
_MARK = b"\n#sectorsdf page "
_MANY = 100
_LONG_AGO = 86_400.0
_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
_flush = getattr(os, "fdatasync", os.fsync)


class _Page(NamedTuple):
    """Where a page's body lies in the file, and what stands before it."""

    start: int
    stop: int
    facts: dict[str, Any]


class _Appending:
    """A file open for appending, closed when the last thread that writes to it lets go of it."""

    def __init__(self, path: Path) -> None:
        self.number = os.open(path, _APPEND, 0o600)

    def __del__(self) -> None:
        with suppress(OSError, AttributeError):
            os.close(self.number)


def _digest(name: str, written: float, body: bytes) -> str:
    text = json.dumps([name, written])
    return hashlib.sha256(text.encode() + b"\n" + body).hexdigest()


def _page_at(content: bytes, place: int) -> _Page | None:
    """Return the page that begins at a mark, None where it is damaged."""
    end = content.find(b"\n", place + 1)
    try:
        facts = json.loads(content[place + len(_MARK) : end])
        page = _Page(end + 1, end + 1 + int(facts["length"]), facts)
        name, written, digest = facts["name"], facts["written"], facts["sha256"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(name, str) or not isinstance(written, float) or page.stop > len(content):
        return None
    if page.stop == len(content) or content.startswith(_MARK, page.stop):
        return page
    # A length that is wrong would hide the pages that follow.
    return page if _digest(name, written, content[page.start : page.stop]) == digest else None


def _pages(content: bytes) -> Iterator[tuple[_Page | None, int]]:
    """Yield the pages of a file, None for what is damaged, and where each begins."""
    place = content.find(_MARK)
    while place >= 0:
        page = _page_at(content, place)
        yield page, place
        place = content.find(_MARK, place + 1 if page is None else page.stop)


class JournalEntry:
    """The pages of one call that were paid for.

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
        self._lock = lock
        self._guard = threading.Lock()
        self._opened = time.time()
        self._era = self._last_end()
        self._full = False
        self._file: _Appending | None = None
        self._index: dict[str, tuple[int, int, float, str]] = {}
        if folder is not None:
            with suppress(OSError):
                self._file = _Appending(folder / _PAGES)
            self._read()
        self.kept = sum(self._is_young(written) for _, _, written, _ in self._index.values())

    def _read(self) -> None:
        """Learn which pages are here; whether each is whole is seen when it is used."""
        assert self.folder is not None  # noqa: S101 - for the type checker
        try:
            content = (self.folder / _PAGES).read_bytes()
        except OSError:
            return
        for page, place in _pages(content):
            if page is None:
                _log.warning("A damaged page at byte %d of %s is left out", place, self.folder)
            elif page.facts.get("dropped"):
                self._index.pop(page.facts["name"], None)
            else:
                told = (page.facts["written"], str(page.facts.get("sha256")))
                self._index[page.facts["name"]] = (page.start, page.stop, *told)

    def _is_young(self, written: float) -> bool:
        # A page from the future was written before the clock was set back: its age is unknown.
        return 0 <= time.time() - written <= self.resume_within

    def get(self, name: object) -> bytes | None:
        """Return a page that was paid for, if it is here, whole and young enough."""
        key = json.dumps(name, sort_keys=True)
        known = self._index.get(key)
        if known is None or self.folder is None:
            return None
        start, stop, written, digest = known
        try:
            with (self.folder / _PAGES).open("rb") as file:
                file.seek(start)
                body = file.read(stop - start)
        except OSError:
            return None
        if _digest(key, written, body) != digest:
            _log.warning("A damaged page of %s is left out and asked for again", self.folder)
            self._index.pop(key, None)
            return None
        return body if self._is_young(written) else None

    def put(self, name: object, body: bytes) -> None:
        """Keep a page; a disk that takes nothing costs a log line, never the page."""
        if self.folder is None:
            return
        # An answer that comes after Ctrl-C can be so late that the next call has fetched everything
        # and ended: nobody may find it then and take it for a page of an unfinished call.
        if self._file is None and self._last_end() != self._era:
            return
        key = json.dumps(name, sort_keys=True)
        written = time.time()
        digest = _digest(key, written, body)
        start = self._append({"name": key, "sha256": digest, "written": written}, body)
        if start is not None:
            self._index[key] = (start, start + len(body), written, digest)
            self.kept += 1

    def _append(self, facts: dict[str, Any], body: bytes) -> int | None:
        """Write a page behind the others and flush it; return where its body begins."""
        assert self.folder is not None  # noqa: S101 - for the type checker
        head = _MARK + json.dumps({**facts, "length": len(body)}).encode() + b"\n"
        try:
            # An answer may come when the call has ended already.
            file = self._file or _Appending(self.folder / _PAGES)
            end = self._write(file.number, head + body)
            _flush(file.number)
        except OSError as error:
            if not self._full:
                self._full = True
                _log.warning("Paid pages cannot be kept on disk (%s); the call goes on", error)
            return None
        return end + len(head)

    def _write(self, file: int, content: bytes) -> int:
        """Write all of it or nothing; return where it begins."""
        with self._guard:
            end = os.lseek(file, 0, os.SEEK_END)
            # In one go: of what a kill cuts short nothing counts.
            if os.write(file, content) == len(content):
                return end
            os.ftruncate(file, end)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def __contains__(self, name: object) -> bool:
        return self.get(name) is not None

    def drop(self, name: object) -> None:
        """Forget one page, which holds no longer."""
        key = json.dumps(name, sort_keys=True)
        if self._index.pop(key, None) is not None:
            written = time.time()
            facts = {"name": key, "sha256": _digest(key, written, b""), "written": written}
            self._append({**facts, "dropped": True}, b"")

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
        self._index.clear()
        with self._guard, suppress(OSError):
            if self._file is not None:
                os.ftruncate(self._file.number, 0)
        stem = self.folder.name.rpartition(".")[0]
        for folder in self.folder.parent.glob(f"{stem}.*"):
            with suppress(OSError, NotImplementedError):
                if folder != self.folder and (lock := _hold(folder)) is not None:
                    other = JournalEntry(folder, self.resume_within, lock)
                    other.forget_before(self._opened)
                    other.close()

    def forget_before(self, moment: float) -> None:
        """Forget the pages that were written before a moment."""
        for key, (_, _, written, _) in list(self._index.items()):
            if written < moment:
                self.drop(json.loads(key))
        with self._guard, suppress(OSError):
            if not self._index and self._file is not None:
                os.ftruncate(self._file.number, 0)

    def _last_end(self) -> bytes:
        """Return a mark that changes whenever a call ends well here."""
        with suppress(OSError):
            return b"" if self.folder is None else (self.folder / _ENDED).read_bytes()
        return b""

    def close(self) -> None:
        """Let another call use the pages."""
        self._file = None
        if self._lock is not None:
            with suppress(OSError):
                self._lock.release()


def _young(folder: Path, within: float) -> int:
    """Count the pages that are young enough to be used."""
    try:
        content = (folder / _PAGES).read_bytes()
    except OSError:
        return 0
    since = time.time() - within
    return sum(page is not None and page.facts["written"] >= since for page, _ in _pages(content))


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
                empty = _PAGES not in files or not (folder / _PAGES).stat().st_size
                if not (old and empty) or files - {_ENDED, _PAGES, "lock"}:
                    continue
                if (lock := _hold(folder)) is None:
                    continue
                for name in files | {"lock"}:
                    (folder / name).unlink(missing_ok=True)
                folder.rmdir()
                lock.release()

    def _free(self, stem: str, resume_within: float) -> JournalEntry:
        assert self.folder is not None  # noqa: S101 - for the type checker
        known = [path for path in self.folder.glob(f"{stem}.*") if path.is_dir()]
        if len(known) > 1:
            known.sort(key=lambda path: -_young(path, resume_within))
        taken = {path.name for path in known}
        new = (self.folder / f"{stem}.{n}" for n in range(10_000) if f"{stem}.{n}" not in taken)
        for folder in chain(known, new):
            with suppress(FileNotFoundError):  # just now tidied away by another process
                folder.mkdir(exist_ok=True, mode=0o700)
                if (lock := _hold(folder)) is not None:
                    return JournalEntry(folder, resume_within, lock)
        return JournalEntry(None, resume_within)
