"""What a sweep knows of the rows: who they are, and who stood where."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b, sha256
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sectorsdf.paging.compact import DigestIndex, EncodedColumn, IntMap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from sectorsdf.paging.page import FetchedPage, Page

__all__ = ["RowIndex", "digest_of", "sort_key"]


_NESTED = frozenset({dict, list})
_canonical = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


@lru_cache(maxsize=256)
def _reader(names: tuple[str, ...]) -> tuple[Callable[[Mapping[str, Any]], Any], bytes]:
    """Return what takes a record's values by the order of its fields' names, and those names."""
    ordered = sorted(names)
    return itemgetter(*ordered) if ordered else tuple, ascii(ordered).encode()


def identity(record: Mapping[str, Any]) -> bytes:
    """Return what a row is: a digest of its whole content, in whichever order its fields came."""
    values_of, names = _reader(tuple(record))
    values = values_of(record)
    if len(record) > 1 and _NESTED.isdisjoint(map(type, values)):
        # A third of the time that JSON takes, and as unambiguous.
        text = ascii(values).encode()
    else:
        text = _canonical(values).encode("utf-8", "surrogatepass")
    return blake2b(names + text, digest_size=16).digest()


def digest_of(contents: np.ndarray) -> str:
    """Return one digest for the contents of rows, whatever their order, which is lost."""
    contents.sort()
    return sha256(contents.data).hexdigest()


def sort_key(value: object) -> tuple[int, int, Any]:
    """Return a key that sorts as the API does: nulls last, and so first when descending."""
    if value is None:
        return (1, 0, 0)
    if isinstance(value, bool | int | float):
        return (0, 0, value)
    return (0, 1, str(value))


def _with_copies(names: Sequence[bytes]) -> list[bytes]:
    """Tell rows of one page with the same content apart by the number of the copy."""
    copies: dict[bytes, int] = {}
    told = []
    for name in names:
        copy = copies.get(name, 0)
        copies[name] = copy + 1
        told.append(name + copy.to_bytes(4, "big") if copy else name)
    return told


def _hashable(value: object) -> object:
    return _canonical(value) if isinstance(value, dict | list) else value


@dataclass
class RowIndex:
    """What is known of the rows: who they are, and who stood where.

    Attributes
    ----------
    ids : DigestIndex
        Row number by identity. An identity counts the copies of a row within one page too, so that
        two rows with the same content are two rows.
    columns : dict of EncodedColumn
        The values of the fields that sorts and facets need, by the field's name, in the order of
        the row numbers.
    slots, standing : Places
        Row number by position in the swept order, and the other way round.
    total : int or None
        The server's count that holds now.
    """

    fields: tuple[str, ...]
    sink: Callable[[Sequence[Mapping[str, Any]]], None]
    ids: DigestIndex = field(default_factory=DigestIndex)
    columns: dict[str, EncodedColumn] = field(default_factory=dict)
    slots: IntMap = field(default_factory=IntMap)
    standing: IntMap = field(default_factory=IntMap)
    total: int | None = None
    limit: int = 1

    def __post_init__(self) -> None:
        self.columns = {name: EncodedColumn() for name in self.fields}

    def learn(self, page: Page) -> Sequence[int]:
        """Keep what is new in a page, hand it on, and return the page's row numbers."""
        names = list(map(identity, page.records))
        if len(set(names)) < len(names):
            names = _with_copies(names)
        known = len(self.ids)
        numbers = self.ids.numbers(names)
        fresh = page.records
        if not isinstance(numbers, range):
            pairs = zip(numbers, fresh, strict=True)
            fresh = [record for number, record in pairs if number >= known]
        if fresh:
            for name, column in self.columns.items():
                values = [record.get(name) for record in fresh]
                if not _NESTED.isdisjoint(map(type, values)):
                    values = list(map(_hashable, values))
                column.extend(values)
            self.sink(fresh)
        return numbers

    def value(self, number: int, name: str) -> Any:  # noqa: ANN401
        """Return a row's value of one of the kept fields."""
        return self.columns[name][number]

    def place(self, entry: FetchedPage) -> None:
        """Note where the rows of a page stood; what stood there before stays."""
        numbers, offset = entry.numbers, entry.offset
        if self._all_new(entry):
            self.slots.fill(offset, numbers)
            self.standing.fill(numbers[0], range(offset, offset + len(numbers)))
            return
        for position, number in enumerate(numbers, offset):
            if self.slots.setdefault(position, number) == number:
                self.standing.setdefault(number, position)

    def stands_as(self, entry: FetchedPage) -> bool:
        """Tell whether a page agrees with where its rows were seen before."""
        return self._all_new(entry) or all(
            self.standing.get(number) in (None, position)
            and self.slots.get(position) in (None, number)
            for position, number in enumerate(entry.numbers, entry.offset)
        )

    def _all_new(self, entry: FetchedPage) -> bool:
        """Tell whether a page's rows and their positions are all seen for the first time."""
        numbers, count = entry.numbers, len(entry.numbers)
        return (
            count > 0
            and isinstance(numbers, range)
            and self.standing.all_free(numbers[0], count)
            and self.slots.all_free(entry.offset, count)
        )

    def forget_places(self) -> None:
        """Keep who the rows are, and forget where they stood."""
        self.slots, self.standing = IntMap(), IntMap()

    def windows(self, goal: int) -> list[int]:
        """Return the offsets of the pages that cover each position before `goal` that is empty."""
        offsets: list[int] = []
        position = self.slots.next_free(0)
        while position < goal:
            offsets.append(position)
            position = self.slots.next_free(position + self.limit)
        return offsets
