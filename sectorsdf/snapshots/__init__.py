"""A dataset over time: dated snapshots in one root, what changed between them, and their history.

This folder owns the layout of a root, which other programs read as it lies, and what a change is.
It must not import a getter, `plot`, `sandbox` or `cli`.
"""

from sectorsdf.snapshots.difference import diff
from sectorsdf.snapshots.listing import list_snapshots as list  # noqa: A004 - as in snapshots.list
from sectorsdf.snapshots.reading import read
from sectorsdf.snapshots.scanning import scan
from sectorsdf.snapshots.schemas import schema
from sectorsdf.snapshots.timeline import changes, history
from sectorsdf.snapshots.writing import write

__all__ = ["changes", "diff", "history", "list", "read", "scan", "schema", "write"]
