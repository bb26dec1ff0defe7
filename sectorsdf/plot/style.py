"""What all pictures share: their ground, colours, titles, and the note of their source."""

from __future__ import annotations

import textwrap
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from sectorsdf.errors import MissingExtraError
from sectorsdf.frames.provenance import ATTRS
from sectorsdf.geo import need_frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

__all__ = [
    "ALARM",
    "FAINT",
    "INK",
    "SITE",
    "colours_of",
    "draw_empty",
    "facts_of",
    "finish",
    "new_axes",
    "require_columns",
    "top_groups",
]


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
INK, FAINT, ALARM = "#22262b", "#6b7280", "#c2362b"
SITE: Final = ("slug", "commodity_type", "company_slug")


def _pyplot() -> Any:  # noqa: ANN401 - matplotlib is optional, so its types may not be there
    try:
        import matplotlib.pyplot as plt  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = f'pictures need matplotlib: pip install "sectorsdf[plot]" ({error})'
        raise MissingExtraError(message) from None
    return plt


@contextmanager
def new_axes(ax: Axes | None, size: tuple[float, float]) -> Iterator[Axes]:
    """Give an Axes: the caller's as it is, or one that stays legible in a dark notebook."""
    plt = _pyplot()
    light = {
        "axes.edgecolor": FAINT,
        "axes.facecolor": "white",
        "axes.labelcolor": INK,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "font.size": 10.0,
        "hatch.color": "white",
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
    }
    with plt.rc_context(light) if ax is None else nullcontext():
        if ax is None:
            _, ax = plt.subplots(figsize=size, layout="constrained")
        yield ax


def require_columns(frame: pd.DataFrame, columns: Sequence[str], getter: str) -> None:
    """Refuse a frame that lacks a column, and say which getter gives it."""
    need_frame(frame)
    absent = [name for name in columns if name not in frame.columns]
    if absent:
        message = f"the frame has no column {', '.join(absent)}; {getter} gives it"
        raise ValueError(message)


def facts_of(frame: pd.DataFrame) -> Mapping[str, Any]:
    """Return a frame's provenance, empty where it carries none."""
    facts = frame.attrs.get(ATTRS)
    return facts if isinstance(facts, dict) else {}


def finish(
    ax: Any,  # noqa: ANN401
    frame: pd.DataFrame,
    title: str,
    left_out: Mapping[str, int],
    note: str = "",
) -> None:
    """Write the title, and below the picture where the data is from and what is not drawn."""
    facts = facts_of(frame)
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
        color=FAINT,
        gid="source",
    )


def draw_empty(ax: Any, what: str) -> None:  # noqa: ANN401
    """Write on empty Axes why they are."""
    ax.text(0.5, 0.5, what, transform=ax.transAxes, ha="center", va="center", color=FAINT)
    ax.set(xticks=[], yticks=[])


def top_groups(
    values: pd.Series[Any], weights: pd.Series[float]
) -> tuple[pd.Series[str], list[str]]:
    """Keep the heaviest groups and call the rest `Others`; heaviest first."""
    named = values.astype("string").fillna(_NOT_GIVEN)
    order = weights.groupby(named).sum().sort_values(ascending=False, kind="stable")
    first = [str(name) for name in order.index if name != _NOT_GIVEN]
    kept = first if len(first) <= _MOST_GROUPS + 1 else first[:_MOST_GROUPS]
    last = [] if len(kept) == len(first) else [_OTHERS]
    last += [_NOT_GIVEN] if (named == _NOT_GIVEN).any() else []
    return named.where(named.isin([*kept, _NOT_GIVEN]), _OTHERS), [*kept, *last]


def colours_of(groups: Sequence[str]) -> dict[str, str]:
    """Return a colour for each group, the same for the same commodity in every picture."""
    free = iter(_PALETTE)
    return {name: _COLOURS.get(name) or next(free, "#999999") for name in groups}
