"""What all pictures share: new Axes, colours, groups, titles, and the note of the source.

Imports matplotlib only when a picture is drawn.
"""

from __future__ import annotations

import textwrap
from contextlib import contextmanager, nullcontext
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from sectorsdf.errors import MissingExtraError, printable
from sectorsdf.frames.provenance import Provenance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

__all__ = [
    "ALARM",
    "FAINT",
    "INK",
    "SITE_KEY",
    "SUFFIX",
    "UNKNOWN",
    "colours_for",
    "draw_empty",
    "finish",
    "finish_figure",
    "finite_numbers",
    "hatch_for",
    "markers_for",
    "new_axes",
    "new_figure",
    "note_lines",
    "plain_text",
    "require_count",
    "top_groups",
]


_MOST_GROUPS: Final = 6
# No figure of a mine is larger, and the digits of a larger one would take the picture's space.
_LARGEST: Final = 1e15
_LONGEST_LABEL: Final = 45
_OTHERS, _NOT_GIVEN = "Others", "not given"
# The palette of Okabe and Ito, which colour-blind people can distinguish, and three colours that
# differ in lightness. The four commodities of sites have the same colour in every picture.
_PALETTE: Final = ("#0072B2", "#CC79A7", "#56B4E9", "#8C6D31", "#6A51A3", "#A6D854", "#F0E442")
_COLOURS: Final = {
    "Coal": "#3a3a3a",
    "Nickel": "#009E73",
    "Gold": "#E69F00",
    "Copper": "#D55E00",
    _OTHERS: "#c4c8cf",
    _NOT_GIVEN: "#e4e6ea",
}
# The shape and the pattern of a commodity tell it apart where its colour does not.
_MARKS: Final = {"Coal": "o", "Nickel": "s", "Gold": "^", "Copper": "D"}
_FREE_MARKS: Final = ("v", "P", "X", "<", ">", "h", "*", "p", "d", "8")
_HATCHES: Final = {"Gold": r"\\\\", "Copper": "////"}
INK, FAINT, ALARM = "#22262b", "#6b7280", "#c2362b"
_LIGHT: Final = {
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
# The colour of what is not known; a hatch is drawn on it.
UNKNOWN: Final = "#c4c8cf"
# What the symbols of the exchange end with, which is no part of a ticker.
SUFFIX: Final = ".JK"
SITE_KEY: Final = ("slug", "commodity_type", "company_slug")


def _pyplot() -> Any:  # noqa: ANN401 - matplotlib is optional, so its types may be missing
    try:
        import matplotlib.pyplot as plt  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = f'plots need matplotlib: pip install "sectorsdf[plot]" ({error})'
        raise MissingExtraError(message) from None
    return plt


@contextmanager
def new_axes(ax: Axes | None, size: tuple[float, float]) -> Iterator[Axes]:
    """Yield the caller's Axes unchanged, or a new one that is legible in a dark notebook too."""
    plt = _pyplot()
    with plt.rc_context(_LIGHT) if ax is None else nullcontext():
        if ax is None:
            _, ax = plt.subplots(figsize=size, layout="constrained")
        yield ax


@contextmanager
def new_figure(figure: FigureBase | None, size: tuple[float, float]) -> Iterator[Any]:
    """Yield the caller's figure unchanged, or a new one, as `new_axes` does."""
    plt = _pyplot()
    with plt.rc_context(_LIGHT) if figure is None else nullcontext():
        yield plt.figure(figsize=size, layout="constrained") if figure is None else figure


def require_count(top: object) -> None:
    """Raise ValueError if a number of rows is not a whole number from 1."""
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        message = f"top={top!r} is not a number of rows; give a whole number from 1"
        raise ValueError(message)


def finite_numbers(frame: pd.DataFrame, name: str) -> pd.Series[float]:
    """Return a column as float64, missing where it is not finite; ValueError if it is no number."""
    column = frame[name]
    if column.isna().all():
        return pd.Series(np.nan, column.index, dtype="float64")
    if not pd.api.types.is_numeric_dtype(column.dtype):
        message = f"{name!r} must be a column of numbers, not {column.dtype}"
        raise ValueError(message)
    values = column.astype("Float64").astype("float64")
    return values.where(np.isfinite(values) & (values.abs() < _LARGEST))


def plain_text(text: object, longest: int = _LONGEST_LABEL) -> str:
    """Return a text from the data as matplotlib has to get it to draw it as it is.

    Matplotlib reads formulas between dollar signs, and leaves labels with an underscore at the
    start out of a legend. A long text would leave no space for the picture.
    """
    plain = printable(str(text))
    if len(plain) > longest:
        plain = f"{plain[: longest - 1]}…"
    return f"{' ' * plain.startswith('_')}{plain}".replace("$", r"\$")


def finish(
    ax: Any,  # noqa: ANN401
    frame: pd.DataFrame,
    title: str,
    left_out: Mapping[str, int],
    note: str = "",
) -> None:
    """Write the title, and below the picture the source of the data and what is not drawn.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The finished picture.
    frame : pandas.DataFrame
        The frame, with the source in its provenance.
    title : str
        The title; texts from the data in it have gone through `plain_text`.
    left_out : mapping of str to int
        What is not drawn, with its number. A number of zero is not written.
    note : str
        One more line.
    """
    lines = note_lines(frame, left_out, note)
    # A line longer than the Axes would shrink it. About 14 letters fit into an inch.
    width = ax.get_position().width * ax.figure.get_figwidth()
    letters = max(36, int(14 * width))
    ax.set_title(title, loc="left", fontsize=12, fontweight="bold", wrap=True)
    ax.annotate(
        _wrapped(lines, letters),
        (0, 0),
        xycoords=("axes fraction", ax.xaxis.label),
        xytext=(0, -5),
        textcoords="offset points",
        va="top",
        fontsize=8,
        color=FAINT,
        gid="source",
    )


def finish_figure(
    figure: Any,  # noqa: ANN401
    frame: pd.DataFrame,
    title: str,
    left_out: Mapping[str, int],
    note: str = "",
) -> None:
    """Write what `finish` writes, above and below all panels of a figure."""
    width = figure.bbox.width / figure.figure.dpi
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    text = figure.supxlabel(
        _wrapped(note_lines(frame, left_out, note), max(36, int(14 * width))),
        x=0.01,
        ha="left",
        fontsize=8,
        color=FAINT,
    )
    text.set_gid("source")


def note_lines(frame: pd.DataFrame, left_out: Mapping[str, int], note: str = "") -> list[str]:
    """Return the lines of a note: the source of a frame, what is not drawn, and one more line."""
    provenance = Provenance.of_frame(frame)
    source = provenance.get("source")
    fetched = str(provenance.get("fetched_at", "at an unknown time"))[:10]
    known = f"Source: {source}, fetched {fetched}"
    lines = [known if source else "Source: unknown, the frame has no provenance"]
    missing = [f"{count:,} {what}" for what, count in left_out.items() if count]
    if missing:
        lines.append(f"Not drawn: {'; '.join(missing)}")
    return [*lines, note] if note else lines


def _wrapped(lines: Sequence[str], letters: int) -> str:
    return "\n".join(textwrap.fill(plain_text(line, 1_000), letters) for line in lines)


def draw_empty(ax: Any, reason: str) -> None:  # noqa: ANN401
    """Write on empty Axes why nothing is drawn."""
    ax.text(0.5, 0.5, reason, transform=ax.transAxes, ha="center", va="center", color=FAINT)
    ax.set(xticks=[], yticks=[])


def top_groups(
    values: pd.Series[Any], weights: pd.Series[float]
) -> tuple[pd.Series[str], list[str]]:
    """Keep the largest groups and put the others into one.

    Parameters
    ----------
    values : pandas.Series
        The group of each row.
    weights : pandas.Series
        What is summed to order the groups.

    Returns
    -------
    groups : pandas.Series
        The group of each row, `Others` for the small ones, `not given` where there is none.
    names : list of str
        The groups, the largest first.
    """
    groups = values.astype("string").fillna(_NOT_GIVEN)
    sums = weights.groupby(groups).sum().sort_values(ascending=False, kind="stable")
    names = [str(name) for name in sums.index if name != _NOT_GIVEN]
    # One group more is as easy to read as a group of one that is called Others.
    top = names if len(names) <= _MOST_GROUPS + 1 else names[:_MOST_GROUPS]
    last = [] if len(top) == len(names) else [_OTHERS]
    last += [_NOT_GIVEN] if (groups == _NOT_GIVEN).any() else []
    return groups.where(groups.isin([*top, _NOT_GIVEN]), _OTHERS), [*top, *last]


def colours_for(groups: Sequence[str]) -> dict[str, str]:
    """Return a colour for each group, the same for the same commodity in every picture."""
    free = iter(_PALETTE)
    return {name: _COLOURS.get(name) or next(free, "#999999") for name in groups}


def markers_for(groups: Sequence[str]) -> dict[str, str]:
    """Return a marker for each group, the same for the same commodity in every picture."""
    free = cycle(_FREE_MARKS)
    others = {_OTHERS: "o", _NOT_GIVEN: "o"}
    return {name: (_MARKS | others).get(name) or next(free) for name in groups}


def hatch_for(group: str) -> str | None:
    """Return the pattern of a group's bars, or None for plain bars."""
    return _HATCHES.get(group)
