"""Pictures of the frames, with matplotlib. Needs the extra ``plot``.

Each function draws on an Axes, its own or the caller's, and returns it; none shows a window or
changes matplotlib's settings. What is not drawn is said on the picture, and so is the source.
"""

from __future__ import annotations

import textwrap
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd

from sectorsdf.datasets import DATASETS
from sectorsdf.errors import MissingExtraError, UnitError
from sectorsdf.frame import ATTRS
from sectorsdf.geo import INDONESIA, coastline, need_frame, places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    import numpy.typing as npt
    from matplotlib.axes import Axes

__all__ = ["expiry_timeline", "resources_bars", "site_map"]

_MOST_GROUPS: Final = 6
_OTHERS, _NOT_GIVEN = "Others", "not given"
# Okabe and Ito's palette, which colour-blind people can tell apart, and three more that differ in
# lightness. The four commodities that are mined at sites have the same colour in every picture.
_PALETTE: Final = ("#0072B2", "#CC79A7", "#56B4E9", "#F0E442", "#8C6D31", "#6A51A3", "#A6D854")
_COLOURS: Final = {
    "Coal": "#3a3a3a",
    "Nickel": "#009E73",
    "Gold": "#E69F00",
    "Copper": "#D55E00",
    _OTHERS: "#c4c8cf",
    _NOT_GIVEN: "#e4e6ea",
}
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
_INK, _FAINT, _ALARM, _SEA, _LAND = "#22262b", "#6b7280", "#c2362b", "#eef4f9", "#dcd9d0"
_PERIODS: Final = {"month": "M", "quarter": "Q", "year": "Y"}
_LARGEST_DOT: Final = 420.0
_SITE: Final = ("slug", "commodity_type", "company_slug")


def _pyplot() -> Any:  # noqa: ANN401 - matplotlib is optional, so its types may not be there
    try:
        import matplotlib.pyplot as plt  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = f'pictures need matplotlib: pip install "sectorsdf[plot]" ({error})'
        raise MissingExtraError(message) from None
    return plt


@contextmanager
def _canvas(ax: Axes | None, size: tuple[float, float]) -> Iterator[Axes]:
    """Give an Axes: the caller's as it is, or one that stays legible in a dark notebook."""
    plt = _pyplot()
    light = {
        "axes.edgecolor": _FAINT,
        "axes.facecolor": "white",
        "axes.labelcolor": _INK,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "font.size": 10.0,
        "hatch.color": "white",
        "text.color": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
    }
    with plt.rc_context(light) if ax is None else nullcontext():
        if ax is None:
            _, ax = plt.subplots(figsize=size, layout="constrained")
        yield ax


def _need(frame: pd.DataFrame, columns: Sequence[str], getter: str) -> None:
    need_frame(frame)
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        message = f"the frame has no column {', '.join(absent)}; {getter} gives it"
        raise ValueError(message)


def _facts(frame: pd.DataFrame) -> Mapping[str, Any]:
    facts = frame.attrs.get(ATTRS)
    return facts if isinstance(facts, dict) else {}


def _finish(
    ax: Any,  # noqa: ANN401
    frame: pd.DataFrame,
    title: str,
    left_out: Mapping[str, int],
    note: str = "",
) -> None:
    """Write the title, and below the picture where the data is from and what is not drawn."""
    facts = _facts(frame)
    source = facts.get("source")
    lines = [
        f"Source: {source}, fetched {str(facts.get('fetched_at', 'at an unknown time'))[:10]}"
        if source
        else "Source: unknown, the frame carries no provenance"
    ]
    told = [f"{count:,} {what}" for what, count in left_out.items() if count]
    if told:
        lines.append(f"Not drawn: {'; '.join(told)}")
    lines += [note] if note else []
    # A line longer than the Axes would take room from it: 14 letters go into an inch.
    wide = ax.get_position().width * ax.figure.get_figwidth()
    letters = max(36, int(14 * wide))
    ax.set_title(title, loc="left", fontsize=12, fontweight="bold", wrap=True)
    ax.annotate(
        "\n".join(textwrap.fill(line, letters) for line in lines),
        (0, 0),
        xycoords=("axes fraction", ax.xaxis.label),
        xytext=(0, -5),
        textcoords="offset points",
        va="top",
        fontsize=8,
        color=_FAINT,
        gid="source",
    )


def _say_nothing(ax: Any, what: str) -> None:  # noqa: ANN401
    ax.text(0.5, 0.5, what, transform=ax.transAxes, ha="center", va="center", color=_FAINT)
    ax.set(xticks=[], yticks=[])


def _grouped(values: pd.Series[Any], weights: pd.Series[float]) -> tuple[pd.Series[str], list[str]]:
    """Keep the heaviest groups and call the rest `Others`; heaviest first."""
    named = values.astype("string").fillna(_NOT_GIVEN)
    order = weights.groupby(named).sum().sort_values(ascending=False, kind="stable")
    first = [str(name) for name in order.index if name != _NOT_GIVEN]
    kept = first if len(first) <= _MOST_GROUPS + 1 else first[:_MOST_GROUPS]
    last = [] if len(kept) == len(first) else [_OTHERS]
    last += [_NOT_GIVEN] if (named == _NOT_GIVEN).any() else []
    return named.where(named.isin([*kept, _NOT_GIVEN]), _OTHERS), [*kept, *last]


def _colours(groups: Sequence[str]) -> dict[str, str]:
    free = iter(_PALETTE)
    return {name: _COLOURS.get(name) or next(free, "#999999") for name in groups}


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
    _need(
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
    groups, names = _grouped(drawn[by], weights)
    expired = drawn["license_expiry_date"] < today
    what, unit = ("Licensed area", "ha") if area else ("Licences", "number")
    with _canvas(ax, (10.0, 4.8)) as axes:
        if drawn.empty:
            _say_nothing(axes, "No licence with a day of expiry")
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
        _finish(axes, licenses, f"{what} by {freq} of expiry", left_out)
    return axes


def _one_of(name: str, value: object, allowed: Iterable[str]) -> None:
    if value not in set(allowed):
        message = f"{name}={value!r} is not one of {', '.join(map(repr, allowed))}"
        raise ValueError(message)


def _as_of(frame: pd.DataFrame, given: date | str | None) -> pd.Timestamp:
    fetched = _facts(frame).get("fetched_at")
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
    colours = _colours(list(table.columns))
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
    ax.axvspan(left, day, color=_ALARM, alpha=0.1, zorder=0, linewidth=0, gid="expired")
    ax.axvline(day, color=_ALARM, linewidth=1, gid="as_of")
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
        color=_ALARM,
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
    _need(
        resources,
        [*_SITE, "name", "year", "stage", "category", "measure", "value", "unit"],
        "get_mining_site_resources",
    )
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        message = f"top={top!r} is no number of sites; give a whole number from 1"
        raise ValueError(message)
    rows = resources[resources["measure"].eq("tonnage").fillna(value=False)]
    rows = _only(_only(rows, "commodity_type", commodity), "unit", unit)
    # Sites without one key or the other are sites too.
    rows = rows.reset_index(drop=True)
    site = rows.groupby(list(_SITE), dropna=False, sort=False).ngroup()
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
    with _canvas(ax, (10.0, 1.6 + 0.38 * max(len(shown), 3))) as axes:
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
        _finish(axes, resources, title, left_out)
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
        _say_nothing(ax, "No tonnage by category")
        return
    ax.set_yticks(places, labels)
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    if legend:
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9)


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
    _need(frame, [colour, *([size] if size else [])], "get_mining_sites(details=True)")
    rows = frame.reset_index(drop=True)
    sizes = _sizes(rows, size)
    chosen = _latest(rows, sizes)
    here = chosen & ~np.isnan(found.longitude)
    unit = _unit(rows[here & sizes.notna().to_numpy()], size)
    groups, names = _grouped(rows.loc[here, colour], pd.Series(1.0, index=rows.index[here]))
    dots = pd.DataFrame(
        {
            "longitude": found.longitude[here],
            "latitude": found.latitude[here],
            "size": sizes[here].to_numpy(),
            "group": groups.to_numpy(dtype=object),
        }
    )
    with _canvas(ax, (11.0, 4.6)) as axes:
        mapped = _ground(axes, dots)
        if here.any():
            _dots(axes, dots, names, f"{size} ({unit})" if unit else size)
        else:
            axes.text(118, -2.5, "No row has a place", ha="center", color=_INK, zorder=5)
        left_out = {
            "row(s) without a place": int((chosen & np.isnan(found.longitude)).sum()),
            "row(s) of other years": int((~chosen).sum()),
        }
        dataset = DATASETS.get(_facts(frame).get("dataset", ""))
        title = f"{dataset.title.capitalize()}s" if dataset else "Places"
        note = "" if mapped else "No coastline: install the extra maps"
        _finish(axes, frame, f"{title} by {colour.replace('_', ' ')}", left_out, note)
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
    if not {*_SITE, "year"} <= set(frame.columns):
        return np.ones(len(frame), dtype=bool)
    site = frame.groupby(list(_SITE), dropna=False, sort=False).ngroup()
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
    colours = _colours(names)
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
        sample = [dot(step / largest * _LARGEST_DOT, _FAINT, f"{step:,.10g}") for step in steps]
        sample += [
            Line2D([], [], ls="", marker="o", ms=3.7, mfc="none", color=_FAINT, label="none given")
        ]
        ax.legend(
            handles=sample if rings.any() else sample[:-1],
            title=size,
            loc="lower left",
            bbox_to_anchor=(1.015, 0),
            labelspacing=1.1,
            **beside,
        )
