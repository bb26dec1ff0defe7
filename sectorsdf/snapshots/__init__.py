"""A dataset over time: dated snapshots in one root, what changed between them, and their history.

This folder owns the layout of a root, which other programs read as it lies, and what a change is.
It must not import a getter, `plot`, `sandbox` or `cli`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sectorsdf.snapshots.difference import diff
from sectorsdf.snapshots.listing import list_snapshots as list  # noqa: A004 - as in snapshots.list
from sectorsdf.snapshots.reading import read
from sectorsdf.snapshots.scanning import scan
from sectorsdf.snapshots.schemas import schema
from sectorsdf.snapshots.timeline import changes, history
from sectorsdf.snapshots.writing import write

if TYPE_CHECKING:
    import builtins

__all__ = ["changes", "diff", "history", "list", "read", "scan", "schema", "write"]


def __dir__() -> builtins.list[str]:
    return __all__.copy()
