"""Draw the figures of the documentation from the sandbox's synthetic sample.

Run with the extra ``docs``: ``python docs/figures.py``. It runs the code of the gallery, of the
home page and of the README, and saves the picture that a block makes in the files that the page
shows below the block. Each SVG has a twin ``-dark.svg`` for the dark theme, with other colours.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import pages

import sectorsdf
import sectorsdf.plot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

# Fixed identifiers make the same figure the same file every time.
mpl.rcParams["svg.hashsalt"] = "sectorsdf"
DOCS = Path(__file__).resolve().parent
IMAGES = DOCS / "images"
PAGES = ("gallery.md", "index.md", "../README.md")
UNITS = {"Coal": "Mt", "Copper": "Mt", "Gold": "Mt", "Nickel": "wmt"}
_IMAGE = re.compile(r"images/([\w-]+)\.(svg|png)")
# The colours of `sectorsdf.plot` on a dark page. White is what lies behind and between the shapes.
DARK = {
    "#ffffff": "#14181e",
    "#22262b": "#e6e8eb",
    "#6b7280": "#a7afbb",
    "#c2362b": "#ff8a80",
    "#3a3a3a": "#cdd2d9",
    "#c4c8cf": "#6d7683",
    "#e4e6ea": "#454c57",
    "#eef4f9": "#1c2733",
    "#dcd9d0": "#414751",
    "#b5b0a2": "#5f6672",
    "#c9d3dc": "#2d3a48",
    "#0072b2": "#3f9ddb",
    "#8c6d31": "#c09a55",
    "#6a51a3": "#a08ad6",
    "#08519c": "#2f7fd1",
    "#b34700": "#d9680f",
    "#7f2704": "#9a3412",
    "#000000": "#e6e8eb",
}


def of_page(name: str) -> None:
    """Run the blocks of a page, and save the picture of each in the files that the page shows."""
    text = (DOCS / name).read_text(encoding="utf-8")
    blocks = pages.blocks(text)
    starts = [block.start for block in blocks] + [len(text)]
    names: dict[str, Any] = {"__name__": "page"}
    for block, end in zip(blocks, starts[1:], strict=True):
        with contextlib.redirect_stdout(io.StringIO()):
            exec(block.code, names)  # noqa: S102 - the project's own pages
        below = dict.fromkeys(
            f"{stem}.{suffix}" for stem, suffix in _IMAGE.findall(text[block.start : end])
        )
        drawn = {"figure", "axes"} & names.keys()
        if below and drawn:
            figure = names.get("figure") or names["axes"].figure
            for file in below:
                if not file.endswith("-dark.svg"):
                    save(figure, file)
        for each in drawn:
            del names[each]
    plt.close("all")


def reserves(largest: int = 5) -> None:
    """Draw reserves and resources by category of the largest sites of each commodity."""
    with sectorsdf.sandbox.running() as client, warnings.catch_warnings():
        warnings.simplefilter("ignore", sectorsdf.DataWarning)
        figures = sectorsdf.get_mining_site_resources(client=client)
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.4), layout="constrained")
    legend = {}
    for axis, (commodity, unit) in zip(axes.flat, UNITS.items(), strict=True):
        sectorsdf.plot.resources_bars(
            figures, commodity=commodity, unit=unit, top=largest, legend=False, ax=axis
        )
        axis.set_title(commodity, loc="left", fontweight="bold")
        handles, labels = axis.get_legend_handles_labels()
        legend |= dict(zip(labels, handles, strict=True))
    figure.legend(
        legend.values(), legend, loc="outside lower center", ncols=4, frameon=False, fontsize=9
    )
    figure.suptitle("Resources (upper bar) and reserves (lower bar) of the largest sites")
    save(figure, "reserves.svg")
    plt.close(figure)


def save(figure: Figure, name: str) -> None:
    """Save a figure; an SVG in its light and in its dark colours."""
    path = IMAGES / name
    # Metadata that would differ from run to run is left out.
    omitted = ["Date", "Creator"] if path.suffix == ".svg" else ["Software"]
    figure.savefig(path, dpi=110, metadata=dict.fromkeys(omitted), bbox_inches="tight")
    if path.suffix == ".svg":
        text = _smaller(path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8")
        dark = re.sub("#[0-9a-f]{6}", lambda found: DARK.get(found[0], found[0]), text)
        path.with_name(f"{path.stem}-dark.svg").write_text(dark, encoding="utf-8")


def _smaller(svg: str) -> str:
    """Round the coordinates of the paths of an SVG to a tenth of a point."""
    return re.sub(r' d="M[^"]*"', lambda found: re.sub(r"(?<=\d)\.(\d)\d+", r".\1", found[0]), svg)


@contextlib.contextmanager
def _own_folder() -> Iterator[None]:
    """Work in a folder that is removed, with a cache and settings of its own."""
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["SECTORSDF_CACHE_DIR"] = f"{folder}/cache"
        os.environ["SECTORSDF_CONFIG_DIR"] = f"{folder}/config"
        try:
            yield
        finally:
            os.chdir(home)


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    with _own_folder():
        reserves()
        for page in sys.argv[1:] or PAGES:
            of_page(page)
