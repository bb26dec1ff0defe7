"""What a sweep knows of the rows: who they are, and who stood where."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = [
    "PAGE_SIZE",
    "Arrived",
    "Evidence",
    "Page",
    "Request",
    "digest_of",
    "sort_key",
]

PAGE_SIZE = 30
"""The API's documented maximum; what a page really holds is read from each answer."""

_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


class Request(NamedTuple):
    """One page to ask for."""

    offset: int
    filters: tuple[tuple[str, str], ...] = ()
    order: str | None = None
    draw: int = 0


@dataclass(frozen=True)
class Page:
    """One page as the server gave it.

    Attributes
    ----------
    records : sequence of mapping
        The rows.
    total : int or None
        The server's count of all rows; None where the answer is a bare list.
    limit : int
        The server's own page size.
    has_next : bool or None
        Whether the server says that more follows.
    paid : int
        Credits spent to get it now; 0 from the journal.
    """

    records: Sequence[Mapping[str, Any]]
    total: int | None
    limit: int
    has_next: bool | None = None
    paid: int = 1


class Arrived(NamedTuple):
    """A page that arrived.

    Attributes
    ----------
    request : Request
        What was asked.
    numbers : list of int
        Its rows.
    total : int or None
        The total that it spoke of.
    has_next : bool or None
        Whether it said that more follows.
    started, ended : int
        How many pages had arrived when it was asked for, and when it arrived: a page that ended
        before another started is older than that one.
    """

    request: Request
    numbers: list[int]
    total: int | None
    has_next: bool | None
    started: int
    ended: int

    @property
    def offset(self) -> int:
        """Where it lay."""
        return self.request.offset


def identity(record: Mapping[str, Any]) -> bytes:
    """Return what a row is: a digest of its whole content."""
    text = _canonical(record).encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=16).digest()


def digest_of(identities: Iterable[bytes]) -> str:
    """Return one digest for a set of rows, whatever their order."""
    return sha256(b"".join(sorted(identities))).hexdigest()


def _hashable(value: object) -> Any:  # noqa: ANN401
    return _canonical(value) if isinstance(value, dict | list) else value


def sort_key(value: object) -> tuple[int, int, Any]:
    """Return a key that sorts as the API does: nulls last, and so first when descending."""
    if value is None:
        return (1, 0, 0)
    if isinstance(value, bool | int | float):
        return (0, 0, value)
    return (0, 1, str(value))


@dataclass
class Evidence:
    """What is known of the rows: who they are, and who stood where.

    Attributes
    ----------
    ids : dict
        Row number by identity. An identity counts the copies of a row within one page too, so that
        two rows with the same content are two rows.
    values : list of tuple
        Of each row, the values of the fields that sorts and facets need.
    slots, standing : dict
        Row number by position in the swept order, and the other way round.
    total : int or None
        The server's count that holds now.
    """

    fields: tuple[str, ...]
    sink: Callable[[Sequence[Mapping[str, Any]]], None]
    ids: dict[tuple[bytes, int], int] = field(default_factory=dict)
    values: list[tuple[Any, ...]] = field(default_factory=list)
    slots: dict[int, int] = field(default_factory=dict)
    standing: dict[int, int] = field(default_factory=dict)
    total: int | None = None
    limit: int = PAGE_SIZE

    def learn(self, page: Page) -> list[int]:
        """Keep what is new in a page, hand it on, and return the page's row numbers."""
        copies: dict[bytes, int] = {}
        numbers: list[int] = []
        fresh: list[Mapping[str, Any]] = []
        for record in page.records:
            digest = identity(record)
            copy = copies.get(digest, 0)
            copies[digest] = copy + 1
            number = self.ids.setdefault((digest, copy), len(self.ids))
            if number == len(self.values):
                self.values.append(tuple(_hashable(record.get(name)) for name in self.fields))
                fresh.append(record)
            numbers.append(number)
        if fresh:
            self.sink(fresh)
        return numbers

    def value(self, number: int, name: str) -> Any:  # noqa: ANN401
        """Return a row's value of one of the kept fields."""
        return self.values[number][self.fields.index(name)]

    def place(self, entry: Arrived) -> None:
        """Note where the rows of a page stood; what stood there before stays."""
        for position, number in enumerate(entry.numbers, entry.offset):
            if self.slots.setdefault(position, number) == number:
                self.standing.setdefault(number, position)

    def stands_as(self, entry: Arrived) -> bool:
        """Tell whether a page agrees with where its rows were seen before."""
        return all(
            self.standing.get(number, position) == position
            and self.slots.get(position, number) == number
            for position, number in enumerate(entry.numbers, entry.offset)
        )

    def forget_places(self) -> None:
        """Keep who the rows are, and forget where they stood."""
        self.slots.clear()
        self.standing.clear()

    def windows(self, goal: int) -> list[int]:
        """Return the offsets of the pages that cover each position before `goal` that is empty."""
        offsets: list[int] = []
        covered = 0
        for position in range(goal):
            if position not in self.slots and position >= covered:
                offsets.append(position)
                covered = position + self.limit
        return offsets
