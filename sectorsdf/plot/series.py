"""Figures of several panels: prices and production over time, one panel for each unit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from sectorsdf.frames.inputs import require_columns
from sectorsdf.plot.style import (
    FAINT,
    colours_for,
    draw_empty,
    finish_figure,
    finite_numbers,
    markers_for,
    new_figure,
    plain_text,
)
from sectorsdf.units import label

if TYPE_CHECKING:
    from collections.abc import Sequence

    import matplotlib.figure

__all__ = ["prices", "production"]

Panels = Literal["unit", "series"]

_UNKNOWN: Final = "unknown"
_MOST_LINES: Final = 7
_MOST_PANELS: Final = 12
# One column of panels can be read on a phone; with more panels the figure would be too long.
_ONE_COLUMN: Final = 4
_PANELS: Final = ("unit", "series")
_ALL_MARKED: Final = 30
_MARKERS_ON_A_LINE: Final = 10


def prices(
    frame: pd.DataFrame,
    *,
    commodities: str | Sequence[str] | None = None,
    panels: Panels = "unit",
    scale: Literal["linear", "log"] = "linear",
    figure: matplotlib.figure.FigureBase | None = None,
) -> matplotlib.figure.FigureBase:
    """Draw the prices of commodities over time, one panel for each unit.

    Parameters
    ----------
    frame : pandas.DataFrame
        Prices, one a row, as get_mining_commodity_prices returns them.
    commodities : str or sequence of str, optional
        Draw only these, whose case does not matter. By default all of the frame.
    panels : {"unit", "series"}
        A panel for each unit, or for each commodity. Commodities whose unit is not known never
        share a panel, because their prices cannot be compared.
    scale : {"linear", "log"}
        Scale of the prices. A logarithmic one shows gold and silver in one panel.
    figure : matplotlib.figure.Figure or SubFigure, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure
        Panels with a common axis of time, a line for each commodity, each with a colour and a
        marker of its own. A panel has at most seven lines, those with the latest prices. The note
        below counts what is not drawn, and has the source.

    Raises
    ------
    ValueError
        A column is missing, a parameter has none of the values above, or the frame has no price of
        a commodity.
    MissingExtraError
        The extra ``plot`` is not installed.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     frame = sectorsdf.get_mining_commodity_prices(["Coal", "Nickel"], client=client)
    >>> figure = sectorsdf.plot.prices(frame)
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['USD/t', 'USD/dmt']
    """
    _require_one_of("scale", scale, ("linear", "log"))
    require_columns(frame, ["commodity", "date", "price", "unit"], "get_mining_commodity_prices")
    rows = _chosen(frame.reset_index(drop=True), "commodity", commodities)
    points = pd.DataFrame(
        {
            "series": rows["commodity"].astype("string"),
            "when": _days(rows["date"]),
            "value": finite_numbers(rows, "price"),
            "unit": rows["unit"].astype("string").fillna(_UNKNOWN),
        }
    )
    usable = points["value"] > 0 if scale == "log" else points["value"].notna()
    left_out = {
        "row(s) without a commodity or a day": int(
            points[["series", "when"]].isna().any(axis=1).sum()
        ),
        "row(s) without a price that can be drawn": int((~usable).sum()),
    }
    drawn = points[usable].dropna(subset=["series", "when"])
    return _draw(frame, drawn, "Prices", left_out, panels=panels, scale=scale, figure=figure)


def production(
    frame: pd.DataFrame,
    *,
    by: str = "commodity_type",
    panels: Panels = "unit",
    figure: matplotlib.figure.FigureBase | None = None,
) -> matplotlib.figure.FigureBase:
    """Draw production by year, one panel for each unit.

    Parameters
    ----------
    frame : pandas.DataFrame
        Production by year, as get_mining_total_production returns it, or another frame with the
        columns ``year``, ``production_volume``, ``unit``, ``commodity_type`` and `by`, such as that
        of get_mining_company_performance.
    by : str, default "commodity_type"
        The text column that has a line for each of its values, such as ``"slug"`` of companies.
        Different commodities never share a line.
    panels : {"unit", "series"}
        A panel for each unit, or for each line.
    figure : matplotlib.figure.Figure or SubFigure, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure
        Panels with a common axis of years, a line for each commodity, each with a colour and a
        marker of its own. A line has a gap where a year is missing. A panel has at most seven
        lines, the largest of the latest year. The note below counts what is not drawn, and has
        the source.

    Raises
    ------
    ValueError
        A column is missing, a parameter has none of the values above, or a line would have two
        volumes of one year.
    MissingExtraError
        The extra ``plot`` is not installed.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     frame = sectorsdf.get_mining_total_production(["Coal", "Copper"], client=client)
    >>> figure = sectorsdf.plot.production(frame)
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['Mt', 't']
    """
    columns = dict.fromkeys(["commodity_type", by, "year", "production_volume", "unit"])
    require_columns(frame, list(columns), "get_mining_total_production")
    rows = frame.reset_index(drop=True)
    names = rows[by].astype("string")
    if by != "commodity_type":
        names = names + rows["commodity_type"].astype("string").str.lower().radd(", ").fillna("")
    points = pd.DataFrame(
        {
            "series": names,
            "when": rows["year"].astype("Float64").astype("float64"),
            "value": finite_numbers(rows, "production_volume"),
            "unit": rows["unit"].astype("string").fillna(_UNKNOWN),
        }
    )
    unnamed = points[["series", "when"]].isna().any(axis=1)
    left_out = {
        f"row(s) without a year or {by}": int(unnamed.sum()),
        "row(s) without a volume": int((~unnamed & points["value"].isna()).sum()),
    }
    drawn = points.dropna(subset=["series", "when", "value"])
    repeated = drawn[drawn.duplicated(["series", "unit", "when"])]
    if len(repeated):
        first = repeated.iloc[0]
        message = (
            f"the frame has several volumes of {first['series']!r} for {first['when']:.0f}: choose "
            "the rows of one, or give by= a column that tells them apart"
        )
        raise ValueError(message)
    return _draw(frame, drawn, "Production", left_out, panels=panels, figure=figure)


def _require_one_of(name: str, value: object, allowed: Sequence[str]) -> None:
    if value not in allowed:
        message = f"{name}={value!r} is not one of {', '.join(map(repr, allowed))}"
        raise ValueError(message)


def _days(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return days without a time zone; a column of no value at all may have any type."""
    if column.isna().all():
        return pd.Series(pd.NaT, column.index, dtype="datetime64[us]")
    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        message = f"column 'date' must have days (datetime64), not {column.dtype}"
        raise ValueError(message)
    days: pd.Series[Any] = column.dt.tz_localize(None)
    return days


def _chosen(frame: pd.DataFrame, column: str, names: str | Sequence[str] | None) -> pd.DataFrame:
    """Return the rows of the named commodities; raise ValueError if one has none."""
    if names is None:
        return frame
    wanted = [names] if isinstance(names, str) else list(names)
    present = frame[column].astype("string")
    known = set(present.dropna().str.casefold())
    unknown = [name for name in wanted if str(name).casefold() not in known]
    if unknown and len(frame):
        there = ", ".join(sorted(present.dropna().unique()))
        message = f"the frame has no {column} {unknown[0]!r}; there are {there}"
        raise ValueError(message)
    folded = present.str.casefold().isin([str(name).casefold() for name in wanted])
    return frame[folded.fillna(value=False)].reset_index(drop=True)


def _draw(
    frame: pd.DataFrame,
    points: pd.DataFrame,
    title: str,
    left_out: dict[str, int],
    *,
    panels: Panels,
    scale: str = "linear",
    figure: matplotlib.figure.FigureBase | None = None,
) -> matplotlib.figure.FigureBase:
    """Draw the panels, the largest number of lines first."""
    _require_one_of("panels", panels, _PANELS)
    alone = (points["unit"] == _UNKNOWN) | (panels == "series")
    key = points["unit"].where(~alone, points["unit"] + "\n" + points["series"])
    groups = [group for _, group in points.groupby(key, sort=False)]
    shown, omitted = groups[:_MOST_PANELS], groups[_MOST_PANELS:]
    cut = sum(max(0, group["series"].nunique() - _MOST_LINES) for group in shown)
    cut += sum(group["series"].nunique() for group in omitted)
    columns = 1 if len(shown) <= _ONE_COLUMN else 2
    count = math.ceil(max(len(shown), 1) / columns)
    size = (6.4 * columns, 1.3 + 2.2 * count)
    with new_figure(figure, size) as drawing:
        cells = drawing.subplots(count, columns, sharex=True, squeeze=False).ravel()
        for axes, group in zip(cells, shown, strict=False):
            _draw_panel(axes, group, scale)
        if not shown:
            draw_empty(cells[0], "No row has a value")
        for axes in cells[max(len(shown), 1) :]:
            axes.remove()
        # The panel above a removed one is the last of its column.
        for axes in drawing.axes[-columns:]:
            axes.tick_params(labelbottom=bool(shown))
        finish_figure(drawing, frame, title, {**left_out, "more line(s)": cut})
    return drawing


def _draw_panel(
    ax: Any,  # noqa: ANN401
    group: pd.DataFrame,
    scale: str,
) -> None:
    """Draw the lines of one unit."""
    latest = group.sort_values("when", kind="stable").groupby("series").tail(1)
    order = latest.sort_values(["when", "value"], ascending=False, kind="stable")["series"]
    names = [str(name) for name in order.head(_MOST_LINES)]
    colours, markers = colours_for(names), markers_for(names)
    for name in names:
        line = group[group["series"] == name].sort_values("when", kind="stable")
        values = line.set_index("when")["value"]
        if values.index.dtype.kind == "f":
            first, last = values.index[0], values.index[-1]
            values = values.reindex(np.arange(first, last + 1))
        ax.plot(
            values.index, values.to_numpy(), color=colours[name], linewidth=1.4,
            marker=markers[name], markersize=5, markeredgecolor="white", markeredgewidth=0.5,
            markevery=1 if len(values) <= _ALL_MARKED else len(values) // _MARKERS_ON_A_LINE,
            label=plain_text(name), gid=name,
        )  # fmt: skip
    unit = str(group["unit"].iloc[0])
    ax.set_ylabel("unit not known" if unit == _UNKNOWN else plain_text(label(unit)))
    ax.set_yscale(scale)
    if scale == "linear":
        ax.set_ylim(bottom=min(0.0, float(group["value"].min())))
    else:
        ax.yaxis.get_minor_locator().set_params(subs=(2.0, 5.0))
        ax.yaxis.set_minor_formatter(lambda value, _: f"{value:,.10g}")
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    if group["when"].dtype.kind == "f":
        ax.xaxis.get_major_locator().set_params(integer=True)
    ax.grid(axis="y", color=FAINT, alpha=0.2, linewidth=0.6)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9)
