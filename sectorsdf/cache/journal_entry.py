"""The paid pages of one question, in one file to which each page is appended.

This module must not import `client` or anything above it.
"""

from __future__ import annotations

import json
import logging
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sectorsdf.cache.append_file import AppendFile
from sectorsdf.cache.page_file import Reuse, StoredPage, encode, name_of, pages_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import filelock

__all__ = ["ENDED", "PAGES", "JournalEntry", "count_usable", "free_entries", "try_lock"]


_log = logging.getLogger(__name__)
PAGES = "pages.journal"
ENDED = "ended"


class JournalEntry:
    """The paid pages of one question, as one call uses them.

    Parameters
    ----------
    folder : Path or None
        The folder of the pages; None keeps nothing.
    reuse : Reuse
        Which of the pages that are there the call may use.
    lock : filelock.FileLock or None
        Held while the call runs.
    max_rows : int or None
        How many rows of the list the call asks for; None for all of them.
    """

    def __init__(
        self,
        folder: Path | None,
        reuse: Reuse,
        lock: filelock.BaseFileLock | None = None,
        max_rows: int | None = None,
    ) -> None:
        self.folder = folder
        self.reuse = reuse
        self._lock = lock
        self._max_rows = max_rows
        asked = {} if max_rows is None else {"max_rows": max_rows}
        self._header = {**reuse.header, **asked}
        self._end_mark = self._last_end()
        self._full = False
        self._file: AppendFile | None = None
        # By the number of rows that the call asked for which has paid for a page, and by its name:
        # a page of a call for some rows does not replace that of a call for all.
        self._index: dict[int | None, dict[str, StoredPage]] = {}
        if folder is not None:
            with suppress(OSError):
                self._file = AppendFile(folder / PAGES)
            self._read()

    def _read(self) -> None:
        """Index the pages of the file. Each is checked when it is used."""
        assert self.folder is not None  # noqa: S101 - for the type checker
        try:
            content = (self.folder / PAGES).read_bytes()
        except OSError:
            return
        for page, start in pages_in(content):
            if page is None:
                _log.warning("A damaged page at byte %d of %s is ignored", start, self.folder)
            elif page.more.get("dropped"):
                self._remove(page.name, page.more["dropped"])
            else:
                self._add(page)
        pages = self._pages()
        if pages and not any(map(self.reuse.keeps, pages)):
            self._index.clear()
            self._truncate()

    def _add(self, page: StoredPage) -> None:
        self._index.setdefault(page.more.get("max_rows"), {})[page.name] = page

    def _remove(self, name: str, versions: object) -> None:
        """Forget the named versions of a page, or all of them."""
        for version in versions if isinstance(versions, list) else [*self._index]:
            # Empty ones stay, because another thread may be about to add a page.
            self._index.get(version, {}).pop(name, None)

    def _pages(self) -> list[StoredPage]:
        return [page for pages in list(self._index.values()) for page in list(pages.values())]

    def _usable(self, name: object) -> list[StoredPage]:
        """Return the versions of a page that the call may use, the youngest first."""
        key = name_of(name)
        found = [pages[key] for pages in list(self._index.values()) if key in pages]
        return sorted(filter(self.reuse.allows, found), key=lambda page: -page.written)

    def get(self, name: object) -> bytes | None:
        """Return a paid page, if the journal has it, intact, and the call may use it."""
        for page in self._usable(name):
            body = self._body(page)
            if body is not None:
                return body
        return None

    def _body(self, page: StoredPage) -> bytes | None:
        """Return what a page holds, or None if it is damaged."""
        assert self.folder is not None  # noqa: S101 - an entry without a folder has no page
        try:
            with (self.folder / PAGES).open("rb") as file:
                file.seek(page.start)
                body = file.read(page.length)
        except OSError:
            return None
        if not page.has(body):
            _log.warning("A damaged page of %s is ignored and will be fetched again", self.folder)
            self._remove(page.name, [page.more.get("max_rows")])
            return None
        return body

    def written(self, name: object) -> float | None:
        """Return when a page that `get` returns was written, in seconds since the epoch."""
        return next((page.written for page in self._usable(name)), None)

    def __contains__(self, name: object) -> bool:
        return self.get(name) is not None

    def _usable_names(self) -> set[str]:
        return {page.name for page in self._pages() if self.reuse.allows(page)}

    def names(self) -> list[Any]:
        """Return the names of the pages that the call may use."""
        return [json.loads(name) for name in self._usable_names()]

    @property
    def kept(self) -> int:
        """How many pages the same call could use."""
        return len(self._usable_names())

    def put(self, name: object, body: bytes) -> None:
        """Write a page. If the disk refuses it, the journal logs this and the call continues."""
        if self.folder is None:
            return
        # An answer can arrive so late after Ctrl-C that the next call has fetched everything and
        # ended. It must not be written then: it would look like a page of an unfinished call.
        if self._file is None and self._last_end() != self._end_mark:
            return
        self._append(*encode(name_of(name), body, self._header), body)

    def _append(self, page: StoredPage, head: bytes, body: bytes) -> None:
        """Append a page, and index it."""
        assert self.folder is not None  # noqa: S101 - for the type checker
        try:
            # An answer may arrive after the call has ended.
            file = self._file or AppendFile(self.folder / PAGES)
            position = file.append(head + body)
            if self._file is None:
                file.settle()
        except OSError as error:
            self._cannot_keep(error)
            return
        if not page.more.get("dropped"):
            self._add(page._replace(start=position + page.start))

    def _cannot_keep(self, error: OSError) -> None:
        if not self._full:
            self._full = True
            _log.warning("Paid pages cannot be kept on disk (%s); the call continues", error)

    def drop(self, name: object) -> None:
        """Forget one page that is out of date."""
        key = name_of(name)
        if any(key in pages for pages in [*self._index.values()]):
            self._remove(key, None)
            self._append(*encode(key, b"", {"dropped": True}), b"")

    def _drop_all(self, pages: Sequence[StoredPage]) -> None:
        """Forget these pages, and no other version of them."""
        for page in pages:
            version = [page.more.get("max_rows")]
            self._remove(page.name, version)
            if any(self._index.values()):
                self._append(*encode(page.name, b"", {"dropped": version}), b"")
        if not any(self._index.values()):
            self._truncate()

    def _truncate(self) -> None:
        with suppress(OSError):
            if self._file is not None:
                self._file.truncate()

    def answered(self, *, whole: bool = True) -> None:
        """Forget the pages whose question has been answered.

        These are the pages that were paid for by calls for as many rows as this one, or for fewer.
        Pages of an unfinished call for more rows stay.

        Parameters
        ----------
        whole : bool
            The answer has every row of the list, although the call asked for `max_rows`.
        """
        most = None if whole else self._max_rows
        if most is None:
            self.clear()
            return
        pages = self._pages()
        done = [page for page in pages if _is_of(page, most)]
        if len(done) == len(pages):
            self.clear(most)
        else:
            self._drop_all(done)

    def clear(self, max_rows: int | None = None) -> None:
        """Forget all pages, because their question was answered or they contradict each other.

        Pages that killed processes left of the same question are forgotten too, if they are older
        than this call: the next call would mix them with its own.

        Parameters
        ----------
        max_rows : int, optional
            Of those, forget only the pages of calls for at most this number of rows.
        """
        if self.folder is None:
            return
        with suppress(OSError):
            (self.folder / ENDED).write_bytes(secrets.token_bytes(8))
        self._end_mark = self._last_end()
        self._index.clear()
        self._truncate()
        for other in free_entries(self.folder, self.reuse):
            other.forget_before(self.reuse.opened, max_rows)
            other.close()

    def forget_before(self, moment: float, max_rows: int | None = None) -> None:
        """Forget the pages that were written before a moment, as `clear` chooses them."""
        self._drop_all(
            [page for page in self._pages() if page.written < moment and _is_of(page, max_rows)]
        )

    def take_over(self, other: JournalEntry) -> None:
        """Move the pages here that an equal call has left in another folder."""
        for page in other._pages():
            own = self._index.get(page.more.get("max_rows"), {}).get(page.name)
            if own is not None and own.written >= page.written:
                continue
            if (body := other._body(page)) is not None:
                self._append(*encode(page.name, body, page.more, written=page.written), body)
        self.settle()
        if not self._full:
            other._index.clear()
            other._truncate()

    def _last_end(self) -> bytes:
        """Return a mark that changes each time a question is answered in this folder."""
        with suppress(OSError):
            return b"" if self.folder is None else (self.folder / ENDED).read_bytes()
        return b""

    def settle(self) -> None:
        """Return once all pages are on the disk, so that not even a power cut loses them."""
        try:
            if self._file is not None:
                self._file.settle()
        except OSError as error:
            self._cannot_keep(error)

    def close(self) -> None:
        """Release the lock, so that another call can use the pages, which are on the disk."""
        self.settle()
        self._file = None
        if self._lock is not None:
            with suppress(OSError):
                self._lock.release()


def _is_of(page: StoredPage, max_rows: int | None) -> bool:
    """Return whether a call for at most this number of rows has paid for a page; None is any."""
    asked = page.more.get("max_rows")
    return max_rows is None or (asked is not None and asked <= max_rows)


def count_usable(folder: Path, reuse: Reuse) -> int:
    """Return how many pages of a folder a call can use."""
    try:
        content = (folder / PAGES).read_bytes()
    except OSError:
        return 0
    return sum(page is not None and reuse.allows(page) for page, _ in pages_in(content))


def try_lock(folder: Path) -> filelock.BaseFileLock | None:
    """Return the acquired lock of a folder, or None if another call holds it."""
    import filelock  # noqa: PLC0415 - a call that the cache answers takes no lock

    lock = filelock.FileLock(folder / "lock", thread_local=False)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        return None
    return lock


def free_entries(folder: Path, reuse: Reuse) -> list[JournalEntry]:
    """Return the other entries of the same question that have pages and that no call holds."""
    found = []
    for other in folder.parent.glob(f"{folder.name.rpartition('.')[0]}.*"):
        with suppress(OSError, NotImplementedError):
            if other == folder or not (other / PAGES).stat().st_size:
                continue
            if (lock := try_lock(other)) is not None:
                found.append(JournalEntry(other, reuse, lock))
    return found
