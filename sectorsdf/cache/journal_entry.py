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
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import filelock

__all__ = ["ENDED", "PAGES", "JournalEntry", "count_usable", "free_entries", "try_lock"]


_log = logging.getLogger(__name__)
PAGES = "pages.journal"
ENDED = "ended"
_ENCODED = frozenset({"name", "sha256", "written", "length"})


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
        self._end_mark = self._last_end()
        self._full = False
        self._file: AppendFile | None = None
        # A page that a call for some rows has paid for does not replace that of a call for all.
        self._index: dict[str, dict[int | None, StoredPage]] = {}
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
            elif page.header.get("dropped"):
                self._remove(page.name, page.header["dropped"])
            else:
                self._add(page)
        pages = self._pages()
        if pages and not any(map(self.reuse.keeps, pages)):
            self._index.clear()
            self._truncate()

    def _add(self, page: StoredPage) -> None:
        self._index.setdefault(page.name, {})[page.header.get("max_rows")] = page

    def _remove(self, name: str, versions: object) -> None:
        """Forget the named versions of a page, or all of them."""
        if isinstance(versions, list):
            pages = self._index.get(name, {})
            for version in versions:
                pages.pop(version, None)
        if not isinstance(versions, list) or not pages:
            self._index.pop(name, None)

    def _pages(self) -> list[StoredPage]:
        return [page for versions in list(self._index.values()) for page in versions.values()]

    def _usable(self, name: object) -> list[StoredPage]:
        """Return the versions of a page that the call may use, the youngest first."""
        pages = filter(self.reuse.allows, list(self._index.get(name_of(name), {}).values()))
        return sorted(pages, key=lambda page: -page.written)

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
                body = file.read(page.stop - page.start)
        except OSError:
            return None
        if not page.has(body):
            _log.warning("A damaged page of %s is ignored and will be fetched again", self.folder)
            self._remove(page.name, [page.header.get("max_rows")])
            return None
        return body

    def written(self, name: object) -> float | None:
        """Return when a page that `get` returns was written, in seconds since the epoch."""
        return next((page.written for page in self._usable(name)), None)

    def __contains__(self, name: object) -> bool:
        return self.get(name) is not None

    def names(self) -> list[Any]:
        """Return the names of the pages that the call may use."""
        return [
            json.loads(name)
            for name, pages in list(self._index.items())
            if any(map(self.reuse.allows, [*pages.values()]))
        ]

    @property
    def kept(self) -> int:
        """How many pages the same call could use."""
        versions = list(self._index.values())
        return sum(any(map(self.reuse.allows, [*pages.values()])) for pages in versions)

    def put(self, name: object, body: bytes) -> None:
        """Write a page. If the disk refuses it, the journal logs this and the call continues."""
        if self.folder is None:
            return
        # An answer can arrive so late after Ctrl-C that the next call has fetched everything and
        # ended. It must not be written then: it would look like a page of an unfinished call.
        if self._file is None and self._last_end() != self._end_mark:
            return
        asked = {} if self._max_rows is None else {"max_rows": self._max_rows}
        self._append(*encode(name_of(name), body, **self.reuse.header, **asked), body)

    def _append(self, header: Mapping[str, Any], head: bytes, body: bytes) -> None:
        """Append a page, and index it."""
        assert self.folder is not None  # noqa: S101 - for the type checker
        try:
            # An answer may arrive after the call has ended.
            file = self._file or AppendFile(self.folder / PAGES)
            start = file.append(head + body) + len(head)
            if self._file is None:
                file.settle()
        except OSError as error:
            self._cannot_keep(error)
            return
        if not header.get("dropped"):
            self._add(StoredPage(start, start + len(body), header))

    def _cannot_keep(self, error: OSError) -> None:
        if not self._full:
            self._full = True
            _log.warning("Paid pages cannot be kept on disk (%s); the call continues", error)

    def drop(self, name: object) -> None:
        """Forget one page that is out of date."""
        key = name_of(name)
        if self._index.pop(key, None) is not None:
            self._append(*encode(key, b"", dropped=True), b"")

    def _drop_all(self, pages: Sequence[StoredPage]) -> None:
        """Forget these pages, and no other version of them."""
        for page in pages:
            version = [page.header.get("max_rows")]
            self._remove(page.name, version)
            if self._index:
                self._append(*encode(page.name, b"", dropped=version), b"")
        if not self._index:
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
            own = self._index.get(page.name, {}).get(page.header.get("max_rows"))
            if own is not None and own.written >= page.written:
                continue
            if (body := other._body(page)) is not None:
                more = {key: value for key, value in page.header.items() if key not in _ENCODED}
                self._append(*encode(page.name, body, written=page.written, **more), body)
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
    asked = page.header.get("max_rows")
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
