"""Choose the next page to fetch from a group of rows that tie and do not fit on one page.

There are two ways to see such rows. A filter that leaves few rows shows all of them at once. A
window on more rows than a page holds shows a sample of them. Rows that no known filter value
selects come by windows only, and these windows show other rows too, so it may not pay to filter for
those first. The next page is therefore the one that lowers the expected cost of the rest the most.

Knows counts and facets only, and imports no other module of the package.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Planner", "Subset"]


# A row suggests that there are similar rows not seen yet, and so does a value of a facet. Each
# time that it is seen again, this suggestion is weaker by this factor. Chosen by simulation.
_HINT_DECAY = 0.4
_MIN_HINT = 1e-3
# A first look at a subset comes before everything else if it should bring this share of a page.
_FIRST_LOOK = 0.2
# How often the estimates are scaled to each known total, so that they agree with all of them.
_ROUNDS = 40
# The factor by which an estimated subset may be too small and still fit on one page.
_SIZE_SLACK = 1.15
# Pairs of facet and value. As filters they select a subset of the rows; as all the values of a row
# they are its cell.
Subset: TypeAlias = frozenset[tuple[str, Any]]
_ALL: Subset = frozenset()
_Count = TypeVar("_Count", int, float)


class _Part(NamedTuple):
    """Rows that pass some filters: how many are missing, and the share that one page shows.

    Each of `splits` is a way to see the same rows by narrower filters.
    """

    subset: Subset
    missing: float
    share: float
    splits: Sequence[Sequence[_Part]] = ()

    def cost(self, left: float = 1.0) -> float:
        """Return how many pages it should take to see this share of the missing rows."""
        missing = self.missing * left
        pages = min(missing, 1.0) / self.share
        if missing > 1 and self.share < 1:
            # Each window leaves the same share of the rows that the one before it has left.
            pages -= math.log(missing) / math.log(1 - self.share)
        return min([pages, *(sum(part.cost(left) for part in split) for split in self.splits)])

    def gain(self) -> float:
        """Return by how much one page should lower the cost."""
        return self.cost() - self.cost(1 - self.share)

    def plan(self) -> Iterator[_Part]:
        """Yield this part and those that are cheaper together than its own windows."""
        yield self
        cheapest = min(self.splits, key=lambda split: sum(p.cost() for p in split), default=())
        if sum(part.cost() for part in cheapest) <= self.cost():
            for part in cheapest:
                yield from part.plan()


class Planner:
    """Chooses the pages that complete a group of rows, by the rows of it that have arrived.

    Parameters
    ----------
    size : int
        How many rows a page holds.
    facets : sequence of str
        The fields that can be filtered by.

    Attributes
    ----------
    totals : dict
        How many of the group's rows pass some filters, as far as the server reported it.
    excluded : set
        Filters that must not be used again.
    """

    def __init__(self, size: int, facets: Sequence[str]) -> None:
        self.size = size
        self.facets = facets
        self.totals: dict[Subset, int] = {}
        self.excluded: set[Subset] = set()

    def best(
        self, cells: Mapping[int, Subset], times_seen: Mapping[int, int], missing: int
    ) -> Subset:
        """Return the filters of the page to fetch next; none for a plain window.

        Parameters
        ----------
        cells : mapping
            The values of the facets, by the number of the row.
        times_seen : mapping
            How many pages contained the row, by its number.
        missing : int
            How many rows of the group have not arrived.
        """
        seen = Counter(cells.values())
        unseen = self._unseen(_hints(cells, times_seen), seen, missing)
        parts = list(self._part(_ALL, seen, unseen).plan())
        # A first look that brings many rows is hardly ever wasted. It also shows how many rows the
        # subset has, and with that known, the rest is planned better.
        unknown = [
            (part.missing * part.share, part)
            for part in parts
            if part.subset and part.subset not in self.totals
        ]
        rows, first_look = max(unknown, key=itemgetter(0), default=(0.0, parts[0]))
        if rows >= self.size * _FIRST_LOOK:
            return first_look.subset
        return max(parts, key=lambda part: (part.gain(), part.missing)).subset

    def _unseen(
        self, expected: dict[Subset, float], seen: Mapping[Subset, int], missing: int
    ) -> dict[Subset, float]:
        """Scale the expected rows of each cell until they add up to the rows that are missing."""
        targets = {_ALL: missing}
        for subset, total in self.totals.items():
            targets[subset] = max(total - sum(_within(subset, seen).values()), 0)
        for subset in targets:
            # If no row suggests what is missing from a subset, the missing rows are of another
            # kind, with the values of the subset and no other known one.
            expected.setdefault(subset, _MIN_HINT**2)
        cells_of = {subset: list(_within(subset, expected)) for subset in targets}
        for _ in range(_ROUNDS):
            for subset, target in targets.items():
                scale = target / (sum(expected[cell] for cell in cells_of[subset]) or 1)
                for cell in cells_of[subset]:
                    expected[cell] *= scale
        return {cell: count for cell, count in expected.items() if count > _MIN_HINT**2}

    def _part(
        self, subset: Subset, seen: Mapping[Subset, int], unseen: Mapping[Subset, float]
    ) -> _Part:
        """Return what to expect of the rows that pass some filters."""
        missing = sum(unseen.values())
        size = sum(seen.values()) + missing
        if subset and subset not in self.totals:
            size *= _SIZE_SLACK
        if size <= self.size:
            return _Part(subset, missing, 1.0)
        share = self.size / size
        used = {name for name, _ in subset}
        free = [name for name in self.facets if name not in used]
        splits = [self._split(subset, share, name, seen, unseen) for name in free]
        return _Part(subset, missing, share, splits)

    def _split(
        self,
        subset: Subset,
        share: float,
        facet: str,
        seen: Mapping[Subset, int],
        unseen: Mapping[Subset, float],
    ) -> list[_Part]:
        """Split a subset by a facet. Rows that no value of it selects stay with the subset."""
        groups: dict[Subset, dict[Subset, float]] = {}
        for cell, count in unseen.items():
            narrower = subset.union(pair for pair in cell if pair[0] == facet)
            key = subset if narrower in self.excluded else narrower
            groups.setdefault(key, {})[cell] = count
        rest = _Part(subset, sum(groups.pop(subset, {}).values()), share)
        parts = (self._part(key, _within(key, seen), group) for key, group in groups.items())
        return [*parts, rest]


def _hints(cells: Mapping[int, Subset], times_seen: Mapping[int, int]) -> dict[Subset, float]:
    """Return how strongly the rows that arrived suggest other rows in each cell.

    A row that arrived once suggests others like it; a row that arrived with every page hardly does.
    In the same way, a value that arrived once suggests values that have not arrived. Rows with such
    a value are in the cell without it, because a filter needs a known value.
    """
    rows = Counter(pair for cell in cells.values() for pair in cell)
    pair_seen: Counter[tuple[str, Any]] = Counter()
    for number, cell in cells.items():
        pair_seen.update(dict.fromkeys(cell, times_seen[number]))
    hints: defaultdict[Subset, float] = defaultdict(float)
    for number, cell in cells.items():
        hints[cell] += _HINT_DECAY ** (times_seen[number] - 1)
        # Sorted, because the order of a set differs between processes, and so would the sums.
        for pair in sorted(cell, key=itemgetter(0)):
            hints[cell - {pair}] += (_HINT_DECAY ** (pair_seen[pair] - 1) + _MIN_HINT) / rows[pair]
    return hints


def _within(subset: Subset, counts: Mapping[Subset, _Count]) -> dict[Subset, _Count]:
    """Return the counts of the cells that pass some filters."""
    return {cell: count for cell, count in counts.items() if subset <= cell}
