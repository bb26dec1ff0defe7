"""The chart of what the production of listed companies stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from sectorsdf.frames.inputs import require_columns
from sectorsdf.plot.style import (
    INK,
    SUFFIX,
    UNKNOWN,
    draw_empty,
    finish,
    new_axes,
    plain_text,
    require_count,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["license_cover"]

_MONTHS: Final = (12, 24, 36)
# What ends soon is dark. The colours differ in lightness, and what is not known has a hatch.
_ENDS: Final = {12: "#7f2704", 24: "#d94801", 36: "#fdae6b"}
_LATER: Final = "#9ecae1"


def license_cover(
    cover: pd.DataFrame,
    *,
    commodity: str | None = None,
    top: int = 20,
    ax: Axes | None = None,
) -> Axes:
    """Draw which part of each listed company's production is under licences that end soon.

    Parameters
    ----------
    cover : pandas.DataFrame
        The cover, as `sectorsdf.companies.license_cover` returns it.
    commodity : str, optional
        Draw only this ``commodity_type``, whose case does not matter.
    top : int, default 20
        Number of rows. Those of which most is known come first. Among these, if all figures have
        one unit, the one that produces most is the first, and otherwise they are sorted by symbol.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        A bar for each listed company and commodity with production: the parts that end within 12,
        24 and 36 months, the part that does not, and, hatched, the part of which it is not known.
        Each bar is 100 % of the company's attributable production, which is written beside it with
        its own unit. The note below counts what is not drawn, and has the source.

    Raises
    ------
    ValueError
        A column is missing, `top` is less than 1, or no row has that commodity.
    MissingExtraError
        The extra ``plot`` is not installed.
    """
    bounds = [f"production_share_{months}m_{end}" for months in _MONTHS for end in ("min", "max")]
    require_columns(
        cover,
        ["symbol", "commodity_type", "production_year", "attributable_production",
         "production_unit", "producing_subsidiaries", "linked_subsidiaries", *bounds],
        "license_cover",
    )  # fmt: skip
    require_count(top)
    rows = cover
    if commodity is not None:
        rows = cover[cover["commodity_type"].str.casefold().eq(commodity.casefold())]
        if rows.empty and len(cover):
            present = ", ".join(sorted(cover["commodity_type"].dropna().unique()))
            message = f"the cover has no commodity {commodity!r}; there are {present}"
            raise ValueError(message)
    produces = rows["production_year"].notna()
    known = rows[produces & rows["attributable_production"].gt(0)]
    parts = _parts(known)
    order = _in_order(known.assign(unknown=parts["unknown"]))
    shown = order.index[:top]
    with new_axes(ax, (6.4, 2.6 + 0.4 * max(len(shown), 3))) as axes:
        _draw_cover(axes, known.loc[shown], parts.loc[shown], several=commodity is None)
        left_out = {
            "more row(s)": len(known) - len(shown),
            "row(s) without reported production": int((~produces).sum()),
            "row(s) whose production cannot be added up": int(produces.sum()) - len(known),
        }
        what = "production" if commodity is None else f"{plain_text(commodity.lower())} production"
        finish(axes, cover, f"When the licences under the {what} end", left_out, _COVER_NOTE)
    return axes


_COVER_NOTE: Final = (
    "Not known: a company has no licence linked, or several of which some end. In brackets: linked "
    "and all producing companies"
)


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows as they are drawn, the first one on top."""
    if rows["production_unit"].nunique() == 1:
        by, ascending = ["unknown", "attributable_production"], [True, False]
    else:
        # Figures in several units have no order.
        by, ascending = ["unknown", "symbol", "commodity_type"], [True, True, True]
    return rows.sort_values(by, ascending=ascending, kind="stable")


def _parts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the parts of each bar in percent, which add up to 100."""
    share = {
        (months, end): rows[f"production_share_{months}m_{end}"].astype("Float64").astype("float64")
        for months in _MONTHS
        for end in ("min", "max")
    }
    parts: dict[str, pd.Series[float]] = {}
    before = pd.Series(0.0, rows.index)
    for months in _MONTHS:
        low = share[months, "min"].fillna(0.0)
        parts[f"{months}m"] = (low - before).clip(lower=0.0)
        before = low
    high = share[_MONTHS[-1], "max"].fillna(1.0)
    parts["unknown"] = (high - before).clip(lower=0.0)
    parts["later"] = 1.0 - high
    return pd.DataFrame(parts, index=rows.index) * 100


def _draw_cover(
    ax: Any,  # noqa: ANN401
    rows: pd.DataFrame,
    parts: pd.DataFrame,
    *,
    several: bool,
) -> None:
    """Draw a bar for each row, the first row on top."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_xlabel("Share of attributable production (%)")
    if rows.empty:
        draw_empty(ax, "No production is reported")
        return
    styles = {
        **{f"{months}m": (_ENDS[months], None, f"ends within {months} months") for months in _ENDS},
        "unknown": (UNKNOWN, "////", "not known"),
        "later": (_LATER, None, "ends later"),
    }
    heights = [-row for row in range(len(rows))]
    left = pd.Series(0.0, parts.index)
    for name, (colour, hatch, label) in styles.items():
        ax.barh(
            heights, parts[name], 0.62, left, color=colour, hatch=hatch, edgecolor="white",
            linewidth=0.5, label=label,
        )  # fmt: skip
        left = left + parts[name]
    for y, row in zip(heights, rows.to_dict("records"), strict=True):
        volume = row["attributable_production"]
        amount = f"{volume:,.0f}" if volume >= 1000 else f"{volume:.3g}"
        linked = f"{row['linked_subsidiaries']} of {row['producing_subsidiaries']}"
        text = plain_text(f"{amount} {row['production_unit']} ({linked})")
        ax.text(102, y, text, va="center", fontsize=8, color=INK)
    names = rows["symbol"].str.removesuffix(SUFFIX)
    if several:
        names = names + ", " + rows["commodity_type"].str.lower()
    ax.set_yticks(heights, [plain_text(name, 24) for name in names])
    # Below the bars is the legend.
    ax.set_ylim(-len(rows) - 1.6, 0.6)
    ax.set_xlim(0, 138)
    ax.set_xticks([0, 25, 50, 75, 100])
    ax.legend(
        loc="lower left", ncols=2, frameon=False, fontsize=8, borderaxespad=0.2
    )  # fmt: skip
