"""The `resources_reserves` of a mine site become figures, and figures become the JSON again.

This folder owns the grammar of the keys, the reader and the checks of the figures. It must not
import `frames`, `datasets` or anything above them.
"""

from __future__ import annotations

from sectorsdf.reserves.reader import FIGURE_FIELDS, figures, rebuild
from sectorsdf.reserves.wide_row import wide, widen

__all__ = ["FIGURE_FIELDS", "figures", "rebuild", "wide", "widen"]
