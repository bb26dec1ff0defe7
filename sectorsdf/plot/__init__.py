"""Charts and maps of the frames, with matplotlib. Needs the extra ``plot``.

Each function draws on a new Axes or on the caller's, and returns it; one that draws several panels
does so with a Figure, and `interactive_map` makes a page with the extra ``interactive``. None opens
a window or changes matplotlib's settings. Below each picture are the source of the data and the
number of rows that are not drawn. This package draws frames that the caller already has: it must
not import `mining`, `client` or `cli`.
"""

from __future__ import annotations

from sectorsdf.plot.area_changes import changes
from sectorsdf.plot.charts import expiry_timeline, resources_bars
from sectorsdf.plot.cover import license_cover
from sectorsdf.plot.interactive import interactive_map
from sectorsdf.plot.lives import reserve_life
from sectorsdf.plot.maps import license_map, site_map
from sectorsdf.plot.ownership import ownership_tree
from sectorsdf.plot.series import prices, production

__all__ = [
    "changes",
    "expiry_timeline",
    "interactive_map",
    "license_cover",
    "license_map",
    "ownership_tree",
    "prices",
    "production",
    "reserve_life",
    "resources_bars",
    "site_map",
]


def __dir__() -> list[str]:
    return __all__.copy()
