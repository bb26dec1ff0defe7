"""Maps of sites and licences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from sectorsdf.datasets import DATASETS
from sectorsdf.errors import UnitError
from sectorsdf.geo import INDONESIA, coastline, places
from sectorsdf.plot.style import (
    FAINT,
    INK,
    SITE,
    colours_of,
    facts_of,
    finish,
    new_axes,
    require_columns,
    top_groups,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes

__all__ = ["site_map"]


_SEA, _LAND = "#eef4f9", "#dcd9d0"
_LARGEST_DOT: Final = 420.0


def site_map(
    frame: pd.DataFrame,
    *,
    colour: str = "commodity_type",
    size: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw where sites or licences lie, on a plain map of Indonesia; nothing is downloaded.

    The coastline comes with the extra ``maps``; without it there is a graticule only. The map
    grows where a place lies outside Indonesia.

    Parameters
    ----------
    frame : pandas.DataFrame
        With ``longitude`` and ``latitude``: of get_mining_sites with ``details=True``,
        get_mining_site, or get_mining_licenses. Of a site that has several years the latest with
        a `size` is drawn.
    colour : str, default "commodity_type"
        A text column. Its six largest groups are told apart, the rest are Others.
    size : str, optional
        A column of numbers that decides each dot's area, such as ``"production_volume"``,
        ``"total_reserves"`` or ``"licensed_area_ha"``. Rows without one are small rings.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Longitude and latitude in degrees. How many rows have no place is written below, with the
        source.

    Raises
    ------
    ValueError
        A column is missing, or `size` is no column of numbers.
    UnitError
        The sizes are in several units.
    MissingExtraError
        The extra ``plot`` is not installed.
    """
    found = places(frame)
    require_columns(frame, [colour, *([size] if size else [])], "get_mining_sites(details=True)")
    rows = frame.reset_index(drop=True)
    sizes = _sizes(rows, size)
    chosen = _latest(rows, sizes)
    here = chosen & ~np.isnan(found.longitude)
    unit = _unit(rows[here & sizes.notna().to_numpy()], size)
    groups, names = top_groups(rows.loc[here, colour], pd.Series(1.0, index=rows.index[here]))
    dots = pd.DataFrame(
        {
            "longitude": found.longitude[here],
            "latitude": found.latitude[here],
            "size": sizes[here].to_numpy(),
            "group": groups.to_numpy(dtype=object),
        }
    )
    with new_axes(ax, (11.0, 4.6)) as axes:
        mapped = _ground(axes, dots)
        if here.any():
            _dots(axes, dots, names, f"{size} ({unit})" if unit else size)
        else:
            axes.text(118, -2.5, "No row has a place", ha="center", color=INK, zorder=5)
        left_out = {
            "row(s) without a place": int((chosen & np.isnan(found.longitude)).sum()),
            "row(s) of other years": int((~chosen).sum()),
        }
        dataset = DATASETS.get(facts_of(frame).get("dataset", ""))
        title = f"{dataset.title.capitalize()}s" if dataset else "Places"
        note = "" if mapped else "No coastline: install the extra maps"
        finish(axes, frame, f"{title} by {colour.replace('_', ' ')}", left_out, note)
    return axes


def _sizes(frame: pd.DataFrame, size: str | None) -> pd.Series[float]:
    """Return what decides the dots' areas; nothing for no size, or one that is not above zero."""
    if size is None:
        return pd.Series(np.nan, index=frame.index)
    if not pd.api.types.is_numeric_dtype(frame[size].dtype):
        message = f"size={size!r} is no column of numbers, but {frame[size].dtype}"
        raise ValueError(message)
    values = frame[size].astype("Float64").astype("float64")
    return values.where(values > 0)


def _latest(frame: pd.DataFrame, sizes: pd.Series[float]) -> npt.NDArray[np.bool_]:
    """Tell which rows are their site's latest with a size, or the latest where none has one."""
    if not {*SITE, "year"} <= set(frame.columns):
        return np.ones(len(frame), dtype=bool)
    site = frame.groupby(list(SITE), dropna=False, sort=False).ngroup()
    year = frame["year"].astype("float64").fillna(-np.inf)
    # A row without a slug is a site of its own.
    order = pd.DataFrame({"site": site, "sized": sizes.notna(), "year": year})
    best = order.sort_values(["sized", "year"], ascending=False, kind="stable")
    first: npt.NDArray[np.bool_] = ~best.duplicated("site").sort_index().to_numpy(dtype=bool)
    return first | frame["slug"].isna().to_numpy(dtype=bool)


def _unit(frame: pd.DataFrame, size: str | None) -> str | None:
    """Return the one unit of the sizes; refuse several."""
    declared = [c for d in DATASETS.values() for c in d.columns if c.name == size]
    holder = "unit" if size == "production_volume" else None
    if any(column.meaning.endswith("tonnage_unit") for column in declared):
        holder = "tonnage_unit"
    if holder is None or holder not in frame.columns:
        return next((column.unit for column in declared), None)
    units = frame[holder].value_counts(dropna=False)
    if len(units) > 1:
        listed = ", ".join(f"{count} in {name}" for name, count in units.items())
        message = (
            f"{size} is in several units ({listed}), so that dots cannot be compared: choose the "
            f'rows of one first, such as frame[frame["{holder}"] == "{units.index[0]}"]'
        )
        raise UnitError(message)
    return None if units.empty else str(units.index[0])


def _ground(ax: Any, dots: pd.DataFrame) -> bool:  # noqa: ANN401
    """Draw sea, land and graticule; tell whether there is a coastline to draw."""
    from matplotlib.collections import PolyCollection  # noqa: PLC0415 - an extra

    west, east, south, north = INDONESIA
    if len(dots):
        low, high = dots.min(numeric_only=True) - 2, dots.max(numeric_only=True) + 2
        west, east = min(west, low["longitude"]), max(east, high["longitude"])
        south, north = min(south, low["latitude"]), max(north, high["latitude"])
    shores = coastline(*(float(round(side)) for side in (west, east, south, north)))
    ax.set_facecolor(_SEA)
    for land, fill in ((True, _LAND), (False, _SEA)):
        lines = [shore.line for shore in shores or () if shore.land is land]
        ax.add_collection(
            PolyCollection(lines, facecolor=fill, edgecolor="#b5b0a2", linewidth=0.4, zorder=1),
            autolim=False,
        )
    ax.set(xlim=(west, east), ylim=(south, north), aspect="equal")
    ax.grid(color="white" if shores is None else "#c9d3dc", linewidth=0.6, zorder=0.5)
    ax.set_axisbelow(True)
    ax.xaxis.set_major_formatter(lambda x, _: f"{abs(x):g}°{'W' if x < 0 else 'E' if x else ''}")
    ax.yaxis.set_major_formatter(lambda y, _: f"{abs(y):g}°{'S' if y < 0 else 'N' if y else ''}")
    ax.locator_params(nbins=10, steps=[1, 5, 10])
    ax.tick_params(labelsize=8.5, length=0)
    return shores is not None


def _dots(ax: Any, dots: pd.DataFrame, names: Sequence[str], size: str | None) -> None:  # noqa: ANN401
    """Draw dots of an area in proportion to their size, and explain colours and sizes."""
    from matplotlib.lines import Line2D  # noqa: PLC0415 - an extra

    # Large dots first, so that none hides another.
    dots = dots.sort_values("size", ascending=False, kind="stable", na_position="last")
    largest, sized = dots["size"].max(), dots["size"].notna()
    areas = (
        (dots["size"] / largest * _LARGEST_DOT)
        .clip(lower=5.0)
        .where(sized, 14.0 if sized.any() else 26.0)
    )
    colours = colours_of(names)
    edges = [colours[group] for group in dots["group"]]
    rings = (~sized if sized.any() else sized).to_numpy()
    ax.scatter(
        dots["longitude"],
        dots["latitude"],
        areas,
        color=[(edge, 0.0 if ring else 0.75) for edge, ring in zip(edges, rings, strict=True)],
        edgecolor=[edge if ring else "white" for edge, ring in zip(edges, rings, strict=True)],
        linewidth=0.7,
        zorder=3,
    )

    def dot(area: float, colour: str, label: str) -> Any:  # noqa: ANN401
        size = area**0.5
        return Line2D([], [], ls="", marker="o", ms=size, color=colour, mec="white", label=label)

    counts = dots["group"].value_counts()
    beside: dict[str, Any] = {"frameon": False, "borderaxespad": 0.0, "alignment": "left"}
    legend = ax.legend(
        handles=[dot(55.0, colours[name], f"{name} ({counts[name]:,})") for name in names],
        loc="upper left",
        bbox_to_anchor=(1.015, 1),
        **beside,
    )
    if size and sized.any():
        ax.add_artist(legend)
        # What is clipped to the Axes gets no room beside it.
        legend.set_clip_on(False)
        steps = [float(f"{largest * share:.1g}") for share in (1, 0.3, 0.1)]
        sample = [dot(step / largest * _LARGEST_DOT, FAINT, f"{step:,.10g}") for step in steps]
        sample += [
            Line2D([], [], ls="", marker="o", ms=3.7, mfc="none", color=FAINT, label="none given")
        ]
        ax.legend(
            handles=sample if rings.any() else sample[:-1],
            title=size,
            loc="lower left",
            bbox_to_anchor=(1.015, 0),
            labelspacing=1.1,
            **beside,
        )
