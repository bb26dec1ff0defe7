"""The tree of what a company owns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pandas as pd

from sectorsdf.companies.ownership import owned_by
from sectorsdf.frames.inputs import require_columns
from sectorsdf.plot.style import (
    FAINT,
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

__all__ = ["ownership_tree"]

_EDGES: Final = ("parent_slug", "child_slug", "percentage_ownership")
_OWNED, _LISTED = "#0072B2", "#D55E00"
# Widths in the unit of the axis, percent: a step of the tree, a name without it, and a letter.
_STEP: Final = 7.0
_NAMES: Final = 96.0
_LETTER: Final = 3.25


def ownership_tree(
    ownership: pd.DataFrame,
    slug: str,
    *,
    links: pd.DataFrame | None = None,
    top: int = 30,
    ax: Axes | None = None,
) -> Axes:
    """Draw what a company owns as a tree, with the effective share in each company as a bar.

    Parameters
    ----------
    ownership : pandas.DataFrame
        Edges, as get_mining_company_ownership returns them with ``walk="down"``.
    slug : str
        The company at the root.
    links : pandas.DataFrame, optional
        Links, as link_companies returns them. With them, each company's number of licences is
        written, and the bars of companies without a licence are hatched.
    top : int, default 30
        How many companies to draw, those of the largest shares with all that is between.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        A row for each company, below the owner on the path of the largest share. A square marks a
        listed company, a circle any other. The note below counts what is not drawn, and has the
        source.

    Raises
    ------
    ValueError
        A column is missing, `top` is less than 1, or no edge names the company.
    MissingExtraError
        The extra ``plot`` is not installed.
    """
    require_columns(ownership, _EDGES, "get_mining_company_ownership")
    require_count(top)
    ends = pd.concat([ownership["parent_slug"], ownership["child_slug"]])
    if not ends.eq(slug).any():
        message = f"no edge of ownership names {slug!r}; give a slug, and fetch its edges with walk"
        raise ValueError(message)
    tree = _Tree.of(ownership, slug, top, links)
    with new_axes(ax, (6.4, 1.5 + 0.36 * max(len(tree.order), 3))) as axes:
        name, symbol = _root(ownership, slug)
        _draw_tree(axes, tree, name, is_listed=bool(symbol))
        title = plain_text(f"What {name} owns" + (f" ({symbol})" if symbol else ""), 60)
        left_out = {"more company(ies) with smaller shares": tree.hidden}
        finish(axes, ownership, title, left_out, _tree_note(tree))
    return axes


class _Tree(NamedTuple):
    """What a company owns, ready to be drawn.

    Attributes
    ----------
    root : str
        The slug of the company.
    order : list of (str, int)
        The companies in the order of the rows, with their depth; the root is the first.
    known : pandas.DataFrame
        What is known of each company, by slug, as `owned_by` returns it.
    paths : dict of str to tuple of str
        The slugs from the root to each company.
    counts : Series or None
        Numbers of licences by slug.
    hidden : int
        How many companies are not among the rows.
    """

    root: str
    order: list[tuple[str, int]]
    known: pd.DataFrame
    paths: dict[str, tuple[str, ...]]
    counts: pd.Series[int] | None
    hidden: int

    @classmethod
    def of(cls, ownership: pd.DataFrame, slug: str, top: int, links: pd.DataFrame | None) -> _Tree:
        """Return the tree below a company."""
        owned = owned_by(slug, ownership)
        known = owned.dropna(subset="path").set_index("owned_slug")
        paths = {str(name): tuple(str(path).split(" > ")) for name, path in known["path"].items()}
        order = _depth_first(slug, _with_owners(known, paths, top), known, paths)
        counts = None
        if links is not None:
            require_columns(links, ["company_slug"], "link_companies")
            counts = links["company_slug"].value_counts()
        return cls(slug, order, known, paths, counts, len(owned) - len(order) + 1)

    def licenses(self, slug: str) -> str:
        """Return how many licences a company has; an empty text if it has none."""
        count = 0 if self.counts is None else int(self.counts.get(slug, 0))
        return f"{count:,} licence{'' if count == 1 else 's'}" if count else ""

    def text(self, slug: str, column: str) -> str:
        """Return a text about a company; an empty one if it is missing."""
        return str(self.known[column].astype("string").fillna("")[slug])


def _with_owners(known: pd.DataFrame, paths: dict[str, tuple[str, ...]], top: int) -> list[str]:
    """Return the companies of the largest shares, each with the owners on its path."""
    chosen: dict[str, None] = {}
    ranked = known.assign(slug=known.index).sort_values(
        ["effective_pct", "slug"], ascending=[False, True], na_position="last"
    )
    for name in ranked.index:
        more = [each for each in paths[name][1:] if each not in chosen]
        if len(chosen) + len(more) > top:
            continue
        chosen |= dict.fromkeys(more)
    return list(chosen)


def _depth_first(
    root: str, chosen: list[str], known: pd.DataFrame, paths: dict[str, tuple[str, ...]]
) -> list[tuple[str, int]]:
    """Return the companies in the order of the rows, with their depth."""
    below: dict[str, list[str]] = {}
    for name in chosen:
        below.setdefault(paths[name][-2], []).append(name)
    share = known["effective_pct"].fillna(-1.0)
    waiting, rows, seen = [(root, 0)], [], set()
    while waiting:
        name, depth = waiting.pop()
        rows.append((name, depth))
        seen.add(name)
        children = sorted(below.get(name, []), key=lambda each: (share[each], each))
        waiting += [(each, depth + 1) for each in children if each not in seen]
    return rows


def _root(ownership: pd.DataFrame, slug: str) -> tuple[str, str]:
    """Return the name and the symbol of the company, as an edge has them."""
    for side in ("parent", "child"):
        rows = ownership[ownership[f"{side}_slug"].eq(slug).fillna(value=False)]
        found = [
            rows[column].dropna() if column in rows else pd.Series(dtype="string")
            for column in (f"{side}_name", f"{side}_symbol")
        ]
        if len(rows):
            name, symbol = (str(each.iloc[0]) if len(each) else "" for each in found)
            return name or slug, symbol.removesuffix(SUFFIX)
    return slug, ""


def _draw_tree(ax: Any, tree: _Tree, root: str, *, is_listed: bool) -> None:  # noqa: ANN401
    """Draw the rows from top to bottom: branches and names to the left, bars to the right.

    `root` is the name of the company at the root, which has no row in the shares.
    """
    deepest = max(depth for _, depth in tree.order)
    left = -(_NAMES + _STEP * deepest)
    heights = {name: -row for row, (name, _) in enumerate(tree.order)}
    for name, depth in tree.order:
        x, y = left + _STEP * depth, heights[name]
        is_root = name == tree.root
        listed = is_listed if is_root else bool(tree.known.at[name, "is_listed"])
        if not is_root:
            above, parent = x - _STEP, heights[tree.paths[name][-2]]
            ax.plot([above, above, x], [parent, y, y], color=FAINT, linewidth=0.8, zorder=1)
            _draw_share(ax, y, tree, name)
        ax.plot(
            [x], [y], marker="s" if listed else "o", markersize=6, zorder=2,
            color=_LISTED if listed else _OWNED, gid=f"company-{name}",
        )  # fmt: skip
        label = _root_label(tree, root) if is_root else _label(tree, name, depth, deepest)
        ax.text(x + 3, y, label, va="center", fontsize=8.5)
    ax.set_xlim(left - 3, 150 if tree.counts is not None else 122)
    ax.set_ylim(-len(tree.order) + 0.4, 0.6)
    ax.set_yticks([])
    ax.set_xticks([0, 50, 100])
    ax.set_xlabel("Effective share (%)", loc="right")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.plot([0, 0], [-len(tree.order) + 0.4, -0.5], color=FAINT, linewidth=0.6)
    if len(tree.order) == 1:
        draw_empty(ax, "It owns no company of the list")


def _root_label(tree: _Tree, name: str) -> str:
    own = tree.licenses(tree.root)
    return plain_text(name, 50) + (f", {own}" if own else "")


def _label(tree: _Tree, name: str, depth: int, deepest: int) -> str:
    """Return the name and symbol of a company, cut to the space between its mark and the bars."""
    symbol = tree.text(name, "symbol").removesuffix(SUFFIX)
    ending = f" ({symbol})" if symbol else ""
    letters = int((_NAMES - 5 + _STEP * (deepest - depth)) / _LETTER) - len(ending)
    return plain_text((tree.text(name, "name") or name), max(12, letters)) + plain_text(ending)


def _draw_share(ax: Any, y: float, tree: _Tree, name: str) -> None:  # noqa: ANN401
    """Draw the bar of one company, and write its share and its licences."""
    share = float(tree.known["effective_pct"].astype("float64")[name])
    licences = tree.licenses(name)
    missing = math.isnan(share)
    if not missing:
        plain = tree.counts is None or bool(licences)
        ax.barh(
            y, share, 0.55, color=_OWNED if plain else UNKNOWN, linewidth=0, edgecolor="white",
            hatch=None if plain else "////", gid=f"share-{name}",
        )  # fmt: skip
    text = "share not known" if missing else f"{share:.3g} %"
    if licences:
        text += f", {licences}"
    ax.text(1.5 if missing else share + 1.5, y, text, va="center", fontsize=8, color=INK)


def _tree_note(tree: _Tree) -> str:
    note = (
        "Square: listed company, circle: other company, each drawn once, on the path of its "
        "largest share"
    )
    return note if tree.counts is None else f"{note}. Hatched: no licence is linked"
