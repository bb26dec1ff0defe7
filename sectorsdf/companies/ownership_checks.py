"""Check the edges of ownership for what cannot be right.

This module owns these checks. It must not import `ownership`, whose arithmetic it does not need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from sectorsdf.companies.inputs import edges_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["check_ownership"]

# Percentages are published with two decimals, so the sum of several can be off by rounding.
_ROUNDING: Final = 0.1
_HALF: Final = 50.0
_WHOLE: Final = 100.0
_COLUMNS: Final = ("key", "check", "message", "expected", "found")


def check_ownership(ownership: pd.DataFrame) -> pd.DataFrame:
    """Report circles, impossible percentages and two majority owners among edges of ownership.

    Parameters
    ----------
    ownership : pandas.DataFrame
        Edges as `get_mining_company_ownership` returns them: ``parent_slug``, ``child_slug`` and
        ``percentage_ownership``.

    Returns
    -------
    pandas.DataFrame
        One row for each finding, all columns text: ``key``, ``check``, ``message``, ``expected``
        and ``found``. ``key`` is the slug of the owned company, ``owner > owned`` for one edge, or
        the slugs of a circle in alphabetical order. ``check`` is one of:

        circle
            Companies that own each other, over one or more steps, or a company that owns itself.
        percentage_missing
            An edge has no percentage.
        percentage_bounds
            A percentage is not above 0 and at most 100.
        percentage_differs
            The same edge occurs several times, with different percentages.
        sum_above_100
            The percentages of a company's owners add up to more than 100.
        two_majorities
            Two or more owners have more than 50 % each.

    Raises
    ------
    ConfigurationError, TypeError
        As in `owners_of`.

    Notes
    -----
    No request is made, and nothing is corrected. Percentages that add up to less than 100 are
    usual, because the source leaves owners out.

    Examples
    --------
    >>> import pandas as pd
    >>> from sectorsdf.companies import check_ownership
    >>> ownership = pd.DataFrame(
    ...     [("first", "mine", 60.0), ("second", "mine", 55.0)],
    ...     columns=["parent_slug", "child_slug", "percentage_ownership"],
    ... )
    >>> print(check_ownership(ownership)[["key", "check", "found"]].to_string(index=False))
     key          check                          found
    mine  sum_above_100                          115 %
    mine two_majorities first (60 %) and second (55 %)
    """
    rows = edges_of(ownership)[["parent_slug", "child_slug", "percentage_ownership"]]
    rows = rows.drop_duplicates().sort_values(list(rows.columns), ignore_index=True)
    findings = [*_circles(rows), *_edges(rows), *_owners(rows)]
    return pd.DataFrame(findings, columns=list(_COLUMNS), dtype="string")


def _finding(
    key: str, check: str, message: str, expected: str | None, found: str
) -> dict[str, str | None]:
    return dict(zip(_COLUMNS, (key, check, message, expected, found), strict=True))


def _percent(value: float) -> str:
    return f"{value:.10g} %"


def _circles(rows: pd.DataFrame) -> Iterable[dict[str, str | None]]:
    below: dict[str, set[str]] = {}
    for parent, child in zip(rows["parent_slug"], rows["child_slug"], strict=True):
        below.setdefault(parent, set()).add(child)
    for circle in _strong_components(below):
        message = "the company owns itself"
        if len(circle) > 1:
            message = "each of these companies owns a part of itself through the others"
        yield _finding(", ".join(circle), "circle", message, None, f"{len(circle)} companies")


def _strong_components(below: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the groups of nodes that reach each other, and each node with an edge to itself."""
    inner = {node: set(ends) for node, ends in below.items()}
    # Without the nodes that no circle can visit, little is left of a forest: nothing at all.
    while True:
        ends = set().union(*inner.values()) if inner else set()
        kept = {
            node: others & inner.keys()
            for node, others in inner.items()
            if node in ends and others & inner.keys()
        }
        if kept == inner:
            break
        inner = kept
    reach = {node: _reachable(node, inner) for node in inner}
    groups = {
        tuple(sorted(other for other in reach[node] if node in reach[other]))
        for node in inner
        if node in reach[node]
    }
    return [list(group) for group in sorted(groups)]


def _reachable(start: str, ends: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for other in ends.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def _edges(rows: pd.DataFrame) -> Iterable[dict[str, str | None]]:
    for (parent, child), pair in rows.groupby(["parent_slug", "child_slug"]):
        key = f"{parent} > {child}"
        values = pair["percentage_ownership"].dropna().tolist()
        if not values:
            message = "the edge has no percentage"
            yield _finding(key, "percentage_missing", message, "a percentage", "none")
        for value in values:
            if not 0 < value <= _WHOLE:
                message = "a share is above 0 and at most 100 %"
                bounds = "above 0 %, at most 100 %"
                yield _finding(key, "percentage_bounds", message, bounds, _percent(value))
        if len(values) > 1:
            message = "the edge is there several times, with different percentages"
            found = " and ".join(map(_percent, values))
            yield _finding(key, "percentage_differs", message, "one percentage", found)


def _owners(rows: pd.DataFrame) -> Iterable[dict[str, str | None]]:
    single = rows.dropna(subset="percentage_ownership")
    single = single[~single.duplicated(["parent_slug", "child_slug"], keep=False)]
    for child, owners in single.groupby("child_slug"):
        total = float(owners["percentage_ownership"].sum())
        if len(owners) > 1 and total > _WHOLE + _ROUNDING:
            message = "the percentages of the owners add up to more than 100"
            yield _finding(str(child), "sum_above_100", message, "at most 100 %", _percent(total))
        major: Any = owners[owners["percentage_ownership"] > _HALF]
        if len(major) > 1:
            message = "more than one owner has more than half"
            names = [
                f"{slug} ({_percent(value)})"
                for slug, value in zip(
                    major["parent_slug"], major["percentage_ownership"], strict=True
                )
            ]
            found = " and ".join(names)
            yield _finding(str(child), "two_majorities", message, "at most one", found)
