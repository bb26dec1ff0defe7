"""What a `resources_reserves` value says: its figures, and the value made from them again.

This folder owns the grammar of the keys, the reader, and the checks over the figures. It must not
import `frames`, `datasets` or anything above them.
"""

from __future__ import annotations

from sectorsdf.reserves.reader import FIGURE_FIELDS, figures, rebuild, wide, widen

__all__ = ["FIGURE_FIELDS", "figures", "rebuild", "wide", "widen"]
