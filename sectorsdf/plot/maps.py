"""Maps of sites and licences. Which coordinates are usable is decided in `sectorsdf.geo`.

Licences rarely have coordinates, so `license_map` draws them by province.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd

from sectorsdf.analysis.provinces import explode_provinces
from sectorsdf.datasets import DATASETS
from sectorsdf.errors import UnitError
from sectorsdf.frames.inputs import require_columns
from sectorsdf.frames.provenance import Provenance
from sectorsdf.geo import INDONESIA, coastline
from sectorsdf.places import province_name, provinces
from sectorsdf.plot.located import locate
from sectorsdf.plot.style import (
    FAINT,
    INK,
    colours_for,
    finish,
    finite_numbers,
    markers_for,
    new_axes,
    plain_text,
)
from sectorsdf.units import label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

__all__ = ["license_map", "site_map"]

_SEA, _LAND = "#eef4f9", "#dcd9d0"
_LARGEST_DOT: Final = 420.0
_LARGEST_CIRCLE: Final = 1100.0
_LABELLED: Final = 8
# A label takes about so many degrees.
_LABEL_WIDTH, _LABEL_HEIGHT = 7.0, 1.6
_FILL, _RING = "#0072B2", "#c2362b"
_MEASURES: Final = {"hectares": ("Licensed area", "ha"), "licenses": ("Licences", "number")}


def site_map(
    frame: pd.DataFrame,
    *,
    colour: str = "commodity_type",
    size: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw sites or licences on a plain map of Indonesia, without any download.

    The coastline comes with the extra ``maps``; without it the map has only a grid of degrees. The
    map is extended to locations outside Indonesia.

    Parameters
    ----------
    frame : pandas.DataFrame
        A frame with ``longitude`` and ``latitude``: from get_mining_sites with ``details=True``,
        get_mining_site, or get_mining_licenses. If a site has several years, the latest with a
        `size` is drawn.
    colour : str, default "commodity_type"
        A text column. Its six largest groups have colours of their own, the rest are Others.
    size : str, optional
        A column of numbers that sets the area of the dots, such as ``"production_volume"``,
        ``"total_reserves"`` or ``"licensed_area_ha"``. Rows without a number are small rings.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Axes of longitude and latitude in degrees. The note below has the number of rows without
        coordinates, and the source.

    Raises
    ------
    ValueError
        A column is missing, or `size` is not a column of numbers.
    UnitError
        The sizes are in several units.
    MissingExtraError
        The extra ``plot`` is not installed.
    """
    rows, dots, names, left_out = locate(frame, colour, size=size)
    unit = _unit(rows[dots["size"].notna().to_numpy()], size)
    with new_axes(ax, (11.0, 4.6)) as axes:
        has_coastline = _draw_base_map(axes, dots)
        if len(dots):
            _draw_dots(axes, dots, names, f"{size} ({label(unit)})" if unit else size)
        else:
            axes.text(118, -2.5, "No row has coordinates", ha="center", color=INK, zorder=5)
        dataset = DATASETS.get(Provenance.of_frame(frame).get("dataset", ""))
        title = f"{dataset.title.capitalize()}s" if dataset else "Locations"
        note = "" if has_coastline else "No coastline: install the extra maps"
        finish(axes, frame, f"{title} by {plain_text(colour.replace('_', ' '))}", left_out, note)
    return axes


def license_map(
    frame: pd.DataFrame,
    *,
    by: Literal["hectares", "licenses"] = "hectares",
    ax: Axes | None = None,
) -> Axes:
    """Draw licences by province: a circle at the centre of each province, without any download.

    Most licences have no coordinates, so this is the map that shows all of them. The boundaries of
    the provinces are not drawn.

    Parameters
    ----------
    frame : pandas.DataFrame
        Licences, one a row, as get_mining_licenses returns them.
    by : {"hectares", "licenses"}
        What the area of a circle shows: hectares (column ``licensed_area_ha``) or the number of
        licences.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Axes of longitude and latitude in degrees. Licences that lie in several provinces are rings
        between the centres of these, because the API does not say how they are divided. The note
        below has the number of licences without a province or an area, and the source.

    Raises
    ------
    ValueError
        A column is missing, or `by` is none of the values above.
    MissingExtraError
        The extra ``plot`` is not installed.

    Notes
    -----
    The centres are those of `sectorsdf.places.provinces`. Of a province with many islands, the
    centre can be in the sea.
    """
    if by not in _MEASURES:
        message = f"by={by!r} is not one of {', '.join(map(repr, _MEASURES))}"
        raise ValueError(message)
    area = by == "hectares"
    columns = ["province", *(["licensed_area_ha"] if area else [])]
    require_columns(frame, columns, "get_mining_licenses")
    rows = frame[columns].reset_index(drop=True)
    ones = pd.Series(1.0, index=rows.index)
    rows["value"] = finite_numbers(rows, "licensed_area_ha") if area else ones
    exploded = explode_provinces(rows[["province", "value"]])
    exploded["name"] = exploded["province"].map(province_name).astype("string")
    centres = provinces().set_index("name")[["longitude", "latitude"]]
    points = exploded.join(centres, on="name")
    known = points["longitude"].notna().groupby(level=0).all()
    drawn = points[known.loc[points.index].to_numpy() & points["value"].notna().to_numpy()]
    # The rows of one licence keep its label, so their mean is between the centres.
    licences = drawn.groupby(level=0).agg(
        name=("name", ", ".join),
        longitude=("longitude", "mean"),
        latitude=("latitude", "mean"),
        several=("share", lambda shares: bool(shares.isna().any())),
        value=("value", "first"),
    )
    circles = (
        licences.groupby("name")
        .agg({"longitude": "first", "latitude": "first", "several": "first", "value": "sum"})
        .reset_index()
        .sort_values("value", ascending=False, kind="stable")
    )
    what, unit = _MEASURES[by]
    with new_axes(ax, (11.0, 4.6)) as axes:
        has_coastline = _draw_base_map(axes, circles[["longitude", "latitude"]])
        if circles.empty:
            axes.text(118, -2.5, "No licence has a province", ha="center", color=INK, zorder=5)
        else:
            _draw_circles(axes, circles, f"{what} ({unit})")
        left_out = {
            "licence(s) without a known province": int((~known).sum()),
            "licence(s) without an area": int((known & rows["value"].isna()).sum()),
        }
        lines = ["Centres of the provinces: sectorsdf.places"]
        lines += [] if has_coastline else ["No coastline: install the extra maps"]
        finish(axes, frame, f"{what} by province ({unit})", left_out, "\n".join(lines))
    return axes


def _draw_circles(ax: Any, circles: pd.DataFrame, title: str) -> None:  # noqa: ANN401
    """Draw circles whose area is proportional to their value, the largest first, and a legend."""
    from matplotlib.lines import Line2D  # noqa: PLC0415 - an extra

    largest = circles["value"].max() or 1.0
    several = circles["several"].to_numpy(dtype=bool)
    ax.scatter(
        circles["longitude"],
        circles["latitude"],
        (circles["value"] / largest * _LARGEST_CIRCLE).clip(lower=4.0),
        color=[(_RING if ring else _FILL, 0.0 if ring else 0.6) for ring in several],
        edgecolor=[_RING if ring else "white" for ring in several],
        linewidth=0.9,
        zorder=3,
    )
    labelled: list[tuple[float, float]] = []
    for row in circles[~several].head(_LABELLED).itertuples():
        place = (float(row.longitude), float(row.latitude))  # type: ignore[arg-type]
        if any(
            abs(place[0] - x) < _LABEL_WIDTH and abs(place[1] - y) < _LABEL_HEIGHT
            for x, y in labelled
        ):
            continue
        labelled.append(place)
        ax.annotate(
            f"{row.name}\n{row.value:,.0f}",
            place,
            ha="center",
            va="center",
            fontsize=7.5,
            color=INK,
            zorder=4,
        )

    def handle(size: float, label: str, **style: object) -> Any:  # noqa: ANN401
        return Line2D([], [], ls="", marker="o", ms=size**0.5, label=label, **style)

    steps = [float(f"{largest * share:.1g}") for share in (1, 0.3, 0.1)]
    handles = [
        handle(step / largest * _LARGEST_CIRCLE, f"{step:,.10g}", color=_FILL, mec="white")
        for step in steps
    ]
    if several.any():
        handles.append(handle(40.0, "in several provinces", color=_RING, mfc="none"))
    ax.legend(
        handles=handles,
        title=title,
        loc="upper left",
        bbox_to_anchor=(1.015, 1),
        labelspacing=2.2,
        handletextpad=1.6,
        frameon=False,
        borderaxespad=0.8,
        alignment="left",
    )


def _unit(frame: pd.DataFrame, size: str | None) -> str | None:
    """Return the unit of the sizes; raise UnitError if there are several."""
    declared = [c for d in DATASETS.values() for c in d.columns if c.name == size]
    unit_column = next((column.unit_in for column in declared if column.unit_in), None)
    if unit_column is None or unit_column not in frame.columns:
        return next((column.unit for column in declared), None)
    units = frame[unit_column].value_counts(dropna=False)
    if len(units) > 1:
        listed = ", ".join(f"{count} in {name}" for name, count in units.items())
        message = (
            f"{size} is in several units ({listed}), so that the dots cannot be compared: choose "
            f'the rows of one unit, such as frame[frame["{unit_column}"] == "{units.index[0]}"]'
        )
        raise UnitError(message)
    return None if units.empty else str(units.index[0])


def _draw_base_map(ax: Any, dots: pd.DataFrame) -> bool:  # noqa: ANN401
    """Draw sea, land and the grid of degrees; return whether the coastline is installed."""
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


def _draw_dots(
    ax: Any,  # noqa: ANN401
    dots: pd.DataFrame,
    names: Sequence[str],
    size: str | None,
) -> None:
    """Draw dots whose area is proportional to their size, and the legends."""
    from matplotlib.lines import Line2D  # noqa: PLC0415 - an extra
    from matplotlib.markers import MarkerStyle  # noqa: PLC0415 - an extra

    # Large dots first, so that they do not hide small ones.
    dots = dots.sort_values("size", ascending=False, kind="stable", na_position="last")
    largest, sized = dots["size"].max(), dots["size"].notna()
    areas = (
        (dots["size"] / largest * _LARGEST_DOT)
        .clip(lower=5.0)
        .where(sized, 14.0 if sized.any() else 26.0)
    )
    colours, markers = colours_for(names), markers_for(names)
    rings = (~sized if sized.any() else sized).to_numpy()
    edges = [colours[group] for group in dots["group"]]
    scattered = ax.scatter(
        dots["longitude"],
        dots["latitude"],
        areas,
        color=[(edge, 0.0 if ring else 0.75) for edge, ring in zip(edges, rings, strict=True)],
        edgecolor=[edge if ring else "white" for edge, ring in zip(edges, rings, strict=True)],
        linewidth=0.7,
        zorder=3,
    )
    if len(dots):
        styles = [MarkerStyle(markers[group]) for group in dots["group"]]
        scattered.set_paths([each.get_path().transformed(each.get_transform()) for each in styles])

    def handle(area: float, colour: str, label: str, marker: str = "o") -> Any:  # noqa: ANN401
        size = area**0.5
        return Line2D([], [], ls="", marker=marker, ms=size, color=colour, mec="white", label=label)

    counts = dots["group"].value_counts()
    style: dict[str, Any] = {"frameon": False, "borderaxespad": 0.0, "alignment": "left"}
    legend = ax.legend(
        handles=[
            handle(55.0, colours[name], f"{plain_text(name)} ({counts[name]:,})", markers[name])
            for name in names
        ],
        loc="upper left",
        bbox_to_anchor=(1.015, 1),
        **style,
    )
    if size and sized.any():
        ax.add_artist(legend)
        # The layout leaves no space for a legend that is clipped to the Axes.
        legend.set_clip_on(False)
        steps = [float(f"{largest * share:.1g}") for share in (1, 0.3, 0.1)]
        sample = [handle(step / largest * _LARGEST_DOT, FAINT, f"{step:,.10g}") for step in steps]
        sample += [
            Line2D([], [], ls="", marker="o", ms=3.7, mfc="none", color=FAINT, label="none given")
        ]
        ax.legend(
            handles=sample if rings.any() else sample[:-1],
            title=plain_text(size),
            loc="lower left",
            bbox_to_anchor=(1.015, 0),
            labelspacing=1.1,
            **style,
        )
