"""The journal's part for addressed records: each question has a file with the records paid for it.

A record is found by every call that asks for it, whatever else the call asks for. It belongs to the
call that paid for it, and is removed with its file once that call, or one that asks for all its
records, has been answered. This module must not import `client` or anything above it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from sectorsdf.cache.append_file import AppendFile
from sectorsdf.cache.page_file import RESUME_WITHIN, Reuse, StoredPage, encode, name_of, pages_in
from sectorsdf.config.forks import Lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["RecordEntry", "remove_expired_records"]


_log = logging.getLogger(__name__)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_PAGE, _KEYS, _PART = ".page", ".keys", ".part"
# The names of a call's records are kept for longer than the records, whose last may be much younger
# than the first.
_LONG_AGO = 86_400.0
# The folder is looked through again after this many seconds, for what other processes have left.
_PAUSE = 10.0

_CONTACTS = "contacts"
_OF_THE_CALL = frozenset({"host", "question", "refresh", "within", "addresses", _CONTACTS})

# When each record was answered last, by its file of earlier versions.
_answered: dict[str, float] = {}
_MOST_ANSWERED = 10_000


def _short(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


class _Stored(NamedTuple):
    """A record on disk."""

    file: Path
    page: StoredPage
    body: bytes


def _stored_in(file: Path) -> Iterator[_Stored]:
    """Yield the records of a file that are intact."""
    try:
        content = file.read_bytes()
    except OSError:
        return
    for page, _ in pages_in(content):
        body = b"" if page is None else content[page.start : page.stop]
        if page is None or not page.has(body):
            _log.warning("A damaged record in %s is ignored", file.parent)
        else:
            yield _Stored(file, page, body)


class RecordEntry:
    """The paid records that one call may use, and those that it pays for.

    Parameters
    ----------
    folder : Path or None
        The folder of the records; None keeps nothing.
    host : str
        The API's address.
    names : sequence of str
        The paths of all records that the caller asks for.
    reuse : Reuse
        Which of the records that are there the call may use.
    with_addresses : bool
        The call asks for e-mail addresses: a record that was kept without them does not answer it.
    """

    def __init__(
        self,
        folder: Path | None,
        host: str,
        names: Sequence[str],
        reuse: Reuse,
        *,
        with_addresses: bool = False,
    ) -> None:
        self.names = list(names)
        self.reuse = reuse
        self._folder = folder
        self._host = host
        self._with_addresses = with_addresses
        asked = [*sorted(self.names), *([_CONTACTS] if with_addresses else [])]
        self._question = _short(host, *asked)
        # The records that were there when the call began, and those that it has paid for, by name.
        self._stored: dict[str, list[_Stored]] | None = None
        self._file: AppendFile | None = None
        self._guard = Lock()
        self._full = self._closed = False

    def _path(self, suffix: str = _PAGE) -> Path:
        """Return the file of this question."""
        assert self._folder is not None  # noqa: S101 - for the type checker
        return self._folder / f"{self._question}{suffix}"

    def _all(self) -> dict[str, list[_Stored]]:
        """Return the records of all questions, by name."""
        if self._stored is None:
            assert self._folder is not None  # noqa: S101 - for the type checker
            found: dict[str, list[_Stored]] = {name_of([name]): [] for name in self.names}
            for file in _files_in(self._folder):
                for stored in _stored_in(file) if file.suffix == _PAGE else ():
                    if stored.page.name in found and self._is_of_host(stored):
                        found[stored.page.name].append(stored)
            self._stored = found
        return self._stored

    def _is_of_host(self, stored: _Stored) -> bool:
        if "host" in stored.page.more:
            return bool(stored.page.more["host"] == self._host)
        # Earlier versions had a file for each record, which is named after it.
        (name,) = json.loads(stored.page.name)
        return stored.file.stem.partition("-")[0] == _short(self._host, name)

    def _read(self, name: str) -> _Stored | None:
        """Return the youngest record of this name that the call may use."""
        if self._folder is None:
            return None
        usable = [stored for stored in self._all()[name_of([name])] if self._may_use(stored.page)]
        return max(usable, key=lambda stored: stored.page.written, default=None)

    def _may_use(self, page: StoredPage) -> bool:
        whole = bool(page.more.get("addresses")) or not self._with_addresses
        return whole and self.reuse.allows(page)

    def get(self, name: str) -> bytes | None:
        """Return a paid record, if the journal has it, intact, and the call may use it."""
        found = self._read(name)
        return None if found is None else found.body

    def written(self, name: str) -> float | None:
        """Return when a record that `get` returns was written, in seconds since the epoch."""
        found = self._read(name)
        return None if found is None else found.page.written

    def has_addresses(self, name: str) -> bool:
        """Return whether a record that `get` returns was kept with its e-mail addresses."""
        found = self._read(name)
        return found is not None and bool(found.page.more.get("addresses"))

    def __contains__(self, name: str) -> bool:
        return self._read(name) is not None

    @property
    def kept(self) -> int:
        """How many records the same call could use."""
        return sum(name in self for name in self.names)

    def put(
        self,
        name: str,
        body: bytes,
        *,
        with_addresses: bool = True,
        written: float | None = None,
    ) -> None:
        """Write a record. If the disk refuses it, the journal logs this and the call continues.

        Parameters
        ----------
        name : str
            Its path.
        body : bytes
            The answer; empty if the API does not know the path.
        with_addresses : bool
            Whether e-mail addresses that are in the record are in `body`.
        written : float, optional
            When the record arrived; by default now.
        """
        if self._folder is None:
            return
        # An answer can arrive so late after Ctrl-C that the next call has been answered.
        answered = _answered.get(_short(self._host, name), 0.0)
        if self._closed and answered > self.reuse.opened:
            return
        more = {
            "host": self._host,
            **self.reuse.header,
            "question": self._question,
            "addresses": with_addresses,
        }
        if self._with_addresses:
            more[_CONTACTS] = True
        page, head = encode(name_of([name]), body, more, written=written)
        try:
            page = page._replace(start=self._append(head + body) + page.start)
        except OSError as error:
            self._cannot_keep(error)
            return
        self._all()[page.name].append(_Stored(self._path(), page, body))
        _look_again_in(self._folder, self.reuse.resume_within)

    def _append(self, content: bytes) -> int:
        assert self._folder is not None  # noqa: S101 - for the type checker
        with self._guard:
            # An equal call of another process may have been answered.
            if self._file is None or self._file.is_removed:
                self._folder.mkdir(exist_ok=True, mode=0o700)
                if len(self.names) > 1:
                    keys = [_short(self._host, each) for each in self.names]
                    _write_new(self._path(_KEYS), json.dumps(keys).encode())
                self._file = AppendFile(self._path())
            file = self._file
        position = file.append(content)
        if self._closed:
            file.settle()
        return position

    def _cannot_keep(self, error: OSError) -> None:
        if not self._full:
            self._full = True
            _log.warning("Paid records cannot be kept on disk (%s); the call continues", error)

    def answered(self, *, whole: bool = True) -> None:  # noqa: ARG002 - as of a list's entry
        """Forget the records that this call has paid for, or a call that asked for none but these.

        Records of an unfinished call that asked for others as well stay.
        """
        if self._folder is None:
            return
        files = {stored.file for found in self._all().values() for stored in found}
        own = {
            name: stored
            for name, found in self._all().items()
            for stored in found
            if stored.file == self._path()
        }
        needed: set[str] = set()
        for file in files - {self._path()}:
            records = list(_stored_in(file))
            if self._is_settled(file, records):
                _remove(file)
            else:
                needed.update(stored.page.name for stored in records)
                _bring_up_to_date(file, records, own)
        if self._file is not None:
            with suppress(OSError):
                self._file.truncate()
        _remove(self._path())
        _remove(self._path(_KEYS))
        self._stored = None
        for name in self.names:
            if name_of([name]) not in needed:
                _mark_answered(_short(self._host, name))

    def _is_settled(self, file: Path, records: Sequence[_Stored]) -> bool:
        """Return whether all records that the call of a file asks for are asked for here."""
        if not records:
            return True
        header = records[-1].page.more
        if header.get(_CONTACTS) and not self._with_addresses:
            return False
        asked = {_short(self._host, name) for name in self.names}
        try:
            keys = json.loads(file.with_name(f"{header.get('question', '')}{_KEYS}").read_bytes())
            return asked.issuperset(keys)
        except (OSError, ValueError, TypeError):
            # A call for one record alone keeps no list of them.
            return {stored.page.name for stored in records} <= self._all().keys()

    def settle(self) -> None:
        """Return once all records are on the disk, so that not even a power cut loses them."""
        try:
            if self._file is not None:
                self._file.settle()
        except OSError as error:
            self._cannot_keep(error)

    def close(self) -> None:
        """Say that the call has ended; an answer may still arrive."""
        self._closed = True
        self.settle()


def _bring_up_to_date(
    file: Path, records: Sequence[_Stored], younger: Mapping[str, _Stored]
) -> None:
    """Add younger records to those of an unfinished call."""
    latest = {stored.page.name: stored.page for stored in records}
    more = b""
    for name, (_, page, body) in younger.items():
        known = latest.get(name)
        # A call must neither lose addresses that it asked for, nor get any that it did not ask for.
        if known is None or bool(known.more.get("addresses")) != page.more["addresses"]:
            continue
        if page.written > known.written:
            of_the_call = {key: text for key, text in known.more.items() if key in _OF_THE_CALL}
            more += encode(name, body, of_the_call, written=page.written)[1] + body
    if more:
        with suppress(OSError):
            whole = AppendFile(file)
            whole.append(more)
            whole.settle()


def _files_in(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _write_new(file: Path, content: bytes) -> None:
    """Write a file for this user alone, unless it is there."""
    with suppress(FileExistsError):
        number = os.open(file, _CREATE, 0o600)
        try:
            os.write(number, content)
        finally:
            os.close(number)


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink(missing_ok=True)


def _mark_answered(record: str) -> None:
    _answered.pop(record, None)
    _answered[record] = time.time()
    while len(_answered) > _MOST_ANSWERED:
        with suppress(StopIteration, KeyError):
            _answered.pop(next(iter(_answered)))


def _expires_in(page: StoredPage) -> float:
    return float(page.more.get("within", RESUME_WITHIN)) - abs(time.time() - page.written)


# When each folder was looked through last, and when its next record will be too old.
_looked: dict[Path, tuple[float, float]] = {}


def remove_expired_records(folder: Path, reuse: Reuse) -> None:
    """Remove the records that are too old for every call."""
    now = time.monotonic()
    last, due = _looked.get(folder, (-math.inf, -math.inf))
    # A thousand calls for one record each must not look at a thousand files each.
    if now < due and now - last < _PAUSE:
        return
    due = math.inf
    for file in _files_in(folder):
        with suppress(OSError):
            pages = [stored.page for stored in _stored_in(file)] if file.suffix == _PAGE else []
            if pages:
                keep = any(map(reuse.keeps, pages))
                due = min(due, now + max(0.0, *map(_expires_in, pages)))
            elif file.suffix in {_PAGE, _PART, _KEYS}:
                longest = _LONG_AGO if file.suffix == _KEYS else RESUME_WITHIN
                keep = abs(time.time() - file.stat().st_mtime) <= longest
            else:
                continue
            if not keep:
                file.unlink(missing_ok=True)
    _looked[folder] = (now, due)


def _look_again_in(folder: Path, seconds: float) -> None:
    """Look through the folder at the latest after this time."""
    if folder in _looked:
        last, due = _looked[folder]
        _looked[folder] = (last, min(due, time.monotonic() + seconds))
