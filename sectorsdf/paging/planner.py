"""Which page to ask for next, where tying rows are more than a page holds. Knows no sweep.

A filter that leaves few rows shows them all at once; a window on more rows than a page holds shows
a sample of them. Rows whose values no filter reaches, or that nobody has seen yet, come by windows
only, and these show others too: what they may leave is not paid before them. So the next page is
the one that lowers the expected cost of the rest the most.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Planner", "Subset"]


# How much less a row, or a value of a facet, hints at others not seen yet each time that it is seen
# again. Chosen by simulation.
_HINT = 0.4
_LEAST_HINT = 1e-3
# The share of a page that a first look at a subset should bring, to be taken before all else.
_FIRST_LOOK = 0.2
# How often the estimates are scaled to each total that was told, so that they agree with them all.
_ROUNDS = 40
# How far the estimate of a subset's size may be off before it overflows one page.
_SIZE_SLACK = 1.15
Subset: TypeAlias = frozenset[tuple[str, Any]]
_ALL: Subset = frozenset()
_Count = TypeVar("_Count", int, float)


class _Part(NamedTuple):
    """Rows that pass some filters: how many are lacking, and the share that one page shows.

    Each of `splits` is a way to see the same rows by narrower filters.
    """

    subset: Subset
    lacking: float
    share: float
    splits: Sequence[Sequence[_Part]] = ()

    def cost(self, left: float = 1.0) -> float:
        """Return how many pages it should take to see this share of what is lacking."""
        lacking = self.lacking * left
        pages = min(lacking, 1.0) / self.share
        if lacking > 1 and self.share < 1:
            # Each window leaves the same share of what the one before it has left.
            pages -= math.log(lacking) / math.log(1 - self.share)
        return min([pages, *(sum(part.cost(left) for part in split) for split in self.splits)])

    def gain(self) -> float:
        """Return by how much one page should lower the cost."""
        return self.cost() - self.cost(1 - self.share)

    def plan(self) -> Iterator[_Part]:
        """Yield the parts that the cheapest way may ask for."""
        yield self
        cheapest = min(self.splits, key=lambda split: sum(p.cost() for p in split), default=())
        if sum(part.cost() for part in cheapest) <= self.cost():
            for part in cheapest:
                yield from part.plan()


class Planner:
    """Plans the pages that complete a group of rows, by what was seen of it.

    Parameters
    ----------
    size : int
        How many rows a page holds.
    facets : sequence of str
        What can be filtered by.

    Attributes
    ----------
    totals : dict
        How many of the group's rows pass some filters, where the server told.
    barred : set
        Filters that are not to be asked for again.
    """

    def __init__(self, size: int, facets: Sequence[str]) -> None:
        self.size = size
        self.facets = facets
        self.totals: dict[Subset, int] = {}
        self.barred: set[Subset] = set()

    def best(self, cells: Mapping[int, Subset], times: Mapping[int, int], missing: int) -> Subset:
        """Return the filters of the page to ask for; none for a plain window.

        Parameters
        ----------
        cells : mapping
            The facets' values of each row that was seen.
        times : mapping
            How often it was seen.
        missing : int
            How many rows were not.
        """
        seen = Counter(cells.values())
        unseen = self._unseen(_hints(cells, times), seen, missing)
        parts = list(self._part(_ALL, seen, unseen).plan())
        # A first look that brings many rows is hardly ever in vain, and tells how many there are:
        # with that known, the rest is planned better.
        new = [
            (part.lacking * part.share, part)
            for part in parts
            if part.subset and part.subset not in self.totals
        ]
        rows, first = max(new, key=itemgetter(0), default=(0.0, parts[0]))
        if rows >= self.size * _FIRST_LOOK:
            return first.subset
        return max(parts, key=lambda part: (part.gain(), part.lacking)).subset

    def _unseen(
        self, expected: dict[Subset, float], seen: Mapping[Subset, int], missing: int
    ) -> dict[Subset, float]:
        """Scale what is expected of each cell until it agrees with how many rows are lacking."""
        lacking = {_ALL: missing}
        for subset, total in self.totals.items():
            lacking[subset] = max(total - sum(_only(subset, seen).values()), 0)
        for subset in lacking:
            # Where nothing that was seen hints at what a list lacks, it is of a kind of its own.
            expected.setdefault(subset, _LEAST_HINT**2)
        inside = {subset: list(_only(subset, expected)) for subset in lacking}
        for _ in range(_ROUNDS):
            for subset, count in lacking.items():
                scale = count / (sum(expected[cell] for cell in inside[subset]) or 1)
                for cell in inside[subset]:
                    expected[cell] *= scale
        return {cell: count for cell, count in expected.items() if count > _LEAST_HINT**2}

    def _part(
        self, subset: Subset, seen: Mapping[Subset, int], unseen: Mapping[Subset, float]
    ) -> _Part:
        """Return what is to be expected of the rows that pass some filters."""
        lacking = sum(unseen.values())
        size = sum(seen.values()) + lacking
        if subset and subset not in self.totals:
            size *= _SIZE_SLACK
        if size <= self.size:
            return _Part(subset, lacking, 1.0)
        share = self.size / size
        names = {name for name, _ in subset}
        free = [name for name in self.facets if name not in names]
        splits = [self._split(subset, share, name, seen, unseen) for name in free]
        return _Part(subset, lacking, share, splits)

    def _split(
        self,
        subset: Subset,
        share: float,
        facet: str,
        seen: Mapping[Subset, int],
        unseen: Mapping[Subset, float],
    ) -> list[_Part]:
        """Split a subset by a facet; what no filter reaches stays with the subset's own."""
        groups: dict[Subset, dict[Subset, float]] = {}
        for cell, count in unseen.items():
            inner = subset.union(pair for pair in cell if pair[0] == facet)
            key = subset if inner in self.barred else inner
            groups.setdefault(key, {})[cell] = count
        hidden = _Part(subset, sum(groups.pop(subset, {}).values()), share)
        parts = (self._part(key, _only(key, seen), group) for key, group in groups.items())
        return [*parts, hidden]


def _hints(cells: Mapping[int, Subset], times: Mapping[int, int]) -> dict[Subset, float]:
    """Return how much the rows seen hint at others in each cell.

    A row that came once hints at others like it, one that came at each turn hardly does. In the
    same way, a value that came once hints at values that did not come yet: their cell is the row's
    without that value, because nobody can filter by what is not known.
    """
    rows = Counter(pair for cell in cells.values() for pair in cell)
    came: Counter[tuple[str, Any]] = Counter()
    for number, cell in cells.items():
        came.update(dict.fromkeys(cell, times[number]))
    hints: defaultdict[Subset, float] = defaultdict(float)
    for number, cell in cells.items():
        hints[cell] += _HINT ** (times[number] - 1)
        # Not in the order of a set, which differs between processes: the sums would, too.
        for pair in sorted(cell, key=itemgetter(0)):
            hints[cell - {pair}] += (_HINT ** (came[pair] - 1) + _LEAST_HINT) / rows[pair]
    return hints


def _only(subset: Subset, counts: Mapping[Subset, _Count]) -> dict[Subset, _Count]:
    """Return the cells that pass some filters."""
    return {cell: count for cell, count in counts.items() if subset <= cell}
