"""Draw the figures of the documentation from the sandbox's synthetic sample.

Run with the extra ``docs``: ``python docs/figures.py``.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.patches import Patch

import sectorsdf

IMAGES = Path(__file__).parent / "images"
# Light to dark with rising confidence; reserves and resources told apart by hue.
STACKS = {
    "resources": {
        "inferred": "#c6dbef",
        "indicated": "#6baed6",
        "measured": "#2171b5",
        "total": "#b0b7c3",
    },
    "reserves": {"probable": "#fdae6b", "proven": "#d94801", "total": "#d9c3ad"},
}


def reserves(largest: int = 5) -> Path:
    """Reserves and resources by category of the largest sites of each commodity."""
    with sectorsdf.sandbox.running() as client, warnings.catch_warnings():
        warnings.simplefilter("ignore", sectorsdf.DataWarning)
        sites = sectorsdf.get_mining_sites(details=True, client=client)
    sites = sites[sites["tonnage_unit"].notna()]
    figure, axes = plt.subplots(2, 2, figsize=(10, 6.5), layout="constrained")
    for axis, (commodity, every) in zip(axes.flat, sites.groupby("commodity_type"), strict=True):
        unit = every["tonnage_unit"].mode()[0]
        one_unit = every[every["tonnage_unit"] == unit]
        rows = one_unit.sort_values("total_resources", ascending=False).head(largest)[::-1]
        for shift, (stage, colours) in zip((0.2, -0.2), STACKS.items(), strict=True):
            for place, (_, row) in enumerate(rows.iterrows()):
                parts = [name for name in colours if name != "total"]
                if row[[f"{name}_{stage}" for name in parts]].isna().all():
                    parts = ["total"]
                left = 0.0
                for name in parts:
                    width = row[f"{name}_{stage}"]
                    if not pd.isna(width):
                        hatch = "////" if name == "total" else None
                        axis.barh(
                            place + shift,
                            width,
                            0.36,
                            left,
                            color=colours[name],
                            hatch=hatch,
                            edgecolor="white",
                            linewidth=0,
                        )
                        left += width
        axis.set_yticks(range(len(rows)), rows["name"], fontsize=8)
        axis.set_xlabel(f"{unit} of {'coal' if commodity == 'Coal' else 'ore'}", fontsize=9)
        axis.set_title(commodity, loc="left", fontsize=11, fontweight="bold")
        axis.spines[["top", "right"]].set_visible(False)
        axis.margins(x=0.02)
    handles, labels = [], []
    for stage, colours in STACKS.items():
        for name, colour in colours.items():
            whole = name == "total"
            hatch = "////" if whole else None
            handles.append(Patch(facecolor=colour, hatch=hatch, edgecolor="white", linewidth=0))
            labels.append(f"{stage}, not divided" if whole else f"{name} {stage}")
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    figure.suptitle(
        "Resources (upper bar) and reserves (lower bar) of the largest sites, synthetic sample",
        fontsize=11,
    )
    path = IMAGES / "reserves.png"
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return path


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    reserves()
