"""Containers that take a few bytes per entry, for sweeps of millions of rows.

Imports no other module of the package.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["DigestIndex", "EncodedColumn", "IntMap"]


_EMPTY = -1
_PLAIN = frozenset({str, type(None)})
# 16 bytes for a digest and 4 for the number of a copy. NumPy strips trailing NUL bytes, which does
# not make two different keys equal.
_KEY = np.dtype("S20")
_DIGEST = np.dtype("S16")
_FIRST_BYTES = np.array([bytes([first]) for first in range(256)])
_MAX_RECENT = 1 << 15


class IntMap:
    """A mapping of integers from 0 to integers from 0, at four bytes per entry.

    Keys should be dense: the mapping has a cell for each integer up to the largest key.
    """

    def __init__(self) -> None:
        self._cells = array("i")
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: int) -> bool:
        return self.get(key) is not None

    def __getitem__(self, key: int) -> int:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def get(self, key: int) -> int | None:
        """Return the value of a key, or None."""
        cell = self._cells[key] if 0 <= key < len(self._cells) else _EMPTY
        return None if cell == _EMPTY else cell

    def setdefault(self, key: int, value: int) -> int:
        """Return the value of a key; if it has none, set it first."""
        existing = self.get(key)
        if existing is not None:
            return existing
        self.fill(key, [value])
        return value

    def items(self) -> Iterator[tuple[int, int]]:
        """Iterate over keys and values, in the order of the keys."""
        return (entry for entry in enumerate(self._cells) if entry[1] != _EMPTY)

    def values(self) -> array[int]:
        """Return a copy of the values, in the order of their keys."""
        if self._count == len(self._cells):
            return self._cells[:]
        return array("i", (cell for cell in self._cells if cell != _EMPTY))

    def end(self) -> int:
        """Return the key after the largest one."""
        return len(self._cells)

    def next_free(self, start: int) -> int:
        """Return the first key from `start` on that has no value."""
        try:
            return self._cells.index(_EMPTY, start)
        except ValueError:
            return max(start, len(self._cells))

    def count_before(self, stop: int) -> int:
        """Return how many keys before `stop` have a value."""
        if stop >= len(self._cells):
            return self._count
        return max(stop, 0) - self._cells[: max(stop, 0)].count(_EMPTY)

    def all_free(self, start: int, count: int) -> bool:
        """Return whether none of `count` keys from `start` on has a value."""
        cells = self._cells[start : start + count]
        return cells.count(_EMPTY) == len(cells)

    def fill(self, start: int, values: Sequence[int]) -> None:
        """Set the values of consecutive keys that have none yet."""
        stop = start + len(values)
        if stop > len(self._cells):
            self._cells.extend(array("i", [_EMPTY]) * (stop - len(self._cells)))
        self._cells[start:stop] = array("i", values)
        self._count += len(values)


class EncodedColumn:
    """A dictionary-encoded column of JSON scalars, at one to four bytes per row."""

    def __init__(self) -> None:
        self._codes = array("B")
        # 1, 1.0 and True are the same key of a dict, so the keys of values that are neither text
        # nor null include their type.
        self._known: defaultdict[Any, int] = defaultdict(count().__next__)
        self._values: list[Any] = []

    def __len__(self) -> int:
        return len(self._codes)

    def __getitem__(self, row: int) -> Any:  # noqa: ANN401
        if len(self._values) < len(self._known):
            new = islice(self._known, len(self._values), None)
            self._values += [key[1] if isinstance(key, tuple) else key for key in new]
        return self._values[self._codes[row]]

    def extend(self, values: Sequence[Any]) -> None:
        """Append rows."""
        plain = _PLAIN.issuperset(map(type, values))
        keys = values if plain else zip(map(type, values), values, strict=True)
        codes = list(map(self._known.__getitem__, keys))
        for wider, limit in (("H", 1 << 8), ("i", 1 << 16)):
            if len(self._known) > limit and self._codes.itemsize < array(wider).itemsize:
                self._codes = array(wider, self._codes)
        self._codes.extend(codes)


class DigestIndex:
    """A mapping of keys to row numbers, which it counts from 0.

    A key is a digest of 16 bytes, followed by a number of 4 bytes if it belongs to another copy of
    the same row. A dict of such keys takes about 200 bytes per row. Here a dict holds the recent
    keys only. The older ones are in a few sorted arrays, each at least twice as long as the next.

    Parameters
    ----------
    max_recent : int
        The number of keys at which the dict becomes an array.
    """

    def __init__(self, max_recent: int = _MAX_RECENT) -> None:
        self._max_recent = max_recent
        self._recent: dict[bytes, int] = {}
        self._sorted: list[tuple[np.ndarray, np.ndarray]] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, keys: Sequence[bytes]) -> Sequence[int]:
        """Return the row number of each key; new keys get the next numbers.

        Parameters
        ----------
        keys : sequence of bytes
            Keys that differ from each other.

        Returns
        -------
        sequence of int
            A range if all keys are new.
        """
        first, recent = self._count, self._recent
        older = self._find_older(keys)
        if not older and recent.keys().isdisjoint(keys):
            numbers: Sequence[int] = range(first, first + len(keys))
            recent.update(zip(keys, numbers, strict=True))
            self._count += len(keys)
        else:
            known = [older.get(key, recent.get(key)) for key in keys]
            new = count(first)
            numbers = [next(new) if number is None else number for number in known]
            recent.update(entry for entry in zip(keys, numbers, strict=True) if entry[1] >= first)
            self._count = next(new)
        if len(recent) >= self._max_recent:
            self._sort_recent()
        return numbers

    def keys(self) -> np.ndarray:
        """Return the key of each row, in the order of the row numbers."""
        keys = np.empty(self._count, _KEY)
        for sorted_keys, numbers in self._sorted:
            keys[numbers] = sorted_keys
        keys[list(self._recent.values())] = list(self._recent)
        return keys

    def sorted_digests(self, rows: np.ndarray | None = None) -> Iterator[np.ndarray]:
        """Yield the digests of these rows, or of all rows, in ascending order, in parts."""
        if rows is not None:
            yield np.sort(self.keys()[rows].astype(_DIGEST))
            return
        recent = np.sort(np.array(list(self._recent), _KEY))
        runs = [recent, *(keys for keys, _ in self._sorted)]
        # By their first byte: a copy of all digests would take more memory than a column of text.
        cuts = [[*np.searchsorted(run, _FIRST_BYTES), len(run)] for run in runs]
        for first in range(len(_FIRST_BYTES)):
            parts = [run[cut[first] : cut[first + 1]] for run, cut in zip(runs, cuts, strict=True)]
            yield np.sort(np.concatenate(parts).astype(_DIGEST))

    def _find_older(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        """Return the row numbers of those keys that are in the sorted arrays."""
        found: dict[bytes, int] = {}
        if not (self._sorted and keys):
            return found
        wanted = np.array(keys, _KEY)
        for sorted_keys, numbers in self._sorted:
            positions = np.searchsorted(sorted_keys, wanted)
            positions[positions == len(sorted_keys)] = 0
            for i in np.flatnonzero(sorted_keys[positions] == wanted).tolist():
                found[keys[i]] = int(numbers[positions[i]])
        return found

    def _sort_recent(self) -> None:
        """Move the recent keys to a sorted array, merged with those that are not longer."""
        keys = np.array(list(self._recent), _KEY)
        numbers = np.array(list(self._recent.values()), np.int32)
        self._recent.clear()
        while self._sorted and len(self._sorted[-1][0]) <= len(keys):
            earlier_keys, earlier_numbers = self._sorted.pop()
            keys = np.concatenate([earlier_keys, keys])
            numbers = np.concatenate([earlier_numbers, numbers])
        order = np.argsort(keys, kind="stable")
        self._sorted.append((keys[order], numbers[order]))
