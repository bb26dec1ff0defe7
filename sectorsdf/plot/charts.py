"""Charts: licences by expiry date, and resources and reserves by category."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from sectorsdf.errors import UnitError
from sectorsdf.frames.inputs import require_columns
from sectorsdf.frames.provenance import Provenance
from sectorsdf.plot.style import (
    ALARM,
    SITE_KEY,
    colours_for,
    draw_empty,
    finish,
    finite_numbers,
    hatch_for,
    new_axes,
    plain_text,
    top_groups,
)
from sectorsdf.units import label

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    import numpy.typing as npt
    from matplotlib.axes import Axes

__all__ = ["expiry_timeline", "resources_bars"]


# The lighter the colour, the lower the confidence. Each stage has a hue of its own.
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
# Registers write days such as 9999-12-31 for "no end". With them, the bars of all other days would
# be too narrow to see, and matplotlib has no days beyond that year.
_FIRST_DAY, _LAST_DAY = pd.Timestamp("1900-01-01"), pd.Timestamp("2199-12-31")


def expiry_timeline(
    licenses: pd.DataFrame,
    *,
    by: str = "commodity_type",
    freq: Literal["month", "quarter", "year"] = "quarter",
    as_of: date | str | None = None,
    measure: Literal["area", "count"] = "area",
    ax: Axes | None = None,
) -> Axes:
    """Draw the licences that expire in each period: hectares or number, stacked by commodity.

    Licences that expired before `as_of` and are still listed are drawn in pale colours on a shaded
    background. The period that contains `as_of` is divided.

    Parameters
    ----------
    licenses : pandas.DataFrame
        Licences, one a row, as get_mining_licenses returns them.
    by : str, default "commodity_type"
        A text column. Its six largest groups are drawn separately, the rest as Others.
    freq : {"quarter", "month", "year"}
        Length of the periods.
    as_of : date or str, optional
        Licences that expire before this day are drawn as expired; one whose last day it is still
        counts as running. By default the day of ``fetched_at`` in the frame's provenance (UTC).
    measure : {"area", "count"}
        Hectares (column ``licensed_area_ha``) or the number of licences.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Bars of all rows that have an expiry date from 1900 to 2199 and, for the area, a finite
        area. The note below has the number of rows without them, and the source.

    Raises
    ------
    ValueError
        A column is missing or of a wrong type, a parameter has none of the values above, or there
        is neither `as_of` nor a provenance to take it from.
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
    weights = finite_numbers(rows, "licensed_area_ha") if area else pd.Series(1.0, rows.index)
    days = _days(rows["license_expiry_date"])
    undated, unmeasured = days.isna(), weights.isna()
    far = ~undated & ~days.between(_FIRST_DAY, _LAST_DAY)
    rows = rows.assign(license_expiry_date=days)
    drawn = rows[~(undated | unmeasured | far)]
    weights = weights[drawn.index]
    groups, names = top_groups(drawn[by], weights)
    expired = drawn["license_expiry_date"] < today
    what, unit = ("Licensed area", "ha") if area else ("Licences", "number")
    with new_axes(ax, (10.0, 4.8)) as axes:
        if drawn.empty:
            draw_empty(axes, "No licence has an expiry date")
        else:
            periods = drawn["license_expiry_date"].dt.to_period(_PERIODS[freq])
            sums = weights.groupby([periods, expired, groups]).sum()
            _draw_stacked_bars(axes, sums.unstack(fill_value=0)[names])
            _mark_day(axes, today, f"{weights[expired].sum():,.0f}{' ha' if area else ''}")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set(xlabel=f"{freq.capitalize()} of expiry", ylabel=f"{what} ({unit})")
        axes.spines[["top", "right"]].set_visible(False)
        left_out = {
            "licence(s) without an expiry date": int(undated.sum()),
            "licence(s) that expire before 1900 or after 2199": int(far.sum()),
            "licence(s) without an area": int((unmeasured & ~undated & ~far).sum()),
        }
        finish(axes, licenses, f"{what} by {freq} of expiry", left_out)
    return axes


def _one_of(name: str, value: object, allowed: Iterable[str]) -> None:
    if value not in set(allowed):
        message = f"{name}={value!r} is not one of {', '.join(map(repr, allowed))}"
        raise ValueError(message)


def _as_of(frame: pd.DataFrame, as_of: date | str | None) -> pd.Timestamp:
    fetched = Provenance.of_frame(frame).get("fetched_at")
    if as_of is None and fetched is None:
        message = (
            "the frame's provenance has no day on which it was fetched; give the day that divides "
            'expired from running licences, such as as_of="2026-06-30"'
        )
        raise ValueError(message)
    try:
        # The date of a missing timestamp raises.
        day = pd.Timestamp(pd.Timestamp(str(fetched) if as_of is None else as_of).date())
    except (TypeError, ValueError, AttributeError):
        message = f"as_of={as_of!r} is not a day; give a date or a text such as '2026-06-30'"
        raise ValueError(message) from None
    if not _FIRST_DAY <= day <= _LAST_DAY:
        message = f"as_of={as_of!r} is not between {_FIRST_DAY:%Y} and {_LAST_DAY:%Y}"
        raise ValueError(message)
    return day


def _days(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return days without a time zone; a column of no value at all may have any type."""
    if column.isna().all():
        return pd.Series(pd.NaT, column.index, dtype="datetime64[us]")
    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        message = f"column 'license_expiry_date' must have days (datetime64), not {column.dtype}"
        raise ValueError(message)
    days: pd.Series[Any] = column.dt.tz_localize(None)
    return days


def _numbers(times: pd.DatetimeIndex) -> npt.NDArray[np.float64]:
    """Return times in matplotlib's unit, days."""
    from matplotlib import dates  # noqa: PLC0415 - an extra

    convert: Any = dates.date2num
    numbers: npt.NDArray[np.float64] = convert(times.to_numpy())
    return numbers


def _draw_stacked_bars(ax: Any, table: pd.DataFrame) -> None:  # noqa: ANN401
    """Draw a bar for each row (a period, and whether it has expired), a part for each column."""
    from matplotlib.colors import to_rgba  # noqa: PLC0415 - an extra
    from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

    periods = pd.PeriodIndex(table.index.get_level_values(0))
    starts = _numbers(periods.start_time)
    widths = _numbers(periods.end_time) - starts
    expired = table.index.get_level_values(1).to_numpy(dtype=bool)
    # In the period that is divided, running licences are stacked on the expired ones.
    base = np.zeros(len(table))
    below = table.sum(axis=1).where(expired, 0.0).groupby(level=0).transform("sum").to_numpy()
    base[~expired] = below[~expired]
    colours = colours_for(list(table.columns))
    for name, heights in table.items():
        shades = [to_rgba(colours[str(name)], 0.45 if pale else 1.0) for pale in expired]
        ax.bar(
            starts, heights, widths * 0.92, base, align="edge", color=shades, label=f"_{name}",
            gid=str(name), hatch=hatch_for(str(name)), edgecolor="white", linewidth=0,
        )  # fmt: skip
        base += heights.to_numpy()
    ax.xaxis_date()
    handles = [
        Patch(
            facecolor=colour, label=plain_text(name), hatch=hatch_for(name), edgecolor="white",
            linewidth=0,
        )
        for name, colour in colours.items()
    ]  # fmt: skip
    ax.legend(handles=handles[::-1], loc="upper left", bbox_to_anchor=(1, 1), frameon=False)


def _mark_day(ax: Any, today: pd.Timestamp, expired: str) -> None:  # noqa: ANN401
    """Draw the day that divides expired from running licences, and shade the time before it."""
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
    """Draw the tonnages of the largest sites by category, resources above and reserves below.

    Resources are measured, indicated and inferred; reserves, their mineable part, are proven and
    probable (JORC and KCMI). A total is drawn, hatched, only where a site does not divide it into
    these. Resources and reserves are never added up.

    Parameters
    ----------
    resources : pandas.DataFrame
        The tidy table, one row a figure, as get_mining_site_resources returns it. If a site
        reports several years, the latest is drawn.
    commodity : str, optional
        Draw only the sites of this ``commodity_type``, whose case does not matter.
    unit : str, optional
        Draw only the figures in this unit, such as ``"wmt"``. By default all must have the same.
    top : int, default 15
        Number of sites, the largest first.
    legend : bool, default True
        Whether to draw the legend. False suits several Axes side by side.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The largest site is at the top. The note below counts what is not drawn, and has the
        source.

    Raises
    ------
    UnitError
        The tonnages are in several units, which cannot share an axis.
    ValueError
        A column is missing, `top` is less than 1, or no figure has that commodity or unit.
    MissingExtraError
        The extra ``plot`` is not installed.
    """
    require_columns(
        resources,
        [*SITE_KEY, "name", "year", "stage", "category", "measure", "value", "unit"],
        "get_mining_site_resources",
    )
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        message = f"top={top!r} is not a number of sites; give a whole number from 1"
        raise ValueError(message)
    rows = resources[resources["measure"].eq("tonnage").fillna(value=False)]
    rows = _rows_with(_rows_with(rows, "commodity_type", commodity), "unit", unit)
    rows = rows.reset_index(drop=True).copy()
    # dropna=False: a site may have no slug or no company.
    site = rows.groupby(list(SITE_KEY), dropna=False, sort=False).ngroup()
    year = rows["year"].astype("float64")
    latest = year.isna() | (year == year.groupby(site).transform("max"))
    known = [(stage, name) for stage, names in _STACKS.items() for name in names]
    category = pd.Series(list(zip(rows["stage"], rows["category"], strict=True)), dtype=object)
    rows["value"] = finite_numbers(rows, "value")
    fits = category.isin(known) & rows["value"].notna()
    drawn = rows[latest & fits]
    units = drawn["unit"].value_counts(dropna=False)
    if len(units) > 1:
        listed = ", ".join(f"{count} in {name}" for name, count in units.items())
        message = (
            f"the tonnages are in several units ({listed}), which cannot share an axis: choose one "
            "with commodity= or unit=, or convert those that can be converted, such as Kt to Mt: "
            'sectorsdf.units.convert(resources, "Mt")'
        )
        raise UnitError(message)
    table = drawn.groupby([site[drawn.index], category[drawn.index]])["value"].sum().unstack()
    table = table.reindex(columns=pd.Index(known, tupleize_cols=False))
    sizes = {}
    for stage, names in _STACKS.items():
        parts = [(stage, name) for name in names if name != "total"]
        # Where there are parts, they replace the total.
        table[(stage, "total")] = table[(stage, "total")].where(table[parts].isna().all(axis=1))
        sizes[stage] = table[[*parts, (stage, "total")]].sum(axis=1, min_count=1)
    order = pd.DataFrame(sizes).sort_values(["resources", "reserves"], ascending=False).index
    shown = table.loc[order[:top]]
    labels = drawn["name"].fillna(drawn["slug"]).groupby(site[drawn.index]).first()
    materials = set(drawn["commodity_type"].dropna().str.casefold())
    with new_axes(ax, (10.0, 1.6 + 0.38 * max(len(shown), 3))) as axes:
        _draw_bars(
            axes, shown, [plain_text(labels[number]) for number in shown.index], legend=legend
        )
        what = "coal" if materials == {"coal"} else "coal and ore" if "coal" in materials else "ore"
        unit_label = plain_text(label(str(units.index[0]))) if len(units) else "Tonnage"
        axes.set_xlabel(f"{unit_label} of {what}")
        left_out = {
            "more site(s)": len(table) - len(shown),
            "figure(s) of earlier years": int((~latest & fits).sum()),
            "figure(s) without a category or a single value": int((~fits).sum()),
        }
        title = "Resources (upper bar) and reserves (lower bar)"
        commodities = sorted(drawn["commodity_type"].dropna().unique())
        title = f"{plain_text(commodities[0])}: {title.lower()}" if len(commodities) == 1 else title
        finish(axes, resources, title, left_out)
    return axes


def _rows_with(frame: pd.DataFrame, column: str, value: str | None) -> pd.DataFrame:
    """Return the rows with a value, in any case; raise ValueError if no row has it."""
    if value is None:
        return frame
    rows = frame[frame[column].str.casefold().eq(value.casefold()).fillna(value=False)]
    if rows.empty and len(frame):
        present = ", ".join(sorted(frame[column].dropna().unique()))
        message = f"no tonnage has the {column} {value!r}; there are {present}"
        raise ValueError(message)
    return rows


def _draw_bars(
    ax: Any,  # noqa: ANN401
    table: pd.DataFrame,
    labels: list[str],
    *,
    legend: bool,
) -> None:
    """Draw two bars for each row of the table, the first row on top."""
    heights = np.arange(len(table))[::-1]
    for shift, (stage, colours) in zip((0.2, -0.2), _STACKS.items(), strict=True):
        left = np.zeros(len(table))
        for name, colour in colours.items():
            if table[(stage, name)].isna().all():
                continue
            widths = table[(stage, name)].fillna(0.0).to_numpy(dtype=float)
            is_total = name == "total"
            ax.barh(
                heights + shift, widths, 0.36, left, color=colour, linewidth=0,
                edgecolor="white", hatch="////" if is_total else None,
                label=f"{stage}, not divided" if is_total else f"{name} {stage}",
            )  # fmt: skip
            left += widths
    ax.spines[["top", "right"]].set_visible(False)
    if not len(table):
        draw_empty(ax, "No tonnage has a category")
        return
    ax.set_yticks(heights, labels)
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    if legend:
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9)
