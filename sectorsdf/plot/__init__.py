"""Pictures of the frames, with matplotlib. Needs the extra ``plot``.

Each function draws on an Axes, its own or the caller's, and returns it; none shows a window or
changes matplotlib's settings. What is not drawn is said on the picture, and so is the source.
"""

from __future__ import annotations

from sectorsdf.plot.charts import expiry_timeline, resources_bars
from sectorsdf.plot.maps import site_map

__all__ = ["expiry_timeline", "resources_bars", "site_map"]
