"""What a sweep knows about the rows: their numbers, positions and sort values.

Knows neither requests nor the order that the caller wants. Imports `compact` and `page` only, and
what writes JSON of any depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b, sha256
from operator import itemgetter
from typing import TYPE_CHECKING, Any, overload

from sectorsdf.config.deep_json import canonical
from sectorsdf.paging.compact import DigestIndex, EncodedColumn, IntMap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np

    from sectorsdf.paging.page import FetchedPage, Page

__all__ = ["Gaps", "RowIndex", "combined_digest", "sort_key"]


_NESTED = frozenset({dict, list})
_FEW_ROWS = 10


@lru_cache(maxsize=256)
def _reader(names: tuple[str, ...]) -> tuple[Callable[[Mapping[str, Any]], Any], blake2b]:
    """Return a function that reads a record's values by sorted field name, and a hash of these."""
    ordered = sorted(names)
    values_of = itemgetter(*ordered) if ordered else tuple
    return values_of, blake2b(ascii(ordered).encode(), digest_size=16)


def row_digests(records: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """Return a digest of each row's whole content; the order of its fields does not matter."""
    digests = []
    known: tuple[str, ...] | None = None
    for record in records:
        fields = tuple(record)
        if fields != known:
            known = fields
            values_of, of_names = _reader(fields)
        values = values_of(record)
        if len(fields) > 1 and _NESTED.isdisjoint(map(type, values)):
            # As unambiguous as JSON, in a third of the time.
            text = ascii(values).encode()
        else:
            text = canonical(values).encode("utf-8", "surrogatepass")
        # Files keep the digest of all rows, so this must stay as it is.
        digest = of_names.copy()
        digest.update(text)
        digests.append(digest.digest())
    return digests


def combined_digest(parts: Iterable[np.ndarray]) -> str:
    """Return one digest for a set of rows, given their digests in ascending order, in parts."""
    combined = sha256()
    for part in parts:
        combined.update(part.data)
    return combined.hexdigest()


def sort_key(value: object) -> tuple[int, int, Any]:
    """Return a key that sorts as the API does: nulls last, and so first when descending."""
    if value is None:
        return (1, 0, 0)
    if isinstance(value, bool | int | float):
        return (0, 0, value)
    return (0, 1, str(value))


def _number_copies(digests: Sequence[bytes]) -> list[bytes]:
    """Return a key for each row of a page; equal rows differ by the number of the copy."""
    copies: dict[bytes, int] = {}
    keys = []
    for digest in digests:
        copy = copies.get(digest, 0)
        copies[digest] = copy + 1
        keys.append(digest + copy.to_bytes(4, "big") if copy else digest)
    return keys


@dataclass(frozen=True)
class Gaps(Sequence[int]):
    """Offsets of the pages that are missing.

    Takes no memory for those after the last known row: a server may say that the list has a
    thousand million rows, and send thirty.

    Attributes
    ----------
    inner : list of int
        The offsets before the end of the rows that are known.
    after : range
        The offsets from there to the end of the list.
    """

    inner: list[int]
    after: range

    def __len__(self) -> int:
        return len(self.inner) + len(self.after)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        return self.inner[index] if index < len(self.inner) else self.after[index - len(self.inner)]


@dataclass
class RowIndex:
    """The rows that have arrived: their numbers, the positions seen, and the fields to sort by.

    Rows are numbered from 0 in the order of arrival.

    Attributes
    ----------
    fields : tuple of str
        The fields whose values sorts and facets need.
    sink : callable
        Takes the records of new rows, in the order of their row numbers.
    numbers : DigestIndex
        Row number by digest. Rows of one page with the same content count as different rows.
    columns : dict of EncodedColumn
        The values of `fields`, in the order of the row numbers.
    row_at : IntMap
        Row number by position in the swept order.
    position_of : IntMap
        Position by row number.
    """

    fields: tuple[str, ...]
    sink: Callable[[Sequence[Mapping[str, Any]]], None]
    numbers: DigestIndex = field(default_factory=DigestIndex)
    columns: dict[str, EncodedColumn] = field(default_factory=dict)
    row_at: IntMap = field(default_factory=IntMap)
    position_of: IntMap = field(default_factory=IntMap)

    def __post_init__(self) -> None:
        self.columns = {name: EncodedColumn() for name in self.fields}

    def __len__(self) -> int:
        return len(self.numbers)

    def add_page(self, page: Page) -> Sequence[int]:
        """Add the new rows of a page, pass them to the sink, and return all its row numbers."""
        keys = row_digests(page.records)
        if len(set(keys)) < len(keys):
            keys = _number_copies(keys)
        known = len(self)
        numbers = self.numbers.add(keys)
        new = page.records
        if not isinstance(numbers, range):
            pairs = zip(numbers, new, strict=True)
            new = [record for number, record in pairs if number >= known]
        if new:
            for name, column in self.columns.items():
                values = [record.get(name) for record in new]
                if not _NESTED.isdisjoint(map(type, values)):
                    values = [canonical(v) if type(v) in _NESTED else v for v in values]
                column.extend(values)
            self.sink(new)
        return numbers

    def value(self, number: int, name: str) -> Any:  # noqa: ANN401
        """Return a row's value of one of the `fields`."""
        return self.columns[name][number]

    def set_positions(self, page: FetchedPage) -> None:
        """Record the positions of a page's rows; positions recorded before stay as they are."""
        numbers, offset = page.numbers, page.offset
        if self._is_new(page):
            self.row_at.fill(offset, numbers)
            self.position_of.fill(numbers[0], range(offset, offset + len(numbers)))
            return
        for position, number in enumerate(numbers, offset):
            if self.row_at.setdefault(position, number) == number:
                self.position_of.setdefault(number, position)

    def disagreement(self, page: FetchedPage) -> int | None:
        """Return a position at which a page's rows are not where they were seen before."""
        if self._is_new(page):
            return None
        for position, number in enumerate(page.numbers, page.offset):
            known = self.position_of.get(number)
            if known is not None and known != position:
                return known
            if self.row_at.get(position) not in (None, number):
                return position
        return None

    def has_other_values(self, page: FetchedPage, name: str) -> bool:
        """Return whether a page shows another value of a field at a position than was seen there.

        Rows that tie in the field by which the list is sorted may swap, but the values stay.
        """
        if self._is_new(page):
            return False
        values = self.columns[name]
        return any(
            (known := self.row_at.get(position)) not in (None, number)
            and values[known] != values[number]
            for position, number in enumerate(page.numbers, page.offset)
        )

    def seen_elsewhere(self, page: FetchedPage, name: str, *, cut: bool) -> int | None:
        """Return where the rows of a page were seen before, if that was at least a page away.

        In a sorted list, a page can come twice by chance only if all its rows tie, and then only if
        it has few rows: of twenty rows, the same ten come once in 180,000 times.

        Parameters
        ----------
        page : FetchedPage
            The page.
        name : str
            The field that the list is sorted by.
        cut : bool
            The page has fewer rows than it should have, so that chance does not explain it.
        """
        count = len(page.numbers)
        if not count or isinstance(page.numbers, range):
            return None
        positions = [self.position_of.get(number) for number in page.numbers]
        known = [position for position in positions if position is not None]
        if len(known) < count or max(known) - min(known) != count - 1:
            return None
        few = count < _FEW_ROWS and len({self.value(n, name) for n in page.numbers}) == 1
        few &= not cut
        return None if few or abs(min(known) - page.offset) < count else min(known)

    def _is_new(self, page: FetchedPage) -> bool:
        """Return whether no row and no position of a page was seen before."""
        numbers, count = page.numbers, len(page.numbers)
        return (
            count > 0
            and isinstance(numbers, range)
            and self.position_of.all_free(numbers[0], count)
            and self.row_at.all_free(page.offset, count)
        )

    def clear_positions(self) -> None:
        """Forget the positions, but not the rows."""
        self.row_at, self.position_of = IntMap(), IntMap()

    def gaps(self, stop: int, page_size: int) -> Gaps:
        """Return the offsets of pages that cover every position before `stop` without a row."""
        inner: list[int] = []
        position = self.row_at.next_free(0)
        while position < min(self.row_at.end(), stop):
            inner.append(position)
            position = self.row_at.next_free(position + page_size)
        return Gaps(inner, range(position, stop, page_size))

    def missing_positions(self, stop: int) -> int:
        """Return how many positions before `stop` have no row."""
        return stop - self.row_at.count_before(stop)
