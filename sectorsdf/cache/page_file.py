"""The format of paid pages on disk, and the rule which of them a call may use.

A page is a mark, a header in JSON, and the answer's bytes. It counts only if its digest is right. A
page that a kill or a full disk has cut short is skipped; the mark at the start of every page shows
where the next one begins. This module must not import `client` or anything above it.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = [
    "MARK",
    "RESUME_WITHIN",
    "Reuse",
    "StoredPage",
    "encode",
    "first_header",
    "name_of",
    "pages_in",
]

MARK = b"\n#sectorsdf page "
RESUME_WITHIN = 3600.0
"""Seconds for which a paid page of an unfinished call may be used, unless the call says so."""

_LONGEST_HEADER = 8192


def name_of(name: object) -> str:
    """Return the name of a page as its header has it."""
    return json.dumps(name)


class StoredPage(NamedTuple):
    """A page in a file.

    Attributes
    ----------
    name : str
        The page's name.
    written : float
        When it was written, in seconds since the epoch.
    more : mapping
        What else its header says: ``within`` how many seconds the call that paid for it would use
        it again, and what that call asked for.
    sha256 : str
        The digest of all these and the body.
    start : int
        The position of its body in the file.
    length : int
        The number of bytes of its body.
    """

    name: str
    written: float
    more: Mapping[str, Any]
    sha256: str
    start: int
    length: int

    @property
    def stop(self) -> int:
        """Return the position after its body."""
        return self.start + self.length

    def has(self, body: bytes) -> bool:
        """Return whether these bytes are the body that was written."""
        return _digest(self.name, self.written, self.more, body) == self.sha256


_OWN_FIELDS = frozenset({"name", "written", "sha256", "length"})


def _digest(name: str, written: float, more: Mapping[str, Any], body: bytes) -> str:
    """Return the digest of a body and of what its header says."""
    signed = {key: value for key, value in more.items() if key != "dropped"}
    # Earlier versions wrote the name and the time only.
    text = json.dumps([name, written, *([signed] if signed else [])])
    return hashlib.sha256(text.encode() + b"\n" + body).hexdigest()


def encode(
    name: str, body: bytes, more: Mapping[str, Any], *, written: float | None = None
) -> tuple[StoredPage, bytes]:
    """Return a page, as if it began at the start of a file, and the bytes to write before its body.

    Parameters
    ----------
    name : str
        The page's name.
    body : bytes
        Its body.
    more : mapping
        What else its header says. The page refers to it, so that many pages can share it.
    written : float, optional
        When the page arrived; by default now.
    """
    written = time.time() if written is None else written
    digest = _digest(name, written, more, body)
    header = {"name": name, "written": written, **more, "sha256": digest, "length": len(body)}
    head = MARK + json.dumps(header).encode() + b"\n"
    return StoredPage(name, written, more, digest, len(head), len(body)), head


def _decode(line: bytes, start: int) -> StoredPage | None:
    """Return the page that a header describes, whose body begins at `start`; None if it is damaged.

    Earlier versions wrote less in a header.
    """
    try:
        header = json.loads(line)
        more = {key: value for key, value in header.items() if key not in _OWN_FIELDS}
        name, written, digest = str(header["name"]), header["written"], header["sha256"]
        page = StoredPage(name, written, more, digest, start, int(header["length"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    whole = isinstance(written, float) and isinstance(more.get("within", 0.0), float)
    return page if whole else None


def _page_at(content: bytes, start: int) -> StoredPage | None:
    """Return the page that begins at a mark, or None if it is damaged."""
    end = content.find(b"\n", start + 1)
    page = _decode(content[start + len(MARK) : end], end + 1)
    if page is None or page.stop > len(content):
        return None
    if page.stop == len(content) or content.startswith(MARK, page.stop):
        return page
    # A wrong length would hide the pages that follow.
    return page if page.has(content[page.start : page.stop]) else None


def first_header(file: Path) -> StoredPage | None:
    """Return the first page of a file without reading its body, or None if it is damaged."""
    with file.open("rb") as opened:
        head = opened.read(_LONGEST_HEADER)
    end = head.find(b"\n", 1)
    return _decode(head[len(MARK) : end], end + 1)


def pages_in(content: bytes) -> Iterator[tuple[StoredPage | None, int]]:
    """Yield the pages of a file, or None for a damaged page, with the position of each."""
    start = content.find(MARK)
    while start >= 0:
        page = _page_at(content, start)
        yield page, start
        start = content.find(MARK, start + 1 if page is None else page.stop)


@dataclass(frozen=True)
class Reuse:
    """Which paid pages of unfinished calls a call may use.

    Attributes
    ----------
    resume_within : float
        Seconds for which a page may be used.
    max_age : float
        Seconds for which an answer may be used that was there before the call.
    resume : bool
        False uses no page that was there before the call.
    refresh : bool
        Of the pages that were there before, use only those of calls that also asked anew.
    opened : float
        When the call began.
    """

    resume_within: float = RESUME_WITHIN
    max_age: float = math.inf
    resume: bool = True
    refresh: bool = False
    opened: float = field(default_factory=time.time)

    @property
    def seconds(self) -> float:
        """Seconds for which the same call would use the pages of this one."""
        return min(self.resume_within, self.max_age)

    def allows(self, page: StoredPage) -> bool:
        """Return whether the call may use a page."""
        age = time.time() - page.written
        # A page from the future was written before the clock was set back; its age is unknown.
        if not 0 <= age <= self.resume_within:
            return False
        if page.written >= self.opened:
            return True
        asked_anew = not self.refresh or bool(page.more.get("refresh"))
        return self.resume and asked_anew and age <= self.max_age

    def keeps(self, page: StoredPage, youngest: float | None = None) -> bool:
        """Return whether a page must stay on disk, for this call or for the one that paid.

        Parameters
        ----------
        page : StoredPage
            The page.
        youngest : float, optional
            When the last page of its file was written; by default when this one was.
        """
        own = float(page.more.get("within", RESUME_WITHIN))
        # A call that asks for more than the usual hour may want the pages of its other parts.
        most = max(own, self.resume_within if self.resume_within > RESUME_WITHIN else 0.0)
        return abs(time.time() - (page.written if youngest is None else youngest)) <= most

    @property
    def header(self) -> dict[str, Any]:
        """What the header of a page says of the call that pays for it."""
        return {"within": self.resume_within, **({"refresh": True} if self.refresh else {})}
