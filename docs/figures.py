"""Draw the figures of the documentation from the sandbox's synthetic sample.

Run with the extra ``docs``: ``python docs/figures.py``.
"""

from __future__ import annotations

import warnings
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

import sectorsdf
import sectorsdf.plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Fixed identifiers make the same figure the same file every time.
mpl.rcParams["svg.hashsalt"] = "sectorsdf"
IMAGES = Path(__file__).parent / "images"
TODAY = {"today": date(2026, 1, 15)}
UNITS = {"Coal": "Mt", "Copper": "Mt", "Gold": "Mt", "Nickel": "wmt"}


def reserves(largest: int = 5) -> Path:
    """Draw reserves and resources by category of the largest sites of each commodity."""
    with sectorsdf.sandbox.running() as client, warnings.catch_warnings():
        warnings.simplefilter("ignore", sectorsdf.DataWarning)
        figures = sectorsdf.get_mining_site_resources(client=client)
    figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
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
    path = IMAGES / "reserves.png"
    figure.savefig(path, dpi=100, metadata={"Software": None})
    plt.close(figure)
    return path


def home() -> Path:
    """Draw the licensed area of the register by year of expiry."""
    with sectorsdf.sandbox.running(server=TODAY) as client:
        licences = sectorsdf.get_mining_licenses(client=client)
    axes = sectorsdf.plot.expiry_timeline(licences, freq="year", as_of=TODAY["today"])
    return _save(axes, "home.svg", (8.6, 4.4))


def sites_map() -> Path:
    """Draw the sites on a map."""
    with sectorsdf.sandbox.running(server=TODAY) as client, warnings.catch_warnings():
        warnings.simplefilter("ignore", sectorsdf.DataWarning)
        sites = sectorsdf.get_mining_sites(details=True, client=client)
    return _save(sectorsdf.plot.site_map(sites), "map.png", (11, 4.6))


def _save(axes: Axes, name: str, size: tuple[float, float]) -> Path:
    path = IMAGES / name
    axes.figure.set_size_inches(*size)
    # Metadata that would differ from run to run is left out.
    omitted = ["Date", "Creator"] if path.suffix == ".svg" else ["Software"]
    axes.figure.savefig(path, dpi=110, metadata=dict.fromkeys(omitted), bbox_inches="tight")
    plt.close(axes.figure)
    return path


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    for draw in (reserves, home, sites_map):
        draw()
