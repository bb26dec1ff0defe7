"""Seeded random draws that give the same sequence in every Python version.

Only `random.Random.random` is documented to give the same sequence in every Python version;
`choice`, `shuffle` and `randrange` are not. Every draw here is computed from that method. Imports
nothing of the package.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableSequence, Sequence

__all__ = ["SeededRandom", "Weighted"]


T = TypeVar("T")


class Weighted(Generic[T]):
    """Values with weights, prepared once so that a draw is one bisection.

    Parameters
    ----------
    weights : mapping of value to float
        The weights need not add up to one.

    Attributes
    ----------
    values : tuple
        The values that can be drawn.
    """

    __slots__ = ("_edges", "values")

    def __init__(self, weights: Mapping[T, float]) -> None:
        self.values: tuple[T, ...] = tuple(weights)
        self._edges: tuple[float, ...] = tuple(accumulate(weights.values()))

    def at(self, share: float) -> T:
        """Return the value at a share (0 to 1) of the total weight."""
        position = bisect_right(self._edges, share * self._edges[-1])
        return self.values[min(position, len(self.values) - 1)]


class SeededRandom:
    """A seeded random number generator.

    Parameters
    ----------
    *seed : object
        Parts of the seed. Their text is what seeds the generator, so that every process draws the
        same.
    """

    __slots__ = ("random",)

    def __init__(self, *seed: object) -> None:
        self.random = random.Random(":".join(map(str, seed))).random

    def chance(self, share: float) -> bool:
        """Return true in the given share of the draws."""
        return self.random() < share

    def integer(self, low: int, high: int) -> int:
        """Return a whole number between two bounds, both included."""
        return low + int(self.random() * (high - low + 1))

    def number(self, low: float, high: float, digits: int = 2) -> float:
        """Return a number between two bounds, rounded."""
        return round(low + self.random() * (high - low), digits)

    def pick(self, values: Sequence[T]) -> T:
        """Return one of the values, each with the same probability."""
        return values[int(self.random() * len(values))]

    def draw(self, weighted: Weighted[T]) -> T:
        """Return one of the weighted values."""
        return weighted.at(self.random())

    def from_quantiles(self, points: Sequence[tuple[float, float]]) -> float:
        """Return a number from the distribution with these quantiles.

        It interpolates linearly between the points: plain arithmetic gives the same digits on
        every platform, the functions of a platform's mathematical library do not.
        """
        share = self.random()
        for (low, start), (high, end) in pairwise(points):
            if share <= high:
                return start + (end - start) * (share - low) / (high - low)
        return points[-1][1]

    def digits(self, count: int) -> str:
        """Return a text of `count` digits."""
        return "".join(str(self.integer(0, 9)) for _ in range(count))

    def shuffle(self, values: MutableSequence[T]) -> None:
        """Put the values into a random order, in place."""
        for last in range(len(values) - 1, 0, -1):
            other = self.integer(0, last)
            values[last], values[other] = values[other], values[last]
