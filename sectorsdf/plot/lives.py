"""The chart of how long the reserves of sites last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorsdf.frames.inputs import require_columns
from sectorsdf.plot.style import (
    INK,
    colours_for,
    draw_empty,
    finish,
    finite_numbers,
    hatch_for,
    new_axes,
    plain_text,
    require_count,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["reserve_life"]


def reserve_life(life: pd.DataFrame, *, top: int = 20, ax: Axes | None = None) -> Axes:
    """Draw how many years the reserves of each site last at its production of the year.

    Parameters
    ----------
    life : pandas.DataFrame
        One row for each site and year, as `sectorsdf.reserve_life` returns it.
    top : int, default 20
        Number of rows, the longest lives first.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        A bar in years for each row with a ``reserve_life``, coloured by commodity. The note below
        counts what is not drawn, and has the source.

    Raises
    ------
    ValueError
        A column is missing, or `top` is less than 1.
    MissingExtraError
        The extra ``plot`` is not installed.

    Examples
    --------
    >>> import sectorsdf
    >>> with sectorsdf.sandbox.running() as client:
    ...     sites = sectorsdf.get_mining_sites(client=client)
    ...     figures = sectorsdf.get_mining_site_resources(sites, client=client)
    >>> axes = sectorsdf.plot.reserve_life(sectorsdf.reserve_life(sites, figures))
    >>> axes.get_xlabel()
    'Reserves over the production of a year (years)'
    """
    require_columns(
        life, ["name", "slug", "year", "commodity_type", "reserve_life"], "sectorsdf.reserve_life"
    )
    require_count(top)
    years = finite_numbers(life.reset_index(drop=True), "reserve_life")
    rows = life.reset_index(drop=True).assign(reserve_life=years)
    known = rows[years.notna()].sort_values("reserve_life", ascending=False, kind="stable")
    shown = known.head(top).reset_index(drop=True)
    with new_axes(ax, (7.2, 1.6 + 0.32 * max(len(shown), 3))) as axes:
        kinds = shown["commodity_type"].astype("string").fillna("not given")
        colours = colours_for(list(dict.fromkeys(kinds)))
        for kind, colour in colours.items():
            mine = shown[kinds == kind]
            bars = axes.barh(
                -mine.index, mine["reserve_life"], 0.62, color=colour, hatch=hatch_for(kind),
                edgecolor="white", linewidth=0, label=plain_text(kind),
            )  # fmt: skip
            axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=8.5, color=INK)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("Reserves over the production of a year (years)")
        if shown.empty:
            draw_empty(axes, "No row has a reserve life")
        else:
            names = shown["name"].fillna(shown["slug"]) + shown["year"].astype("string").radd(", ")
            axes.set_yticks(-shown.index, [plain_text(name) for name in names])
            axes.set_ylim(-len(shown) + 0.4, 0.6)
            axes.legend(loc="lower right", frameon=False, fontsize=9)
        left_out = {
            "more row(s)": len(known) - len(shown),
            "row(s) without a reserve life": len(rows) - len(known),
        }
        finish(axes, life, "Reserve life", left_out)
    return axes
