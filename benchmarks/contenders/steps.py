"""Contenders that take a frame three steps further in pandas, with and without its provenance.

Each takes a number of rows, and returns the number of rows at the end. `prepare` makes the frames
before the time starts.
"""

from __future__ import annotations

import warnings
from functools import cache

from sectorsdf.datasets.licenses import MINING_LICENSES
from sectorsdf.frames.builder import FrameBuilder
from sectorsdf.frames.provenance import Provenance

REPEATS = 30


def prepare(_, *, rows, reported=0):
    """Make the frame."""
    _frame(rows, reported, attrs=True)
    _frame(rows, reported, attrs=False)


@cache
def _frame(rows, reported, *, attrs):
    """Return a frame of which so many values were reported, two in a row."""
    wrong = {"license_effective_date": "01/02/2020", "license_expiry_date": "01/02/2030"}
    right = {"license_effective_date": "2020-02-01", "license_expiry_date": "2030-02-01"}
    builder = FrameBuilder(MINING_LICENSES)
    for row in range(rows):
        days = wrong if row < reported // 2 else right
        builder.add([{"wiup_code": str(row), "licensed_area_ha": float(row), **days}])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = builder.frame(Provenance({"dataset": "mining_licenses"}), order=range(rows))
    if not attrs:
        frame.attrs = {}
    return frame


def _three_steps(frame):
    for _ in range(REPEATS):
        large = frame[frame["licensed_area_ha"] > 10]
        ordered = large.sort_values("licensed_area_ha")
        ordered = ordered.rename(columns={"licensed_area_ha": "area"})
    return len(ordered)


def steps_ours(rows, *, reported=0):
    """Select, sort and rename, with the provenance in ``attrs``."""
    return _three_steps(_frame(rows, reported, attrs=True))


def steps_bare(rows, *, reported=0):
    """Do the same without ``attrs``."""
    return _three_steps(_frame(rows, reported, attrs=False))
