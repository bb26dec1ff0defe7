"""Generate who owns which company: a forest in which every company has at most one parent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from sectorsdf.sandbox.rng import SeededRandom, Weighted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorsdf.sandbox.records import Record

__all__ = ["make_ownership"]

# Shares of the companies of the list.
_ROOTS, _CHILDREN = 38 / 366, 260 / 366
# How many of the children are on the second level, the third and so on.
_LEVELS = (0.63, 0.29, 0.06, 0.02)
_MOST_CHILDREN = 14
_PERCENTAGE: Weighted[float | None] = Weighted(
    {100.0: 34, 99.99: 15, 51.0: 5, 18.5: 4, 80.0: 4, 65.0: 3, 70.0: 3, 75.0: 3, None: 29}
)


class _Edge(NamedTuple):
    parent: Record
    child: Record
    percentage: float


def make_ownership(
    sample: Mapping[str, Sequence[Record]], rng: SeededRandom, count: int
) -> list[Record]:
    """Return the parents and subsidiaries of each company of the list.

    Parameters
    ----------
    sample : mapping of str to sequence of dict
        The other datasets, of which the companies are read.
    rng : SeededRandom
        Source of the draws.
    count : int
        Number of records.
    """
    companies = sample["mining_companies"]
    edges = _edges(rng, companies)
    parents: dict[str, list[Record]] = {}
    subsidiaries: dict[str, list[Record]] = {}
    for edge in sorted(edges, key=lambda edge: -edge.percentage):
        subsidiaries.setdefault(edge.parent["slug"], []).append(_end(edge.child, edge))
        parents.setdefault(edge.child["slug"], []).append(_end(edge.parent, edge))
    return [
        {
            "key": slug,
            "answer": {
                "slug": slug,
                "parents": parents.get(slug, []),
                "subsidiaries": subsidiaries.get(slug, []),
            },
        }
        for slug in [company["slug"] for company in companies][:count]
    ]


def _end(company: Record, edge: _Edge) -> Record:
    names = ("name", "slug", "symbol")
    return {name: company[name] for name in names} | {"percentage_ownership": edge.percentage}


def _edges(rng: SeededRandom, companies: Sequence[Record]) -> list[_Edge]:
    roots, children = _divide(rng, companies)
    edges: list[_Edge] = []
    level = roots
    for share in _LEVELS:
        taken = len(edges)
        size = min(math.ceil(share * len(children)), _MOST_CHILDREN * len(level))
        below = children[taken : taken + size]
        edges += _below(rng, level, below)
        level = below
    return edges


def _divide(rng: SeededRandom, companies: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Return the companies at the top of the forest, and those that have a parent."""
    shuffled = list(companies)
    rng.shuffle(shuffled)
    # Those at the top are listed but for one; most of them are holdings.
    tops = sorted(
        shuffled, key=lambda row: (row["symbol"] is None, row["company_type"] != "Holding")
    )
    listed = sum(row["symbol"] is not None for row in companies)
    count = round(_ROOTS * len(companies))
    roots = tops[: max(0, min(count - 1, listed))]
    rest = tops[len(roots) :]
    if count > 0:
        rest.sort(key=lambda row: (row["symbol"] is not None, row["company_type"] != "Holding"))
        roots.append(rest.pop(0))
    rng.shuffle(rest)
    # A firm that is in the list twice has an owner under each spelling. Contractors come last, and
    # few of the listed companies have a parent in the list.
    rest.sort(
        key=lambda row: (
            not row["name"].endswith(" Prima Bara"),
            row["symbol"] is not None and not rng.chance(0.2),
            row["company_type"] == "Contractor",
        )
    )
    return roots, rest[: round(_CHILDREN * len(companies))]


def _below(rng: SeededRandom, parents: list[Record], children: list[Record]) -> list[_Edge]:
    """Give each child one of the parents; a few parents get many children, most get few."""
    edges: list[_Edge] = []
    counts = [0] * len(parents)
    for number, child in enumerate(children):
        # The first ones go to different parents.
        position = number if number < len(parents) else int(len(parents) * rng.random() ** 2)
        while counts[position] >= _MOST_CHILDREN:
            position = (position + 1) % len(parents)
        counts[position] += 1
        edges.append(_Edge(parents[position], child, _percentage(rng)))
    return edges


def _percentage(rng: SeededRandom) -> float:
    percentage = rng.draw(_PERCENTAGE)
    return rng.number(5.0, 99.9) if percentage is None else percentage
