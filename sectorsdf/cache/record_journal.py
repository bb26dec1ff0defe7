"""The journal's part for addressed records: each record that was paid for has a file of its own.

A record is found by every call that asks for it, whatever else the call asks for. It belongs to the
call that paid for it, and is removed once that call, or one that asks for all its records, has been
answered. This module must not import `client` or anything above it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sectorsdf.cache.page_file import (
    RESUME_WITHIN,
    Reuse,
    StoredPage,
    encode,
    first_header,
    flush,
    name_of,
    pages_in,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["RecordEntry", "remove_expired_records"]


_log = logging.getLogger(__name__)
_PAGE, _KEYS, _PART = ".page", ".keys", ".part"
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
# The names of a call's records are kept for longer than the records, whose last may be much younger
# than the first.
_LONG_AGO = 86_400.0
# The folder is looked through again after this many seconds, for what other processes have left.
_PAUSE = 10.0

_OF_THE_CALL = frozenset({"question", "refresh", "within"})

_answered: dict[Path, float] = {}
_MOST_ANSWERED = 10_000


def _short(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


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
        self._question = _short(host, *sorted(self.names))
        # The records that this call has paid for, each with the header of the one that it replaced
        # and that an unfinished call needs.
        self._own: dict[str, Mapping[str, Any] | None] = {}
        self._owners: dict[str, bool] = {self._question: True}
        self._full = self._closed = False

    def _file(self, name: str) -> Path:
        assert self._folder is not None  # noqa: S101 - for the type checker
        return self._folder / f"{_short(self._host, name)}{_PAGE}"

    def _read(self, name: str) -> tuple[StoredPage, bytes] | None:
        """Return a record that the call may use, with its header."""
        if self._folder is None:
            return None
        try:
            content = self._file(name).read_bytes()
        except OSError:
            return None
        page = next((page for page, _ in pages_in(content)), None)
        if page is None or page.name != name_of([name]):
            _log.warning("A damaged record in %s is ignored", self._folder)
            return None
        body = content[page.start : page.stop]
        if not page.has(body):
            _log.warning("A damaged record in %s is ignored", self._folder)
            return None
        if self._with_addresses and not page.header.get("addresses"):
            return None
        return (page, body) if self.reuse.allows(page) else None

    def get(self, name: str) -> bytes | None:
        """Return a paid record, if the journal has it, intact, and the call may use it."""
        found = self._read(name)
        return None if found is None else found[1]

    def written(self, name: str) -> float | None:
        """Return when a record that `get` returns was written, in seconds since the epoch."""
        found = self._read(name)
        return None if found is None else found[0].written

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
        file = self._file(name)
        # An answer can arrive so late after Ctrl-C that the next call has been answered.
        if self._closed and _answered.get(file, 0.0) > self.reuse.opened:
            return
        replaced = self._header_for_others(file)
        more = {**self.reuse.header, "question": self._question, "addresses": with_addresses}
        _, head = encode(name_of([name]), body, written=written, **more)
        try:
            self._folder.mkdir(exist_ok=True, mode=0o700)
            if len(self.names) > 1 and not self._own:
                keys = [_short(self._host, each) for each in self.names]
                _write(self._folder / f"{self._question}{_KEYS}", json.dumps(keys).encode())
            _write(file, head + body)
        except OSError as error:
            if not self._full:
                self._full = True
                _log.warning("Paid records cannot be kept on disk (%s); the call continues", error)
            return
        self._own[name] = replaced
        _look_again_in(self._folder, self.reuse.resume_within)

    def answered(self, *, whole: bool = True) -> None:  # noqa: ARG002 - as of a list's entry
        """Forget the records that this call has paid for, or a call that asked for none but these.

        Records of an unfinished call that asked for others as well stay.
        """
        if self._folder is None:
            return
        for name in self.names:
            file = self._file(name)
            replaced = self._own.get(name)
            if replaced is not None:
                self._hand_over(file, name, replaced)
            elif name in self._own or self._header_for_others(file) is None:
                _mark_answered(file)
                _unlink(file)
        _unlink(self._folder / f"{self._question}{_KEYS}")

    def _header_for_others(self, file: Path) -> Mapping[str, Any] | None:
        """Return the header of a record if a call that asks for others as well has paid for it."""
        try:
            page = first_header(file)
        except OSError:
            return None
        if page is None or self._is_settled(str(page.header.get("question", ""))):
            return None
        return page.header

    def _is_settled(self, owner: str) -> bool:
        """Return whether all records that a call asks for are asked for here."""
        if owner not in self._owners:
            assert self._folder is not None  # noqa: S101 - for the type checker
            try:
                keys = set(json.loads((self._folder / f"{owner}{_KEYS}").read_bytes()))
            except (OSError, ValueError, TypeError):
                # A call for one record alone keeps no list of them.
                keys = set()
            self._owners[owner] = keys <= {_short(self._host, name) for name in self.names}
        return self._owners[owner]

    def _hand_over(self, file: Path, name: str, replaced: Mapping[str, Any]) -> None:
        """Leave a record to the unfinished call whose own record this one has replaced."""
        found = self._read(name)
        if found is None:
            return
        page, body = found
        more = {key: value for key, value in replaced.items() if key in _OF_THE_CALL}
        more["addresses"] = bool(page.header.get("addresses"))
        _, head = encode(page.name, body, written=page.written, **more)
        with suppress(OSError):
            _write(file, head + body)

    def close(self) -> None:
        """Say that the call has ended; an answer may still arrive."""
        self._closed = True


def _write(file: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all, for this user alone."""
    part = file.with_name(f"{file.stem}-{secrets.token_hex(6)}{_PART}")
    try:
        number = os.open(part, _CREATE, 0o600)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(number, rest) :]
            flush(number)
        finally:
            os.close(number)
        part.replace(file)
    except OSError:
        _unlink(part)
        raise


def _unlink(file: Path) -> None:
    with suppress(OSError):
        file.unlink(missing_ok=True)


def _mark_answered(file: Path) -> None:
    _answered.pop(file, None)
    _answered[file] = time.time()
    while len(_answered) > _MOST_ANSWERED:
        with suppress(StopIteration, KeyError):
            _answered.pop(next(iter(_answered)))


def _expires_in(page: StoredPage) -> float:
    return float(page.header.get("within", RESUME_WITHIN)) - abs(time.time() - page.written)


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
    try:
        files = list(folder.iterdir())
    except OSError:
        files = []
    for file in files:
        with suppress(OSError):
            if file.suffix == _PAGE and (page := first_header(file)) is not None:
                keep = reuse.keeps(page)
                due = min(due, now + max(0.0, _expires_in(page)))
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
