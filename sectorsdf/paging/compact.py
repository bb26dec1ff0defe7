"""Containers that take a few bytes an entry: what a sweep of a million rows has to remember."""

from __future__ import annotations

from array import array
from collections import defaultdict
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["DigestIndex", "EncodedColumn", "IntMap"]


_NOBODY = -1
_PLAIN = frozenset({str, type(None)})
# Room for a digest of 16 bytes and the number of a copy. NumPy leaves out the NULs that a text
# ends with, which makes no two of them equal.
_NAME = np.dtype("S20")
_RECENT = 1 << 15


class IntMap:
    """Whole numbers by whole numbers from 0: a mapping that takes four bytes an entry."""

    def __init__(self) -> None:
        self._cells = array("i")
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: int) -> bool:
        return self.get(key) is not None

    def __getitem__(self, key: int) -> int:
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def get(self, key: int) -> int | None:
        """Return what stands under a key, or None."""
        cell = self._cells[key] if 0 <= key < len(self._cells) else _NOBODY
        return None if cell == _NOBODY else cell

    def setdefault(self, key: int, value: int) -> int:
        """Note a value where none stands yet; return the one that stands there then."""
        found = self.get(key)
        if found is None:
            self.fill(key, [value])
        return value if found is None else found

    def items(self) -> Iterator[tuple[int, int]]:
        """Yield the entries in the order of their keys."""
        return (entry for entry in enumerate(self._cells) if entry[1] != _NOBODY)

    def values(self) -> array[int]:
        """Return what stands there, in the order of the keys."""
        if self._count == len(self._cells):
            return self._cells[:]
        return array("i", (cell for cell in self._cells if cell != _NOBODY))

    def end(self) -> int:
        """Return the key behind the last one that something stands under."""
        return len(self._cells)

    def next_free(self, start: int) -> int:
        """Return the first key from there on that nothing stands under."""
        try:
            return self._cells.index(_NOBODY, start)
        except ValueError:
            return max(start, len(self._cells))

    def all_free(self, start: int, count: int) -> bool:
        """Tell whether nothing stands under any of so many keys."""
        cells = self._cells[start : start + count]
        return cells.count(_NOBODY) == len(cells)

    def fill(self, start: int, values: Sequence[int]) -> None:
        """Note values under keys that are free."""
        stop = start + len(values)
        if stop > len(self._cells):
            self._cells.extend(array("i", [_NOBODY]) * (stop - len(self._cells)))
        self._cells[start:stop] = array("i", values)
        self._count += len(values)


class EncodedColumn:
    """A column of JSON values, each distinct one kept once: one to four bytes a row."""

    def __init__(self) -> None:
        self._codes = array("B")
        # 1, 1.0 and True are one key of a dict, so that what is no text stands with its type.
        self._known: defaultdict[Any, int] = defaultdict(count().__next__)
        self._listed: list[Any] = []

    def __len__(self) -> int:
        return len(self._codes)

    def __getitem__(self, row: int) -> Any:  # noqa: ANN401
        if len(self._listed) < len(self._known):
            new = islice(self._known, len(self._listed), None)
            self._listed += [key[1] if isinstance(key, tuple) else key for key in new]
        return self._listed[self._codes[row]]

    def extend(self, values: Sequence[Any]) -> None:
        """Add rows."""
        if not _PLAIN.issuperset(map(type, values)):
            values = [v if type(v) in _PLAIN else (type(v), v) for v in values]
        codes = [self._known[value] for value in values]
        for wider, many in (("H", 1 << 8), ("i", 1 << 16)):
            if len(self._known) > many and self._codes.itemsize < array(wider).itemsize:
                self._codes = array(wider, self._codes)
        self._codes.extend(codes)


class DigestIndex:
    """Row numbers by identity: a name of 16 to 20 bytes.

    A dict of them takes some 200 bytes a row. Here it holds the recent ones only; those before
    them stand in sorted arrays, of which there are a few: two of the same size become one.

    Parameters
    ----------
    recent : int
        How many the dict may hold.
    """

    def __init__(self, recent: int = _RECENT) -> None:
        self._most = recent
        self._recent: dict[bytes, int] = {}
        self._sorted: list[tuple[np.ndarray, np.ndarray]] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def numbers(self, names: Sequence[bytes]) -> Sequence[int]:
        """Return the number of each, and the next numbers for those that are new.

        Parameters
        ----------
        names : sequence of bytes
            Different from each other.

        Returns
        -------
        sequence of int
            A range where all of them are new.
        """
        first, recent = self._count, self._recent
        found = self._older(names)
        if not found and recent.keys().isdisjoint(names):
            numbers: Sequence[int] = range(first, first + len(names))
            recent.update(zip(names, numbers, strict=True))
            self._count += len(names)
        else:
            known = [found.get(name, recent.get(name)) for name in names]
            new = count(first)
            numbers = [next(new) if number is None else number for number in known]
            recent.update(entry for entry in zip(names, numbers, strict=True) if entry[1] >= first)
            self._count = next(new)
        if len(recent) >= self._most:
            self._sort_recent()
        return numbers

    def names(self) -> np.ndarray:
        """Return the name of each row, by its number."""
        names = np.empty(self._count, _NAME)
        for those, numbers in self._sorted:
            names[numbers] = those
        names[list(self._recent.values())] = list(self._recent)
        return names

    def contents(self, rows: np.ndarray | None = None) -> np.ndarray:
        """Return the first 16 bytes of these rows' names, or of all, in no order."""
        if rows is not None:
            some: np.ndarray = self.names()[rows].astype("S16")
            return some
        contents = np.empty(self._count, "S16")
        start = 0
        for names in (np.array(list(self._recent), _NAME), *(names for names, _ in self._sorted)):
            contents[start : start + len(names)] = names
            start += len(names)
        return contents

    def _older(self, names: Sequence[bytes]) -> dict[bytes, int]:
        """Return the numbers of those that stand in the arrays."""
        found: dict[bytes, int] = {}
        if not (self._sorted and names):
            return found
        wanted = np.array(names, _NAME)
        for those, numbers in self._sorted:
            places = np.searchsorted(those, wanted)
            places[places == len(those)] = 0
            for place in np.flatnonzero(those[places] == wanted).tolist():
                found[names[place]] = int(numbers[places[place]])
        return found

    def _sort_recent(self) -> None:
        names = np.array(list(self._recent), _NAME)
        numbers = np.array(list(self._recent.values()), np.int32)
        self._recent.clear()
        while self._sorted and len(self._sorted[-1][0]) <= len(names):
            earlier = self._sorted.pop()
            names = np.concatenate([earlier[0], names])
            numbers = np.concatenate([earlier[1], numbers])
        order = np.argsort(names, kind="stable")
        self._sorted.append((names[order], numbers[order]))
