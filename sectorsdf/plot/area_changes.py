"""The chart of the area that a register gained and lost, month by month."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from sectorsdf.frames.inputs import require_columns
from sectorsdf.frames.provenance import Provenance
from sectorsdf.plot.style import (
    FAINT,
    INK,
    draw_empty,
    finish,
    finite_numbers,
    new_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["changes"]

_AREA: Final = "licensed_area_ha"
# Colours of Okabe and Ito. Each part also has a hatch of its own, for prints without colours.
_PARTS: Final = {
    "licences added": ("#0072B2", ""),
    "areas enlarged": ("#56B4E9", "//"),
    "licences removed": ("#D55E00", "xx"),
    "areas reduced": ("#E69F00", "\\\\"),
}
_GAINS: Final = ("licences added", "areas enlarged")
_LABELS_PER_INCH: Final = 2.7


def changes(changes: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the hectares that a register gained and lost in each month.

    Licences that were added and areas that were enlarged are above the line of zero; licences that
    were removed and areas that were reduced are below it. A marker shows the balance of the month.

    Parameters
    ----------
    changes : pandas.DataFrame
        The changes of the licences, as `sectorsdf.snapshots.changes` returns them. A change belongs
        to the month of its `to_date`, the day of the snapshot that first shows it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Bars in hectares (column ``licensed_area_ha``), with every month from the first snapshot
        that has one before it to the last. The note below counts what is not drawn, and has the
        source of the last snapshot.

    Raises
    ------
    ValueError
        A column is missing or of a wrong type.
    TypeError
        `changes` is not a frame.
    MissingExtraError
        The extra ``plot`` is not installed.

    Notes
    -----
    It costs no credits.

    Examples
    --------
    >>> import tempfile
    >>> import sectorsdf, sectorsdf.plot
    >>> with tempfile.TemporaryDirectory() as root:
    ...     for month in sectorsdf.sandbox.months(3, licenses=400):
    ...         server = {"records": {"mining_licenses": month.records}}
    ...         with sectorsdf.sandbox.running(server=server) as client:
    ...             path = sectorsdf.snapshots.write(
    ...                 sectorsdf.get_mining_licenses, root, date=month.day, client=client
    ...             )
    ...     changes = sectorsdf.snapshots.changes(root, "mining_licenses")
    >>> axes = sectorsdf.plot.changes(changes)
    >>> axes.get_ylabel()
    'Licensed area (ha)'
    """
    require_columns(
        changes,
        ["to_date", "change", "column", "old", "new", "old_number", "new_number"],
        "sectorsdf.snapshots.changes",
    )
    days = _days(changes)
    hectares, left_out = _hectares(changes)
    months = _months(changes, days)
    sums = hectares.groupby(days.dt.to_period("M")).sum().reindex(months, fill_value=0.0)
    with new_axes(ax, (5.4, 4.6)) as axes:
        if hectares.abs().sum().sum():
            _draw_bars(axes, sums)
        else:
            draw_empty(axes, "No licensed area has changed")
        axes.set(xlabel="Month of the first snapshot with it", ylabel="Licensed area (ha)")
        axes.spines[["top", "right"]].set_visible(False)
        finish(axes, changes, "Licensed area gained and lost by month", left_out)
    return axes


def _days(rows: pd.DataFrame) -> pd.Series[Any]:
    """Return the days on which the changes were first seen."""
    column = rows["to_date"]
    if not (pd.api.types.is_datetime64_any_dtype(column.dtype) or column.isna().all()):
        message = f"column 'to_date' must have days (datetime64), not {column.dtype}"
        raise ValueError(message)
    return pd.Series(pd.DatetimeIndex(column).tz_localize(None), column.index)


def _hectares(rows: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the hectares of each change by part, losses below zero, and what has none."""
    change, column = rows["change"], rows["column"]
    added, removed = (change.eq(kind).fillna(value=False) for kind in ("added", "removed"))
    edited = (change.eq("changed") & column.eq(_AREA)).fillna(value=False)
    whole = pd.DataFrame({_AREA: _areas(rows["new"].where(added, rows["old"]), added | removed)})
    areas = finite_numbers(whole, _AREA)
    difference = (finite_numbers(rows, "new_number") - finite_numbers(rows, "old_number"))[edited]
    difference = difference.reindex(rows.index)
    parts = {
        "licences added": areas.where(added),
        "areas enlarged": difference.clip(lower=0),
        "licences removed": -areas.where(removed),
        "areas reduced": difference.clip(upper=0),
    }
    left_out = {
        "licence(s) added or removed without an area": int(
            (areas.isna() & (added | removed)).sum()
        ),
        "area(s) that became known or unknown": int((difference.isna() & edited).sum()),
    }
    return pd.DataFrame(parts, rows.index).fillna(0.0), left_out


def _areas(texts: pd.Series[Any], whole: pd.Series[bool]) -> pd.Series[float]:
    """Return the areas of rows that are written as JSON; missing where a row has none."""
    areas = pd.Series(np.nan, texts.index, dtype="float64")
    try:
        found = [json.loads(text).get(_AREA) for text in texts[whole]]
        areas[whole] = np.array(found, dtype="float64")
    except (TypeError, ValueError, AttributeError) as error:
        message = (
            "a row that was added or removed is not a JSON object with a number of hectares, as "
            f"sectorsdf.snapshots.changes writes it ({error})"
        )
        raise ValueError(message) from None
    return areas


def _months(rows: pd.DataFrame, days: pd.Series[Any]) -> pd.PeriodIndex:
    """Return every month that was compared, also those in which nothing has changed."""
    compared = Provenance.of_frame(rows).get("changes", {}).get("snapshots", [])[1:]
    seen = pd.DatetimeIndex([*days.dropna(), *pd.to_datetime(compared)]).to_period("M")
    if not len(seen):
        return pd.PeriodIndex([], freq="M")
    return pd.period_range(seen.min(), seen.max(), freq="M")


def _draw_bars(ax: Any, sums: pd.DataFrame) -> None:  # noqa: ANN401
    """Draw a bar up and a bar down for each month, and a marker of the balance."""
    places = np.arange(len(sums))
    tops = {True: np.zeros(len(sums)), False: np.zeros(len(sums))}
    for name, (colour, hatch) in _PARTS.items():
        heights = sums[name].to_numpy()
        if not heights.any():
            continue
        base = tops[name in _GAINS]
        ax.bar(
            places, heights, 0.72, base, color=colour, edgecolor="white", linewidth=0,
            hatch=hatch, label=name, gid=name,
        )  # fmt: skip
        base += heights
    ax.plot(
        places, sums.sum(axis=1), linestyle="none", marker="D", markersize=7, color="white",
        markeredgecolor=INK, markeredgewidth=1.4, label="balance", gid="balance", clip_on=False,
    )  # fmt: skip
    ax.axhline(0, color=FAINT, linewidth=0.8)
    ax.set_xlim(-0.6, len(sums) - 0.4)
    inches = ax.get_position().width * ax.figure.get_figwidth()
    step = -(-len(sums) // max(1, int(_LABELS_PER_INCH * inches)))
    ax.set_xticks(places[::step], _labels(pd.PeriodIndex(sums.index[::step])))
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    # The legend is above the bars, where it takes no width.
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.35 * (high - low))
    ax.legend(
        loc="upper left", ncols=2, frameon=False, fontsize=8, borderaxespad=0.2,
        handlelength=1.5, columnspacing=1,
    )  # fmt: skip


def _labels(months: pd.PeriodIndex) -> list[str]:
    """Return the months, with the year below the first one of each year."""
    texts = []
    last = None
    for month in months:
        texts.append(f"{month:%b}\n{month.year}" if month.year != last else f"{month:%b}")
        last = month.year
    return texts
