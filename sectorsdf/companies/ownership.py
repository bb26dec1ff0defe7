"""Follow ownership up and down: who owns a company, what it owns, and with which effective share.

This module owns the arithmetic of shares along paths, and the check of the edges. It sends no
request.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pandas as pd

from sectorsdf.companies.inputs import as_slugs, edges_of, symbols_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Shares", "owned_by", "owners_of"]

# Far more paths than any group of companies has. Beyond them the sum would take too long.
_MOST_PATHS: Final = 10_000
# Percentages are published with two decimals, so a sum of several can exceed 100 by rounding.
_ROUNDING: Final = 0.1

_COLUMNS: Final = {
    "name": "string",
    "symbol": "string",
    "is_listed": "boolean",
    "hops": "Int64",
    "effective_pct": "float64",
    "path": "string",
    "reason_missing": "string",
}


class Share(NamedTuple):
    """What one company owns of another, or is owned of it.

    Attributes
    ----------
    hops : int
        The fewest edges between the two.
    effective_pct : float or None
        The percentage along all paths.
    path : tuple of str
        The strongest path: that of the largest share, or of the fewest edges if none has a share.
    reason : str or None
        Why the percentage is missing.
    """

    hops: int
    effective_pct: float | None
    path: tuple[str, ...]
    reason: str | None


@dataclass
class _Paths:
    """All paths to one company so far."""

    hops: int
    total: float = 0.0
    unknown: set[str] = field(default_factory=set)
    # The strongest path comes last by this key; the slugs decide between equal ones.
    strongest: tuple[float, int, tuple[str, ...]] | None = None


class Shares:
    """The shares along the edges of ownership, in both directions.

    Parameters
    ----------
    edges : pandas.DataFrame
        The edges, as `edges_of` returns them.
    """

    def __init__(self, edges: pd.DataFrame) -> None:
        self._up: dict[str, dict[str, float | None]] = {}
        self._down: dict[str, dict[str, float | None]] = {}
        self._reasons: dict[tuple[str, str], str] = {}
        for (parent, child), percentage, reason in _pairs(edges):
            if parent == child:
                continue
            if reason is not None:
                self._reasons[parent, child] = reason
            self._up.setdefault(child, {})[parent] = percentage
            self._down.setdefault(parent, {})[child] = percentage

    def owners(self, slug: str) -> dict[str, Share]:
        """Return every company that owns a part of this one, over any number of edges."""
        return self._walk(slug, self._up, upward=True)

    def owned(self, slug: str) -> dict[str, Share]:
        """Return every company of which this one owns a part."""
        return self._walk(slug, self._down, upward=False)

    def _walk(
        self, start: str, ends: Mapping[str, Mapping[str, float | None]], *, upward: bool
    ) -> dict[str, Share]:
        found = {slug: _Paths(hops) for slug, hops in _distances(start, ends).items()}
        complete = True
        for number, (path, part, reasons) in enumerate(self._paths(start, ends, upward=upward)):
            if number >= _MOST_PATHS:
                complete = False
                break
            paths = found[path[-1]]
            if reasons:
                paths.unknown |= reasons
            else:
                paths.total += part
            strength = (-1.0 if reasons else part, -len(path))
            slugs = path[::-1] if upward else path
            best = paths.strongest
            if best is None or (strength, best[2]) > (best[:2], slugs):
                paths.strongest = (*strength, slugs)
        return {slug: _share(paths, complete=complete) for slug, paths in found.items()}

    def _paths(
        self, start: str, ends: Mapping[str, Mapping[str, float | None]], *, upward: bool
    ) -> Iterator[tuple[tuple[str, ...], float, frozenset[str]]]:
        """Yield each path that visits no company twice: its share, and why that is unknown."""
        nothing: frozenset[str] = frozenset()
        # Breadth first, so that the nearest companies come before a limit.
        waiting: deque[tuple[tuple[str, ...], float, frozenset[str]]] = deque()
        waiting.append(((start,), 100.0, nothing))
        while waiting:
            path, part, reasons = waiting.popleft()
            for slug, percentage in sorted(ends.get(path[-1], {}).items()):
                if slug in path:
                    continue
                if percentage is None:
                    edge = (slug, path[-1]) if upward else (path[-1], slug)
                    step = ((*path, slug), part, reasons | {self._reasons[edge]})
                else:
                    share = percentage if len(path) == 1 else part * percentage / 100
                    step = ((*path, slug), share, reasons)
                yield step
                waiting.append(step)


def _pairs(edges: pd.DataFrame) -> list[tuple[tuple[str, str], float | None, str | None]]:
    """Return each edge once, with its percentage or why that cannot be used."""
    known: dict[tuple[str, str], set[float]] = {}
    percentages = edges["percentage_ownership"]
    for parent, child, percentage in zip(
        edges["parent_slug"], edges["child_slug"], percentages, strict=True
    ):
        found = known.setdefault((parent, child), set())
        if not pd.isna(percentage):
            found.add(float(percentage))
    pairs: list[tuple[tuple[str, str], float | None, str | None]] = []
    for (parent, child), values in sorted(known.items()):
        edge = f"of {child} that {parent} owns"
        if not values:
            pairs.append(((parent, child), None, f"the percentage {edge} is missing"))
        elif len(values) > 1:
            pairs.append(((parent, child), None, f"the percentage {edge} is stated differently"))
        else:
            (value,) = values
            if 0 <= value <= 100:
                pairs.append(((parent, child), value, None))
            else:
                reason = f"the percentage {edge} is {value:g}, outside 0 to 100"
                pairs.append(((parent, child), None, reason))
    return pairs


def _distances(start: str, ends: Mapping[str, Mapping[str, float | None]]) -> dict[str, int]:
    """Return how many edges away each company is that can be reached."""
    found = {start: 0}
    waiting = deque([start])
    while waiting:
        slug = waiting.popleft()
        for other in ends.get(slug, ()):
            if other not in found:
                found[other] = found[slug] + 1
                waiting.append(other)
    del found[start]
    return found


def _share(paths: _Paths, *, complete: bool) -> Share:
    path = paths.strongest[2] if paths.strongest is not None else ()
    percentage = paths.total
    reason = None
    if paths.unknown:
        reason = "; ".join(sorted(paths.unknown))
    elif not complete:
        reason = f"there are more than {_MOST_PATHS:,} paths through the companies between them"
    elif percentage > 100 + _ROUNDING:
        reason = f"the shares along the paths add up to {percentage:.6g} %"
    return Share(paths.hops, None if reason else min(percentage, 100.0), path, reason)


def owners_of(slugs: str | Iterable[str] | pd.DataFrame, ownership: pd.DataFrame) -> pd.DataFrame:
    """Return every direct and indirect owner of companies, with its effective share.

    Parameters
    ----------
    slugs : str, iterable of str, or DataFrame
        One slug, several, or a frame with a column ``slug``. A company without an owner in
        `ownership` gives no row.
    ownership : pandas.DataFrame
        Edges as `get_mining_company_ownership` returns them: ``parent_slug``, ``child_slug`` and
        ``percentage_ownership``; names and symbols are read if they are there. An owner that these
        edges do not reach is not found: fetch them with ``walk="up"``, or for all companies.

    Returns
    -------
    pandas.DataFrame
        One row is one company and one owner, the nearest owner first. Columns:

        slug, owner_slug, name, symbol (text)
            The company that was asked for; the owner, its name and its symbol.
        is_listed (boolean)
            Whether the owner has a symbol.
        hops (Int64)
            The fewest steps from the company to the owner; 1 for a direct owner.
        effective_pct (float64, %)
            The percentages along a path multiplied, then summed over all paths that visit no
            company twice.
        path (text)
            The slugs from the owner to the company, joined by ``>``, on the path of the largest
            share.
        reason_missing (text)
            Why `effective_pct` is missing: a percentage on a path is missing, outside 0 to 100 or
            stated differently, or the shares add up to more than 100 %.

    Raises
    ------
    ConfigurationError
        `ownership` lacks a column, as does a frame of another dataset, or a slug has capital
        letters, as a ticker has.
    TypeError
        A slug is not a text, or `ownership` is no DataFrame.

    See Also
    --------
    owned_by, check_ownership, ownership_graph

    Notes
    -----
    No request is made. That a company has no owner here does not mean that it has none: the
    percentages of its owners need not add up to 100.

    Examples
    --------
    >>> import pandas as pd
    >>> from sectorsdf.companies import owners_of
    >>> ownership = pd.DataFrame(
    ...     [("top", "middle", 80.0), ("middle", "mine", 50.0), ("top", "mine", 15.0)],
    ...     columns=["parent_slug", "child_slug", "percentage_ownership"],
    ... )
    >>> owners = owners_of("mine", ownership)
    >>> print(owners[["owner_slug", "hops", "effective_pct", "path"]].to_string(index=False))
    owner_slug  hops  effective_pct                path
           top     1           55.0 top > middle > mine
        middle     1           50.0       middle > mine
    """
    edges = edges_of(ownership)
    shares = Shares(edges)
    found = {slug: shares.owners(slug) for slug in as_slugs(slugs)}
    return _relatives(found, "owner_slug", edges)


def owned_by(slugs: str | Iterable[str] | pd.DataFrame, ownership: pd.DataFrame) -> pd.DataFrame:
    """Return everything that companies own directly or indirectly, with their effective share.

    Parameters
    ----------
    slugs : str, iterable of str, or DataFrame
        As in `owners_of`.
    ownership : pandas.DataFrame
        As in `owners_of`; to fetch what one company owns, use ``walk="down"``.

    Returns
    -------
    pandas.DataFrame
        One row is one company and one that it owns a part of, the nearest first. The columns are
        those of `owners_of`, with ``owned_slug`` in place of ``owner_slug``; ``name``, ``symbol``
        and ``is_listed`` are of the owned company, and ``path`` goes from the owner down to it.

    Raises
    ------
    ConfigurationError, TypeError
        As in `owners_of`.

    See Also
    --------
    owners_of, check_ownership, ownership_graph

    Notes
    -----
    No request is made.

    Examples
    --------
    >>> import pandas as pd
    >>> from sectorsdf.companies import owned_by
    >>> ownership = pd.DataFrame(
    ...     [("top", "middle", 80.0), ("middle", "mine", 50.0)],
    ...     columns=["parent_slug", "child_slug", "percentage_ownership"],
    ... )
    >>> owned = owned_by("top", ownership)
    >>> print(owned[["owned_slug", "hops", "effective_pct", "path"]].to_string(index=False))
    owned_slug  hops  effective_pct                path
        middle     1           80.0        top > middle
          mine     2           40.0 top > middle > mine
    """
    edges = edges_of(ownership)
    shares = Shares(edges)
    found = {slug: shares.owned(slug) for slug in as_slugs(slugs)}
    return _relatives(found, "owned_slug", edges)


def _relatives(
    found: Mapping[str, Mapping[str, Share]], column: str, edges: pd.DataFrame
) -> pd.DataFrame:
    """Return the companies above or below some as a frame, in an order of its own."""
    known = symbols_of(edges)
    rows: list[dict[str, Any]] = [
        {
            "slug": slug,
            column: other,
            "hops": share.hops,
            "effective_pct": share.effective_pct,
            "path": " > ".join(share.path) or None,
            "reason_missing": share.reason,
        }
        for slug, others in found.items()
        for other, share in others.items()
    ]
    columns = {"slug": "string", column: "string", **_COLUMNS}
    frame = pd.DataFrame(rows, columns=list(columns), dtype="object")
    for name in ("name", "symbol"):
        frame[name] = frame[column].map(known[name])
    frame["is_listed"] = frame["symbol"].notna()
    frame = frame.astype(columns)
    order = {slug: number for number, slug in enumerate(found)}
    frame = frame.assign(order=frame["slug"].map(order)).sort_values(
        ["order", "hops", "effective_pct", column],
        ascending=[True, True, False, True],
        ignore_index=True,
    )
    return frame[list(columns)]
