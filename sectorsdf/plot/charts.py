"""Charts of licences and of resources and reserves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from sectorsdf.errors import UnitError
from sectorsdf.plot.style import (
    ALARM,
    SITE,
    colours_of,
    draw_empty,
    facts_of,
    finish,
    new_axes,
    require_columns,
    top_groups,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    import numpy.typing as npt
    from matplotlib.axes import Axes

__all__ = ["expiry_timeline", "resources_bars"]


# Dark to light with falling confidence; the stages are told apart by hue.
_STACKS: Final = {
    "resources": {
        "measured": "#08519c",
        "indicated": "#4292c6",
        "inferred": "#b3d0ea",
        "total": "#b0b7c3",
    },
    "reserves": {"proven": "#b34700", "probable": "#fdae6b", "total": "#d9c3ad"},
}
_PERIODS: Final = {"month": "M", "quarter": "Q", "year": "Y"}


def expiry_timeline(
    licenses: pd.DataFrame,
    *,
    by: str = "commodity_type",
    freq: Literal["month", "quarter", "year"] = "quarter",
    as_of: date | str | None = None,
    measure: Literal["area", "count"] = "area",
    ax: Axes | None = None,
) -> Axes:
    """Draw how much expires when: hectares or licences by period, stacked by commodity.

    Licences that expired before `as_of` and are listed still stand on a shaded ground, pale; the
    period in which `as_of` lies is divided.

    Parameters
    ----------
    licenses : pandas.DataFrame
        Licences, one a row, as get_mining_licenses gives them.
    by : str, default "commodity_type"
        A text column. Its six largest groups are told apart, the rest are Others.
    freq : {"quarter", "month", "year"}
        The periods.
    as_of : date or str, optional
        The day that parts expired from running licences; the last day of a licence still counts
        as running. By default the day of ``fetched_at`` in the frame's provenance (UTC).
    measure : {"area", "count"}
        Hectares (column ``licensed_area_ha``) or the number of licences.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Bars of all rows that have a day of expiry and, for the area, an area; how many have none
        is written below, with the source.

    Raises
    ------
    ValueError
        A column is missing, a parameter is not one of the above, or there is no `as_of` and no
        provenance to take it from.
    MissingExtraError
        The extra ``plot`` is not installed.
    """
    _one_of("freq", freq, _PERIODS)
    _one_of("measure", measure, ("area", "count"))
    require_columns(
        licenses,
        ["license_expiry_date", by, *(["licensed_area_ha"] if measure == "area" else [])],
        "get_mining_licenses",
    )
    today = _as_of(licenses, as_of)
    rows = licenses.reset_index(drop=True)
    area = measure == "area"
    weights = (
        rows["licensed_area_ha"].astype("float64") if area else pd.Series(1.0, index=rows.index)
    )
    undated, unmeasured = rows["license_expiry_date"].isna(), weights.isna()
    drawn = rows[~(undated | unmeasured)]
    weights = weights[drawn.index]
    groups, names = top_groups(drawn[by], weights)
    expired = drawn["license_expiry_date"] < today
    what, unit = ("Licensed area", "ha") if area else ("Licences", "number")
    with new_axes(ax, (10.0, 4.8)) as axes:
        if drawn.empty:
            draw_empty(axes, "No licence with a day of expiry")
        else:
            periods = drawn["license_expiry_date"].dt.to_period(_PERIODS[freq])
            sums = weights.groupby([periods, expired, groups]).sum()
            _stack(axes, sums.unstack(fill_value=0)[names])
            _mark(axes, today, f"{weights[expired].sum():,.0f}{' ha' if area else ''}")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set(xlabel=f"{freq.capitalize()} of expiry", ylabel=f"{what} ({unit})")
        axes.spines[["top", "right"]].set_visible(False)
        left_out = {
            "licence(s) without a day of expiry": int(undated.sum()),
            "licence(s) without an area": int((unmeasured & ~undated).sum()),
        }
        finish(axes, licenses, f"{what} by {freq} of expiry", left_out)
    return axes


def _one_of(name: str, value: object, allowed: Iterable[str]) -> None:
    if value not in set(allowed):
        message = f"{name}={value!r} is not one of {', '.join(map(repr, allowed))}"
        raise ValueError(message)


def _as_of(frame: pd.DataFrame, given: date | str | None) -> pd.Timestamp:
    fetched = facts_of(frame).get("fetched_at")
    if given is None and fetched is None:
        message = (
            "the frame's provenance does not tell on which day it was fetched: give the day on "
            'which licences count as running or expired, such as as_of="2026-06-30"'
        )
        raise ValueError(message)
    try:
        # Of a missing value there is no date.
        return pd.Timestamp(pd.Timestamp(str(fetched) if given is None else given).date())
    except (TypeError, ValueError, AttributeError):
        message = f"as_of={given!r} is no day; give a date or a text such as '2026-06-30'"
        raise ValueError(message) from None


def _numbers(times: pd.DatetimeIndex) -> npt.NDArray[np.float64]:
    """Return times as matplotlib counts them, in days."""
    from matplotlib import dates  # noqa: PLC0415 - an extra

    convert: Any = dates.date2num
    numbers: npt.NDArray[np.float64] = convert(times.to_numpy())
    return numbers


def _stack(ax: Any, table: pd.DataFrame) -> None:  # noqa: ANN401
    """Draw a bar for each row, a (period, whether expired), of a stack for each column."""
    from matplotlib.colors import to_rgba  # noqa: PLC0415 - an extra
    from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

    periods = pd.PeriodIndex(table.index.get_level_values(0))
    starts = _numbers(periods.start_time)
    widths = _numbers(periods.end_time) - starts
    past = table.index.get_level_values(1).to_numpy(dtype=bool)
    # In the period of today what runs on stands on what has expired.
    base = np.zeros(len(table))
    below = table.sum(axis=1).where(past, 0.0).groupby(level=0).transform("sum").to_numpy()
    base[~past] = below[~past]
    colours = colours_of(list(table.columns))
    for name, heights in table.items():
        shades = [to_rgba(colours[str(name)], 0.45 if pale else 1.0) for pale in past]
        ax.bar(
            starts, heights, widths * 0.92, base, align="edge", color=shades, label=f"_{name}",
            gid=str(name),
        )  # fmt: skip
        base += heights.to_numpy()
    ax.xaxis_date()
    handles = [Patch(facecolor=colour, label=name) for name, colour in colours.items()]
    ax.legend(handles=handles[::-1], loc="upper left", bbox_to_anchor=(1, 1), frameon=False)


def _mark(ax: Any, today: pd.Timestamp, expired: str) -> None:  # noqa: ANN401
    """Draw the day that parts expired from running, and shade what lies before it."""
    day = float(_numbers(pd.DatetimeIndex([today]))[0])
    left, right = ax.get_xlim()
    left, right = min(left, day - (right - left) * 0.01), max(right, day)
    ax.axvspan(left, day, color=ALARM, alpha=0.1, zorder=0, linewidth=0, gid="expired")
    ax.axvline(day, color=ALARM, linewidth=1, gid="as_of")
    ax.set_xlim(left, right)
    top = ax.get_ylim()[1]
    ax.set_ylim(0, top * 1.12)
    ax.annotate(
        f"{today:%Y-%m-%d}: {expired} expired before and still listed",
        (day, top * 1.1),
        xytext=(4, 0),
        textcoords="offset points",
        va="top",
        fontsize=8.5,
        color=ALARM,
    )


def resources_bars(
    resources: pd.DataFrame,
    *,
    commodity: str | None = None,
    unit: str | None = None,
    top: int = 15,
    legend: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw the tonnages of the largest sites by category: resources above, reserves below.

    Resources are measured, indicated and inferred; reserves, their mineable part, are proven and
    probable (JORC and KCMI). A total is drawn, hatched, only where a site divides it into none of
    these, and resources and reserves are never added up.

    Parameters
    ----------
    resources : pandas.DataFrame
        The tidy table, one row a figure, as get_mining_site_resources gives it. Of a site that
        reports several years the latest is drawn.
    commodity : str, optional
        Draw the sites of this ``commodity_type`` only, in any case.
    unit : str, optional
        Draw the figures in this unit only, such as ``"wmt"``. By default all have to be in one.
    top : int, default 15
        How many sites, from the largest on.
    legend : bool, default True
        Whether to explain the colours; without, for several Axes side by side.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The largest site is at the top. What is not drawn is counted below, with the source.

    Raises
    ------
    UnitError
        The tonnages are in several units, which no axis can hold.
    ValueError
        A column is missing, `top` is less than 1, or nothing is of that commodity or unit.
    MissingExtraError
        The extra ``plot`` is not installed.
    """
    require_columns(
        resources,
        [*SITE, "name", "year", "stage", "category", "measure", "value", "unit"],
        "get_mining_site_resources",
    )
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        message = f"top={top!r} is no number of sites; give a whole number from 1"
        raise ValueError(message)
    rows = resources[resources["measure"].eq("tonnage").fillna(value=False)]
    rows = _only(_only(rows, "commodity_type", commodity), "unit", unit)
    # Sites without one key or the other are sites too.
    rows = rows.reset_index(drop=True)
    site = rows.groupby(list(SITE), dropna=False, sort=False).ngroup()
    year = rows["year"].astype("float64")
    latest = year.isna() | (year == year.groupby(site).transform("max"))
    known = [(stage, name) for stage, names in _STACKS.items() for name in names]
    category = pd.Series(list(zip(rows["stage"], rows["category"], strict=True)), dtype=object)
    fits = category.isin(known) & rows["value"].notna()
    drawn = rows[latest & fits]
    units = drawn["unit"].value_counts(dropna=False)
    if len(units) > 1:
        listed = ", ".join(f"{count} in {name}" for name, count in units.items())
        message = (
            f"the tonnages are in several units ({listed}), and one axis holds one: choose with "
            "commodity= or unit=, or convert what can be converted, such as Kt to Mt: "
            'sectorsdf.units.convert(resources, "Mt")'
        )
        raise UnitError(message)
    table = drawn.groupby([site[drawn.index], category[drawn.index]])["value"].sum().unstack()
    table = table.reindex(columns=pd.Index(known, tupleize_cols=False))
    sizes = {}
    for stage, names in _STACKS.items():
        parts = [(stage, name) for name in names if name != "total"]
        # The parts say the same as the total, and more.
        table[(stage, "total")] = table[(stage, "total")].where(table[parts].isna().all(axis=1))
        sizes[stage] = table[[*parts, (stage, "total")]].sum(axis=1, min_count=1)
    order = pd.DataFrame(sizes).sort_values(["resources", "reserves"], ascending=False).index
    shown = table.loc[order[:top]]
    labels = drawn["name"].fillna(drawn["slug"]).groupby(site[drawn.index]).first()
    materials = set(drawn["commodity_type"].dropna().str.casefold())
    with new_axes(ax, (10.0, 1.6 + 0.38 * max(len(shown), 3))) as axes:
        _bars(axes, shown, [str(labels[number]) for number in shown.index], legend=legend)
        what = "coal" if materials == {"coal"} else "coal and ore" if "coal" in materials else "ore"
        axes.set_xlabel(f"{units.index[0] if len(units) else 'Tonnage'} of {what}")
        left_out = {
            "further site(s)": len(table) - len(shown),
            "figure(s) of earlier years": int((~latest & fits).sum()),
            "figure(s) without a category or a single value": int((~fits).sum()),
        }
        title = "Resources (upper bar) and reserves (lower bar)"
        named = sorted(drawn["commodity_type"].dropna().unique())
        title = f"{named[0]}: {title.lower()}" if len(named) == 1 else title
        finish(axes, resources, title, left_out)
    return axes


def _only(frame: pd.DataFrame, column: str, wanted: str | None) -> pd.DataFrame:
    """Choose the rows with this value, in any case; refuse a value that no row has."""
    if wanted is None:
        return frame
    chosen = frame[frame[column].str.casefold().eq(wanted.casefold()).fillna(value=False)]
    if chosen.empty and len(frame):
        there = ", ".join(sorted(frame[column].dropna().unique()))
        message = f"no tonnage has the {column} {wanted!r}; there are {there}"
        raise ValueError(message)
    return chosen


def _bars(ax: Any, table: pd.DataFrame, labels: list[str], *, legend: bool) -> None:  # noqa: ANN401
    """Draw two bars a row of the table, the first row on top."""
    places = np.arange(len(table))[::-1]
    for shift, (stage, colours) in zip((0.2, -0.2), _STACKS.items(), strict=True):
        left = np.zeros(len(table))
        for name, colour in colours.items():
            if table[(stage, name)].isna().all():
                continue
            widths = table[(stage, name)].fillna(0.0).to_numpy(dtype=float)
            whole = name == "total"
            ax.barh(
                places + shift, widths, 0.36, left, color=colour, linewidth=0,
                edgecolor="white", hatch="////" if whole else None,
                label=f"{stage}, not divided" if whole else f"{name} {stage}",
            )  # fmt: skip
            left += widths
    ax.spines[["top", "right"]].set_visible(False)
    if not len(table):
        draw_empty(ax, "No tonnage by category")
        return
    ax.set_yticks(places, labels)
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    if legend:
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9)
