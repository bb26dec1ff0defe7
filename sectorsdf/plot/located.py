"""The rows of a frame that a map of dots draws. Draws nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from sectorsdf.frames.inputs import require_columns
from sectorsdf.geo import places
from sectorsdf.plot.style import SITE_KEY, finite_numbers, top_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["Located", "locate"]


class Located(NamedTuple):
    """The rows of a frame that a map of dots draws.

    Attributes
    ----------
    rows : pandas.DataFrame
        These rows.
    dots : pandas.DataFrame
        ``longitude``, ``latitude``, ``size`` and ``group`` of each of them.
    groups : list of str
        The groups, the largest first.
    left_out : dict of str to int
        What is not drawn, with its number.
    """

    rows: pd.DataFrame
    dots: pd.DataFrame
    groups: list[str]
    left_out: dict[str, int]


def locate(
    frame: pd.DataFrame, colour: str, *, size: str | None = None, columns: Sequence[str] = ()
) -> Located:
    """Return what a map of dots draws: the latest row of each site, if it has coordinates.

    Raises
    ------
    ValueError
        The frame has no coordinates, or lacks `colour`, `size` or one of `columns`.
    """
    located = places(frame)
    needed = [colour, *([size] if size else []), *columns]
    require_columns(frame, needed, "get_mining_sites(details=True)")
    rows = frame.reset_index(drop=True)
    sizes = _sizes(rows, size)
    latest = _is_latest(rows, sizes)
    drawn = latest & ~np.isnan(located.longitude)
    groups, names = top_groups(rows.loc[drawn, colour], pd.Series(1.0, index=rows.index[drawn]))
    dots = pd.DataFrame(
        {
            "longitude": located.longitude[drawn],
            "latitude": located.latitude[drawn],
            "size": sizes[drawn].to_numpy(),
            "group": groups.to_numpy(dtype=object),
        }
    )
    left_out = {
        "row(s) without coordinates": int((latest & ~drawn).sum()),
        "row(s) of other years": int((~latest).sum()),
    }
    return Located(rows[drawn], dots, names, left_out)


def _sizes(frame: pd.DataFrame, size: str | None) -> pd.Series[float]:
    """Return the sizes of the dots; missing without `size`, and where it is not above zero."""
    if size is None:
        return pd.Series(np.nan, index=frame.index)
    values = finite_numbers(frame, size)
    return values.where(values > 0)


def _is_latest(frame: pd.DataFrame, sizes: pd.Series[float]) -> npt.NDArray[np.bool_]:
    """Mark each site's latest row with a size, or its latest row if none has a size."""
    if not {*SITE_KEY, "year"} <= set(frame.columns):
        return np.ones(len(frame), dtype=bool)
    site = frame.groupby(list(SITE_KEY), dropna=False, sort=False).ngroup()
    year = frame["year"].astype("float64").fillna(-np.inf)
    keys = pd.DataFrame({"site": site, "sized": sizes.notna(), "year": year})
    best = keys.sort_values(["sized", "year"], ascending=False, kind="stable")
    first: npt.NDArray[np.bool_] = ~best.duplicated("site").sort_index().to_numpy(dtype=bool)
    # Each row without a slug counts as a site of its own.
    return first | frame["slug"].isna().to_numpy(dtype=bool)
