"""Pair rows whose key repeats: equal content first, then the most equal columns.

This module is given only the rows with such keys, which are few in the data of the API.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import numpy.typing as npt

    Indices = npt.NDArray[np.int64]

__all__ = ["Repeats", "pair_repeats"]

# So many pairs of rows of one key are compared at most. Rows of a key that repeats more often are
# paired by content only: such a key does not say which rows belong together.
_MOST_PAIRS = 1 << 20


@dataclass(frozen=True)
class Repeats:
    """Which of the given rows belong together.

    Attributes
    ----------
    pairs : pair of array of int
        The rows of the old and of the new table, pair by pair.
    alone_new : array of int
        The rows of the new table that belong to no row of the old one.
    occurrences : pair of array of int
        For each row of each table, which of the rows with its key it is, counted from 1.
    """

    pairs: tuple[Indices, Indices]
    alone_new: Indices
    occurrences: tuple[Indices, Indices]


def pair_repeats(old: pa.Table, new: pa.Table, old_keys: Indices, new_keys: Indices) -> Repeats:
    """Pair rows of two tables whose keys, as whole numbers, repeat in at least one of them."""
    ranks = _ranks(old, new)
    old_ranks, new_ranks = ranks[: len(old)], ranks[len(old) :]
    # Equal rows are interchangeable, so they may be numbered in the order in which they stand.
    contents = _content_numbers(ranks)
    sides = (
        (old_keys, old_ranks, contents[: len(old)]),
        (new_keys, new_ranks, contents[len(old) :]),
    )
    occurrences = tuple(_occurrences(keys, content) for keys, _, content in sides)
    frames = [
        pd.DataFrame(
            {
                "key": keys,
                "content": content,
                "nth": _nth_equal(content),
                "row": np.arange(len(keys)),
            }
        )
        for keys, _, content in sides
    ]
    equal = frames[0].merge(frames[1], on=["key", "content", "nth"], suffixes=("_old", "_new"))
    first = equal["row_old"].to_numpy(np.int64), equal["row_new"].to_numpy(np.int64)
    left = [
        _without(np.arange(len(keys)), done)
        for (keys, _, _), done in zip(sides, first, strict=True)
    ]
    second = _pair_close(sides, left)
    pairs = tuple(np.concatenate([a, b]) for a, b in zip(first, second, strict=True))
    alone_new = _without(left[1], second[1])
    return Repeats((pairs[0], pairs[1]), alone_new, (occurrences[0], occurrences[1]))


def _without(rows: Indices, done: Indices) -> Indices:
    return rows[~np.isin(rows, done)]


def _ranks(old: pa.Table, new: pa.Table) -> Indices:
    """Return the rank of each value among those of its column, in any order of the rows."""
    ranks = np.zeros((len(old) + len(new), old.num_columns), dtype=np.int64)
    for i, name in enumerate(old.column_names):
        column = pa.chunked_array(
            [*old.column(name).chunks, *new.column(name).chunks], old.column(name).type
        )
        if pa.types.is_null(column.type):
            continue
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.int8())
        # A missing value has no rank of its own; it comes before all others.
        ranked = pc.rank(column, sort_keys="ascending", tiebreaker="min")
        missing = pc.is_null(column).to_numpy(zero_copy_only=False)
        ranks[:, i] = np.where(missing, 0, ranked.to_numpy())
    return ranks


def _content_numbers(ranks: Indices) -> Indices:
    """Return a whole number for each row: the order of the rows' contents, equal if they are."""
    _, numbers = np.unique(ranks, axis=0, return_inverse=True)
    return numbers.ravel().astype(np.int64)


def _occurrences(keys: Indices, content: Indices) -> Indices:
    """Return for each row which of the rows with its key it is, by content, counted from 1."""
    order = np.lexsort((content, keys))
    numbers = np.empty(len(keys), dtype=np.int64)
    numbers[order] = pd.Series(keys[order]).groupby(keys[order]).cumcount().to_numpy() + 1
    return numbers


def _nth_equal(content: Indices) -> Indices:
    """Return for each row how many equal rows stand before it."""
    return np.asarray(pd.Series(content).groupby(content).cumcount(), dtype=np.int64)


def _pair_close(
    sides: tuple[tuple[Indices, Indices, Indices], ...], left: list[Indices]
) -> tuple[Indices, Indices]:
    """Pair the rows that are left, key by key, those with the most equal columns first."""
    groups = []
    for (keys, _, content), rows in zip(sides, left, strict=True):
        order = rows[np.lexsort((content[rows], keys[rows]))]
        groups.append({int(key): list(own) for key, own in groupby(order, lambda row: keys[row])})  # noqa: B023
    found: list[tuple[int, int]] = []
    for key in groups[0].keys() & groups[1].keys():
        found += _closest(sides[0][1], sides[1][1], groups[0][key], groups[1][key])
    found.sort()
    pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _closest(
    old_ranks: Indices, new_ranks: Indices, old: list[int], new: list[int]
) -> list[tuple[int, int]]:
    """Pair rows of one key, which are in the order of their content."""
    if len(old) * len(new) > _MOST_PAIRS:
        return []
    equal = sum(
        (old_ranks[old, i][:, None] == new_ranks[new, i][None, :]).astype(np.int64)
        for i in range(old_ranks.shape[1])
    )
    # A stable sort: of pairs that are equally close, the first in the order of content wins.
    order = np.argsort(-np.asarray(equal).ravel(), kind="stable")
    pairs, used_old, used_new = [], set(), set()
    for i, j in zip(*np.unravel_index(order, (len(old), len(new))), strict=True):
        if i not in used_old and j not in used_new:
            used_old.add(i)
            used_new.add(j)
            pairs.append((int(old[i]), int(new[j])))
            if len(pairs) == min(len(old), len(new)):
                break
    return pairs
