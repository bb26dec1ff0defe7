"""Check the frames that callers pass, and read the columns that the functions here need.

This module owns the messages about frames that do not fit. It must not import another module of
this folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from sectorsdf.errors import ConfigurationError, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["as_slugs", "edges_of", "require_columns", "symbols_of", "texts"]

_EDGE: Final = ("parent_slug", "child_slug", "percentage_ownership")


def require_columns(
    frame: object, columns: Sequence[str], argument: str, getter: str
) -> pd.DataFrame:
    """Return a frame that has the columns.

    Raises
    ------
    TypeError
        The argument is no DataFrame.
    ConfigurationError
        A column is missing, as in a frame of another dataset.
    """
    if not isinstance(frame, pd.DataFrame):
        message = (
            f"{argument} must be a DataFrame as {getter} returns it, not {type(frame).__name__}"
        )
        raise TypeError(message)
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        message = (
            f"{argument} has no column {listed(absent, show=str)}: pass a frame as {getter} "
            f"returns it; this one has {listed(frame.columns, show=str) or 'no columns'}"
        )
        raise ConfigurationError(message)
    return frame


def texts(frame: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Return columns as text, with a new index; a column that is not there is missing."""
    found = {
        name: frame[name].astype("string").reset_index(drop=True)
        if name in frame.columns
        else pd.Series(pd.NA, range(len(frame)), dtype="string")
        for name in columns
    }
    return pd.DataFrame(found)


def edges_of(ownership: object) -> pd.DataFrame:
    """Return the edges of ownership with both slugs: names, symbols, and the percentage."""
    frame = require_columns(ownership, _EDGE, "ownership", "get_mining_company_ownership")
    ends = ("slug", "name", "symbol")
    edges = texts(frame, [f"{side}_{name}" for side in ("parent", "child") for name in ends])
    percentage = frame["percentage_ownership"].astype("Float64").astype("float64")
    edges["percentage_ownership"] = percentage.to_numpy()
    return edges.dropna(subset=["parent_slug", "child_slug"])


def symbols_of(edges: pd.DataFrame) -> pd.DataFrame:
    """Return name and symbol by slug, as any of the edges has them."""
    sides = []
    for side in ("parent", "child"):
        rows = edges[[f"{side}_slug", f"{side}_name", f"{side}_symbol"]]
        sides.append(rows.set_axis(["slug", "name", "symbol"], axis=1))
    # Sorted, so that the order of the edges does not count where names differ.
    rows = pd.concat(sides).sort_values(["slug", "name", "symbol"])
    return rows.groupby("slug", sort=True)[["name", "symbol"]].first()


def as_slugs(slugs: str | Iterable[str] | pd.DataFrame) -> list[str]:
    """Return slugs as a list without repetitions, from one, several, or a frame's column `slug`."""
    if isinstance(slugs, str):
        slugs = [slugs]
    if isinstance(slugs, pd.DataFrame):
        slugs = require_columns(slugs, ("slug",), "slugs", "get_mining_companies")["slug"]
    found = [slug for slug in slugs if not pd.isna(slug)]
    wrong = next((slug for slug in found if not isinstance(slug, str)), None)
    if wrong is not None:
        message = f"a slug must be a text, not {type(wrong).__name__}: {wrong!r:.80}"
        raise TypeError(message)
    if other := next((slug for slug in found if slug != slug.lower()), None):
        message = (
            f"{other!r:.80} is not a slug but may be a ticker or a name: see the columns slug and "
            "symbol of get_mining_companies"
        )
        raise ConfigurationError(message)
    return list(dict.fromkeys(found))
