"""The journal of paid pages: each page is on disk before it is used, and survives a crash.

A call has one file. Each page is appended with its name, its time and a digest, and counts only if
the digest is right. A page that a kill or a full disk has cut short is skipped; the mark at the
start of every page shows where the next one begins. This module must not import `client` or
anything above it.
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


_log = logging.getLogger(__name__)
_PAGES = "pages.journal"
_ENDED = "ended"
_MARK = b"\n#sectorsdf page "
_MANY = 100
_LONG_AGO = 86_400.0
_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
_flush = getattr(os, "fdatasync", os.fsync)


class _Page(NamedTuple):
    """The position of a page's body in the file, and the header before it."""

    start: int
    stop: int
    header: dict[str, Any]


class _AppendFile:
    """A file that is open for appending; it is closed when no thread refers to it any more."""

    def __init__(self, path: Path) -> None:
        self.number = os.open(path, _APPEND, 0o600)

    def __del__(self) -> None:
        with suppress(OSError, AttributeError):
            os.close(self.number)


def _digest(name: str, written: float, body: bytes) -> str:
    text = json.dumps([name, written])
    return hashlib.sha256(text.encode() + b"\n" + body).hexdigest()


def _page_at(content: bytes, start: int) -> _Page | None:
    """Return the page that begins at a mark, or None if it is damaged."""
    end = content.find(b"\n", start + 1)
    try:
        header = json.loads(content[start + len(_MARK) : end])
        page = _Page(end + 1, end + 1 + int(header["length"]), header)
        name, written, digest = header["name"], header["written"], header["sha256"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(name, str) or not isinstance(written, float) or page.stop > len(content):
        return None
    if page.stop == len(content) or content.startswith(_MARK, page.stop):
        return page
    # A wrong length would hide the pages that follow.
    return page if _digest(name, written, content[page.start : page.stop]) == digest else None


def _pages(content: bytes) -> Iterator[tuple[_Page | None, int]]:
    """Yield the pages of a file, or None for a damaged page, with the position of each."""
    start = content.find(_MARK)
    while start >= 0:
        page = _page_at(content, start)
        yield page, start
        start = content.find(_MARK, start + 1 if page is None else page.stop)


class JournalEntry:
    """The paid pages of one call.

    Parameters
    ----------
    folder : Path or None
        The folder of the pages; None keeps nothing.
    resume_within : float
        Seconds for which a page may be used again.
    lock : filelock.FileLock or None
        Held while the call runs.

    Attributes
    ----------
    kept : int
        How many pages the next call can use.
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
        self._end_mark = self._last_end()
        self._full = False
        self._file: _AppendFile | None = None
        self._index: dict[str, tuple[int, int, float, str]] = {}
        if folder is not None:
            with suppress(OSError):
                self._file = _AppendFile(folder / _PAGES)
            self._read()
        self.kept = sum(self._is_young(written) for _, _, written, _ in self._index.values())

    def _read(self) -> None:
        """Index the pages of the file. Each is checked when it is used."""
        assert self.folder is not None  # noqa: S101 - for the type checker
        try:
            content = (self.folder / _PAGES).read_bytes()
        except OSError:
            return
        for page, start in _pages(content):
            if page is None:
                _log.warning("A damaged page at byte %d of %s is ignored", start, self.folder)
            elif page.header.get("dropped"):
                self._index.pop(page.header["name"], None)
            else:
                proof = (page.header["written"], str(page.header.get("sha256")))
                self._index[page.header["name"]] = (page.start, page.stop, *proof)

    def _is_young(self, written: float) -> bool:
        # A page from the future was written before the clock was set back; its age is unknown.
        return 0 <= time.time() - written <= self.resume_within

    def get(self, name: object) -> bytes | None:
        """Return a paid page, if the journal has it, intact and young enough."""
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
            _log.warning("A damaged page of %s is ignored and will be fetched again", self.folder)
            self._index.pop(key, None)
            return None
        return body if self._is_young(written) else None

    def put(self, name: object, body: bytes) -> None:
        """Write a page. If the disk refuses it, the journal logs this and the call continues."""
        if self.folder is None:
            return
        # An answer can arrive so late after Ctrl-C that the next call has fetched everything and
        # ended. It must not be written then: it would look like a page of an unfinished call.
        if self._file is None and self._last_end() != self._end_mark:
            return
        key = json.dumps(name, sort_keys=True)
        written = time.time()
        digest = _digest(key, written, body)
        start = self._append({"name": key, "sha256": digest, "written": written}, body)
        if start is not None:
            self._index[key] = (start, start + len(body), written, digest)
            self.kept += 1

    def _append(self, header: dict[str, Any], body: bytes) -> int | None:
        """Append a page and flush it; return the position of its body, or None on failure."""
        assert self.folder is not None  # noqa: S101 - for the type checker
        head = _MARK + json.dumps({**header, "length": len(body)}).encode() + b"\n"
        try:
            # An answer may arrive after the call has ended.
            file = self._file or _AppendFile(self.folder / _PAGES)
            end = self._write(file.number, head + body)
            _flush(file.number)
        except OSError as error:
            if not self._full:
                self._full = True
                _log.warning("Paid pages cannot be kept on disk (%s); the call continues", error)
            return None
        return end + len(head)

    def _write(self, file: int, content: bytes) -> int:
        """Write all of the content or nothing; return its position."""
        with self._guard:
            end = os.lseek(file, 0, os.SEEK_END)
            # One call of write: a page that a kill cuts short does not count.
            if os.write(file, content) == len(content):
                return end
            os.ftruncate(file, end)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def __contains__(self, name: object) -> bool:
        return self.get(name) is not None

    def drop(self, name: object) -> None:
        """Forget one page that is out of date."""
        key = json.dumps(name, sort_keys=True)
        if self._index.pop(key, None) is not None:
            written = time.time()
            header = {"name": key, "sha256": _digest(key, written, b""), "written": written}
            self._append({**header, "dropped": True}, b"")

    def clear(self) -> None:
        """Forget all pages, because their call has ended well or starts again.

        Pages that killed processes left of the same call are forgotten too, if they are older than
        this call: the next call would mix them with its own.
        """
        if self.folder is None:
            return
        with suppress(OSError):
            (self.folder / _ENDED).write_bytes(secrets.token_bytes(8))
        self._end_mark = self._last_end()
        self.kept = 0
        self._index.clear()
        with self._guard, suppress(OSError):
            if self._file is not None:
                os.ftruncate(self._file.number, 0)
        stem = self.folder.name.rpartition(".")[0]
        for folder in self.folder.parent.glob(f"{stem}.*"):
            with suppress(OSError, NotImplementedError):
                if folder != self.folder and (lock := _try_lock(folder)) is not None:
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
        """Return a mark that changes each time a call ends well in this folder."""
        with suppress(OSError):
            return b"" if self.folder is None else (self.folder / _ENDED).read_bytes()
        return b""

    def close(self) -> None:
        """Release the lock, so that another call can use the pages."""
        self._file = None
        if self._lock is not None:
            with suppress(OSError):
                self._lock.release()


def _count_young(folder: Path, within: float) -> int:
    """Return how many pages of a folder are young enough to be used."""
    try:
        content = (folder / _PAGES).read_bytes()
    except OSError:
        return 0
    since = time.time() - within
    return sum(page is not None and page.header["written"] >= since for page, _ in _pages(content))


def _try_lock(folder: Path) -> filelock.BaseFileLock | None:
    """Return the acquired lock of a folder, or None if another call holds it."""
    lock = filelock.FileLock(folder / "lock", thread_local=False)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        return None
    return lock


class Journal:
    """The journal's folder, with a folder for each distinct call.

    Equal calls that run at the same time, in other threads or processes, have a folder each, held
    by a lock that ends with the process. A call takes the free folder with the most young pages, so
    that it finds what a killed process has paid for.

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
        """Return the entry of a call; no other call uses it until it is closed."""
        if self.folder is None:
            return JournalEntry(None, resume_within)
        text = json.dumps(call, sort_keys=True)
        stem = f"{call['dataset']}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._remove_old()
            entry = self._free_entry(stem, resume_within)
        except (OSError, NotImplementedError) as error:
            _log.warning("Paid pages cannot be kept under %s (%s)", self.folder, error)
            return JournalEntry(None, resume_within)
        if not resume:
            entry.clear()
        return entry

    def _remove_old(self) -> None:
        """Once there are many folders, remove those whose calls ended well long ago."""
        assert self.folder is not None  # noqa: S101 - for the type checker
        folders = [path for path in self.folder.iterdir() if path.is_dir()]
        for folder in folders if len(folders) > _MANY else []:
            with suppress(OSError, NotImplementedError):
                files = {path.name for path in folder.iterdir()}
                old = time.time() - folder.stat().st_mtime > _LONG_AGO
                empty = _PAGES not in files or not (folder / _PAGES).stat().st_size
                if not (old and empty) or files - {_ENDED, _PAGES, "lock"}:
                    continue
                if (lock := _try_lock(folder)) is None:
                    continue
                for name in files | {"lock"}:
                    (folder / name).unlink(missing_ok=True)
                folder.rmdir()
                lock.release()

    def _free_entry(self, stem: str, resume_within: float) -> JournalEntry:
        assert self.folder is not None  # noqa: S101 - for the type checker
        known = [path for path in self.folder.glob(f"{stem}.*") if path.is_dir()]
        if len(known) > 1:
            known.sort(key=lambda path: -_count_young(path, resume_within))
        taken = {path.name for path in known}
        new = (self.folder / f"{stem}.{n}" for n in range(10_000) if f"{stem}.{n}" not in taken)
        for folder in chain(known, new):
            with suppress(FileNotFoundError):  # another process has just removed it
                folder.mkdir(exist_ok=True, mode=0o700)
                if (lock := _try_lock(folder)) is not None:
                    return JournalEntry(folder, resume_within, lock)
        return JournalEntry(None, resume_within)
